-- What every table stands on: the time of the last change, and settings that hold without a redeploy.

create function update_updated_at_column() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end
$$;

-- The tenant of the running transaction; null where none is set (after a commit the setting is '').
create function current_tenant() returns bigint
language sql stable parallel safe
as $$ select nullif(current_setting('anima.user_id', true), '')::bigint $$;

grant execute on function current_tenant() to anima_app, anima_worker, anima_admin, anima_auth;

create table settings (
    key text primary key check (key <> ''),
    value jsonb not null,
    updated_at timestamptz not null default now()
);
create trigger settings_updated before update on settings
    for each row execute function update_updated_at_column();
grant select on settings to anima_app, anima_worker;
grant select, insert, update, delete on settings to anima_admin;
