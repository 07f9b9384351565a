-- Avatars: somebody with a name and a personality, who belongs to a user.

create table avatars (
    avatar_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    name citext not null check (length(name) between 1 and 100),
    bio text not null default '',
    personality_name text not null,
    personality jsonb not null,
    visibility text not null default 'private' check (visibility in ('private', 'friends', 'public')),
    model text,
    switches jsonb not null default '{}',
    egress jsonb not null default '{}',
    state jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (owner_id, avatar_id),
    unique (owner_id, name)
);
create trigger avatars_updated before update on avatars
    for each row execute function update_updated_at_column();
alter table avatars enable row level security;
create policy tenant on avatars for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy overview on avatars for select to anima_admin using (true);
grant select, insert, update, delete on avatars to anima_app, anima_worker;
grant select (avatar_id, owner_id, name, visibility, created_at, updated_at) on avatars to anima_admin;
