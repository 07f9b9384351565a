-- Whole documents put to a model: what is asked of them and how far it is, the parts it is made of, the sentences that
-- stand for a document in a turn, and the sessions that are summed up when they have been quiet.

create table summaries (
    summary_id bigint generated always as identity primary key,
    owner_id bigint not null references users on delete cascade,
    document_id bigint not null,
    instruction text check (length(instruction) between 1 and 4000),
    sentences integer not null check (sentences between 1 and 30),
    mode text not null check (mode in ('one_piece', 'map_reduce', 'extractive')),
    model text,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    parts_done integer not null default 0,
    parts_total integer not null check (parts_total >= 0),
    attempts integer not null default 0,
    estimate jsonb not null,
    text text,
    citations jsonb not null default '[]',
    usage jsonb not null default '{}',
    reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (owner_id, summary_id),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade
);
create trigger summaries_updated before update on summaries
    for each row execute function update_updated_at_column();
create index summaries_document on summaries (owner_id, document_id);

-- What was done of a summary: a worker that is killed goes on behind the last of them.
create table summary_parts (
    owner_id bigint not null,
    summary_id bigint not null,
    level integer not null check (level >= 0),
    part integer not null check (part >= 0),
    result jsonb not null,
    created_at timestamptz not null default now(),
    primary key (owner_id, summary_id, level, part),
    foreign key (owner_id, summary_id) references summaries (owner_id, summary_id) on delete cascade
);

create table document_digests (
    owner_id bigint not null,
    document_id bigint not null,
    position integer not null check (position >= 0),
    rank integer not null check (rank >= 0),
    chunk_id bigint not null,
    text text not null,
    primary key (owner_id, document_id, position),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade,
    foreign key (owner_id, chunk_id) references chunks (owner_id, chunk_id) on delete cascade
);
create index document_digests_chunk on document_digests (owner_id, chunk_id);

-- `waiting`: an event is under way that looks whether the session is quiet; so there is one at most.
create table session_digests (
    owner_id bigint not null,
    session_id bigint not null,
    waiting boolean not null default true,
    message_id bigint,
    document_id bigint,
    updated_at timestamptz not null default now(),
    primary key (owner_id, session_id),
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete set null (message_id),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete set null (document_id)
);
create trigger session_digests_updated before update on session_digests
    for each row execute function update_updated_at_column();
create index session_digests_message on session_digests (owner_id, message_id);
create index session_digests_document on session_digests (owner_id, document_id);

alter table summaries enable row level security;
alter table summary_parts enable row level security;
alter table document_digests enable row level security;
alter table session_digests enable row level security;

create policy tenant on summaries for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on summary_parts for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on document_digests for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on session_digests for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));

grant select, insert, update, delete on summaries, summary_parts, document_digests, session_digests
    to anima_app, anima_worker;
