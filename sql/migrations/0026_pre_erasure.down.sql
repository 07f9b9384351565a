drop trigger messages_deleted_changes on messages;
drop function forget_changes();
drop function export_page(text, jsonb, integer);
drop function export_tables();

create or replace function auth_api_key(p_secret bytea)
returns table (user_id bigint, roles text[])
language sql stable security definer set search_path = public, pg_temp
as $$
    select k.user_id,
        array(select r.role_name from user_roles ur join roles r using (role_id) where ur.user_id = k.user_id)
    from api_keys k where k.key_secret = p_secret and k.revoked_at is null
$$;
create or replace function auth_access(p_user_id bigint, p_family_id uuid)
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

drop function auth_erase();
drop function auth_close();
drop policy gate_delete on api_keys;
revoke update (username, email, full_name) on users from anima_auth;
revoke delete on users, user_roles, api_keys, refresh_tokens, sign_in_links from anima_auth;
drop table erasures;
