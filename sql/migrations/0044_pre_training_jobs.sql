-- Jobs: training, simulation and batch inference as work in processes of their own, and the GPUs that are lent to them.

create table training_jobs (
    job_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    kind text not null check (kind in ('simulation', 'batch_inference')),
    name text not null check (length(name) between 1 and 200),
    status text not null default 'queued'
        check (status in ('queued', 'starting', 'running', 'stopping', 'paused', 'completed', 'failed', 'cancelled')),
    wanted text not null default 'run' check (wanted in ('run', 'paused', 'cancelled')),
    configuration jsonb not null check (jsonb_typeof(configuration) = 'object'),
    limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
    backend text not null check (backend in ('local', 'container', 'sagemaker', 'batch')),
    gpus smallint not null default 0 check (gpus between 0 and 64),
    waiting_for text check (waiting_for in ('gpus', 'processes')),
    run_id uuid,
    model_id uuid,
    handle text,
    execution text,
    attempt integer not null default 0 check (attempt >= 0),
    most_attempts integer not null default 3 check (most_attempts > 0),
    step bigint check (step >= 0),
    "of" bigint check ("of" >= 0),
    progress jsonb not null default '{}' check (jsonb_typeof(progress) = 'object'),
    error text check (length(error) <= 4000),
    exit_code integer,
    result jsonb check (jsonb_typeof(result) = 'object'),
    source text not null default 'api' check (source in ('api', 'schedule', 'queue', 'cli')),
    stop_asked_at timestamptz,
    heartbeat_at timestamptz,
    not_before timestamptz,
    check_at timestamptz,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    updated_at timestamptz not null,
    unique (owner_id, job_id),
    foreign key (owner_id, run_id) references training_sessions (owner_id, session_id) on delete set null (run_id),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete set null (model_id)
);
create index training_jobs_recent on training_jobs (owner_id, created_at desc, job_id desc);
create index training_jobs_run on training_jobs (owner_id, run_id);
create index training_jobs_model on training_jobs (owner_id, model_id);
create index training_jobs_alive on training_jobs (status, created_at)
    where status in ('queued', 'starting', 'running', 'stopping');
create trigger training_jobs_updated before update on training_jobs
    for each row execute function update_updated_at_column();

comment on column training_jobs.wanted is 'What its person wants it to be; it is stopped where that is not run';
comment on column training_jobs.waiting_for is 'Why a queued job does not begin: what it needs is lent to others';
comment on column training_jobs.handle is 'What the backend calls the attempt that runs now';
comment on column training_jobs.execution is 'The execution of the state machine that looks after it, where one does';
comment on column training_jobs.check_at is 'When it is looked at next: one event is armed for it, never two';

-- A GPU is lent to one job at a time, whose ever the jobs are.
create table gpu_sessions (
    session_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    job_id uuid not null,
    gpu_id text not null check (length(gpu_id) between 1 and 100),
    allocated_at timestamptz not null default now(),
    released_at timestamptz,
    foreign key (owner_id, job_id) references training_jobs (owner_id, job_id) on delete cascade
);
create unique index gpu_sessions_lent on gpu_sessions (gpu_id) where released_at is null;
create index gpu_sessions_job on gpu_sessions (owner_id, job_id);

-- The last lines that a job wrote.
create table job_logs (
    owner_id bigint not null references users on delete cascade,
    job_id uuid not null,
    seq bigint not null check (seq >= 0),
    at timestamptz not null,
    line text not null check (length(line) <= 2000),
    primary key (owner_id, job_id, seq),
    foreign key (owner_id, job_id) references training_jobs (owner_id, job_id) on delete cascade
);

alter table training_jobs enable row level security;
alter table gpu_sessions enable row level security;
alter table job_logs enable row level security;
create policy tenant on training_jobs for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on gpu_sessions for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on job_logs for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on training_jobs, gpu_sessions, job_logs to anima_app, anima_worker;

-- What is lent is counted over everybody: by functions that answer numbers and ids, never what is in a row.
create policy gate on training_jobs for all to anima_auth using (true);
create policy gate on gpu_sessions for all to anima_auth using (true);
grant select, update on training_jobs to anima_auth;
grant select, insert on gpu_sessions to anima_auth;

-- Lends a queued job of the caller what it needs and makes it starting, if there is room; one at a time, so that there
-- are never more than there is room for. Answers 'taken', 'gpus' or 'processes' where it waits for them, or 'gone'.
create function training_take(p_job_id uuid, p_gpus integer, p_processes integer) returns text
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    job training_jobs;
    here boolean;
    free text[];
    lacks text;
begin
    perform pg_advisory_xact_lock(hashtextextended('training_room', 0));
    select j.* into job from training_jobs j
    where j.job_id = p_job_id and j.owner_id = current_tenant() and j.status = 'queued' and j.wanted = 'run'
    for update;
    if not found then
        return 'gone';
    end if;
    here := job.backend in ('local', 'container');
    free := array(
        select n::text from generate_series(0, p_gpus - 1) n
        where not exists (select from gpu_sessions g where g.gpu_id = n::text and g.released_at is null)
        order by n limit job.gpus
    );
    -- Who has waited longer for GPUs goes first, or one that needs many would never get them.
    if job.gpus > 0 and (cardinality(free) < job.gpus or exists (
        select from training_jobs j
        where j.status = 'queued' and j.waiting_for = 'gpus' and j.gpus <= p_gpus and j.created_at < job.created_at
    )) then
        lacks := 'gpus';
    elsif here and p_processes <= (
        select count(*) from training_jobs j
        where j.status in ('starting', 'running', 'stopping') and j.backend in ('local', 'container')
    ) then
        lacks := 'processes';
    end if;
    if lacks is not null then
        update training_jobs j set waiting_for = lacks where j.job_id = p_job_id;
        return lacks;
    end if;
    insert into gpu_sessions (session_id, owner_id, job_id, gpu_id)
    select gen_random_uuid(), job.owner_id, job.job_id, n from unnest(free) n;
    update training_jobs j set status = 'starting', waiting_for = null, attempt = j.attempt + 1, handle = null,
        not_before = null, stop_asked_at = null, heartbeat_at = now(), started_at = coalesce(j.started_at, now())
    where j.job_id = p_job_id;
    return 'taken';
end
$$;

-- How much is lent, and how many wait: numbers only, of everybody's.
create function training_room() returns table (gpus_lent bigint, processes_here bigint, waiting bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select (select count(*) from gpu_sessions g where g.released_at is null),
        (select count(*) from training_jobs j
        where j.status in ('starting', 'running', 'stopping') and j.backend in ('local', 'container')),
        (select count(*) from training_jobs j where j.status = 'queued' and j.waiting_for is not null)
$$;

-- Whom something is to be done for by a worker that acts for nobody: jobs that wait for room, who waited longest first,
-- and, where p_silent is given, those that live and that nobody has looked at for so long. What waits for one thing does
-- not stand before what waits for another.
create function training_due(p_silent interval) returns table (owner_id bigint, job_id uuid)
language sql stable security definer set search_path = public, pg_temp
as $$
    select j.owner_id, j.job_id from training_jobs j
    where j.status in ('queued', 'starting', 'running', 'stopping')
        and ((j.status = 'queued' and j.waiting_for is not null) or j.updated_at < now() - p_silent)
    order by row_number() over (partition by j.waiting_for order by j.created_at), j.created_at limit 100
$$;

grant create on schema public to anima_auth;
alter function training_take(uuid, integer, integer) owner to anima_auth;
alter function training_room() owner to anima_auth;
alter function training_due(interval) owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function training_take(uuid, integer, integer) from public;
revoke execute on function training_room() from public;
revoke execute on function training_due(interval) from public;
grant execute on function training_take(uuid, integer, integer), training_room() to anima_app, anima_worker;
grant execute on function training_due(interval) to anima_worker;
