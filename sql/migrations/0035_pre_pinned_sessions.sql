-- A session that an outside client knows by an id of its own: one of each with an avatar, whoever comes first.
alter table sessions add column client_id text check (length(client_id) between 1 and 200);
-- allow unique-index: yesterday's code never writes the column
create unique index sessions_client on sessions (user_id, avatar_id, client_id) where client_id is not null;
