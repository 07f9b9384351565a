-- Sleep and forgetting: one row for each avatar that slept or has something to forget, and what deletion of messages does
-- to what sleep made of them.

-- `turns` since the last sleep, the last at `turn_at`. `armed_at`: an event is under way that looks whether the avatar may
-- sleep; `asked_at`: one for which somebody asked; so there is one of each at most. `holder` is whoever works on the sleep,
-- until `lease_until` by the server's clock. `seen_at` and `believed_at` are the two looks of forgetting: what was found
-- faded at the first is deleted by the second, at least a day later.
create table sleeps (
    owner_id bigint not null,
    avatar_id uuid not null,
    turns integer not null default 0 check (turns >= 0),
    turn_at timestamptz,
    armed_at timestamptz,
    asked_at timestamptz,
    state text not null default 'never' check (state in ('never', 'asleep', 'awake')),
    run_id uuid,
    holder uuid,
    lease_until timestamptz,
    resumes integer not null default 0,
    step text,
    acetylcholine real not null default 0.5 check (acetylcholine between 0 and 1),
    most_seconds real not null default 20 check (most_seconds >= 0),
    most_tokens integer not null default 4000 check (most_tokens >= 0),
    seconds real not null default 0,
    tokens integer not null default 0,
    steps jsonb not null default '{}',
    reason text,
    begun_at timestamptz,
    ended_at timestamptz,
    seen_at timestamptz,
    believed_at timestamptz,
    primary key (owner_id, avatar_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

alter table sleeps enable row level security;
create policy tenant on sleeps for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on sleeps to anima_app, anima_worker;

-- What is due of one owner costs what is due of them, not what is due of everybody.
create index episodes_fading on episodes (user_id, forget_at) where not pinned;

-- Whom a worker that acts for nobody is to have a look at, by the server's clock; it then acts for each of them.
create function owners_with_faded() returns table (owner_id bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select distinct e.user_id from episodes e where not e.pinned and e.forget_at <= now() limit 1000
$$;
revoke execute on function owners_with_faded() from public;
grant execute on function owners_with_faded() to anima_worker;

-- What was made of several episodes is made anew of those that none of these messages told, and tells nothing where none
-- is left (then the trigger on episodes deletes it). Its meaning is embedded anew by a worker.
create function remake_consolidated(owner bigint, said bigint[]) returns void
language sql set search_path = public, pg_temp
as $$
    update episodes e set
        title = left(k.best ->> 'title', 500), summary = k.summary, importance = (k.best ->> 'importance')::real,
        sentiment = k.best ->> 'sentiment', "timestamp" = k.latest,
        context_messages = k.message_ids, metadata = jsonb_set(e.metadata, '{parts}', k.parts),
        terms = '{}', embedding = null, embedding_model = null, next_embedding = null, next_model = null
    from (
        select o.id, parts.*
        from episodes o
        cross join lateral (
            select coalesce(jsonb_agg(part order by place), '[]') as parts,
                coalesce(string_agg(part ->> 'said', '. ' order by place), o.summary) as summary,
                coalesce((array_agg(part order by (part ->> 'importance')::real desc, place))[1],
                    o.metadata -> 'parts' -> 0) as best,
                coalesce(max((part ->> 'timestamp')::timestamptz), o."timestamp") as latest,
                array(
                    select distinct m::bigint
                    from jsonb_array_elements(coalesce(jsonb_agg(part), '[]')) p,
                        jsonb_array_elements_text(p -> 'message_ids') m
                    order by 1
                ) as message_ids
            from jsonb_array_elements(o.metadata -> 'parts') with ordinality as t (part, place)
            where not exists (
                select from jsonb_array_elements_text(part -> 'message_ids') m where m::bigint = any (said)
            )
        ) parts
        where o.user_id = owner and o.origin = 'consolidated' and not o.pinned and o.context_messages && said
            and jsonb_typeof(o.metadata -> 'parts') = 'array'
    ) k
    where e.id = k.id
$$;
revoke execute on function remake_consolidated(bigint, bigint[]) from public;
grant execute on function remake_consolidated(bigint, bigint[]) to anima_app, anima_worker;

-- By its name it runs before the trigger on episodes.
create function messages_untold() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    perform remake_consolidated(owner_id, array_agg(message_id)) from gone where role = 'user' group by owner_id;
    return null;
end
$$;
create trigger messages_deleted_consolidated after delete on messages
    referencing old table as gone for each statement execute function messages_untold();
