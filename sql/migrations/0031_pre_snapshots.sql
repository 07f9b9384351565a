-- Which id something has in snapshots, where it has another here: the avatar, its facts, episodes, sessions, entities and
-- questions that came with a snapshot. What was made here goes out under its own id. Rows stay when what they name goes,
-- so that the same snapshot brings it back as itself; they go with the avatar.
create table snapshot_ids (
    owner_id bigint not null,
    avatar_id uuid not null,
    origin_id uuid not null,
    id uuid not null,
    primary key (owner_id, avatar_id, origin_id),
    unique (owner_id, avatar_id, id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

alter table snapshot_ids enable row level security;

create policy tenant on snapshot_ids for all to anima_app, anima_worker using (owner_id = (select current_tenant()));

grant select, insert, update, delete on snapshot_ids to anima_app, anima_worker;

-- Whoever writes many messages knows their ids before, so that what refers to them is written with them.
grant usage on sequence messages_message_id_seq, sessions_session_id_seq to anima_app;
