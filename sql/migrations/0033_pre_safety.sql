-- Care for the person: of age or not, where help is nearest, how long a talk goes on; counts of a year that name nobody;
-- and who changed what of the settings.

create table safety_people (
    owner_id bigint primary key references users (user_id) on delete cascade,
    age text not null default 'unknown' check (age in ('unknown', 'minor', 'adult')),
    age_by text check (age_by in ('statement', 'person', 'admin')),
    country text check (country ~ '^[A-Z]{2}$'),
    breaks boolean not null default false,
    talk_began_at timestamptz,
    last_turn_at timestamptz,
    reminded_at timestamptz,
    updated_at timestamptz not null default now()
);
create trigger safety_people_updated before update on safety_people
    for each row execute function update_updated_at_column();

alter table safety_people enable row level security;
create policy tenant on safety_people for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
-- An admin says whether somebody is of age, and sees nothing else of it.
create policy care on safety_people for all to anima_admin using (true);
grant select, insert, update, delete on safety_people to anima_app, anima_worker;
grant select (owner_id, age, age_by, updated_at), insert (owner_id, age, age_by), update (age, age_by)
    on safety_people to anima_admin;

-- How often something happened in a month, and where; nobody's.
create table safety_counts (
    month date not null check (month = date_trunc('month', month)::date),
    kind text not null check (kind ~ '^[a-z_]{1,40}$'),
    country text not null default '' check (country ~ '^([A-Z]{2})?$'),
    n bigint not null default 0 check (n >= 0),
    primary key (month, kind, country)
);
alter table safety_counts enable row level security;
create policy gate on safety_counts for all to anima_auth using (true);
create policy overview on safety_counts for select to anima_admin using (true);
grant select, insert, update on safety_counts to anima_auth;
grant select on safety_counts to anima_admin;

-- Counts one of each kind; in the order of their names, so that two at once wait for each other and not in a circle.
create function safety_count(p_month date, p_kinds text[], p_country text) returns void
language sql security definer set search_path = public, pg_temp
as $$
    insert into safety_counts (month, kind, country, n)
    select date_trunc('month', p_month)::date, kind, coalesce(p_country, ''), 1
    from (select distinct unnest(p_kinds) as kind) counted order by kind
    on conflict (month, kind, country) do update set n = safety_counts.n + 1
$$;

-- Who of those who run the place did what; it is kept when they are gone, under their number alone.
create table audit_log (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null,
    actor_id bigint,
    action text not null check (length(action) between 1 and 100),
    subject text not null default '' check (length(subject) <= 200),
    detail jsonb not null default '{}'
);
create index audit_log_time on audit_log (at desc, audit_id desc);
alter table audit_log enable row level security;
create policy overview on audit_log for all to anima_admin using (true);
grant select, insert on audit_log to anima_admin;

grant create on schema public to anima_auth;
alter function safety_count(date, text[], text) owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function safety_count(date, text[], text) from public;
grant execute on function safety_count(date, text[], text) to anima_app;
