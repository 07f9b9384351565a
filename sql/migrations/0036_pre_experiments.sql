-- Experiments on prompts and models: what is tried, who is given which variant, and how that goes, in sums.

create table experiments (
    exp_id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 100),
    variants jsonb not null check (jsonb_typeof(variants) = 'array'),
    metric text not null check (metric in ('liked', 'rating', 'latency', 'cost', 'errors', 'safety')),
    guard jsonb not null default '{}',
    created_by bigint references users (user_id) on delete set null,
    start_ts timestamptz not null,
    end_ts timestamptz,
    ended jsonb,
    check ((end_ts is null) = (ended is null))
);
create unique index experiments_running on experiments (name) where end_ts is null;
create index experiments_created_by on experiments (created_by);

-- Of each person the variant, and sums over their answers and ratings; never a word of what was said.
create table experiment_assignments (
    user_id bigint not null references users (user_id) on delete cascade,
    exp_id bigint not null references experiments (exp_id) on delete cascade,
    variant text not null check (length(variant) between 1 and 40),
    assigned_at timestamptz not null,
    answers integer not null default 0 check (answers >= 0),
    failures integer not null default 0 check (failures >= 0),
    harmed integer not null default 0 check (harmed >= 0),
    ms double precision not null default 0,
    ms_squares double precision not null default 0,
    costed integer not null default 0 check (costed >= 0),
    cost double precision not null default 0,
    cost_squares double precision not null default 0,
    rated integer not null default 0 check (rated >= 0),
    liked integer not null default 0 check (liked >= 0),
    rating double precision not null default 0,
    rating_squares double precision not null default 0,
    primary key (user_id, exp_id)
);
create index experiment_assignments_of on experiment_assignments (exp_id, variant);

alter table experiments enable row level security;
alter table experiment_assignments enable row level security;
-- What runs is there for everybody, since a turn of anybody may be part of it.
create policy running on experiments for select to anima_app, anima_worker
    using (end_ts is null and (select current_tenant()) is not null);
create policy catalogue on experiments for all to anima_admin using (true);
create policy gate on experiments for all to anima_auth using (true);
create policy tenant on experiment_assignments for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy gate on experiment_assignments for select to anima_auth using (true);
create policy gate on audit_log for insert to anima_auth with check (true);
grant select on experiments to anima_app, anima_worker;
grant select, insert, update on experiments to anima_admin;
grant select, insert, update, delete on experiment_assignments to anima_app, anima_worker;
grant select, update on experiments to anima_auth;
grant select on experiment_assignments to anima_auth;
grant insert on audit_log to anima_auth;

-- How the variants of an experiment do, in sums over people that say nothing of one of them: of each metric the sum of
-- what was seen (x) over how many answers (d), the squares of single answers, and the squares and products of people's.
create function experiment_sums(p_exp_id bigint)
returns table (
    variant text, metric text, people bigint, x double precision, d double precision, squares double precision,
    xx double precision, xd double precision, dd double precision
)
language sql stable security definer set search_path = public, pg_temp
as $$
    select a.variant, m.metric, count(*) filter (where m.d > 0), sum(m.x), sum(m.d), sum(m.squares),
        sum(m.x * m.x), sum(m.x * m.d), sum(m.d * m.d)
    from experiment_assignments a
    cross join lateral (values
        ('liked', a.liked::double precision, a.rated::double precision, a.liked::double precision),
        ('rating', a.rating, a.rated, a.rating_squares),
        ('latency', a.ms, a.answers, a.ms_squares),
        ('cost', a.cost, a.costed, a.cost_squares),
        ('errors', a.failures, a.answers + a.failures, a.failures),
        ('safety', a.harmed, a.answers, a.harmed)
    ) as m (metric, x, d, squares)
    where a.exp_id = p_exp_id
    group by a.variant, m.metric
    order by a.variant, m.metric
$$;

-- Ends an experiment that does harm, once, and writes down why.
create function experiment_halt(p_exp_id bigint, p_ended jsonb, p_at timestamptz) returns boolean
language sql volatile security definer set search_path = public, pg_temp
as $$
    with halted as (
        update experiments set end_ts = p_at, ended = p_ended where exp_id = p_exp_id and end_ts is null
        returning exp_id
    ),
    noted as (
        insert into audit_log (at, action, subject, detail)
        select p_at, 'experiments.halt', exp_id::text, p_ended from halted
    )
    select exists (select from halted)
$$;

grant create on schema public to anima_auth;
alter function experiment_sums(bigint) owner to anima_auth;
alter function experiment_halt(bigint, jsonb, timestamptz) owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function experiment_sums(bigint) from public;
revoke execute on function experiment_halt(bigint, jsonb, timestamptz) from public;
grant execute on function experiment_sums(bigint) to anima_app, anima_worker, anima_admin;
grant execute on function experiment_halt(bigint, jsonb, timestamptz) to anima_app, anima_worker;
