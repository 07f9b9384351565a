-- Shared stores: what an admin publishes is copied into tables of its own, which everybody reads. And the search by
-- vectors as functions: they take an index of a large store where there is one.

create function current_tenant_is_admin() returns boolean
language sql stable parallel safe set search_path = public, pg_temp
as $$
    select exists (
        select from user_roles ur join roles r using (role_id)
        where ur.user_id = current_tenant() and r.role_name = 'admin'
    )
$$;

-- Of which store a shared one is a copy: published again, it is brought up to date.
create table shared_stores (
    store_id bigint primary key references vector_stores on delete cascade,
    published_from bigint unique references vector_stores on delete set null,
    published_at timestamptz not null default now()
);

-- Documents and chunks have the same ids as the rows that they are copies of: they are those of nothing else.
create table shared_documents (
    document_id bigint primary key,
    store_id bigint not null references vector_stores on delete cascade,
    title text not null,
    source_uri text,
    doc_type text not null,
    content_sha256 text,
    size_bytes bigint not null,
    state text not null default 'done' check (state = 'done'),
    chunks_total integer,
    token_count integer not null default 0,
    language text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    metadata jsonb not null default '{}'
);
create index shared_documents_store on shared_documents (store_id);
-- Always empty: the search, whose text is that over people's own documents, need not look at any.
create index shared_documents_unready on shared_documents (store_id) where state <> 'done';

create table shared_chunks (
    chunk_id bigint primary key,
    document_id bigint not null references shared_documents on delete cascade,
    chunk_index integer not null check (chunk_index >= 0),
    text text not null,
    token_count integer not null,
    location jsonb not null default '{}',
    speaker text,
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (document_id, chunk_index)
);
create index shared_chunks_speaker on shared_chunks (speaker) where speaker is not null;

create table shared_embeddings (
    embedding_id bigint generated always as identity primary key,
    store_id bigint not null references vector_stores on delete cascade,
    entity_type text not null,
    entity_id text not null,
    external_id text not null,
    vector vector not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    embedding_model text not null,
    unique (store_id, embedding_model, external_id)
);
create index shared_embeddings_entity on shared_embeddings (entity_type, entity_id);

create trigger shared_embeddings_dimension_insert after insert on shared_embeddings
    referencing new table as inserted for each statement execute function check_embedding_dimension();
create trigger shared_embeddings_dimension_update after update on shared_embeddings
    referencing new table as inserted for each statement execute function check_embedding_dimension();

create function delete_shared_chunk_embeddings() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    delete from shared_embeddings e using deleted d
    where e.entity_type = 'chunk' and e.entity_id = d.chunk_id::text;
    return null;
end
$$;
create trigger shared_chunks_deleted after delete on shared_chunks
    referencing old table as deleted for each statement execute function delete_shared_chunk_embeddings();

create table shared_postings (
    store_id bigint not null references vector_stores on delete cascade,
    term text not null,
    chunk_id bigint not null references shared_chunks on delete cascade,
    tf smallint not null,
    dl integer not null,
    primary key (store_id, term, chunk_id) include (tf, dl)
);
create index shared_postings_chunk on shared_postings (chunk_id);

create table shared_lexicon (
    store_id bigint not null references vector_stores on delete cascade,
    term text not null,
    df integer not null,
    primary key (store_id, term)
);

create table shared_corpora (
    store_id bigint primary key references vector_stores on delete cascade,
    n bigint not null,
    total_len bigint not null
);

alter table shared_stores enable row level security;
alter table shared_documents enable row level security;
alter table shared_chunks enable row level security;
alter table shared_embeddings enable row level security;
alter table shared_postings enable row level security;
alter table shared_lexicon enable row level security;
alter table shared_corpora enable row level security;

-- Whoever is somebody reads them; an admin writes them, as himself or by the login of admins.
create policy everybody on shared_stores for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_documents for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_chunks for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_embeddings for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_postings for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_lexicon for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy everybody on shared_corpora for select to anima_app, anima_worker
    using ((select current_tenant()) is not null);
create policy publish on shared_stores for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on shared_documents for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on shared_chunks for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()));
create policy publish on shared_embeddings for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on shared_postings for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on shared_lexicon for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on shared_corpora for all to anima_app, anima_worker
    using ((select current_tenant_is_admin()))
    with check ((select current_tenant_is_admin())
        and store_id = any (array(select s.store_id from vector_stores s where s.owner_id is null)));
create policy publish on vector_stores for all to anima_app, anima_worker
    using (owner_id is null and (select current_tenant_is_admin()));
create policy catalogue on shared_stores for all to anima_admin using (true);
create policy catalogue on shared_documents for all to anima_admin using (true);
create policy catalogue on shared_chunks for all to anima_admin using (true);
create policy catalogue on shared_embeddings for all to anima_admin using (true);
create policy catalogue on shared_postings for all to anima_admin using (true);
create policy catalogue on shared_lexicon for all to anima_admin using (true);
create policy catalogue on shared_corpora for all to anima_admin using (true);

grant select, insert, update, delete
    on shared_stores, shared_documents, shared_chunks, shared_embeddings, shared_postings, shared_lexicon,
        shared_corpora
    to anima_app, anima_worker, anima_admin;
grant execute on function current_tenant_is_admin() to anima_app, anima_worker, anima_admin;

-- What an answer cites of shared stores. It goes with the answer, and with what is cited.
create table shared_citations (
    owner_id bigint not null,
    response_id bigint not null,
    document_id bigint not null references shared_documents on delete cascade,
    chunk_id bigint not null references shared_chunks on delete cascade,
    marker smallint not null,
    quote text not null default '',
    location jsonb not null default '{}',
    primary key (owner_id, response_id, chunk_id),
    foreign key (owner_id, response_id) references llm_responses (owner_id, response_id) on delete cascade
);
create index shared_citations_document on shared_citations (document_id);
create index shared_citations_chunk on shared_citations (chunk_id);
alter table shared_citations enable row level security;
create policy tenant on shared_citations for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
grant select, insert, update, delete on shared_citations to anima_app, anima_worker;

-- The index of the vectors that one model made in a store, where it is large enough to have one.
create function nearest_index_name(shared boolean, store bigint, model text) returns text
language sql immutable parallel safe set search_path = public, pg_temp
as $$
    select format('%sembeddings_nearest_%s_%s', case when shared then 'shared_' end, store, left(md5(model), 8))
$$;

-- The stores among some that hold vectors of a model, each with its index, if it has a valid one and it serves: among
-- few chunks that are asked for each is compared.
create function nearest_places(shared boolean, stores bigint[], model text, dimensions integer, only_these bigint[])
returns table (store_id bigint, store_name text, index_name text)
language sql stable set search_path = public, pg_temp
as $$
    select s.store_id, s.store_name, c.relname::text
    from vector_stores s
    left join pg_index i on i.indexrelid = to_regclass(nearest_index_name(shared, s.store_id, model)) and i.indisvalid
        and dimensions <= 4000 and coalesce(cardinality(only_these) > 10000, true)
    left join pg_class c on c.oid = i.indexrelid
    where s.store_id = any (stores) and s.embedding_model = model and s.dimension = dimensions
        and s.provider = 'pgvector'
    order by s.store_id
$$;

-- The statement that finds the chunks nearest to a question in stores of one owner, or, without one, in shared stores;
-- null where there is nothing to search. Its parameters: $1 the question, $2 how many, $3 chunks to leave out, $4 the
-- only ones to look at. Stores with an index are asked one by one, and the constants in the text let the planner take
-- it; all others are read whole, by owner and store.
create function nearest_statement(
    owner bigint, stores bigint[], model text, dimensions integer, excluded bigint[], only_these bigint[]
) returns text
language plpgsql stable set search_path = public, pg_temp
as $$
declare
    relation constant text := case when owner is null then 'shared_embeddings' else 'embeddings' end;
    narrowed constant text := format(' and e.entity_type = %L and e.embedding_model = %L', 'chunk', model)
        || case when owner is null then '' else format(' and e.owner_id = %s', owner) end
        || case when cardinality(excluded) > 0 then ' and e.entity_id::bigint <> all ($3)' else '' end
        || case when only_these is null then '' else ' and e.entity_id = any ($4)' end;
    parts text[] := '{}';
    others bigint[] := '{}';
    place record;
begin
    for place in select * from nearest_places(owner is null, stores, model, dimensions, only_these) loop
        if place.index_name is null then
            others := others || place.store_id;
            continue;
        end if;
        parts := parts || format(
            '(select near.chunk_id, 1 - (near.vector <=> $1) as cosine from (
                select e.entity_id::bigint as chunk_id, e.vector from %I e where e.store_id = %s%s
                order by e.vector::halfvec(%s) <=> $1::halfvec(%4$s) limit $2) near)',
            relation, place.store_id, narrowed, dimensions
        );
    end loop;
    if cardinality(others) > 0 then
        parts := parts || format(
            '(select near.chunk_id, 1 - near.distance as cosine from (
                select e.entity_id::bigint as chunk_id, e.vector <=> $1 as distance from %I e
                where e.store_id = any (%L::bigint[])%s order by distance, chunk_id limit $2) near)',
            relation, others, narrowed
        );
    end if;
    if parts = '{}' then
        return null;
    end if;
    return array_to_string(parts, ' union all ') || ' order by cosine desc, chunk_id limit $2';
end
$$;

-- The chunks nearest to a question, best first; none where there is no question. Other tenants' rows are never read:
-- what has no index of its own is found by owner and store.
create function nearest_chunks(
    owner bigint, stores bigint[], model text, question vector, most bigint,
    excluded bigint[] default null, only_these bigint[] default null
) returns table (chunk_id bigint, cosine double precision)
language plpgsql stable rows 100
set search_path = public, pg_temp
set enable_seqscan = off
as $$
declare
    statement constant text :=
        nearest_statement(owner, stores, model, vector_dims(question), excluded, only_these);
begin
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true);
    if statement is not null then
        return query execute statement using question, most, excluded, only_these::text[];
    end if;
end
$$;

-- Which stores are searched how, and what the planner makes of the same statement, a line at a time; without costs and
-- figures, which would tell of others' rows.
create function explain_nearest(
    owner bigint, stores bigint[], model text, question vector, most bigint,
    excluded bigint[] default null, only_these bigint[] default null
) returns table (line text)
language plpgsql
set search_path = public, pg_temp
set enable_seqscan = off
as $$
declare
    statement constant text :=
        nearest_statement(owner, stores, model, vector_dims(question), excluded, only_these);
begin
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true);
    return query
        select format('store %s (%s): %s', p.store_id, p.store_name, coalesce('index ' || p.index_name, 'read whole'))
        from nearest_places(owner is null, stores, model, vector_dims(question), only_these) p;
    if statement is not null then
        for line in execute 'explain (costs off) ' || statement using question, most, excluded, only_these::text[]
        loop
            line := regexp_replace(line, '''([^'' ]{40})[^'' ]{20,}''', '''\1…''', 'g');
            return next;
        end loop;
    end if;
end
$$;

grant execute on function nearest_index_name(boolean, bigint, text),
    nearest_places(boolean, bigint[], text, integer, bigint[]),
    nearest_statement(bigint, bigint[], text, integer, bigint[], bigint[]),
    nearest_chunks(bigint, bigint[], text, vector, bigint, bigint[], bigint[]),
    explain_nearest(bigint, bigint[], text, vector, bigint, bigint[], bigint[]) to anima_app, anima_worker;
