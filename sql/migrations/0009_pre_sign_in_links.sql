-- One-time links to sign in and to set a password: of the first admin, and of whoever lost theirs. Of a link
-- only a keyed hash is stored; a user has one at most, so that a new one voids the one before.

create table sign_in_links (
    user_id bigint primary key references users on delete cascade,
    link_hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);

alter table sign_in_links enable row level security;
create policy tenant on sign_in_links for select to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy gate on sign_in_links for all to anima_auth using (true);

grant select, insert, update on sign_in_links to anima_auth;
grant update (password_hash) on users to anima_auth;

-- Stores a link in place of the one before; for the functions below only.
create function auth_store_link(p_user_id bigint, p_link_hash bytea, p_expires_at timestamptz) returns void
language sql security definer set search_path = public, pg_temp
as $$
    insert into sign_in_links as l (user_id, link_hash, expires_at) values (p_user_id, p_link_hash, p_expires_at)
    on conflict (user_id) do update set link_hash = excluded.link_hash, created_at = now(),
        expires_at = excluded.expires_at, used_at = null
$$;

-- Makes a link for somebody and answers their name: for an admin. Answers null where there is no such user, or
-- the caller is no admin.
create function auth_make_link(p_user_id bigint, p_link_hash bytea, p_expires_at timestamptz) returns text
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    named text;
begin
    select u.username into named from users u
    where u.user_id = p_user_id and exists (
        select from user_roles ur join roles r using (role_id)
        where ur.user_id = current_tenant() and r.role_name = 'admin'
    );
    if named is not null then
        perform auth_store_link(p_user_id, p_link_hash, p_expires_at);
    end if;
    return named;
end
$$;

-- The same by name or e-mail address, for whoever holds the login of the operators.
create function auth_operator_link(p_login text, p_link_hash bytea, p_expires_at timestamptz) returns text
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    found_id bigint;
    named text;
begin
    select u.user_id, u.username into found_id, named from users u
    where u.username = p_login::citext or u.email = p_login::citext
    order by u.username = p_login::citext desc limit 1;
    if found_id is not null then
        perform auth_store_link(found_id, p_link_hash, p_expires_at);
    end if;
    return named;
end
$$;

-- Makes the first admin, who has no password ('!' is the hash of none) but this link. Answers false, and does
-- nothing, once an admin has a password; until then each call makes a new link.
create function auth_first_admin(p_username text, p_link_hash bytea, p_expires_at timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    admins bigint[];
    made bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('auth_sign_up', 0));
    admins := array(
        select ur.user_id from user_roles ur join roles r using (role_id) where r.role_name = 'admin'
    );
    if exists (select from users u where u.user_id = any (admins) and u.password_hash <> '!') then
        return false;
    end if;
    select u.user_id into made from users u where u.username = p_username::citext and u.user_id = any (admins);
    if made is null then
        insert into users (username, password_hash) values (p_username, '!') returning users.user_id into made;
        insert into user_roles (user_id, role_id) select made, r.role_id from roles r;
    end if;
    perform auth_store_link(made, p_link_hash, p_expires_at);
    return true;
end
$$;

-- Whose link it is, while it is good.
create function auth_link(p_link_hash bytea)
returns table (user_id bigint, username text, email text)
language sql stable security definer set search_path = public, pg_temp
as $$
    select u.user_id, u.username::text, u.email::text
    from sign_in_links l join users u on u.user_id = l.user_id
    where l.link_hash = p_link_hash and l.used_at is null and l.expires_at > now()
$$;

-- Uses a link up: sets the password, ends all sign-ins and begins one. Answers null where it is not good (any
-- more); of two calls at once one finds it used.
create function auth_use_link(
    p_link_hash bytea, p_password_hash text,
    p_token_id uuid, p_family_id uuid, p_token_hash bytea, p_expires_at timestamptz
) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    holder bigint;
begin
    update sign_in_links l set used_at = now()
    where l.link_hash = p_link_hash and l.used_at is null and l.expires_at > now()
    returning l.user_id into holder;
    if holder is null then
        return null;
    end if;
    update users u set password_hash = p_password_hash where u.user_id = holder;
    update refresh_tokens t set revoked_at = now() where t.user_id = holder and t.revoked_at is null;
    insert into refresh_tokens (token_id, user_id, family_id, token_hash, expires_at)
    values (p_token_id, holder, p_family_id, p_token_hash, p_expires_at);
    return holder;
end
$$;

-- Ends the sign-ins of the caller but one, after a change of password.
create function auth_end_families(p_but uuid) returns void
language sql security definer set search_path = public, pg_temp
as $$
    update refresh_tokens t set revoked_at = now()
    where t.user_id = current_tenant() and t.revoked_at is null and t.family_id <> p_but
$$;

grant create on schema public to anima_auth;
alter function auth_store_link(bigint, bytea, timestamptz) owner to anima_auth;
alter function auth_make_link(bigint, bytea, timestamptz) owner to anima_auth;
alter function auth_operator_link(text, bytea, timestamptz) owner to anima_auth;
alter function auth_first_admin(text, bytea, timestamptz) owner to anima_auth;
alter function auth_link(bytea) owner to anima_auth;
alter function auth_use_link(bytea, text, uuid, uuid, bytea, timestamptz) owner to anima_auth;
alter function auth_end_families(uuid) owner to anima_auth;
revoke create on schema public from anima_auth;

revoke execute on function
    auth_store_link(bigint, bytea, timestamptz), auth_make_link(bigint, bytea, timestamptz),
    auth_operator_link(text, bytea, timestamptz), auth_first_admin(text, bytea, timestamptz), auth_link(bytea),
    auth_use_link(bytea, text, uuid, uuid, bytea, timestamptz), auth_end_families(uuid)
from public;
grant execute on function
    auth_make_link(bigint, bytea, timestamptz), auth_link(bytea),
    auth_use_link(bytea, text, uuid, uuid, bytea, timestamptz), auth_end_families(uuid)
to anima_app;
grant execute on function
    auth_operator_link(text, bytea, timestamptz), auth_first_admin(text, bytea, timestamptz)
to anima_admin;
