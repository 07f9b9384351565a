-- Tools that an avatar may use: the catalogue of plugins, what each avatar is permitted, and every call.

-- owner_id null: everybody's, written by admins alone; else somebody's own server. `tools` are those of a package or a
-- server as they were when it was last looked at; what is built in has them in its code. Only what an admin enters may
-- lie at a private address.
create table plugins (
    plugin_id bigint generated always as identity primary key,
    owner_id bigint references users on delete cascade,
    name text not null check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    version text not null default '' check (length(version) <= 50),
    kind text not null check (kind in ('builtin', 'package', 'mcp')),
    enabled boolean not null default true,
    config jsonb not null default '{}',
    secret bytea,
    private_allowed boolean not null default false,
    tools jsonb not null default '[]',
    checked_at timestamptz,
    reason text check (length(reason) <= 500),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique nulls not distinct (owner_id, name, version),
    check (owner_id is null or kind = 'mcp' and not private_allowed)
);
create trigger plugins_updated before update on plugins for each row execute function update_updated_at_column();
insert into plugins (name, version, kind) values
    ('calculator', '1', 'builtin'),
    ('search', '1', 'builtin'),
    ('web', '1', 'builtin'),
    ('code', '1', 'builtin'),
    ('picture', '1', 'builtin');

-- `tool` empty: the whole plugin. An approval once for all holds for the tool as its digest says.
create table plugin_permissions (
    owner_id bigint not null,
    avatar_id uuid not null,
    plugin_id bigint not null references plugins on delete cascade,
    tool text not null default '' check (length(tool) <= 128),
    enabled boolean,
    always boolean not null default false,
    digest text check (length(digest) = 64),
    updated_at timestamptz not null default now(),
    primary key (owner_id, avatar_id, plugin_id, tool),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);
create trigger plugin_permissions_updated before update on plugin_permissions
    for each row execute function update_updated_at_column();
create index plugin_permissions_plugin on plugin_permissions (plugin_id);

create table plugin_invocations (
    invocation_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    avatar_id uuid,
    session_id bigint,
    request_id bigint,
    plugin_id bigint references plugins on delete set null,
    plugin text not null,
    tool text not null,
    digest text not null check (length(digest) = 64),
    state text not null
        check (state in ('waiting', 'approved', 'denied', 'running', 'done', 'failed')),
    request jsonb not null default '{}',
    response jsonb,
    error text check (length(error) <= 100),
    latency_ms double precision check (latency_ms >= 0),
    invoked_at timestamptz not null,
    decided_at timestamptz,
    unique (owner_id, invocation_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (owner_id, request_id) references llm_requests (owner_id, request_id) on delete cascade
);
create index plugin_invocations_of on plugin_invocations (owner_id, plugin_id, invocation_id desc);
create index plugin_invocations_avatar on plugin_invocations (owner_id, avatar_id);
create index plugin_invocations_session on plugin_invocations (owner_id, session_id);
create index plugin_invocations_request on plugin_invocations (owner_id, request_id);
create index plugin_invocations_plugin on plugin_invocations (plugin_id);

alter table plugins enable row level security;
alter table plugin_permissions enable row level security;
alter table plugin_invocations enable row level security;

create policy tenant on plugins for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy shared on plugins for select to anima_app, anima_worker using (owner_id is null);
create policy catalogue on plugins for all to anima_admin using (owner_id is null);
create policy tenant on plugin_permissions for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and plugin_id = any (array(select p.plugin_id from plugins p)));
create policy tenant on plugin_invocations for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and (plugin_id is null or plugin_id = any (array(select p.plugin_id from plugins p))));

grant select, insert, update, delete on plugins, plugin_permissions, plugin_invocations to anima_app, anima_worker;
grant select, insert, update, delete on plugins to anima_admin;
