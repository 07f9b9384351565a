-- Users, roles, API keys and refresh tokens. What happens before anybody is known (sign-in, look-up of a
-- key, rotation of a refresh token) are functions of a role that can do nothing else.

create table users (
    user_id bigint generated always as identity primary key,
    username citext not null unique check (username ~ '^[[:alnum:]][[:alnum:]._-]{0,63}$'),
    email citext unique check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    full_name text check (length(full_name) <= 200),
    password_hash text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create trigger users_updated before update on users
    for each row execute function update_updated_at_column();

create table roles (
    role_id smallint generated always as identity primary key,
    role_name text not null unique,
    description text not null
);
insert into roles (role_name, description) values
    ('admin', 'Runs the place: users, shared stores, models, settings'),
    ('operator', 'Watches it: health, jobs, queues'),
    ('researcher', 'Trains, compares and exports'),
    ('viewer', 'Talks with avatars and sees what is theirs');

create table user_roles (
    user_id bigint not null references users on delete cascade,
    role_id smallint not null references roles on delete cascade,
    primary key (user_id, role_id)
);
create index user_roles_role on user_roles (role_id);

create table api_keys (
    api_key_id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    key_name text not null check (length(key_name) between 1 and 100),
    key_prefix text not null,
    key_secret bytea not null unique,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create index api_keys_user on api_keys (user_id, api_key_id);

create table refresh_tokens (
    token_id uuid primary key,
    user_id bigint not null references users on delete cascade,
    family_id uuid not null,
    token_hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);
create index refresh_tokens_user on refresh_tokens (user_id);
create index refresh_tokens_family on refresh_tokens (family_id);

alter table users enable row level security;
alter table user_roles enable row level security;
alter table api_keys enable row level security;
alter table refresh_tokens enable row level security;

create policy tenant on users for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on user_roles for select to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on api_keys for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on refresh_tokens for select to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy gate on users for all to anima_auth using (true);
create policy gate on user_roles for all to anima_auth using (true);
create policy gate on api_keys for select to anima_auth using (true);
create policy gate on refresh_tokens for all to anima_auth using (true);
create policy overview on users for select to anima_admin using (true);
create policy overview on user_roles for all to anima_admin using (true);

grant select on roles to anima_app, anima_worker, anima_admin, anima_auth;
grant select (user_id, username, email, full_name, created_at, updated_at),
    update (email, full_name, password_hash), delete on users to anima_app;
grant select (user_id, username, created_at) on users to anima_worker;
grant select on user_roles to anima_app, anima_worker;
grant select (api_key_id, user_id, key_name, key_prefix, created_at, revoked_at),
    insert (user_id, key_name, key_prefix, key_secret), update (revoked_at) on api_keys to anima_app;
grant select (user_id, username, email, full_name, created_at, updated_at) on users to anima_admin;
grant select, insert, delete on user_roles to anima_admin;
grant select (user_id, username, email, password_hash), insert (username, email, full_name, password_hash)
    on users to anima_auth;
grant select, insert on user_roles to anima_auth;
grant select on api_keys to anima_auth;
grant select, insert, update (used_at, revoked_at) on refresh_tokens to anima_auth;

-- The hash to check a password against, by user name or e-mail.
create function auth_password(p_login text)
returns table (user_id bigint, password_hash text)
language sql stable security definer set search_path = public, pg_temp
as $$
    select u.user_id, u.password_hash from users u
    where u.username = p_login::citext or u.email = p_login::citext
    order by u.username = p_login::citext desc limit 1
$$;

-- The holder of an API key.
create function auth_api_key(p_secret bytea)
returns table (user_id bigint, roles text[])
language sql stable security definer set search_path = public, pg_temp
as $$
    select k.user_id,
        array(select r.role_name from user_roles ur join roles r using (role_id) where ur.user_id = k.user_id)
    from api_keys k where k.key_secret = p_secret and k.revoked_at is null
$$;

-- The holder of an access token, while its refresh family lives.
create function auth_access(p_user_id bigint, p_family_id uuid)
returns table (user_id bigint, roles text[])
language sql stable security definer set search_path = public, pg_temp
as $$
    select p_user_id,
        array(select r.role_name from user_roles ur join roles r using (role_id) where ur.user_id = p_user_id)
    where exists (
        select from refresh_tokens t
        where t.family_id = p_family_id and t.user_id = p_user_id
            and t.revoked_at is null and t.expires_at > now()
    )
$$;

-- Begins a family of refresh tokens after a password was found right.
create function auth_begin_family(
    p_user_id bigint, p_token_id uuid, p_family_id uuid, p_token_hash bytea, p_expires_at timestamptz
) returns void
language sql security definer set search_path = public, pg_temp
as $$
    insert into refresh_tokens (token_id, user_id, family_id, token_hash, expires_at)
    values (p_token_id, p_user_id, p_family_id, p_token_hash, p_expires_at)
$$;

-- Exchanges a refresh token for the next of its family. A token that comes twice was stolen by somebody:
-- the whole family ends. Answers no row for one that is unknown, expired or ended.
create function auth_rotate(
    p_token_hash bytea, p_new_token_id uuid, p_new_token_hash bytea, p_expires_at timestamptz
) returns table (user_id bigint, family_id uuid)
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    presented refresh_tokens;
begin
    select * into presented from refresh_tokens t where t.token_hash = p_token_hash for update;
    if not found or presented.revoked_at is not null or presented.expires_at <= now() then
        return;
    end if;
    if presented.used_at is not null then
        update refresh_tokens t set revoked_at = now()
        where t.family_id = presented.family_id and t.revoked_at is null;
        return;
    end if;
    update refresh_tokens t set used_at = now() where t.token_id = presented.token_id;
    insert into refresh_tokens (token_id, user_id, family_id, token_hash, expires_at)
    values (p_new_token_id, presented.user_id, presented.family_id, p_new_token_hash, p_expires_at);
    return query select presented.user_id, presented.family_id;
end
$$;

-- Ends the family of a refresh token; says whether there was one.
create function auth_revoke(p_token_hash bytea) returns boolean
language sql security definer set search_path = public, pg_temp
as $$
    with ended as (
        update refresh_tokens t set revoked_at = now()
        where t.revoked_at is null
            and t.family_id = (select f.family_id from refresh_tokens f where f.token_hash = p_token_hash)
        returning 1
    )
    select exists (select from ended)
$$;

-- Ends all sign-ins of the caller, after a change of password.
create function auth_end_families() returns void
language sql security definer set search_path = public, pg_temp
as $$
    update refresh_tokens t set revoked_at = now() where t.user_id = current_tenant() and t.revoked_at is null
$$;

-- Makes a user. Only an admin may, except for the very first one. Answers nothing where the caller may not.
create function auth_sign_up(
    p_username text, p_email text, p_full_name text, p_password_hash text, p_roles text[]
) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    made bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('auth_sign_up', 0));
    if exists (select from users) and not exists (
        select from user_roles ur join roles r using (role_id)
        where ur.user_id = current_tenant() and r.role_name = 'admin'
    ) then
        return null;
    end if;
    insert into users (username, email, full_name, password_hash)
    values (p_username, p_email, p_full_name, p_password_hash) returning users.user_id into made;
    insert into user_roles (user_id, role_id)
    select made, r.role_id from roles r where r.role_name = any (p_roles);
    return made;
end
$$;

grant create on schema public to anima_auth;
alter function auth_password(text) owner to anima_auth;
alter function auth_api_key(bytea) owner to anima_auth;
alter function auth_access(bigint, uuid) owner to anima_auth;
alter function auth_begin_family(bigint, uuid, uuid, bytea, timestamptz) owner to anima_auth;
alter function auth_rotate(bytea, uuid, bytea, timestamptz) owner to anima_auth;
alter function auth_revoke(bytea) owner to anima_auth;
alter function auth_end_families() owner to anima_auth;
alter function auth_sign_up(text, text, text, text, text[]) owner to anima_auth;
revoke create on schema public from anima_auth;

revoke execute on function
    auth_password(text), auth_api_key(bytea), auth_access(bigint, uuid),
    auth_begin_family(bigint, uuid, uuid, bytea, timestamptz),
    auth_rotate(bytea, uuid, bytea, timestamptz), auth_revoke(bytea), auth_end_families(),
    auth_sign_up(text, text, text, text, text[])
from public;
grant execute on function
    auth_password(text), auth_api_key(bytea), auth_access(bigint, uuid),
    auth_begin_family(bigint, uuid, uuid, bytea, timestamptz),
    auth_rotate(bytea, uuid, bytea, timestamptz), auth_revoke(bytea), auth_end_families(),
    auth_sign_up(text, text, text, text, text[])
to anima_app;
