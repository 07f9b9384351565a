-- An account that is closed, everything of a person as rows to take along, and what undoing would bring back of messages
-- that are gone.

-- Accounts that were closed, by their number alone: nothing else is kept of whoever it was. While `erased_at` is null
-- something of theirs may still be there; a day after it somebody looks once more, and the row goes too.
create table erasures (
    subject_id bigint primary key,
    asked_at timestamptz not null default now(),
    erased_at timestamptz
);
create index erasures_time on erasures (asked_at);

alter table erasures enable row level security;
-- It is nobody's: a worker sees it while it acts for nobody.
create policy upkeep on erasures for all to anima_worker using ((select current_tenant()) is null);
create policy gate on erasures for all to anima_auth using (true);
create policy overview on erasures for select to anima_admin using (true);
grant select, delete on erasures to anima_worker;
grant select, insert, update on erasures to anima_auth;
grant select on erasures to anima_admin;

grant delete on users, user_roles, api_keys, refresh_tokens, sign_in_links to anima_auth;
grant update (username, email, full_name) on users to anima_auth;
create policy gate_delete on api_keys for delete to anima_auth using (true);

-- Closes the account of the caller: nobody gets in any more, and its name is free. Answers 'closed'; 'last admin' where
-- nobody else could run the place, and nothing is changed.
create function auth_close() returns text
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    me constant bigint := current_tenant();
    admins bigint[];
begin
    perform pg_advisory_xact_lock(hashtextextended('auth_sign_up', 0));
    admins := array(
        select ur.user_id from user_roles ur join roles r using (role_id) where r.role_name = 'admin'
    );
    if me = any (admins) and not exists (
        select from users u where u.user_id = any (admins) and u.user_id <> me and u.password_hash <> '!'
    ) then
        return 'last admin';
    end if;
    update users u set username = 'closed-' || gen_random_uuid(), email = null, full_name = null, password_hash = '!'
    where u.user_id = me;
    if not found then
        return 'gone';
    end if;
    insert into erasures (subject_id) values (me) on conflict do nothing;
    delete from sign_in_links l where l.user_id = me;
    delete from refresh_tokens t where t.user_id = me;
    delete from api_keys k where k.user_id = me;
    delete from user_roles ur where ur.user_id = me;
    return 'closed';
end
$$;

-- Removes the row of the caller, whose account was closed, and with it every row that is left of them.
create function auth_erase() returns boolean
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    me constant bigint := current_tenant();
begin
    if not exists (select from erasures e where e.subject_id = me) then
        return false;
    end if;
    delete from users u where u.user_id = me;
    update erasures e set erased_at = coalesce(e.erased_at, now()) where e.subject_id = me;
    return true;
end
$$;

-- As before; of an account that was closed nothing is good any more, not even what was made at that moment.
create or replace function auth_api_key(p_secret bytea)
returns table (user_id bigint, roles text[])
language sql stable security definer set search_path = public, pg_temp
as $$
    select k.user_id,
        array(select r.role_name from user_roles ur join roles r using (role_id) where ur.user_id = k.user_id)
    from api_keys k
    where k.key_secret = p_secret and k.revoked_at is null
        and not exists (select from erasures e where e.subject_id = k.user_id)
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
    ) and not exists (select from erasures e where e.subject_id = p_user_id)
$$;

grant create on schema public to anima_auth;
alter function auth_close() owner to anima_auth;
alter function auth_erase() owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function auth_close(), auth_erase() from public;
grant execute on function auth_close() to anima_app;
grant execute on function auth_erase() to anima_worker;

-- Every table whose rows belong to somebody: what an export goes through, so that a new one cannot be forgotten.
create function export_tables() returns table (name text)
language sql stable set search_path = public, pg_temp
as $$
    select c.relname::text from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and exists (
            select from pg_attribute a
            where a.attrelid = c.oid and a.attname in ('owner_id', 'user_id') and not a.attisdropped
        )
    order by 1
$$;

-- Rows of such a table that are the caller's, in the order of their keys, from behind `p_after`: the columns that the
-- caller may read, but none that holds secrets or bytes, and none that is made of the others for search.
create function export_page(p_table text, p_after jsonb, p_most integer) returns table (place jsonb, item jsonb)
language plpgsql stable set search_path = public, pg_temp
as $$
declare
    source oid := (select to_regclass(format('public.%I', e.name)) from export_tables() e where e.name = p_table);
    of_owner text;
    shown text;
    keys text;
    behind text;
begin
    select (array_agg(a.attname order by a.attname <> 'owner_id'))[1] into of_owner from pg_attribute a
    where a.attrelid = source and a.attname in ('owner_id', 'user_id') and not a.attisdropped;

    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) into shown
    from pg_attribute a
    where a.attrelid = source and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(source, a.attnum, 'select')
        and a.atttypid::regtype::text not in ('bytea', 'vector', 'halfvec', 'sparsevec', 'bit', 'bit varying', 'tsvector')
        and a.attname !~ '(password|secret|token|link|api_key|key)_hash$|^(api_key|terms|next_model|next_embedding)$';

    select string_agg(format('t.%I', a.attname), ', ' order by k.nth),
        string_agg(format('(%L)::%s', p_after ->> (k.nth - 1)::integer, format_type(a.atttypid, null)), ', ' order by k.nth)
    into keys, behind
    from pg_index i, unnest(i.indkey::smallint[]) with ordinality as k (attnum, nth), pg_attribute a
    where i.indrelid = source and i.indisprimary and a.attrelid = source and a.attnum = k.attnum;

    if shown is null or keys is null then
        return;
    end if;
    return query execute format(
        'select r.export_key, to_jsonb(r) - ''export_key'' from (select jsonb_build_array(%1$s) as export_key, %2$s from %3$s t '
        'where t.%4$I = (select current_tenant()) and ($1 is null or (%1$s) > (%5$s)) order by %1$s limit $2) r',
        keys, shown, source::regclass, of_owner, behind
    ) using p_after, p_most;
end
$$;
revoke execute on function export_tables(), export_page(text, jsonb, integer) from public;
grant execute on function export_tables(), export_page(text, jsonb, integer) to anima_app;

-- What was changed of memory can be undone for a day: not where that would keep what a message said that is gone.
create function forget_changes() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    delete from memory_changes c
    where c.owner_id = any (array(select distinct owner_id from gone)) and exists (
        select from jsonb_array_elements(
            jsonb_path_query_array(c.before, '$.hides[*]') || jsonb_path_query_array(c.before, '$.mentions[*].message_id')
            || jsonb_path_query_array(c.before, '$.facts[*].source_message_id')
            || jsonb_path_query_array(c.before, '$.episodes[*].context_messages[*]')
        ) as said
        join gone g on g.owner_id = c.owner_id and said = to_jsonb(g.message_id)
    );
    return null;
end
$$;
create trigger messages_deleted_changes after delete on messages
    referencing old table as gone for each statement execute function forget_changes();
revoke execute on function forget_changes() from public;
