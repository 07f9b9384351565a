-- Facts in two times (when they held, when they were learnt and given up), each mention with its message; entities;
-- and a journal of what people changed of their memory, so that it can be undone for a while.

alter table user_facts add column true_from timestamptz;
alter table user_facts add column true_until timestamptz;
alter table user_facts add column learned_at timestamptz not null default now();
alter table user_facts add column ended_at timestamptz;
alter table user_facts add column pinned boolean not null default false;
alter table user_facts add column origin text not null default 'said'
    constraint user_facts_origin check (origin in ('said', 'proposed', 'corrected', 'consolidated', 'imported'));
alter table user_facts add column entity_id uuid;
-- When its owner corrected or confirmed it: it then needs no message any more.
alter table user_facts add column settled_at timestamptz;
-- Nothing that was said before (up to this message) is remembered any more: its owner erased their memory.
alter table avatars add column remembers_after bigint not null default 0;

update user_facts set learned_at = first_mentioned, ended_at = case when not is_active then last_updated end,
    origin = case when status = 'confirmed' then 'said' else 'proposed' end;

alter table episodes add column origin text not null default 'said'
    constraint episodes_origin check (origin in ('said', 'corrected', 'consolidated', 'imported'));

-- Whom and what a person speaks of; one of each name and kind an owner.
create table entities (
    entity_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    kind text not null check (kind in ('person', 'animal', 'place', 'organisation', 'thing', 'event')),
    name text not null check (length(name) between 1 and 200),
    folded text not null,
    aliases text[] not null default '{}',
    relation text check (length(relation) between 1 and 60),
    mention_count integer not null default 1 check (mention_count > 0),
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    unique (owner_id, entity_id),
    unique (owner_id, kind, folded)
);
create index user_facts_entity on user_facts (user_id, entity_id);
create index user_facts_key on user_facts (user_id, avatar_id, key);

-- An avatar hears of an entity only what was said to it: recall goes through these rows.
create table entity_mentions (
    owner_id bigint not null,
    avatar_id uuid not null,
    entity_id uuid not null,
    message_id bigint not null,
    primary key (owner_id, avatar_id, entity_id, message_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (owner_id, entity_id) references entities (owner_id, entity_id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete cascade
);
create index entity_mentions_entity on entity_mentions (owner_id, entity_id);
create index entity_mentions_message on entity_mentions (owner_id, message_id);

-- What each message said of it: plainly or not, as a change, that it holds no more, and when it was so. The order in
-- which messages come is not that in which they were said: what holds is always told anew from all of them.
create table fact_mentions (
    owner_id bigint not null,
    fact_id uuid not null,
    message_id bigint not null,
    evidence text not null default '',
    said_at timestamptz not null,
    confirmed boolean not null default true,
    changed boolean not null default false,
    gone boolean not null default false,
    place smallint not null default 0,
    true_from timestamptz,
    true_until timestamptz,
    primary key (owner_id, fact_id, message_id),
    foreign key (owner_id, fact_id) references user_facts (user_id, id) on delete cascade,
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete cascade
);
create index fact_mentions_message on fact_mentions (owner_id, message_id);

insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at, confirmed)
select user_id, id, source_message_id, evidence, first_mentioned, status = 'confirmed' from user_facts
where source_message_id is not null;
update user_facts set settled_at = last_updated where source_message_id is null and is_active;

create index episodes_messages on episodes using gin (context_messages);

-- Whoever deletes messages waits for whoever writes what was said, before either holds a row that the other wants.
create function lock_memory() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if current_tenant() is not null then
        perform pg_advisory_xact_lock(hashtextextended('memory:' || current_tenant(), 0));
    end if;
    return null;
end
$$;
create trigger sessions_lock_memory before delete on sessions for each statement execute function lock_memory();
create trigger messages_lock_memory before delete on messages for each statement execute function lock_memory();

-- A fact lives as long as one of its mentions does, or its owner has settled it. What took its place before it then
-- holds on, as if it had not been said.
create function retract_fact() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    fact user_facts;
    earliest fact_mentions;
    before uuid[];
    begun timestamptz;
begin
    select * into fact from user_facts where user_id = old.owner_id and id = old.fact_id for update;
    if not found then
        return null;
    end if;
    before := array(
        select id from user_facts where user_id = old.owner_id and superseded_by = fact.id and ended_at > learned_at
    );
    select * into earliest from fact_mentions
    where owner_id = old.owner_id and fact_id = old.fact_id and not gone order by said_at, message_id limit 1;
    if found then
        begun := case when fact.learned_at < fact.ended_at or fact.is_active
            then least(earliest.said_at, fact.settled_at) else fact.learned_at end;
        update user_facts set ended_at = begun where user_id = old.owner_id and id = any(before);
        update user_facts set mention_count = (
                select count(*) from fact_mentions where owner_id = old.owner_id and fact_id = old.fact_id and not gone
            ),
            learned_at = begun, first_mentioned = earliest.said_at,
            ended_at = case when ended_at = learned_at then begun else ended_at end,
            source_message_id = earliest.message_id, evidence = earliest.evidence,
            session_id = (
                select session_id from messages where owner_id = old.owner_id and message_id = earliest.message_id
            )
        where user_id = old.owner_id and id = fact.id;
        if old.gone and fact.ended_at = old.said_at and fact.superseded_by is null then
            update user_facts u set is_active = true, ended_at = null,
                true_until = case when true_until = old.said_at then null else true_until end
            where user_id = old.owner_id and id = fact.id and not exists (
                select from user_facts o where o.user_id = u.user_id and o.avatar_id = u.avatar_id
                    and o.category = u.category and o.key = u.key and o.is_active
            );
        end if;
        return null;
    end if;
    if fact.settled_at is not null then
        return null;
    end if;
    delete from user_facts where user_id = old.owner_id and id = fact.id;
    update user_facts u set is_active = fact.is_active, ended_at = fact.ended_at, superseded_by = fact.superseded_by,
        true_until = case when true_until = coalesce(fact.true_from, fact.learned_at) then null else true_until end
    where user_id = old.owner_id and id = any(before) and not (fact.is_active and exists (
        select from user_facts o where o.user_id = u.user_id and o.avatar_id = u.avatar_id
            and o.category = u.category and o.key = u.key and o.is_active
    ));
    return null;
end
$$;
create trigger fact_mentions_deleted after delete on fact_mentions for each row execute function retract_fact();

-- An entity of which nobody speaks any more is forgotten.
create function retract_entity() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (select from entity_mentions where owner_id = old.owner_id and entity_id = old.entity_id) then
        update entities set mention_count = greatest(mention_count - 1, 1)
        where owner_id = old.owner_id and entity_id = old.entity_id;
    else
        update user_facts set entity_id = null where user_id = old.owner_id and entity_id = old.entity_id;
        delete from entities where owner_id = old.owner_id and entity_id = old.entity_id;
    end if;
    return null;
end
$$;
create trigger entity_mentions_deleted after delete on entity_mentions for each row execute function retract_entity();

-- An episode lives as long as one of the messages that told it does, or its owner has corrected or pinned it.
create function retract_episodes() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if not exists (select from gone) then
        return null;
    end if;
    update episodes e set context_messages = array(
        select id from unnest(e.context_messages) with ordinality as c (id, place)
        where id <> all(array(select message_id from gone)) order by place
    )
    where context_messages && array(select message_id from gone);
    return null;
end
$$;
create trigger messages_deleted_episodes after delete on messages referencing old table as gone
    for each statement execute function retract_episodes();

create function retract_episode() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    delete from episodes where user_id = new.user_id and id = new.id and not pinned and origin <> 'corrected';
    return null;
end
$$;
create trigger episodes_untold after update of context_messages on episodes for each row
    when (new.context_messages = '{}' and old.context_messages <> '{}') execute function retract_episode();

-- `before` holds the rows as they were, and goes when it expires: what was forgotten is then gone.
create table memory_changes (
    change_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    avatar_id uuid not null,
    kind text not null check (kind in ('fact', 'episode')),
    item_id uuid not null,
    action text not null check (action in ('correct', 'confirm', 'pin', 'unpin', 'forget')),
    title text not null default '',
    before jsonb not null,
    made_at timestamptz not null default now(),
    expires_at timestamptz not null,
    undone_at timestamptz,
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);
create index memory_changes_avatar on memory_changes (owner_id, avatar_id, change_id desc);
create index memory_changes_expiry on memory_changes (expires_at);

alter table entities enable row level security;
alter table entity_mentions enable row level security;
alter table fact_mentions enable row level security;
alter table memory_changes enable row level security;

create policy tenant on entities for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on entity_mentions for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on fact_mentions for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on memory_changes for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));

grant select, insert, update, delete on entities, entity_mentions, fact_mentions, memory_changes
    to anima_app, anima_worker;
