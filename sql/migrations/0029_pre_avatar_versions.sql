-- Versions of an avatar's personality, and its picture.

-- Every personality that an avatar has had, numbered from 1; the last is the present one. `restored_from` is the version
-- that was brought back. The hundred newest are kept.
create table avatar_versions (
    owner_id bigint not null,
    avatar_id uuid not null,
    version integer not null check (version > 0),
    personality_name text not null,
    personality jsonb not null,
    restored_from integer check (restored_from > 0),
    created_at timestamptz not null default now(),
    primary key (owner_id, avatar_id, version),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

-- A picture of the avatar, as it came with a card or was chosen.
create table avatar_pictures (
    owner_id bigint not null,
    avatar_id uuid not null,
    mime_type text not null check (mime_type in ('image/png', 'image/jpeg', 'image/webp', 'image/gif')),
    picture bytea not null check (octet_length(picture) between 1 and 4000000),
    updated_at timestamptz not null default now(),
    primary key (owner_id, avatar_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);
alter table avatar_pictures alter column picture set storage external;

alter table avatar_versions enable row level security;
alter table avatar_pictures enable row level security;
create policy tenant on avatar_versions for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on avatar_pictures for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on avatar_versions, avatar_pictures to anima_app, anima_worker;

insert into avatar_versions (owner_id, avatar_id, version, personality_name, personality, created_at)
select owner_id, avatar_id, 1, personality_name, personality, created_at from avatars;

-- Whoever writes an avatar's personality makes a version of it; the row of the avatar is locked by that, so that two at
-- once are numbered one after the other.
create function keep_version() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
    newest integer;
begin
    select max(v.version) into newest from avatar_versions v
    where v.owner_id = new.owner_id and v.avatar_id = new.avatar_id;
    insert into avatar_versions (owner_id, avatar_id, version, personality_name, personality)
    values (new.owner_id, new.avatar_id, coalesce(newest, 0) + 1, new.personality_name, new.personality);
    delete from avatar_versions v
    where v.owner_id = new.owner_id and v.avatar_id = new.avatar_id and v.version <= newest - 99;
    return null;
end
$$;
create trigger avatars_first_version after insert on avatars for each row execute function keep_version();
create trigger avatars_version after update of personality on avatars
    for each row when (old.personality is distinct from new.personality) execute function keep_version();
