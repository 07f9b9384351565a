-- Events to deliver, in order per key, and answers to calls that may come twice.

create table outbox (
    event_id uuid primary key,
    seq bigint generated always as identity,
    topic text not null,
    key text not null,
    owner_id bigint not null references users on delete cascade,
    payload jsonb not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    delivered_at timestamptz,
    dead_at timestamptz,
    last_error text,
    created_at timestamptz not null default now()
);
create index outbox_owner on outbox (owner_id);
create index outbox_due on outbox (seq) where delivered_at is null and dead_at is null;
create index outbox_key on outbox (key, seq) where delivered_at is null and dead_at is null;
create index outbox_next on outbox (next_attempt_at) where delivered_at is null and dead_at is null;

create table idempotency_keys (
    owner_id bigint not null references users on delete cascade,
    key text not null check (length(key) between 1 and 255),
    fingerprint bytea not null,
    state text not null default 'running' check (state in ('running', 'done')),
    response jsonb,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (owner_id, key)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

alter table outbox enable row level security;
alter table idempotency_keys enable row level security;

create policy tenant on outbox for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
-- A worker claims while it acts for nobody; once it acts for somebody, it sees only what is theirs.
create policy claim on outbox for select to anima_worker using ((select current_tenant()) is null);
create policy claim_update on outbox for update to anima_worker using ((select current_tenant()) is null);
create policy overview on outbox for select to anima_admin using (true);
create policy tenant on idempotency_keys for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));

grant select, insert, update on outbox to anima_app, anima_worker;
grant select, insert, update, delete on idempotency_keys to anima_app, anima_worker;
grant select (event_id, seq, topic, owner_id, attempts, next_attempt_at, delivered_at, dead_at, created_at)
    on outbox to anima_admin;
