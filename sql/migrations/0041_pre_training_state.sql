-- Runs: what was trained how, what it measured, and every state from which it can go on.

create table training_sessions (
    session_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    model_id uuid,
    name text not null check (length(name) between 1 and 200),
    configuration jsonb not null default '{}' check (jsonb_typeof(configuration) = 'object'),
    dataset jsonb not null default '{}' check (jsonb_typeof(dataset) = 'object'),
    status text not null default 'pending'
        check (status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    current_epoch double precision not null default 0 check (current_epoch >= 0),
    total_epochs double precision check (total_epochs > 0),
    step bigint not null default 0 check (step >= 0),
    writer uuid,
    error text,
    started_at timestamptz,
    heartbeat_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (owner_id, session_id),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete set null (model_id)
);
create index training_sessions_recent on training_sessions (owner_id, created_at desc, session_id);
create index training_sessions_model on training_sessions (owner_id, model_id);
create trigger training_sessions_updated before update on training_sessions
    for each row execute function update_updated_at_column();

comment on column training_sessions.writer is 'Who trains it now: whoever took it over later has another one, and the earlier cannot write any more';
comment on column training_sessions.configuration is 'Learning rate, batch size, optimiser, and whatever else the trainer needs to begin again';

-- By time; a batch that comes twice is entered once, since each value brings its own time.
create table training_metrics (
    owner_id bigint not null references users on delete cascade,
    session_id uuid not null,
    scope text not null check (scope in ('train', 'validation', 'test')),
    name text not null check (length(name) between 1 and 200),
    step bigint not null check (step >= 0),
    at timestamptz not null,
    epoch double precision,
    value double precision not null,
    primary key (owner_id, session_id, scope, name, step, at),
    foreign key (owner_id, session_id) references training_sessions (owner_id, session_id) on delete cascade
) partition by range (at);
create table training_metrics_default partition of training_metrics default;

create table model_checkpoints (
    checkpoint_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    session_id uuid,
    model_id uuid,
    parent_id uuid,
    kind text not null check (kind in ('full', 'weights', 'optimizer')),
    step bigint not null check (step >= 0),
    epoch double precision,
    metrics jsonb not null default '{}' check (jsonb_typeof(metrics) = 'object'),
    state jsonb not null default '{}' check (jsonb_typeof(state) = 'object'),
    is_best boolean not null default false,
    n_bytes bigint not null check (n_bytes >= 0),
    new_bytes bigint not null check (new_bytes >= 0),
    created_at timestamptz not null,
    unique (owner_id, checkpoint_id),
    unique (owner_id, session_id, step, kind),
    foreign key (owner_id, session_id) references training_sessions (owner_id, session_id) on delete cascade,
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade,
    foreign key (owner_id, parent_id) references model_checkpoints (owner_id, checkpoint_id) on delete set null (parent_id),
    check (session_id is not null or model_id is not null)
);
create unique index model_checkpoints_best on model_checkpoints (owner_id, session_id) where is_best;
create index model_checkpoints_model on model_checkpoints (owner_id, model_id, created_at desc);
create index model_checkpoints_parent on model_checkpoints (owner_id, parent_id);

comment on column model_checkpoints.state is 'What is no tensor: place in the data, states of random generators as numbers, names of tensors';
comment on column model_checkpoints.n_bytes is 'Of all its tensors in memory';
comment on column model_checkpoints.new_bytes is 'What this checkpoint added to the store';

create table checkpoint_tensors (
    owner_id bigint not null references users on delete cascade,
    checkpoint_id uuid not null,
    name text not null check (length(name) between 1 and 500),
    role text not null check (role in ('weight', 'optimizer', 'state')),
    position integer not null check (position >= 0),
    tensor_id uuid not null,
    primary key (owner_id, checkpoint_id, role, name),
    foreign key (owner_id, checkpoint_id) references model_checkpoints (owner_id, checkpoint_id) on delete cascade,
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id)
);
create index checkpoint_tensors_tensor on checkpoint_tensors (owner_id, tensor_id);

create table optimizer_state (
    owner_id bigint not null references users on delete cascade,
    checkpoint_id uuid not null,
    session_id uuid not null,
    parameter text not null check (length(parameter) between 1 and 500),
    momentum_tensor_id uuid,
    variance_tensor_id uuid,
    hyperparameters jsonb not null default '{}' check (jsonb_typeof(hyperparameters) = 'object'),
    step bigint not null check (step >= 0),
    primary key (owner_id, checkpoint_id, parameter),
    foreign key (owner_id, checkpoint_id) references model_checkpoints (owner_id, checkpoint_id) on delete cascade,
    foreign key (owner_id, session_id) references training_sessions (owner_id, session_id) on delete cascade,
    foreign key (owner_id, momentum_tensor_id) references tensor_metadata (owner_id, tensor_id),
    foreign key (owner_id, variance_tensor_id) references tensor_metadata (owner_id, tensor_id)
);
create index optimizer_state_session on optimizer_state (owner_id, session_id, step);
create index optimizer_state_momentum on optimizer_state (owner_id, momentum_tensor_id);
create index optimizer_state_variance on optimizer_state (owner_id, variance_tensor_id);

-- Which layers of a model are computed again in the backward pass instead of being kept.
create table gradient_checkpoints (
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    layer text not null check (length(layer) between 1 and 500),
    strategy text not null check (strategy in ('keep', 'recompute')),
    saved_bytes bigint check (saved_bytes >= 0),
    created_at timestamptz not null,
    primary key (owner_id, model_id, layer),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade
);

alter table training_sessions enable row level security;
alter table training_metrics enable row level security;
alter table model_checkpoints enable row level security;
alter table checkpoint_tensors enable row level security;
alter table optimizer_state enable row level security;
alter table gradient_checkpoints enable row level security;
create policy tenant on training_sessions for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on training_metrics for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on model_checkpoints for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on checkpoint_tensors for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on optimizer_state for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on gradient_checkpoints for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on training_sessions, training_metrics, model_checkpoints, checkpoint_tensors,
    optimizer_state, gradient_checkpoints to anima_app, anima_worker;

create view v_training_progress with (security_invoker = true) as
select s.owner_id, s.session_id, s.name, s.model_id, m.name as model_name, m.version as model_version, s.status,
    s.current_epoch, s.total_epochs,
    case when s.total_epochs is not null then least(1.0, s.current_epoch / s.total_epochs) end as progress,
    s.step, coalesce(c.checkpoints, 0) as checkpoint_count, c.last_step as last_checkpoint_step,
    b.checkpoint_id as best_checkpoint_id, b.step as best_step, b.metrics as best_metrics,
    s.started_at, s.heartbeat_at, s.ended_at
from training_sessions s
left join models m on m.owner_id = s.owner_id and m.model_id = s.model_id
left join lateral (
    select count(*) as checkpoints, max(step) as last_step from model_checkpoints
    where owner_id = s.owner_id and session_id = s.session_id
) c on true
left join model_checkpoints b on b.owner_id = s.owner_id and b.session_id = s.session_id and b.is_best;
grant select on v_training_progress to anima_app, anima_worker;

-- The checkpoint of a model that was saved last, by whichever of its runs or by none; of equals the furthest.
create function get_latest_checkpoint(p_model_id uuid) returns setof model_checkpoints
language sql stable set search_path = public, pg_temp
as $$
    select c.* from model_checkpoints c
    where c.model_id = p_model_id and c.owner_id = (select m.owner_id from models m where m.model_id = p_model_id)
    order by c.created_at desc, c.step desc limit 1
$$;
grant execute on function get_latest_checkpoint(uuid) to anima_app, anima_worker;
