-- Sessions, who takes part in them, what was said, and the media that came along.

create table sessions (
    session_id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    avatar_id uuid,
    title text,
    private boolean not null default false,
    started_at timestamptz not null default now(),
    ended_at timestamptz check (ended_at >= started_at),
    metadata jsonb not null default '{}',
    unique (user_id, session_id),
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete set null (avatar_id)
);
create index sessions_user_start on sessions (user_id, started_at desc, session_id desc);
create index sessions_avatar on sessions (user_id, avatar_id);

create table session_participants (
    participant_id bigint generated always as identity primary key,
    session_id bigint not null,
    owner_id bigint not null,
    user_id bigint references users on delete cascade,
    avatar_id uuid references avatars on delete cascade,
    joined_at timestamptz not null default now(),
    check (num_nonnulls(user_id, avatar_id) = 1),
    unique nulls not distinct (session_id, user_id, avatar_id),
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade
);
create index session_participants_session on session_participants (owner_id, session_id);
create index session_participants_user on session_participants (user_id, session_id);
create index session_participants_avatar on session_participants (avatar_id);

create table messages (
    message_id bigint generated always as identity primary key,
    session_id bigint not null,
    owner_id bigint not null,
    author_id bigint references users on delete set null,
    avatar_id uuid references avatars on delete set null,
    parent_message_id bigint,
    role text not null check (role in ('user', 'assistant', 'system')),
    content text not null,
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (owner_id, message_id),
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (owner_id, parent_message_id) references messages (owner_id, message_id)
        on delete set null (parent_message_id)
);
create index messages_session_time on messages (owner_id, session_id, created_at, message_id);
create index messages_parent on messages (owner_id, parent_message_id);
create index messages_author on messages (author_id);
create index messages_avatar on messages (avatar_id);

create table media (
    media_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    storage_uri text not null,
    media_type text not null check (media_type in ('image', 'audio', 'video', 'text', 'pdf')),
    mime_type text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    checksum_sha256 text not null check (checksum_sha256 ~ '^[0-9a-f]{64}$'),
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (owner_id, media_id),
    unique (owner_id, checksum_sha256, mime_type)
);

create table message_media (
    owner_id bigint not null,
    message_id bigint not null,
    media_id bigint not null,
    primary key (message_id, media_id),
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete cascade,
    foreign key (owner_id, media_id) references media (owner_id, media_id) on delete cascade
);
create index message_media_message on message_media (owner_id, message_id);
create index message_media_media on message_media (owner_id, media_id);

alter table sessions enable row level security;
alter table session_participants enable row level security;
alter table messages enable row level security;
alter table media enable row level security;
alter table message_media enable row level security;

create policy tenant on sessions for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on session_participants for all to anima_app, anima_worker
    using (user_id = (select current_tenant()) or owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and (avatar_id is null or avatar_id = any (array(select a.avatar_id from avatars a))));
create policy tenant on messages for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()) or session_id = any (array(
        select p.session_id from session_participants p
        where p.user_id = (select current_tenant()) and p.owner_id <> p.user_id)))
    with check ((owner_id = (select current_tenant()) or session_id = any (array(
        select p.session_id from session_participants p
        where p.user_id = (select current_tenant()) and p.owner_id <> p.user_id)))
        and (author_id is null or author_id = (select current_tenant()))
        and (avatar_id is null or avatar_id = any (array(select a.avatar_id from avatars a))));
create policy tenant on media for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on message_media for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy overview on sessions for select to anima_admin using (true);

grant select, insert, update, delete
    on sessions, session_participants, messages, media, message_media to anima_app, anima_worker;
grant select (session_id, user_id, avatar_id, private, started_at, ended_at) on sessions to anima_admin;
