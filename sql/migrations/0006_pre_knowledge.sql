-- Stores by purpose, documents, their chunks, vectors and postings, citations, and the log of retrievals.

create table vector_stores (
    store_id bigint generated always as identity primary key,
    owner_id bigint references users on delete cascade,
    store_name text not null check (length(store_name) between 1 and 100),
    provider text not null default 'pgvector',
    endpoint_url text,
    api_key bytea,
    embedding_model text not null,
    dimension integer not null check (dimension between 1 and 16000),
    metric text not null default 'cosine' check (metric in ('cosine', 'l2', 'inner_product')),
    purpose text not null check (length(purpose) between 1 and 100),
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique nulls not distinct (owner_id, store_name)
);
create index vector_stores_purpose on vector_stores (owner_id, purpose);

-- Everybody begins with the three stores that are always there.
create function create_first_stores() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
    select new.user_id, purpose, 'all-MiniLM-L6-v2', 384, purpose
    from unnest(array['context', 'findings', 'analysis']) as purpose;
    return null;
end
$$;

create table documents (
    document_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    store_id bigint not null references vector_stores on delete cascade,
    title text not null check (length(title) <= 1000),
    source_uri text,
    doc_type text not null,
    content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint not null check (size_bytes >= 0),
    storage_uri text not null,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'done', 'unsearchable', 'failed')),
    stage text not null default 'queued',
    chunks_done integer not null default 0,
    chunks_total integer,
    token_count integer not null default 0,
    attempts integer not null default 0,
    reason text,
    language text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (owner_id, document_id),
    unique (owner_id, store_id, content_sha256)
);
create trigger documents_updated before update on documents
    for each row execute function update_updated_at_column();
create index documents_time on documents (owner_id, document_id desc);
create index documents_store on documents (store_id);
create index documents_unready on documents (owner_id) where state <> 'done';

create table chunks (
    chunk_id bigint generated always as identity primary key,
    owner_id bigint not null,
    document_id bigint not null,
    chunk_index integer not null check (chunk_index >= 0),
    text text not null,
    token_count integer not null check (token_count >= 0),
    location jsonb not null default '{}',
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (owner_id, chunk_id),
    unique (owner_id, document_id, chunk_index),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade
);
create index chunks_text_trigram on chunks using gin (text gin_trgm_ops);

create table embeddings (
    embedding_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    store_id bigint not null references vector_stores on delete cascade,
    entity_type text not null,
    entity_id text not null,
    external_id text not null,
    vector vector not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    unique (store_id, owner_id, external_id)
);
create index embeddings_store on embeddings (owner_id, store_id);
create index embeddings_entity on embeddings (owner_id, entity_type, entity_id);

-- One row of a wrong dimension would break every search of its store.
create function check_embedding_dimension() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
declare
    wrong record;
begin
    select s.store_name, s.dimension, vector_dims(i.vector) as got into wrong
    from inserted i join vector_stores s using (store_id)
    where vector_dims(i.vector) <> s.dimension limit 1;
    if found then
        raise exception 'store % holds vectors of % dimensions, not %', wrong.store_name, wrong.dimension, wrong.got
            using errcode = 'check_violation';
    end if;
    return null;
end
$$;
create trigger embeddings_dimension_insert after insert on embeddings
    referencing new table as inserted for each statement execute function check_embedding_dimension();
create trigger embeddings_dimension_update after update on embeddings
    referencing new table as inserted for each statement execute function check_embedding_dimension();

-- embeddings.entity_id has no foreign key: what its chunk leaves behind is cleaned here.
create function delete_chunk_embeddings() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    delete from embeddings e using deleted d
    where e.owner_id = d.owner_id and e.entity_type = 'chunk' and e.entity_id = d.chunk_id::text;
    return null;
end
$$;
create trigger chunks_deleted after delete on chunks
    referencing old table as deleted for each statement execute function delete_chunk_embeddings();

-- BM25 in plain SQL: who holds a term, how often (tf), in how long a text (dl).
create table postings (
    owner_id bigint not null,
    store_id bigint not null references vector_stores on delete cascade,
    term text not null,
    chunk_id bigint not null,
    tf smallint not null,
    dl integer not null,
    primary key (owner_id, store_id, term, chunk_id) include (tf, dl),
    foreign key (owner_id, chunk_id) references chunks (owner_id, chunk_id) on delete cascade
);
create index postings_chunk on postings (owner_id, chunk_id);
create index postings_store on postings (store_id);

-- The vocabulary of an owner in a store, for names and typing errors.
create table lexicon (
    owner_id bigint not null references users on delete cascade,
    store_id bigint not null references vector_stores on delete cascade,
    term text not null,
    df integer not null,
    primary key (owner_id, store_id, term)
);
create index lexicon_store on lexicon (store_id);

create table corpora (
    owner_id bigint not null references users on delete cascade,
    store_id bigint not null references vector_stores on delete cascade,
    n bigint not null,
    total_len bigint not null,
    primary key (owner_id, store_id)
);
create index corpora_store on corpora (store_id);

create table retrieval_logs (
    retrieval_id bigint generated always as identity,
    owner_id bigint not null references users on delete cascade,
    request_id bigint,
    store_id bigint,
    query_text text,
    query_vector vector,
    mode text not null default 'hybrid',
    top_k integer not null,
    result_ids bigint[] not null default '{}',
    distances double precision[] not null default '{}',
    status text not null default 'pending' check (status in ('pending', 'completed', 'failed')),
    latency_ms double precision,
    retrieved_at timestamptz not null default now(),
    primary key (retrieved_at, retrieval_id),
    foreign key (owner_id, request_id) references llm_requests (owner_id, request_id) on delete set null (request_id),
    foreign key (store_id) references vector_stores on delete set null
) partition by range (retrieved_at);
create index retrieval_logs_request on retrieval_logs (owner_id, request_id);
create index retrieval_logs_id on retrieval_logs (owner_id, retrieval_id);
create index retrieval_logs_store on retrieval_logs (store_id);
create table retrieval_logs_default partition of retrieval_logs default;

create table response_citations (
    owner_id bigint not null,
    response_id bigint not null,
    document_id bigint not null,
    chunk_id bigint not null,
    marker smallint not null,
    quote text not null default '',
    location jsonb not null default '{}',
    primary key (owner_id, response_id, chunk_id),
    foreign key (owner_id, response_id) references llm_responses (owner_id, response_id) on delete cascade,
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade,
    foreign key (owner_id, chunk_id) references chunks (owner_id, chunk_id) on delete cascade
);
create index response_citations_document on response_citations (owner_id, document_id);
create index response_citations_chunk on response_citations (owner_id, chunk_id);

alter table vector_stores enable row level security;
alter table documents enable row level security;
alter table chunks enable row level security;
alter table embeddings enable row level security;
alter table postings enable row level security;
alter table lexicon enable row level security;
alter table corpora enable row level security;
alter table retrieval_logs enable row level security;
alter table response_citations enable row level security;

create policy tenant on vector_stores for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy shared on vector_stores for select to anima_app, anima_worker using (owner_id is null);
create policy catalogue on vector_stores for all to anima_admin using (owner_id is null);
create policy first_stores on vector_stores for insert to anima_auth with check (true);
create policy tenant on documents for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
create policy tenant on chunks for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on embeddings for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
create policy tenant on postings for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
create policy tenant on lexicon for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
create policy tenant on corpora for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
create policy tenant on retrieval_logs for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and (store_id is null or store_id = any (array(select s.store_id from vector_stores s))));
create policy tenant on response_citations for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy overview on documents for select to anima_admin using (true);

grant select, insert, update, delete
    on vector_stores, documents, chunks, embeddings, postings, lexicon, corpora, retrieval_logs, response_citations
    to anima_app, anima_worker;
grant select, insert, update, delete on vector_stores to anima_admin;
grant select (document_id, owner_id, doc_type, state, size_bytes, chunks_total, created_at) on documents to anima_admin;

grant insert, select on vector_stores to anima_auth;
grant create on schema public to anima_auth;
alter function create_first_stores() owner to anima_auth;
revoke create on schema public from anima_auth;
create trigger users_first_stores after insert on users
    for each row execute function create_first_stores();
