-- Connections of the deployed WebSocket API: whose they are, and in which session they take part.

create table socket_connections (
    connection_id text primary key check (length(connection_id) between 1 and 200),
    owner_id bigint not null references users (user_id) on delete cascade,
    key_secret bytea,
    family_id uuid,
    expires_at timestamptz not null,
    session_id bigint,
    avatar_id uuid,
    joined boolean not null default false,
    resume_after bigint check (resume_after >= 0),
    stops bigint,
    connected_at timestamptz not null default now(),
    check (num_nonnulls(key_secret, family_id) = 1),
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete set null (session_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete set null (avatar_id)
);
create index socket_connections_session on socket_connections (owner_id, session_id);
create index socket_connections_avatar on socket_connections (owner_id, avatar_id);

alter table socket_connections enable row level security;
create policy tenant on socket_connections for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy gate on socket_connections for all to anima_auth using (true);
grant select, insert, update, delete on socket_connections to anima_app, anima_worker;
grant select, delete on socket_connections to anima_auth;

-- Who sends over a connection: what it was opened with is looked at each time.
create function socket_caller(p_connection text)
returns table (user_id bigint, roles text[], session_id bigint, avatar_id uuid, joined boolean, good boolean)
language sql stable security definer set search_path = public, pg_temp
as $$
    select c.owner_id,
        array(select r.role_name from user_roles ur join roles r using (role_id) where ur.user_id = c.owner_id),
        c.session_id, c.avatar_id, c.joined,
        c.expires_at > now()
            and (
                exists (
                    select from api_keys k
                    where k.key_secret = c.key_secret and k.user_id = c.owner_id and k.revoked_at is null
                ) or exists (
                    select from refresh_tokens t
                    where t.family_id = c.family_id and t.user_id = c.owner_id
                        and t.revoked_at is null and t.expires_at > now()
                )
            ) and not exists (select from erasures e where e.subject_id = c.owner_id)
    from socket_connections c where c.connection_id = p_connection
$$;

-- A connection that is no more.
create function socket_closed(p_connection text) returns void
language sql security definer set search_path = public, pg_temp
as $$
    delete from socket_connections where connection_id = p_connection
$$;

grant create on schema public to anima_auth;
alter function socket_caller(text) owner to anima_auth;
alter function socket_closed(text) owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function socket_caller(text), socket_closed(text) from public;
grant execute on function socket_caller(text), socket_closed(text) to anima_app;
