"""Two people with something in every table, and what an eavesdropper must not find or leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from tenancy import model_database
from tenancy.states import NAMED, STATES

TENANT_TABLES: LiteralString = """
select c.relname, (array_agg(a.attname order by a.attname <> 'owner_id'))[1]
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attname in ('owner_id', 'user_id') and not a.attisdropped
group by c.relname order by c.relname
"""
"""Every table whose rows belong to somebody, and the column that says to whom."""

# In the order of their foreign keys. `me` is the user; `mark` stands in everything that somebody wrote.
SEED: list[LiteralString] = [
    "insert into user_roles select %(me)s, role_id from roles where role_name = 'viewer'",
    """
    insert into api_keys (user_id, key_name, key_prefix, key_secret)
    values (%(me)s, %(mark)s, 'anima_x', sha256(%(mark)s::text::bytea))
    """,
    """
    insert into refresh_tokens (token_id, user_id, family_id, token_hash, expires_at)
    values (gen_random_uuid(), %(me)s, gen_random_uuid(), sha256(%(mark)s::text::bytea), now() + interval '1 day')
    """,
    """
    insert into sign_in_links (user_id, link_hash, expires_at)
    values (%(me)s, sha256(%(mark)s::text::bytea), now() + interval '1 day')
    """,
    """
    insert into avatars (avatar_id, owner_id, name, bio, personality_name, personality)
    values (gen_random_uuid(), %(me)s, 'luna', %(mark)s, 'luna', %(personality)s)
    """,
    # Of each personality a version is kept by itself.
    """
    insert into avatar_pictures (owner_id, avatar_id, mime_type, picture)
    select owner_id, avatar_id, 'image/png', convert_to(%(mark)s::text, 'utf8') from avatars where owner_id = %(me)s
    """,
    """
    insert into sessions (user_id, avatar_id, title, client_id)
    select owner_id, avatar_id, %(mark)s, 'the-key' from avatars where owner_id = %(me)s
    """,
    """
    insert into session_participants (session_id, owner_id, user_id)
    select session_id, user_id, user_id from sessions where user_id = %(me)s
    """,
    """
    with said as (
        insert into messages (session_id, owner_id, author_id, role, content)
        select session_id, user_id, user_id, 'user', %(mark)s from sessions where user_id = %(me)s
        returning *
    )
    insert into messages (session_id, owner_id, avatar_id, parent_message_id, role, content)
    select said.session_id, owner_id, s.avatar_id, message_id, 'assistant', %(mark)s
    from said join sessions s on s.session_id = said.session_id
    """,
    """
    insert into media (owner_id, storage_uri, media_type, mime_type, size_bytes, checksum_sha256)
    values (%(me)s, 'file:///nowhere/' || %(mark)s, 'text', 'text/plain', 3, repeat('a', 64))
    """,
    """
    insert into message_media (owner_id, message_id, media_id)
    select m.owner_id, m.message_id, f.media_id from messages m, media f
    where m.owner_id = %(me)s and f.owner_id = %(me)s and m.role = 'user'
    """,
    """
    insert into socket_connections (connection_id, owner_id, key_secret, expires_at, session_id, avatar_id, joined)
    select 'connection-of-' || gen_random_uuid(), s.user_id, k.key_secret, now() + interval '1 hour', s.session_id,
        s.avatar_id, true
    from sessions s join api_keys k on k.user_id = s.user_id where s.user_id = %(me)s
    """,
    "insert into prompts (owner_id, name, version, content) values (%(me)s, 'turn', 1, %(mark)s)",
    # What runs is everybody's, prompts of the place too; what came of it for a person is theirs.
    "insert into prompts (owner_id, name, version, content) values (null, 'x', 1, 'x') on conflict do nothing",
    """
    insert into experiments (exp_id, name, variants, metric, start_ts) overriding system value
    values (7300001, 'experiment', '[{"name": "as it is"}, {"name": "other"}]', 'liked', now())
    on conflict do nothing
    """,
    """
    with made as (
        insert into experiments (name, variants, metric, start_ts)
        values ('experiment-of-' || %(me)s, '[{"name": "as it is"}, {"name": "other"}]', 'liked', now())
        returning exp_id
    )
    insert into experiment_assignments (user_id, exp_id, variant, assigned_at, answers)
    select %(me)s, exp_id, %(mark)s, now(), 1 from made
    """,
    """
    insert into llm_requests (
        owner_id, session_id, user_id, message_id, model_id, prompt_text, prompt_json, state, expires_at
    )
    select owner_id, session_id, owner_id, message_id, (select min(model_id) from llm_models), %(mark)s,
        jsonb_build_array(%(mark)s::text), 'completed', now() + interval '5 minutes'
    from messages where owner_id = %(me)s and role = 'user'
    """,
    """
    insert into llm_requests (owner_id, session_id, user_id, state, instance, expires_at, parameters)
    select user_id, session_id, user_id, 'pending', gen_random_uuid(), now() - interval '5 minutes',
        '{"waiting": {}, "asked": []}'
    from sessions where user_id = %(me)s
    """,
    """
    insert into llm_responses (owner_id, request_id, message_id, content, usage)
    select r.owner_id, r.request_id, m.message_id, jsonb_build_object('text', %(mark)s::text), '{"total_tokens": 7}'
    from llm_requests r join messages m on m.owner_id = r.owner_id and m.role = 'assistant'
    where r.owner_id = %(me)s and r.state = 'completed'
    """,
    """
    insert into llm_response_chunks (owner_id, response_id, token_index, token_text)
    select owner_id, response_id, 0, %(mark)s from llm_responses where owner_id = %(me)s
    """,
    """
    insert into feedback (owner_id, response_id, rating, comment)
    select owner_id, response_id, 5, %(mark)s from llm_responses where owner_id = %(me)s
    """,
    """
    insert into documents (
        owner_id, store_id, title, source_uri, doc_type, content_sha256, size_bytes, storage_uri, state
    )
    select owner_id, store_id, %(mark)s, %(mark)s, 'text', repeat('b', 64), 3, 'file:///nowhere/b', 'done'
    from vector_stores where owner_id = %(me)s and purpose = 'context'
    """,
    """
    insert into documents (
        owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state, attempts, claims
    )
    select owner_id, store_id, %(mark)s, 'text', repeat('d', 64), 3, 'file:///nowhere/d', 'running', 1, 1
    from vector_stores where owner_id = %(me)s and purpose = 'context'
    """,
    # The first is open, the last one's time is over.
    """
    insert into uploads (upload_id, owner_id, name, size_bytes, storage_uri, expires_at)
    select ('00000000-0000-7000-8000-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, %(me)s, %(mark)s, 3,
        'local:nowhere/' || n, now() + ends
    from (values (0, interval '1 day'), (1, interval '-1 day')) as u (n, ends)
    """,
    """
    insert into chunks (owner_id, document_id, chunk_index, text, token_count)
    select owner_id, document_id, 0, %(mark)s, 3 from documents where owner_id = %(me)s and state = 'done'
    """,
    # Past conversations whose import is under way, has had its attempts, and has failed.
    """
    with brought as (
        insert into documents (
            owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state, stage, attempts, claims
        )
        select s.owner_id, s.store_id, %(mark)s, 'transcript', repeat(n.digit || '0', 32), 3,
            'file:///nowhere/past-' || n.digit,
            n.state, 'parse', n.attempts, 7
        from vector_stores s, (values ('1', 'running', 1), ('2', 'queued', 4), ('3', 'failed', 0))
            as n (digit, state, attempts)
        where s.owner_id = %(me)s and s.purpose = 'context'
        returning document_id, owner_id
    )
    insert into transcripts (document_id, owner_id, avatar_id, me, proposals)
    select b.document_id, b.owner_id, a.avatar_id, array[%(mark)s], 3
    from brought b join avatars a on a.owner_id = b.owner_id
    """,
    """
    insert into transcript_sessions (session_id, owner_id, document_id, avatar_id, conversation, turns)
    select s.session_id, t.owner_id, t.document_id, t.avatar_id, decode(repeat('00', 16), 'hex'), 1
    from sessions s join transcripts t on t.owner_id = s.user_id join documents d using (document_id)
    where s.user_id = %(me)s and d.state = 'running'
    """,
    """
    insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector, metadata)
    select c.owner_id, d.store_id, 'chunk', c.chunk_id::text, c.chunk_id::text, %(vector)s::vector,
        jsonb_build_object('mark', %(mark)s::text)
    from chunks c join documents d using (owner_id, document_id) where c.owner_id = %(me)s
    """,
    """
    insert into activation_cache (owner_id, document_id, model, layer, input_hash, tensor, shape, expires_at)
    select owner_id, document_id, %(mark)s, 'sentence', sha256(%(mark)s::text::bytea), '\\x00000000', '{1}',
        now() + interval '1 day'
    from documents where owner_id = %(me)s and state = 'done'
    """,
    # On an engine that is never asked; one waits to be written, one to be forgotten.
    """
    insert into vector_stores (owner_id, store_name, provider, endpoint_url, purpose, metadata)
    values (%(me)s, 'elsewhere', 'pinecone', 'https://example.org', 'elsewhere',
        jsonb_build_object('mark', %(mark)s::text))
    """,
    """
    insert into outside_vectors (
        owner_id, store_id, embedding_model, external_id, document_id, chunk_id, gone, written_at
    )
    select c.owner_id, s.store_id, 'all-MiniLM-L6-v2', e.external_id, c.document_id, c.chunk_id, e.gone, e.written_at
    from chunks c join vector_stores s on s.owner_id = c.owner_id and s.store_name = 'elsewhere',
        (values (%(mark)s::text, false, null::timestamptz), ('gone', true, null), ('written', false, now()))
            as e (external_id, gone, written_at)
    where c.owner_id = %(me)s
    """,
    """
    insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
    select c.owner_id, d.store_id, 'word', c.chunk_id, 1, 3
    from chunks c join documents d using (owner_id, document_id) where c.owner_id = %(me)s
    """,
    """
    insert into lexicon (owner_id, store_id, term, df)
    select owner_id, store_id, t, 1 from documents, unnest(array['word', %(mark)s::text]) t
    where owner_id = %(me)s and state = 'done'
    """,
    """
    insert into corpora (owner_id, store_id, n, total_len)
    select owner_id, store_id, 1, 3 from documents where owner_id = %(me)s and state = 'done'
    """,
    """
    insert into retrieval_logs (owner_id, request_id, store_id, query_text, top_k, result_ids, distances, status)
    select r.owner_id, r.request_id, d.store_id, %(mark)s, 3, array[c.chunk_id], '{0.1}', 'completed'
    from llm_requests r join chunks c using (owner_id) join documents d using (owner_id, document_id)
    where r.owner_id = %(me)s and r.state = 'completed'
    """,
    """
    insert into response_citations (owner_id, response_id, document_id, chunk_id, marker, location)
    select r.owner_id, r.response_id, c.document_id, c.chunk_id, 1, jsonb_build_object('mark', %(mark)s::text)
    from llm_responses r join chunks c using (owner_id) where r.owner_id = %(me)s
    """,
    # Of a store of nobody's purpose, so that no search finds it; the one cites what the other does not.
    """
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
    values (null, 'shared', 'all-MiniLM-L6-v2@85bb1de96885', 384, 'nobody''s') on conflict do nothing
    """,
    """
    with shared as (
        insert into shared_documents (document_id, store_id, title, doc_type, size_bytes)
        select 6800000 + %(me)s, store_id, 'shared', 'text', 3 from vector_stores
        where owner_id is null and store_name = 'shared'
        returning document_id
    ), part as (
        insert into shared_chunks (chunk_id, document_id, chunk_index, text, token_count)
        select document_id + 100000, document_id, 0, 'shared', 3 from shared
        returning chunk_id, document_id
    )
    insert into shared_citations (owner_id, response_id, document_id, chunk_id, marker, location)
    select r.owner_id, r.response_id, part.document_id, part.chunk_id, 2, jsonb_build_object('mark', %(mark)s::text)
    from llm_responses r, part where r.owner_id = %(me)s
    """,
    """
    insert into summaries (owner_id, document_id, instruction, sentences, mode, parts_total, estimate, text)
    select owner_id, document_id, %(mark)s, 3, 'extractive', 1,
        '{"mode": "extractive", "model": null, "tokens": 0, "completion_tokens": 0, "calls": 0, "seconds": 1,
          "money": null}',
        %(mark)s
    from documents where owner_id = %(me)s and state = 'done'
    """,
    """
    insert into summary_parts (owner_id, summary_id, level, part, result)
    select owner_id, summary_id, 0, 0, jsonb_build_object('mark', %(mark)s::text)
    from summaries where owner_id = %(me)s
    """,
    """
    insert into document_digests (owner_id, document_id, position, rank, chunk_id, text)
    select owner_id, document_id, 0, 0, chunk_id, %(mark)s from chunks where owner_id = %(me)s
    """,
    """
    insert into session_digests (owner_id, session_id, message_id, document_id, waiting)
    select m.owner_id, m.session_id, m.message_id, d.document_id, false
    from messages m join documents d using (owner_id)
    where m.owner_id = %(me)s and m.role = 'user' and d.state = 'done'
    """,
    """
    insert into user_facts (
        id, user_id, avatar_id, session_id, category, key, value, evidence, source_message_id, embedding,
        embedding_model
    )
    select gen_random_uuid(), m.owner_id, s.avatar_id, m.session_id, 'food', 'the-key', to_jsonb(%(mark)s::text),
        %(mark)s, m.message_id, %(vector)s::vector, 'all-MiniLM-L6-v2'
    from messages m join sessions s using (session_id) where m.owner_id = %(me)s and m.role = 'user'
    """,
    """
    insert into episodes (
        id, user_id, avatar_id, session_id, type, title, summary, importance, embedding, embedding_model, forget_at,
        related_facts, context_messages
    )
    select gen_random_uuid(), user_id, avatar_id, session_id, 'moment', %(mark)s, %(mark)s, 5, %(vector)s::vector,
        'all-MiniLM-L6-v2', now() + interval '1 year', array(select id from user_facts where user_id = %(me)s),
        array(select message_id from messages where owner_id = %(me)s order by message_id)
    from sessions where user_id = %(me)s
    """,
    # Asleep, by somebody who has been silent for long; it has looked at what had faded.
    """
    insert into sleeps (
        owner_id, avatar_id, turns, turn_at, state, run_id, holder, lease_until, step, begun_at, seen_at, believed_at
    )
    select owner_id, avatar_id, 100, now() - interval '1 day', 'asleep', gen_random_uuid(),
        '00000000-0000-7000-8000-000000000002', now() - interval '1 hour', 'merge', now() - interval '1 day',
        now() + interval '900 days', now() + interval '900 days'
    from avatars where owner_id = %(me)s
    """,
    """
    insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at)
    select user_id, id, source_message_id, %(mark)s, now() from user_facts where user_id = %(me)s
    """,
    """
    insert into entities (entity_id, owner_id, kind, name, folded, aliases)
    values (gen_random_uuid(), %(me)s, 'person', %(mark)s, %(mark)s, array[%(mark)s])
    """,
    """
    insert into entity_mentions (owner_id, avatar_id, entity_id, message_id)
    select e.owner_id, s.avatar_id, e.entity_id, m.message_id
    from entities e join messages m using (owner_id) join sessions s using (session_id)
    where e.owner_id = %(me)s and m.role = 'user'
    """,
    """
    insert into memory_changes (change_id, owner_id, avatar_id, kind, item_id, action, title, before, expires_at)
    select gen_random_uuid(), user_id, avatar_id, 'fact', id, 'correct', %(mark)s,
        jsonb_build_object('facts', jsonb_build_array(), 'episodes', jsonb_build_array(),
            'hides', jsonb_build_array(source_message_id), 'mark', %(mark)s::text),
        now() + interval '1 day'
    from user_facts where user_id = %(me)s
    """,
    """
    insert into message_embeddings (
        message_id, user_id, session_id, avatar_id, content, embedding, embedding_model
    )
    select m.message_id, m.owner_id, m.session_id, s.avatar_id, m.content, %(vector)s::vector, 'all-MiniLM-L6-v2'
    from messages m join sessions s using (session_id) where m.owner_id = %(me)s
    """,
    """
    insert into message_postings (user_id, avatar_id, term, message_id, tf, dl)
    select m.owner_id, s.avatar_id, t, m.message_id, 1, 3
    from messages m join sessions s using (session_id), unnest(array['word', '']) t where m.owner_id = %(me)s
    """,
    # One that a search may take up, one that is being looked for, and one that is answered by a document.
    """
    insert into curiosity_gaps (
        gap_id, owner_id, avatar_id, message_id, kind, question, folded, score, state, to_research, search_id,
        document_id, answer, title, created_at, last_seen
    )
    select gen_random_uuid(), m.owner_id, s.avatar_id, m.message_id, 'unknown', %(mark)s, g.state || %(mark)s, g.score,
        g.state, g.waits, case when g.state = 'researching' then '00000000-0000-7000-8000-000000000001'::uuid end,
        case when g.state = 'answered' then d.document_id end, %(mark)s, %(mark)s, now(), now()
    from messages m join sessions s using (session_id)
    cross join (
        values ('open', 0.9, true), ('researching', 0.5, true), ('answered', 0.6, false)
    ) as g (state, score, waits)
    cross join lateral (
        select min(document_id) as document_id from documents d where d.owner_id = m.owner_id and d.state = 'done'
    ) d
    where m.owner_id = %(me)s and m.role = 'user'
    """,
    """
    insert into curiosity_minds (owner_id, avatar_id, day, searches, told_after)
    select owner_id, avatar_id, current_date, 0, -100 from avatars where owner_id = %(me)s
    """,
    """
    insert into snapshot_ids (owner_id, avatar_id, origin_id, id)
    select owner_id, avatar_id, gen_random_uuid(), avatar_id from avatars where owner_id = %(me)s
    """,
    """
    insert into style_profiles (owner_id, samples, measured, corrected)
    values (%(me)s, jsonb_build_array(jsonb_build_object('m', 1, 'marks', jsonb_build_array(%(mark)s::text))),
        jsonb_build_object('phrases', jsonb_build_array(%(mark)s::text)), '{"emoji": "none"}')
    """,
    """
    insert into user_affinity (user_id, avatar_id, personality_name, affinity_points, current_level)
    select owner_id, avatar_id, 'luna', 42, %(mark)s from avatars where owner_id = %(me)s
    """,
    """
    insert into session_moods (session_id, user_id, current_mood)
    select session_id, user_id, %(mark)s from sessions where user_id = %(me)s
    """,
    """
    insert into avatar_feelings (owner_id, avatar_id, concentrations, baselines, as_of)
    select owner_id, avatar_id, array[30, 10, 10, 20, 200, 2], array[20, 10, 10, 20, 200, 2], now()
    from avatars where owner_id = %(me)s
    """,
    """
    insert into feelings_history (
        feeling_id, owner_id, avatar_id, at, valence, arousal, mood, mood_intensity, sentiment, concentrations,
        session_id, message_id
    )
    select gen_random_uuid(), m.owner_id, s.avatar_id, m.created_at, 0.1, 0.3, %(mark)s, 0.5, 0.2,
        array[30, 10, 10, 20, 200, 2], m.session_id, m.message_id
    from messages m join sessions s using (session_id) where m.owner_id = %(me)s and m.role = 'user'
    """,
    """
    insert into safety_people (owner_id, age, age_by, country, talk_began_at, last_turn_at)
    values (%(me)s, 'minor', 'person', 'FR', now() - interval '1 hour', now())
    """,
    """
    insert into llm_budgets (owner_id, avatar_id, period, imposed, max_tokens)
    select owner_id, avatar_id, 'day', false, 7 from avatars where owner_id = %(me)s
    """,
    "insert into llm_budgets (owner_id, period, imposed, max_cost) values (%(me)s, 'month', true, 7)",
    """
    insert into llm_spend (owner_id, day, avatar_id, model, purpose, calls, prompt_tokens, completion_tokens,
        cached_tokens, unpriced_calls)
    select owner_id, current_date, avatar_id, 'openai:' || %(mark)s, 'turn', 1, 1, 1, 0, 1 from avatars
    where owner_id = %(me)s
    """,
    """
    insert into plugins (owner_id, name, kind, config)
    values (%(me)s, 'own', 'mcp', jsonb_build_object('url', %(mark)s::text))
    """,
    """
    insert into plugin_permissions (owner_id, avatar_id, plugin_id, tool, enabled)
    select owner_id, avatar_id, p.plugin_id, t.tool, true
    from avatars a join plugins p using (owner_id), unnest(array['', 'x']) as t (tool) where owner_id = %(me)s
    """,
    """
    insert into plugin_invocations (
        owner_id, avatar_id, session_id, request_id, plugin_id, plugin, tool, digest, state, request, invoked_at
    )
    select p.owner_id, s.avatar_id, s.session_id,
        (select min(q.request_id) from llm_requests q where q.owner_id = p.owner_id),
        p.plugin_id, p.name, 'x', repeat('d', 64), n.state,
        jsonb_build_object('mark', %(mark)s::text), now()
    from plugins p join sessions s on s.user_id = p.owner_id,
        unnest(array['running', 'waiting', 'approved', 'done']) as n (state)
    where p.owner_id = %(me)s
    """,
    """
    insert into outbox (event_id, topic, key, owner_id, payload)
    values (gen_random_uuid(), 'turn.finished', 'the-key', %(me)s, jsonb_build_object('mark', %(mark)s::text))
    """,
    """
    insert into idempotency_keys (owner_id, key, fingerprint, state, response, expires_at)
    values (%(me)s, 'the-key', 'f', 'done', jsonb_build_object('mark', %(mark)s::text), now() + interval '1 day'),
        (%(me)s, 'sealed', 'f', 'done', jsonb_build_object('sealed', %(mark)s::text), now() + interval '1 day'),
        (%(me)s, 'running', 'f', 'running', null, now() + interval '1 day')
    """,
]

# Ids of a range of their own for each table: a number tells whose it is, wherever it turns up.
_SPREAD: LiteralString = """
select format('alter table %I alter column %I restart with %s', c.relname, a.attname,
    7000000 + 1000 * row_number() over (order by c.relname))
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attidentity <> '' and c.relname not in ('roles', 'llm_models')
"""

_KEYS: LiteralString = """
select c.relname, a.attname
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and (a.attidentity <> '' or a.attnum = any (
        select unnest(i.indkey) from pg_index i where i.indrelid = c.oid and i.indisprimary))
    and a.atttypid in ('bigint'::regtype, 'uuid'::regtype) and a.attname not in ('owner_id', 'user_id', 'step')
"""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Owned:
    """Somebody with rows in every table: their mark, and their ids by table and column, the newest last.

    `named` are ids by what their rows are: of one's own ones, and of what was published from these.
    """

    user_id: int
    mark: str
    ids: dict[tuple[str, str], list[Any]]
    named: dict[str, Any]

    def every(self) -> list[str]:
        """All ids by which their rows could be referred to, and their own."""
        return sorted({str(one) for ids in self.ids.values() for one in ids} | {str(self.user_id)})


def spread_ids(owner: Connection) -> None:
    """Lets the ids of each table begin at a number of their own."""
    for (statement,) in owner.execute(_SPREAD).fetchall():
        owner.execute(statement)


def tenant_tables(owner: Connection) -> dict[str, str]:
    """Every table whose rows belong to somebody, with its column of the owner."""
    return {str(table): str(column) for table, column in owner.execute(TENANT_TABLES)}


def seed(owner: Connection, user_id: int, mark: str, personality: Any) -> Owned:
    """Gives somebody a row in every table."""
    params = {
        "me": user_id,
        "mark": mark,
        "personality": psycopg.types.json.Jsonb(personality),
        "vector": "[" + ",".join(["0.05"] * 384) + "]",
    }
    for statement in [*SEED, *STATES, *model_database.SEED]:
        owner.execute(statement, params)
    tables, ids, named = tenant_tables(owner), {}, {**NAMED, **model_database.NAMED}
    for table, column in [*owner.execute(_KEYS).fetchall(), ("socket_connections", "connection_id")]:
        if table in tables:
            rows = owner.execute(
                f"select {column} from {table} where {tables[table]} = %s order by 1",  # type: ignore[arg-type]
                [user_id],
            )
            ids[table, column] = [row[0] for row in rows]
    return Owned(user_id, mark, ids, {name: _only(owner, query, user_id) for name, query in named.items()})


def _only(owner: Connection, query: LiteralString, user_id: int) -> Any:
    """The one id that a query answers."""
    [row] = owner.execute(query, {"me": user_id}).fetchall()
    return row[0]


def digests(owner: Connection, user_id: int) -> dict[str, tuple[int, str]]:
    """How many rows somebody has in each table, and a checksum of them."""
    parts = [
        f"select '{table}', count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) "
        f"from {table} t where {column} = {user_id}"
        for table, column in tenant_tables(owner).items()
    ]
    rows = owner.execute(" union all ".join(parts))  # type: ignore[arg-type]
    return {table: (count, digest) for table, count, digest in rows}


def mentions(owner: Connection, user_id: int, ids: list[str]) -> set[str]:
    """Tables in which a row of somebody names one of these ids, in whatever column."""
    pattern = "|".join(ids)
    parts = [
        f"select '{table}' from {table} t where {column} = %(me)s and t::text ~ %(pattern)s"
        for table, column in tenant_tables(owner).items()
    ]
    rows = owner.execute(" union all ".join(parts), {"me": user_id, "pattern": pattern})  # type: ignore[arg-type]
    return {table for (table,) in rows}


def published(owner: Connection, mark: str) -> set[str]:
    """Tables that everybody reads in which something that somebody wrote stands."""
    tables = ("shared_documents", "shared_chunks", "shared_embeddings", "shared_lexicon", "shared_postings")
    parts = [f"select '{table}' from {table} t where strpos(t::text, %(mark)s) > 0" for table in tables]
    parts.append("select 'vector_stores' from vector_stores t where owner_id is null and strpos(t::text, %(mark)s) > 0")
    rows = owner.execute(" union all ".join(parts), {"mark": mark})  # type: ignore[arg-type]
    return {table for (table,) in rows}
