-- What an avatar would like to know: gaps found in what was said, what came of looking for them, and how much it may
-- look and tell. A gap goes with its avatar, with the message it was last found in, with the fact or the entity that it is
-- about, and with the finding that answers it.

create table curiosity_gaps (
    gap_id uuid primary key,
    owner_id bigint not null,
    avatar_id uuid not null,
    message_id bigint not null,
    kind text not null check (kind in ('unknown', 'unexplained', 'contradiction')),
    subject text not null default '' check (length(subject) <= 200),
    question text not null check (length(question) between 1 and 500),
    folded text not null check (length(folded) between 1 and 500),
    language text check (language in ('en', 'fr')),
    score real not null check (score between 0 and 1),
    state text not null default 'open'
        check (state in ('open', 'researching', 'answered', 'asked', 'dismissed')),
    to_research boolean not null,
    search_id uuid,
    mention_count integer not null default 1 check (mention_count > 0),
    looked_in jsonb not null default '{}',
    fact_id uuid,
    entity_id uuid,
    document_id bigint,
    answer text check (length(answer) <= 2000),
    title text check (length(title) <= 500),
    source_uri text check (length(source_uri) <= 2000),
    created_at timestamptz not null,
    last_seen timestamptz not null,
    researched_at timestamptz,
    asked_at timestamptz,
    told_at timestamptz,
    unique (owner_id, gap_id),
    unique (owner_id, avatar_id, folded),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete cascade,
    foreign key (owner_id, fact_id) references user_facts (user_id, id) on delete cascade,
    foreign key (owner_id, entity_id) references entities (owner_id, entity_id) on delete cascade,
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade
);
create index curiosity_gaps_rank on curiosity_gaps (owner_id, avatar_id, score desc, gap_id desc);
create index curiosity_gaps_message on curiosity_gaps (owner_id, message_id);
create index curiosity_gaps_fact on curiosity_gaps (owner_id, fact_id) where fact_id is not null;
create index curiosity_gaps_entity on curiosity_gaps (owner_id, entity_id) where entity_id is not null;
create index curiosity_gaps_document on curiosity_gaps (owner_id, document_id) where document_id is not null;

-- `told_after`: how many turns there had been when the avatar last brought something up.
create table curiosity_minds (
    owner_id bigint not null,
    avatar_id uuid not null,
    searches_a_day integer check (searches_a_day between 0 and 1000),
    day date not null default current_date,
    searches integer not null default 0 check (searches >= 0),
    told_after bigint,
    primary key (owner_id, avatar_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

alter table curiosity_gaps enable row level security;
alter table curiosity_minds enable row level security;

create policy tenant on curiosity_gaps for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on curiosity_minds for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));

grant select, insert, update, delete on curiosity_gaps, curiosity_minds to anima_app, anima_worker;
