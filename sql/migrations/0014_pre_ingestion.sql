-- How far the reading of a document is, in pages, slides or seconds, and what of it nothing could read; and the cache of
-- what models made of inputs, so that the same text is not embedded twice.

alter table documents
    add column unit text,
    add column units_done integer not null default 0,
    add column units_total integer,
    add column unread jsonb not null default '[]',
    add column stage_started_at timestamptz,
    add column stage_from integer not null default 0,
    add column parsed_uri text,
    add column claims integer not null default 0;

comment on column documents.stage_from is 'Units or chunks that were done when the stage began: its pace counts from there';
comment on column documents.parsed_uri is 'What the reader job made of the file, while the document is on its way';
comment on column documents.claims is 'How often a worker has taken it: tells who has it now from who had it before';

-- Of an owner, never shared: that a text is known here says that somebody has it.
create table activation_cache (
    owner_id bigint not null references users on delete cascade,
    document_id bigint,
    model text not null,
    layer text not null,
    input_hash bytea not null check (octet_length(input_hash) = 32),
    tensor bytea not null,
    shape integer[] not null,
    dtype text not null default 'float32',
    hits integer not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (owner_id, model, layer, input_hash),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade
);
create index activation_cache_document on activation_cache (owner_id, document_id);
-- By blocks, so that a hit, which moves the end, writes no index.
create index activation_cache_ends on activation_cache using brin (expires_at);

comment on column activation_cache.document_id is 'Whose text it was made for: what is deleted leaves no vector';
comment on column activation_cache.model is 'Name and sha256 of the model: another build of it is another model';
comment on column activation_cache.tensor is 'Little-endian values of the dtype, row by row';

alter table activation_cache enable row level security;
create policy tenant on activation_cache for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
-- Only workers: what answers people cannot read it, so that no search is ever answered from it.
grant select, insert, update, delete on activation_cache to anima_worker;

-- Deletes some activations that have expired; answers how many, 0 when none is left.
create function maintain_activations() returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    n bigint;
begin
    delete from activation_cache where ctid = any (array(
        select a.ctid from activation_cache a where a.expires_at < now()
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    return n;
end
$$;
grant execute on function maintain_activations() to anima_worker;
