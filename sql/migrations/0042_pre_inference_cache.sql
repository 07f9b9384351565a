-- What inference keeps for the next time, what it measured, and what a model attended to.

create table inference_sessions (
    session_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    temperature double precision check (temperature >= 0),
    top_k integer check (top_k >= 0),
    top_p double precision check (top_p > 0 and top_p <= 1),
    request_count bigint not null default 0 check (request_count >= 0),
    created_at timestamptz not null,
    ended_at timestamptz,
    unique (owner_id, session_id),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade
);
create index inference_sessions_model on inference_sessions (owner_id, model_id);
create index inference_sessions_recent on inference_sessions (owner_id, created_at desc, session_id);

-- Small activations lie in the row, larger ones in the chunk store: their row holds no bytes.
alter table activation_cache add column tensor_id uuid;
create index activation_cache_stored on activation_cache (owner_id, tensor_id) where tensor_id is not null;

-- Keys and values of a transformer by layer and positions within a session, with the hash of all tokens up to the last of
-- them, or the state of the local server's slot by avatar and the hash of what the prompt began with.
create table kv_cache (
    kv_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    session_id uuid,
    layer integer check (layer >= 0),
    avatar_id uuid,
    prompt_hash bytea not null check (octet_length(prompt_hash) = 32),
    model text not null check (length(model) between 1 and 200),
    seq_start integer not null check (seq_start >= 0),
    seq_end integer not null check (seq_end > seq_start),
    tensor_id uuid not null,
    n_bytes bigint not null check (n_bytes > 0),
    hits bigint not null default 0,
    created_at timestamptz not null,
    used_at timestamptz not null,
    expires_at timestamptz not null,
    unique (owner_id, session_id, layer, seq_start),
    unique (owner_id, avatar_id, model, prompt_hash),
    foreign key (owner_id, session_id) references inference_sessions (owner_id, session_id) on delete cascade,
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id),
    check ((session_id is null) = (layer is null)),
    check ((session_id is null) <> (avatar_id is null))
);
create index kv_cache_tensor on kv_cache (owner_id, tensor_id);
create index kv_cache_used on kv_cache (owner_id, used_at);
create index kv_cache_ends on kv_cache (expires_at);

comment on column kv_cache.tensor_id is 'Of a layer: keys and values, stacked; of a slot: the bytes of the server''s file';

create table inference_metrics (
    owner_id bigint not null references users on delete cascade,
    session_id uuid not null,
    at timestamptz not null,
    metric_id uuid not null,
    latency_ms double precision not null check (latency_ms >= 0),
    throughput double precision check (throughput >= 0),
    tokens_per_second double precision check (tokens_per_second >= 0),
    memory_bytes bigint check (memory_bytes >= 0),
    tokens bigint check (tokens >= 0),
    cache_hits bigint not null default 0 check (cache_hits >= 0),
    cache_misses bigint not null default 0 check (cache_misses >= 0),
    primary key (owner_id, session_id, at, metric_id),
    foreign key (owner_id, session_id) references inference_sessions (owner_id, session_id) on delete cascade
) partition by range (at);
create table inference_metrics_default partition of inference_metrics default;

comment on column inference_metrics.throughput is 'Requests a second';

create table attention_patterns (
    pattern_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    session_id uuid,
    model_id uuid not null,
    layer integer not null check (layer >= 0),
    head integer not null check (head >= 0),
    tensor_id uuid not null,
    tokens text[] not null,
    input_hash bytea not null check (octet_length(input_hash) = 32),
    created_at timestamptz not null,
    unique (owner_id, model_id, input_hash, layer, head),
    foreign key (owner_id, session_id) references inference_sessions (owner_id, session_id) on delete set null (session_id),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade,
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id)
);
create index attention_patterns_session on attention_patterns (owner_id, session_id);
create index attention_patterns_tensor on attention_patterns (owner_id, tensor_id);

comment on column attention_patterns.tensor_id is 'Weights, queries by keys, each row of which adds up to 1';

alter table inference_sessions enable row level security;
alter table kv_cache enable row level security;
alter table inference_metrics enable row level security;
alter table attention_patterns enable row level security;
create policy tenant on inference_sessions for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on kv_cache for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on inference_metrics for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on attention_patterns for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on inference_sessions, kv_cache, inference_metrics, attention_patterns
    to anima_app, anima_worker;

-- As it was, for two more tables.
create or replace function maintain_partitions() returns text
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '250ms'
as $$
declare
    parent text;
    at_column text;
    kept interval;
    present constant timestamptz := date_trunc('month', now());
    month timestamptz;
    part text;
    stray boolean;
    referred text;
    n bigint;
begin
    for parent, at_column, kept in
        values ('llm_response_chunks', 'created_at', interval '30 days'),
            ('retrieval_logs', 'retrieved_at', interval '180 days'),
            ('training_metrics', 'at', interval '730 days'),
            ('inference_metrics', 'at', interval '180 days')
    loop
        select c.relname into part from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = parent::regclass and c.relname ~ ('^' || parent || '_y\d{4}m\d{2}$')
            and to_date(right(c.relname, 7), 'YYYY"m"MM') + interval '1 month' < now() - kept
        order by c.relname limit 1;
        if found then
            execute format('drop table %I', part);
            return 'dropped ' || part;
        end if;

        execute format('select date_trunc(''month'', min(%I)) from %I where %1$I < $1', at_column, parent || '_default')
            into month using present;
        if month + interval '1 month' < now() - kept then
            execute format(
                'delete from %I where ctid = any (array(select ctid from %1$I where %I < $1 limit 20000))',
                parent || '_default', at_column
            ) using month + interval '1 month';
            get diagnostics n = row_count;
            return format('deleted %s of %s', n, parent);
        end if;

        for month in
            select m from (
                select month as m where month is not null
                union all select generate_series(present, present + interval '2 months', interval '1 month')
            ) wanted order by m
        loop
            part := parent || to_char(month, '"_y"YYYY"m"MM');
            continue when to_regclass(part) is not null;
            execute format('select exists (select from %I where %I >= $1 and %2$I < $2)', parent || '_default', at_column)
                into stray using month, month + interval '1 month';
            continue when stray and month = present;
            execute format('create table %I (like %I including all excluding identity)', part, parent);
            if stray then
                execute format(
                    'with moved as (delete from %I where %I >= $1 and %2$I < $2 returning *)
                    insert into %I select * from moved',
                    parent || '_default', at_column, part
                ) using month, month + interval '1 month';
            end if;
            select string_agg(distinct confrelid::regclass::text, ', ') into referred from pg_constraint
            where conrelid = parent::regclass and contype = 'f';
            execute format('lock table %s in share row exclusive mode', referred);
            execute format(
                'alter table %I attach partition %I for values from (%L) to (%L)',
                parent, part, month, month + interval '1 month'
            );
            return 'attached ' || part;
        end loop;
    end loop;
    return null;
end
$$;

-- What lies in the chunk store is given back owner by owner; what lies in the row goes as before, for all at once.
create or replace function maintain_activations() returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    n bigint;
begin
    delete from activation_cache where ctid = any (array(
        select a.ctid from activation_cache a where a.expires_at < now() and a.tensor_id is null
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    return n;
end
$$;

-- Whom a worker that acts for nobody is to have a look at, by the server's clock; it then acts for each of them.
create function owners_with_stale_caches() returns table (owner_id bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select k.owner_id from kv_cache k where k.expires_at <= now()
    union select a.owner_id from activation_cache a where a.tensor_id is not null and a.expires_at <= now()
    limit 1000
$$;
revoke execute on function owners_with_stale_caches() from public;
grant execute on function owners_with_stale_caches() to anima_worker;

-- Whose avatars have beginnings of prompts that a local server can be given back.
create function owners_with_slots() returns table (owner_id bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select distinct k.owner_id from kv_cache k where k.avatar_id is not null limit 1000
$$;
revoke execute on function owners_with_slots() from public;
grant execute on function owners_with_slots() to anima_worker;

-- Of whom something lies in the store that nothing refers to: what went by itself with something else, or what somebody
-- left who died over it.
create function owners_with_free_tensors() returns table (owner_id bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select t.owner_id from tensor_metadata t
    where t.created_at < now() - interval '1 day'
        and not exists (select from model_weights r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from model_weights r where r.owner_id = t.owner_id and r.gradient_tensor_id = t.tensor_id)
        and not exists (select from model_files r where r.owner_id = t.owner_id and r.literal_tensor_id = t.tensor_id)
        and not exists (select from checkpoint_tensors r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from optimizer_state r where r.owner_id = t.owner_id and r.momentum_tensor_id = t.tensor_id)
        and not exists (select from optimizer_state r where r.owner_id = t.owner_id and r.variance_tensor_id = t.tensor_id)
        and not exists (select from kv_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from attention_patterns r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from activation_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
    union
    select c.owner_id from tensor_chunks c where c.refs = 0 and c.created_at < now() - interval '1 day'
    union
    select p.owner_id from tensor_packs p
    where p.touched_at < now() - interval '1 day' and (p.state <> 'sealed' or not exists (
        select from tensor_chunks c where c.owner_id = p.owner_id and c.pack_id = p.pack_id
    ))
    limit 1000
$$;
revoke execute on function owners_with_free_tensors() from public;
grant execute on function owners_with_free_tensors() to anima_worker;
