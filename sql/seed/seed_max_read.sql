-- The trace of seed_max.sql, read back from its user to the answer: one row, as seed_max.json says it.
select
    u.username::text as "user",
    (select array_agg(r.role_name) from user_roles ur join roles r using (role_id) where ur.user_id = u.user_id) as roles,
    (select array_agg(s.purpose order by s.store_id) from vector_stores s where s.owner_id = u.user_id) as stores,
    d.title as document,
    (select array_agg(c.text order by c.chunk_index) from chunks c
        where c.owner_id = d.owner_id and c.document_id = d.document_id) as chunks,
    (select array_agg(vector_dims(e.vector)) from embeddings e
        where e.owner_id = u.user_id and e.store_id = d.store_id) as dimensions,
    s.title as session,
    m.content as message,
    l.provider || '/' || l.model_name as model,
    q.state as request,
    r.status as retrieval,
    (select array_agg(c.chunk_index order by found.place) from unnest(r.result_ids) with ordinality found (chunk_id, place)
        join chunks c on c.owner_id = r.owner_id and c.chunk_id = found.chunk_id) as found,
    r.distances,
    p.content ->> 'text' as response,
    (p.usage ->> 'total_tokens')::integer as tokens,
    a.content as answer,
    a.role as answered_by,
    cited.quote as citation
from users u
join sessions s on s.user_id = u.user_id
join messages m on m.owner_id = u.user_id and m.session_id = s.session_id and m.role = 'user'
join llm_requests q on q.owner_id = u.user_id and q.message_id = m.message_id
join llm_models l on l.model_id = q.model_id
join retrieval_logs r on r.owner_id = u.user_id and r.request_id = q.request_id
join llm_responses p on p.owner_id = u.user_id and p.request_id = q.request_id
join messages a on a.owner_id = u.user_id and a.message_id = p.message_id and a.parent_message_id = m.message_id
join response_citations cited on cited.owner_id = u.user_id and cited.response_id = p.response_id
join documents d on d.owner_id = u.user_id and d.document_id = cited.document_id
where u.username = 'seed_max'
