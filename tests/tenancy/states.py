"""What else two people have: rows in those states that a statement waits for, and what an admin has published.

Nobody shares a row but those of the tables `shared_…`: each person has a store that was published from one of theirs.
"""

from __future__ import annotations

from typing import LiteralString

# After all others: so the first of everything is what it is without these.
STATES: list[LiteralString] = [
    """
    insert into documents (
        owner_id, store_id, title, source_uri, uri, doc_type, content_sha256, size_bytes, storage_uri, state, stage,
        attempts, metadata
    )
    select s.owner_id, s.store_id, %(mark)s, n.source_uri, n.uri, 'text', repeat(n.digit, 64), 3,
        'file:///nowhere/' || n.digit, n.state, n.stage, n.attempts,
        jsonb_build_object('kind', 'session', 'session_id', (select session_id from sessions where user_id = %(me)s))
    from vector_stores s join (
        values ('1', 'context', 'failed', 'failed', 0, null, null),
            ('2', 'context', 'done', 'again', 0, null, 'https://example.org/again'),
            ('3', 'context', 'queued', 'queued', 3, null, null),
            ('4', 'context', 'running', 'read', 1, null, null),
            ('5', 'elsewhere', 'running', 'index', 1, null, null),
            ('6', 'analysis', 'done', 'done', 1, 'x', null)
    ) as n (digit, store_name, state, stage, attempts, source_uri, uri) using (store_name)
    where s.owner_id = %(me)s
    """,
    # Its vector is lost, its sentences are not chosen yet, and a word of it is counted no more.
    """
    with part as (
        insert into chunks (owner_id, document_id, chunk_index, text, token_count)
        select d.owner_id, d.document_id, 0, %(mark)s, 3
        from documents d join vector_stores s using (owner_id, store_id)
        where d.owner_id = %(me)s and s.purpose = 'analysis'
        returning *
    ), posted as (
        insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
        select part.owner_id, d.store_id, 'forgotten', part.chunk_id, 1, 3
        from part join documents d using (document_id)
    )
    insert into lexicon (owner_id, store_id, term, df)
    select part.owner_id, d.store_id, 'forgotten', 0 from part join documents d using (document_id)
    """,
    # The vector of a chunk that is no longer there.
    """
    insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector)
    select owner_id, store_id, 'chunk', '0', 'chunk:0', %(vector)s::vector from vector_stores
    where owner_id = %(me)s and purpose = 'analysis'
    """,
    """
    insert into vector_stores (
        owner_id, store_name, provider, endpoint_url, purpose, moving_model, moving_dimension, metadata
    )
    values (%(me)s, 'moving', 'pinecone', 'https://example.org', 'elsewhere', 'another', 384,
        jsonb_build_object('mark', %(mark)s::text))
    """,
    # A key that came by plain SQL.
    "update vector_stores set api_key = 'x' where owner_id = %(me)s and store_name = 'elsewhere'",
    """
    insert into media (owner_id, storage_uri, media_type, mime_type, size_bytes, checksum_sha256)
    values (%(me)s, 'file:///nowhere/unused-' || %(mark)s, 'text', 'text/plain', 3, repeat('7', 64))
    """,
    """
    insert into summaries (owner_id, document_id, instruction, sentences, mode, parts_total, estimate, text, state,
        attempts)
    select s.owner_id, s.document_id, %(mark)s, 3, 'extractive', 2, s.estimate, %(mark)s, n.state, 1
    from summaries s, unnest(array['done', 'running']) as n (state) where s.owner_id = %(me)s
    """,
    """
    insert into summary_parts (owner_id, summary_id, level, part, result)
    select owner_id, summary_id, 0, 0, jsonb_build_object('mark', %(mark)s::text)
    from summaries where owner_id = %(me)s and state = 'running'
    """,
    """
    insert into activation_cache (owner_id, document_id, model, layer, input_hash, tensor, shape, expires_at)
    select owner_id, document_id, 'the-model', 'sentence', sha256('known'), convert_to(%(mark)s::text, 'utf8'), '{1}',
        now() + interval '1 day'
    from documents where owner_id = %(me)s and stage = 'again'
    """,
    # Said, and not found by its words yet.
    """
    insert into messages (session_id, owner_id, author_id, role, content)
    select session_id, user_id, user_id, 'user', %(mark)s from sessions where user_id = %(me)s
    """,
    """
    insert into user_facts (id, user_id, avatar_id, category, key, value)
    select ('ffffffff-0000-7000-8000-' || lpad(%(me)s::text, 12, '0'))::uuid, owner_id, avatar_id, 'food',
        'another-key', to_jsonb(%(mark)s::text)
    from avatars where owner_id = %(me)s
    """,
    # A worker has it, and has not said yet whether it is done.
    """
    insert into outbox (event_id, topic, key, owner_id, payload, attempts, next_attempt_at)
    values (('ffffffff-0000-7000-8000-' || lpad(%(me)s::text, 12, '0'))::uuid, 'turn.finished', 'the-key', %(me)s,
        jsonb_build_object('mark', %(mark)s::text), 1, now() + interval '1 day')
    """,
    """
    insert into idempotency_keys (owner_id, key, fingerprint, state, expires_at)
    values (%(me)s, 'expired', 'f', 'running', now() - interval '1 day')
    """,
    # Published from one's first store, by another model than it has by now; what is in it is no longer in that.
    """
    with published as (
        insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
        select null, 'published ' || 1 + count(*), 'of-then', 384, 'nobody''s' from shared_stores
        returning store_id
    ), noted as (
        insert into shared_stores (store_id, published_from)
        select p.store_id, s.store_id from published p, vector_stores s
        where s.owner_id = %(me)s and s.store_name = 'context'
    ), entered as (
        insert into shared_documents (document_id, store_id, title, doc_type, size_bytes)
        select 7900000 + %(me)s, store_id, 'published', 'text', 3 from published
        returning document_id, store_id
    )
    insert into shared_chunks (chunk_id, document_id, chunk_index, text, token_count)
    select document_id + 100000, document_id, 0, 'published', 3 from entered
    """,
    """
    insert into shared_embeddings (store_id, entity_type, entity_id, external_id, vector, embedding_model)
    select d.store_id, 'chunk', c.chunk_id::text, 'chunk:' || c.chunk_id, %(vector)s::vector, 'of-then'
    from shared_chunks c join shared_documents d using (document_id) where c.document_id = 7900000 + %(me)s
    """,
    """
    insert into shared_postings (store_id, term, chunk_id, tf, dl)
    select d.store_id, 'word', c.chunk_id, 1, 3
    from shared_chunks c join shared_documents d using (document_id) where c.document_id = 7900000 + %(me)s
    """,
    """
    insert into shared_lexicon (store_id, term, df)
    select store_id, 'forgotten', 1 from shared_documents where document_id = 7900000 + %(me)s
    """,
    # Of the store that is nobody's, one word is found.
    """
    with posted as (
        insert into shared_postings (store_id, term, chunk_id, tf, dl)
        select d.store_id, 'word', c.chunk_id, 1, 3
        from shared_chunks c join shared_documents d using (document_id) where c.document_id = 6800000 + %(me)s
        returning store_id, term
    ), counted as (
        insert into shared_lexicon (store_id, term, df) select store_id, term, 1 from posted
        on conflict (store_id, term) do update set df = shared_lexicon.df + 1
    )
    insert into shared_corpora (store_id, n, total_len) select store_id, 1, 3 from posted
    on conflict (store_id) do update set n = shared_corpora.n + 1, total_len = shared_corpora.total_len + 3
    """,
    """
    update vector_stores set embedding_model = 'all-MiniLM-L6-v2@85bb1de96885'
    where store_id = (select store_id from shared_documents where document_id = 7900000 + %(me)s)
    """,
]

# While somebody is an admin: half of what is theirs is published already.
PUBLISHED: list[LiteralString] = [
    """
    insert into user_roles select %(me)s, role_id from roles where role_name = 'admin'
    """,
    """
    insert into shared_documents (document_id, store_id, title, doc_type, size_bytes)
    select document_id, %(store)s, title, doc_type, size_bytes from documents
    where owner_id = %(me)s and state = 'done' and stage <> 'again'
    """,
    """
    insert into shared_chunks (chunk_id, document_id, chunk_index, text, token_count)
    select c.chunk_id, c.document_id, c.chunk_index, c.text, c.token_count
    from chunks c join embeddings e on e.owner_id = c.owner_id and e.entity_id = c.chunk_id::text
    where c.owner_id = %(me)s
    """,
]

_DOCUMENT: LiteralString = """
select document_id from documents d join vector_stores s using (owner_id, store_id) where owner_id = %(me)s
"""
_TRANSCRIPT: LiteralString = """
select d.document_id from documents d join transcripts t using (owner_id, document_id) where d.owner_id = %(me)s
"""
# The rows that parameters.NAMED gives to a statement.
NAMED: dict[str, LiteralString] = {
    "failed document": _DOCUMENT + "and d.stage = 'failed'",
    "document to look at again": _DOCUMENT + "and d.stage = 'again'",
    "exhausted document": _DOCUMENT + "and d.state = 'queued' and d.attempts = 3",
    "document at the reader": _DOCUMENT + "and d.stage = 'read'",
    "running document": _DOCUMENT + "and d.state = 'running' and d.claims = 1",
    "running transcript": _TRANSCRIPT + "and d.state = 'running'",
    "exhausted transcript": _TRANSCRIPT + "and d.state = 'queued'",
    "failed transcript": _TRANSCRIPT + "and d.state = 'failed'",
    "analysis": _DOCUMENT + "and s.purpose = 'analysis'",
    "chunk of the analysis": """
        select chunk_id from chunks c join documents d using (owner_id, document_id)
        where owner_id = %(me)s and d.source_uri = 'x'
    """,
    "store of the analysis": "select store_id from vector_stores where owner_id = %(me)s and purpose = 'analysis'",
    "outside store": "select store_id from vector_stores where owner_id = %(me)s and store_name = 'elsewhere'",
    "moving store": "select store_id from vector_stores where owner_id = %(me)s and store_name = 'moving'",
    "unused medium": "select max(media_id) from media where owner_id = %(me)s",
    "open gap": "select gap_id from curiosity_gaps where owner_id = %(me)s and state = 'open'",
    "researching gap": "select gap_id from curiosity_gaps where owner_id = %(me)s and state = 'researching'",
    "finding": "select document_id from curiosity_gaps where owner_id = %(me)s and state = 'answered'",
    "ended summary": "select summary_id from summaries where owner_id = %(me)s and state = 'done'",
    "running summary": "select summary_id from summaries where owner_id = %(me)s and state = 'running'",
    "approved call": "select invocation_id from plugin_invocations where owner_id = %(me)s and state = 'approved'",
    "waiting call": "select invocation_id from plugin_invocations where owner_id = %(me)s and state = 'waiting'",
    "new message": "select max(message_id) from messages where owner_id = %(me)s",
    "other fact": "select id from user_facts where user_id = %(me)s and key = 'another-key'",
    "published store": "select store_id from shared_documents where document_id = 7900000 + %(me)s",
    "shared document": "select document_id from shared_documents where document_id = 6800000 + %(me)s",
    "published chunk": "select chunk_id from shared_chunks where document_id = 7900000 + %(me)s",
}
