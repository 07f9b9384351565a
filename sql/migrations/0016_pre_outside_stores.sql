-- Vectors that lie in another engine: which of them it has, which it still waits for, and which it must forget. And what
-- is known of a store's health, stores that were deleted but are not yet
-- gone everywhere, and those whose vectors are made anew by another model.

alter table vector_stores
    add deleted_at timestamptz,
    add last_error text,
    add failed_at timestamptz,
    add failures integer not null default 0,
    add retry_at timestamptz,
    add reached_at timestamptz,
    add moving_model text,
    add moving_dimension integer check (moving_dimension between 1 and 16000);

-- A chunk may be gone before the engine has forgotten its vector, so nothing refers to it. `vector` is there until the
-- engine has it. Whoever writes to the engine holds the row by `busy_until`: what another one deletes meanwhile would
-- come back by a write under way.
create table outside_vectors (
    owner_id bigint not null references users on delete cascade,
    store_id bigint not null references vector_stores on delete cascade,
    embedding_model text not null,
    external_id text not null check (length(external_id) between 1 and 200),
    document_id bigint not null,
    chunk_id bigint not null,
    vector vector,
    written_at timestamptz,
    busy_until timestamptz,
    gone boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (owner_id, store_id, embedding_model, external_id)
);
create index outside_vectors_store on outside_vectors (store_id);
create index outside_vectors_document on outside_vectors (owner_id, document_id);
create index outside_vectors_chunk on outside_vectors (owner_id, chunk_id);
create index outside_vectors_due on outside_vectors (owner_id, store_id) where written_at is null or gone;

create function forget_outside_vectors() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    update outside_vectors o set gone = true, vector = null
    from deleted d
    where o.owner_id = d.owner_id and o.chunk_id = d.chunk_id and not o.gone;
    return null;
end
$$;
create trigger chunks_deleted_outside after delete on chunks
    referencing old table as deleted for each statement execute function forget_outside_vectors();

alter table outside_vectors enable row level security;
create policy tenant on outside_vectors for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and store_id = any (array(select s.store_id from vector_stores s)));
grant select, insert, update, delete on outside_vectors to anima_app, anima_worker;

-- A store that was deleted is there for the worker that removes it, and for nobody else; whoever deletes it must see
-- what he writes.
create policy not_deleted on vector_stores as restrictive for select to anima_app
    using (deleted_at is null or (deleted_at = now() and owner_id = (select current_tenant())));

-- Who adds a store by plain SQL need not know how its vectors are made: as in the first store of its owner.
create function complete_store() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
declare
    first record;
begin
    select s.embedding_model, s.dimension into first
    from vector_stores s
    where s.owner_id = new.owner_id and (new.embedding_model is null
        or new.embedding_model in (s.embedding_model, split_part(s.embedding_model, '@', 1)))
    order by s.store_id limit 1;
    if found then
        new.embedding_model := first.embedding_model;
        new.dimension := coalesce(new.dimension, first.dimension);
    end if;
    return new;
end
$$;
create trigger vector_stores_complete before insert on vector_stores
    for each row when (new.owner_id is not null and (new.embedding_model is null or new.dimension is null
        or position('@' in new.embedding_model) = 0))
    execute function complete_store();
