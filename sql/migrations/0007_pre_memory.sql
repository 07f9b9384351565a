-- What an avatar keeps of a person: facts, episodes, embedded messages, affinity and moods.

create table user_facts (
    id uuid primary key,
    user_id bigint not null references users on delete cascade,
    avatar_id uuid not null,
    session_id bigint,
    category text not null,
    key text not null,
    value jsonb not null,
    confidence real not null default 0.5 check (confidence between 0 and 1),
    status text not null default 'unconfirmed' check (status in ('unconfirmed', 'confirmed')),
    evidence text not null default '',
    source_message_id bigint,
    first_mentioned timestamptz not null default now(),
    last_updated timestamptz not null default now(),
    mention_count integer not null default 1 check (mention_count > 0),
    tags text[] not null default '{}',
    context text not null default '',
    is_active boolean not null default true,
    superseded_by uuid,
    terms text[] not null default '{}',
    embedding vector,
    embedding_model text,
    unique (user_id, id),
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (user_id, session_id) references sessions (user_id, session_id) on delete set null (session_id),
    foreign key (user_id, source_message_id) references messages (owner_id, message_id)
        on delete set null (source_message_id),
    foreign key (user_id, superseded_by) references user_facts (user_id, id) on delete set null (superseded_by)
);
create unique index user_facts_active on user_facts (user_id, avatar_id, category, key) where is_active;
create index user_facts_avatar on user_facts (user_id, avatar_id, last_updated desc);
create index user_facts_session on user_facts (user_id, session_id);
create index user_facts_message on user_facts (user_id, source_message_id);
create index user_facts_successor on user_facts (user_id, superseded_by);

create table episodes (
    id uuid primary key,
    user_id bigint not null references users on delete cascade,
    avatar_id uuid not null,
    session_id bigint,
    type text not null,
    title text not null check (length(title) <= 500),
    summary text not null,
    importance real not null check (importance between 0 and 10),
    sentiment text not null default 'neutral'
        check (sentiment in ('very_negative', 'negative', 'neutral', 'positive', 'very_positive')),
    tags text[] not null default '{}',
    context_messages bigint[] not null default '{}',
    "timestamp" timestamptz not null default now(),
    temporal_decay real not null default 0.1,
    times_recalled integer not null default 0,
    last_recalled timestamptz,
    forget_at timestamptz,
    pinned boolean not null default false,
    related_facts uuid[] not null default '{}',
    related_episodes uuid[] not null default '{}',
    metadata jsonb not null default '{}',
    terms text[] not null default '{}',
    embedding vector,
    embedding_model text,
    unique (user_id, id),
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (user_id, session_id) references sessions (user_id, session_id) on delete set null (session_id)
);
create index episodes_avatar on episodes (user_id, avatar_id, "timestamp" desc);
create index episodes_session on episodes (user_id, session_id);
create index episodes_forget on episodes (forget_at) where not pinned;

create table message_embeddings (
    id bigint generated always as identity primary key,
    message_id bigint not null unique,
    user_id bigint not null,
    session_id bigint not null,
    avatar_id uuid,
    content text not null,
    embedding vector not null,
    embedding_model text not null,
    created_at timestamptz not null default now(),
    metadata jsonb not null default '{}',
    foreign key (user_id, message_id) references messages (owner_id, message_id) on delete cascade,
    foreign key (user_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);
create index message_embeddings_message on message_embeddings (user_id, message_id);
create index message_embeddings_session on message_embeddings (user_id, session_id);
create index message_embeddings_avatar on message_embeddings (user_id, avatar_id, message_id);

-- The empty term stands in every message: it counts them and their lengths.
create table message_postings (
    user_id bigint not null,
    avatar_id uuid not null,
    term text not null,
    message_id bigint not null,
    tf smallint not null,
    dl integer not null,
    primary key (user_id, avatar_id, term, message_id) include (tf, dl),
    foreign key (user_id, message_id) references messages (owner_id, message_id) on delete cascade,
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);
create index message_postings_message on message_postings (user_id, message_id);

create table user_affinity (
    user_id bigint not null references users on delete cascade,
    avatar_id uuid not null,
    personality_name text not null,
    affinity_points real not null default 0 check (affinity_points between 0 and 100),
    current_level text not null,
    total_messages integer not null default 0,
    positive_interactions integer not null default 0,
    negative_interactions integer not null default 0,
    recent_interactions real not null default 0 check (recent_interactions >= 0),
    last_interaction timestamptz,
    primary key (user_id, avatar_id, personality_name),
    foreign key (user_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

create table session_moods (
    session_id bigint primary key,
    user_id bigint not null,
    current_mood text not null,
    mood_intensity real not null default 0.5 check (mood_intensity between 0 and 1),
    mood_started_at timestamptz not null default now(),
    mood_history jsonb not null default '[]',
    foreign key (user_id, session_id) references sessions (user_id, session_id) on delete cascade
);
create index session_moods_session on session_moods (user_id, session_id);

alter table user_facts enable row level security;
alter table episodes enable row level security;
alter table message_embeddings enable row level security;
alter table message_postings enable row level security;
alter table user_affinity enable row level security;
alter table session_moods enable row level security;

create policy tenant on user_facts for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on episodes for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on message_embeddings for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on message_postings for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on user_affinity for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));
create policy tenant on session_moods for all to anima_app, anima_worker
    using (user_id = (select current_tenant()));

grant select, insert, update, delete
    on user_facts, episodes, message_embeddings, message_postings, user_affinity, session_moods
    to anima_app, anima_worker;
