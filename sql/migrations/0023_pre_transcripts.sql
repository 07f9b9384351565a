-- Past conversations: which document brought which sessions, so that the same is not taken in twice and all of it goes
-- with its document.

-- A document of type transcript and the avatar that it was brought to. `me` is how its owner is called in it,
-- as they said; `names` is how they were called here.
create table transcripts (
    document_id bigint primary key,
    owner_id bigint not null,
    avatar_id uuid,
    me text[] not null default '{}',
    names text[] not null default '{}',
    proposals integer not null check (proposals between 0 and 1000),
    origin text check (length(origin) between 1 and 40),
    counts jsonb not null default '{}',
    created_at timestamptz not null default now(),
    unique (owner_id, document_id),
    foreign key (owner_id, document_id) references documents (owner_id, document_id) on delete cascade,
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete set null (avatar_id)
);
create index transcripts_avatar on transcripts (owner_id, avatar_id);

-- `conversation` is the hash of what names a conversation at the service that it was held at; a later export of the
-- same adds what is new as further sessions. `read_until` is the last message that facts and episodes were taken from.
create table transcript_sessions (
    session_id bigint primary key,
    owner_id bigint not null,
    document_id bigint not null,
    avatar_id uuid not null,
    conversation bytea not null check (octet_length(conversation) = 16),
    turns integer not null check (turns > 0),
    read_until bigint not null default 0,
    is_read boolean not null default false,
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete cascade,
    foreign key (owner_id, document_id) references transcripts (owner_id, document_id) on delete cascade
);
create index transcript_sessions_document on transcript_sessions (owner_id, document_id, session_id);
create index transcript_sessions_conversation on transcript_sessions (owner_id, avatar_id, conversation);
create index transcript_sessions_session on transcript_sessions (owner_id, session_id);

alter table transcripts enable row level security;
alter table transcript_sessions enable row level security;
create policy tenant on transcripts for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on transcript_sessions for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
grant select, insert, update, delete on transcripts, transcript_sessions to anima_app, anima_worker;

-- Many messages that follow each other are written at once: their ids are taken first.
grant usage on sequence messages_message_id_seq, sessions_session_id_seq to anima_worker;

-- What a document brought goes with it: its sessions with their messages, and what was taken from those.
create function forget_transcript() returns trigger language plpgsql set search_path to public, pg_temp as $$
begin
    delete from sessions s using transcript_sessions t
    where t.owner_id = old.owner_id and t.document_id = old.document_id
        and s.user_id = t.owner_id and s.session_id = t.session_id;
    return old;
end
$$;
create trigger documents_transcript before delete on documents
    for each row when (old.doc_type = 'transcript') execute function forget_transcript();
