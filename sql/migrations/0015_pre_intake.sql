-- Documents that are fetched from an address, and files that are uploaded on their own before a document is made of them.
-- allow add-constraint: the column is new, and yesterday's code leaves it null
-- allow unique-index: the column is new, and yesterday's code leaves it null

-- What is fetched is unknown until it came: neither its place nor its hash is there before.
alter table documents
    add column uri text check (length(uri) <= 4000),
    add column name text,
    add column mime_type text,
    add column media_id bigint;
-- squawk-ignore ban-drop-not-null
alter table documents alter column storage_uri drop not null;
-- squawk-ignore ban-drop-not-null
alter table documents alter column content_sha256 drop not null;
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
alter table documents add constraint documents_medium
    foreign key (owner_id, media_id) references media (owner_id, media_id) on delete set null (media_id);
create index documents_media on documents (owner_id, media_id);
-- By hash: an address may be longer than an entry of an index.
create unique index documents_uri on documents (owner_id, store_id, md5(uri)) where uri is not null;

comment on column documents.uri is 'Where it is fetched from; source_uri is what citations show';
comment on column documents.name is 'The name of its file';
comment on column documents.mime_type is 'What it is by its content';
comment on column documents.media_id is 'The file as media, which messages may refer to as well';

create table uploads (
    upload_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    name text not null check (length(name) between 1 and 1000),
    media_type text check (length(media_type) <= 200),
    size_bytes bigint not null check (size_bytes > 0),
    storage_uri text,
    checksum_sha256 text check (checksum_sha256 ~ '^[0-9a-f]{64}$'),
    state text not null default 'open' check (state in ('open', 'stored', 'used')),
    document_id bigint,
    media_id bigint,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete set null (document_id),
    foreign key (owner_id, media_id) references media (owner_id, media_id) on delete set null (media_id)
);
create index uploads_owner on uploads (owner_id);
create index uploads_document on uploads (owner_id, document_id);
create index uploads_media on uploads (owner_id, media_id);
create index uploads_ends on uploads (expires_at);

alter table uploads enable row level security;
create policy tenant on uploads for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
grant select, insert, update, delete on uploads to anima_app, anima_worker;

-- Uploads whose time is over, of anybody: only whose, and which. Their files go before their rows.
create function expired_uploads() returns table (owner_id bigint, upload_id uuid)
language sql stable security definer set search_path = public, pg_temp
as $$
    select u.owner_id, u.upload_id from uploads u where u.expires_at < now() order by u.expires_at limit 1000
$$;
grant execute on function expired_uploads() to anima_worker;
