-- One trace through everything, in plain SQL: a role, a user, three stores by purpose, a document with two chunks and
-- their embeddings, a session with a message, a model, a request, its log of retrieval, its response, the answer.
-- Loaded as the owner, once: psql -v ON_ERROR_STOP=1 --single-transaction -f sql/seed/seed_max.sql
-- What it must read back is in seed_max_read.sql; `anima db smoke` does both and keeps nothing.

insert into roles (role_name, description) values ('researcher', 'Trains, compares and exports')
on conflict (role_name) do nothing;

-- No password has this hash: nobody signs in.
insert into users (username, email, full_name, password_hash)
values ('seed_max', 'seed_max@example.com', 'Max Seed', '!');

insert into user_roles (user_id, role_id)
select u.user_id, r.role_id from users u cross join roles r
where u.username = 'seed_max' and r.role_name = 'researcher';

-- A new user has them; here they are for whoever reads on.
insert into vector_stores (owner_id, store_name, embedding_model, dimension, metric, purpose)
select u.user_id, purpose, 'all-MiniLM-L6-v2', 384, 'cosine', purpose
from users u cross join unnest(array['context', 'findings', 'analysis']) as purpose
where u.username = 'seed_max'
on conflict (owner_id, store_name) do nothing;

insert into documents
    (owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state, stage, chunks_done, chunks_total)
select s.owner_id, s.store_id, 'The olive press', 'text/plain', repeat('0', 64), 79, 'seed://the-olive-press',
    'done', 'done', 2, 2
from vector_stores s join users u on u.user_id = s.owner_id
where u.username = 'seed_max' and s.store_name = 'findings';

insert into chunks (owner_id, document_id, chunk_index, text, token_count, location)
select d.owner_id, d.document_id, c.chunk_index, c.text, c.token_count,
    jsonb_build_object('line_start', c.chunk_index + 1, 'line_end', c.chunk_index + 1)
from documents d join users u on u.user_id = d.owner_id
cross join (values
    (0, 'The press was built in 1911.', 8),
    (1, 'Its oil is green and tastes of grass.', 10)
) as c (chunk_index, text, token_count)
where u.username = 'seed_max' and d.title = 'The olive press';

-- Two directions that have nothing in common: the first chunk points along the first axis, the second along the second.
insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector)
select c.owner_id, d.store_id, 'chunk', c.chunk_id::text, 'chunk:' || c.chunk_id,
    ('[' || repeat('0,', c.chunk_index) || '1' || repeat(',0', 383 - c.chunk_index) || ']')::vector
from chunks c
join documents d on d.owner_id = c.owner_id and d.document_id = c.document_id
join users u on u.user_id = c.owner_id
where u.username = 'seed_max';

insert into sessions (user_id, title) select user_id, 'About the press' from users where username = 'seed_max';

insert into session_participants (session_id, owner_id, user_id)
select s.session_id, s.user_id, s.user_id from sessions s join users u using (user_id) where u.username = 'seed_max';

insert into messages (session_id, owner_id, author_id, role, content)
select s.session_id, s.user_id, s.user_id, 'user', 'When was the press built?'
from sessions s join users u using (user_id) where u.username = 'seed_max';

insert into llm_models (provider, model_name, max_context_len)
values ('seed', 'seed-max', 4096)
on conflict (provider, model_name, model_version) do nothing;

insert into llm_requests
    (owner_id, session_id, user_id, message_id, model_id, prompt_text, token_estimate, state, expires_at, finished_at)
select m.owner_id, m.session_id, m.owner_id, m.message_id, l.model_id, m.content, 7, 'completed', now(), now()
from messages m join users u on u.user_id = m.owner_id
cross join llm_models l
where u.username = 'seed_max' and m.role = 'user' and l.provider = 'seed' and l.model_name = 'seed-max';

insert into retrieval_logs
    (owner_id, request_id, store_id, query_text, query_vector, top_k, result_ids, distances, status, latency_ms)
select q.owner_id, q.request_id, e.store_id, q.prompt_text, ('[1' || repeat(',0', 383) || ']')::vector, 2,
    array_agg(e.entity_id::bigint order by e.vector <=> ('[1' || repeat(',0', 383) || ']')::vector),
    array_agg(e.vector <=> ('[1' || repeat(',0', 383) || ']')::vector
        order by e.vector <=> ('[1' || repeat(',0', 383) || ']')::vector),
    'completed', 1.5
from llm_requests q
join users u on u.user_id = q.owner_id
join embeddings e on e.owner_id = q.owner_id and e.entity_type = 'chunk'
where u.username = 'seed_max'
group by q.owner_id, q.request_id, e.store_id;

insert into messages (session_id, owner_id, parent_message_id, role, content)
select m.session_id, m.owner_id, m.message_id, 'assistant', 'In 1911 [1].'
from messages m join users u on u.user_id = m.owner_id where u.username = 'seed_max' and m.role = 'user';

insert into llm_responses (owner_id, request_id, message_id, content, usage)
select q.owner_id, q.request_id, a.message_id, jsonb_build_object('text', a.content),
    '{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}'
from llm_requests q
join users u on u.user_id = q.owner_id
join messages a on a.owner_id = q.owner_id and a.parent_message_id = q.message_id and a.role = 'assistant'
where u.username = 'seed_max';

insert into response_citations (owner_id, response_id, document_id, chunk_id, marker, quote, location)
select p.owner_id, p.response_id, c.document_id, c.chunk_id, 1, 'built in 1911', c.location
from llm_responses p
join users u on u.user_id = p.owner_id
join retrieval_logs r on r.owner_id = p.owner_id and r.request_id = p.request_id
join chunks c on c.owner_id = r.owner_id and c.chunk_id = r.result_ids[1]
where u.username = 'seed_max';
