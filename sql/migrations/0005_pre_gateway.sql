-- The catalogue of language models, versioned prompts, and every request with its response.

create table llm_models (
    model_id bigint generated always as identity primary key,
    provider text not null,
    model_name text not null,
    model_version text not null default '',
    endpoint_url text,
    max_context_len integer not null check (max_context_len > 0),
    supported_modalities text[] not null default '{text}',
    default_params jsonb not null default '{}',
    created_at timestamptz not null default now(),
    unique (provider, model_name, model_version)
);
insert into llm_models (provider, model_name, max_context_len, default_params) values
    ('local', 'qwen2.5-coder-1.5b-instruct', 4096, '{"temperature": 0.3, "min_p": 0.05, "top_k": 0}'),
    ('local', 'qwen2.5-coder-0.5b-instruct', 4096, '{"temperature": 0.3, "min_p": 0.05, "top_k": 0}');

create table prompts (
    prompt_id bigint generated always as identity primary key,
    owner_id bigint references users on delete cascade,
    name text not null,
    version integer not null check (version > 0),
    content text not null,
    created_by bigint references users on delete set null,
    created_at timestamptz not null default now(),
    unique nulls not distinct (owner_id, name, version)
);
create index prompts_created_by on prompts (created_by);

create table llm_requests (
    request_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    session_id bigint,
    user_id bigint references users on delete set null,
    message_id bigint,
    model_id bigint references llm_models on delete set null,
    prompt_id bigint references prompts on delete set null,
    purpose text not null default 'turn',
    prompt_text text,
    prompt_json jsonb,
    parameters jsonb not null default '{}',
    token_estimate integer,
    state text not null default 'pending' check (state in ('pending', 'completed', 'failed', 'interrupted')),
    error jsonb,
    instance uuid,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (owner_id, request_id),
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete set null (message_id)
);
create index llm_requests_time on llm_requests (created_at desc);
create index llm_requests_session on llm_requests (owner_id, session_id, request_id);
create index llm_requests_message on llm_requests (owner_id, message_id);
create index llm_requests_user on llm_requests (user_id);
create index llm_requests_model on llm_requests (model_id);
create index llm_requests_prompt on llm_requests (prompt_id);
create index llm_requests_open on llm_requests (expires_at) where state = 'pending';

create table llm_responses (
    response_id bigint generated always as identity primary key,
    owner_id bigint not null,
    request_id bigint not null,
    message_id bigint,
    role text not null default 'assistant',
    content jsonb not null,
    usage jsonb not null default '{}',
    memories jsonb not null default '[]',
    affect jsonb not null default '{}',
    timings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    unique (owner_id, response_id),
    unique (owner_id, request_id),
    foreign key (owner_id, request_id) references llm_requests (owner_id, request_id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete set null (message_id)
);
create index llm_responses_message on llm_responses (owner_id, message_id);

-- Streamed tokens; kept for a while, dropped by partition, referred to by nothing.
create table llm_response_chunks (
    chunk_id bigint generated always as identity,
    owner_id bigint not null references users on delete cascade,
    response_id bigint not null,
    token_index integer not null,
    token_text text not null,
    created_at timestamptz not null default now(),
    primary key (created_at, chunk_id),
    foreign key (owner_id, response_id) references llm_responses (owner_id, response_id) on delete cascade
) partition by range (created_at);
create index llm_response_chunks_response on llm_response_chunks (owner_id, response_id, token_index);
create table llm_response_chunks_default partition of llm_response_chunks default;

create table feedback (
    feedback_id bigint generated always as identity primary key,
    owner_id bigint not null,
    response_id bigint not null,
    rating smallint not null check (rating between 1 and 5),
    comment text check (length(comment) <= 4000),
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    unique (owner_id, response_id),
    foreign key (owner_id, response_id) references llm_responses (owner_id, response_id) on delete cascade
);

alter table prompts enable row level security;
alter table llm_requests enable row level security;
alter table llm_responses enable row level security;
alter table llm_response_chunks enable row level security;
alter table feedback enable row level security;

create policy tenant on prompts for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy shared on prompts for select to anima_app, anima_worker using (owner_id is null);
create policy catalogue on prompts for all to anima_admin using (owner_id is null);
create policy tenant on llm_requests for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and (user_id is null or user_id = (select current_tenant())));
create policy tenant on llm_responses for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on llm_response_chunks for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on feedback for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy overview on llm_requests for select to anima_admin using (true);

-- A worker without a tenant finds whose turns were cut. What is pending holds no prompt yet; closing takes the tenant.
create policy cut on llm_requests for select to anima_worker
    using ((select current_tenant()) is null and state = 'pending');

grant select on llm_models to anima_app, anima_worker;
grant select, insert, update, delete on llm_models to anima_admin;
grant select, insert, update, delete on prompts, llm_requests, llm_responses, llm_response_chunks, feedback
    to anima_app, anima_worker;
grant select, insert, update, delete on prompts to anima_admin;
grant select (request_id, owner_id, session_id, model_id, purpose, state, created_at, finished_at)
    on llm_requests to anima_admin;

-- Enters a configured model into the catalogue, once, and answers its id; it changes nothing that is there.
create function catalogue_model(
    p_provider text, p_name text, p_version text, p_endpoint_url text, p_max_context_len integer
) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    found_id bigint;
begin
    insert into llm_models (provider, model_name, model_version, endpoint_url, max_context_len)
    values (p_provider, p_name, p_version, p_endpoint_url, p_max_context_len)
    on conflict (provider, model_name, model_version) do nothing;
    select m.model_id into found_id from llm_models m
    where m.provider = p_provider and m.model_name = p_name and m.model_version = p_version;
    return found_id;
end
$$;
grant select, insert on llm_models to anima_auth;
grant create on schema public to anima_auth;
alter function catalogue_model(text, text, text, text, integer) owner to anima_auth;
revoke create on schema public from anima_auth;
revoke execute on function catalogue_model(text, text, text, text, integer) from public;
grant execute on function catalogue_model(text, text, text, text, integer) to anima_app, anima_worker;
