-- Recall looks at one bit a dimension first: 48 bytes of a message in an index instead of 1.5 kB of
-- its row; and asks in one function, so that its plan is kept by the connection, also behind a pooler.

-- The table is rewritten once, which takes some seconds for 100,000 messages: a column filled by triggers would rewrite it
-- as well, a row at a time in the same transaction, and could come to differ from the vector.
alter table message_embeddings add column bits bit varying
    -- squawk-ignore adding-field-with-default
    generated always as (binary_quantize(embedding)::bit varying) stored;
create index message_embeddings_recall on message_embeddings (user_id, avatar_id, embedding_model, message_id)
    include (bits, session_id, created_at);
create index message_embeddings_order on message_embeddings (user_id, session_id, message_id);
-- The one above begins as it does. This transaction holds the table already.
-- squawk-ignore require-concurrent-index-deletion
drop index message_embeddings_session;

-- Candidates for an answer, at most p_limit by what they say with those said right before and after, and as many facts
-- and episodes. p_terms are the question's stems, p_words the word that each stands for, p_weights what it counts for;
-- p_tokens are its words as entities would be called by them. Where p_at is given: as it was known then.
create function recall_candidates(
    p_owner bigint, p_avatar uuid, p_vector vector, p_model text,
    p_terms text[], p_words integer[], p_weights double precision[], p_tokens text[], p_token_words integer[],
    p_keys text[], p_kinds text[], p_exclude bigint[], p_sessions bigint[],
    p_since timestamptz, p_until timestamptz, p_past boolean, p_at timestamptz, p_now timestamptz, p_limit integer,
    p_n double precision
)
returns table (
    kind text, id text, text text, key text, value jsonb, category text, confirmed boolean, is_active boolean,
    importance double precision, made_at timestamptz, true_from timestamptz, true_until timestamptz,
    last_recalled timestamptz, times_recalled integer, pinned boolean, message_id bigint, session_id bigint,
    speaker text, turn_id text, own boolean, before_id bigint, cosine double precision, words integer[],
    weights double precision[], tfs double precision[], dfs double precision[], length double precision,
    n double precision, average double precision, total double precision, entity boolean
)
language plpgsql stable
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
    v_bits bit varying := binary_quantize(p_vector);
    v_n double precision;
    v_average double precision;
    v_total double precision;
    v_dfs double precision[];
    v_idfs double precision[];
    v_entities uuid[];
    v_entity_words integer[];
    v_mentions double precision[];
    v_near bigint[] := '{}';
    v_worded bigint[] := '{}';
    v_bm25 double precision[] := '{}';
    v_found bigint[] := '{}';
    v_sessions bigint[] := '{}';
    v_around bigint[] := '{}';
begin
    v_n := coalesce(p_n, (
        select count(*)::float8 from message_embeddings e
        where e.user_id = p_owner and e.avatar_id = p_avatar and e.embedding_model = p_model
    ));
    select greatest(coalesce(avg(s.dl), 1), 1) into v_average from (
        select p.dl from message_postings p
        where p.user_id = p_owner and p.avatar_id = p_avatar and p.term = '' limit 200
    ) s;
    -- In how many messages each term stands, and what that makes it worth.
    select array_agg(f.df order by a.place), array_agg(
        ln(1 + (greatest(v_n - f.df, 0) + 0.5) / (f.df + 0.5)) order by a.place
    ) into v_dfs, v_idfs
    from unnest(p_terms) with ordinality as a (term, place)
    cross join lateral (
        select count(*)::float8 as df from message_postings p
        where p.user_id = p_owner and p.avatar_id = p_avatar and p.term = a.term
    ) f;
    select greatest(coalesce(sum(w.idf), 0), 0.001) into v_total from (
        select min(a.idf) as idf from unnest(p_words, p_weights, v_idfs) as a (word, weight, idf)
        where a.weight = 1 group by a.word
    ) w;
    -- Whom or what the question names, by a name or by what they are to the person.
    select array_agg(k.entity_id), array_agg(k.word), array_agg(c.mentions)
    into v_entities, v_entity_words, v_mentions from (
        select distinct e.entity_id, t.word
        from unnest(p_tokens, p_token_words) as t (token, word)
        join entities e on e.owner_id = p_owner
            and (t.token = any (string_to_array(e.folded, ' ')) or t.token = e.relation or t.token = any (e.aliases))
    ) k
    cross join lateral (
        select count(*)::float8 as mentions from entity_mentions m
        where m.owner_id = p_owner and m.avatar_id = p_avatar and m.entity_id = k.entity_id
    ) c;

    if 'message' = any (p_kinds) then
        -- What is asked most often by itself: each condition costs a tenth of the whole scan.
        if p_sessions is null and p_at is null then
            v_near := array(
                select e.message_id from message_embeddings e
                where e.user_id = p_owner and e.avatar_id = p_avatar and e.embedding_model = p_model
                order by e.bits <~> v_bits
                limit 4 * p_limit + cardinality(p_exclude)
            );
        else
            v_near := array(
                select e.message_id from message_embeddings e
                where e.user_id = p_owner and e.avatar_id = p_avatar and e.embedding_model = p_model
                    and (p_sessions is null or e.session_id = any (p_sessions))
                    and (p_at is null or e.created_at <= p_at)
                order by e.bits <~> v_bits
                limit 4 * p_limit + cardinality(p_exclude)
            );
        end if;
        if p_since is not null then
            v_near := v_near || array(
                select e.message_id from message_embeddings e
                where e.user_id = p_owner and e.avatar_id = p_avatar and e.embedding_model = p_model
                    and e.created_at >= p_since and e.created_at < p_until
                    and (p_sessions is null or e.session_id = any (p_sessions))
                    and (p_at is null or e.created_at <= p_at)
                order by e.bits <~> v_bits
                limit p_limit
            );
        end if;
        -- BM25 (k1 = 1.2, b = 0.75), the rarest words first: the common ones of a long question add little but
        -- time. What names an entity counts as its word.
        select coalesce(array_agg(s.message_id), '{}'), coalesce(array_agg(s.bm25), '{}') into v_worded, v_bm25 from (
            select h.message_id, sum(h.gain) as bm25 from (
                select p.message_id, a.weight * a.idf * p.tf * 2.2::float8
                    / (p.tf + 1.2::float8 * (0.25::float8 + 0.75::float8 * p.dl / v_average)) as gain
                from (
                    select a.term, a.weight, a.idf, sum(a.df) over (order by a.df, a.term) - a.df as rarer
                    from unnest(p_terms, p_weights, v_idfs, v_dfs) as a (term, weight, idf, df)
                ) a
                cross join lateral (
                    select p.message_id, p.tf, p.dl from message_postings p
                    where p.user_id = p_owner and p.avatar_id = p_avatar and p.term = a.term offset 0
                ) p
                where a.rarer <= greatest(1000, 0.05 * v_n)
                union all
                select m.message_id, ln(1 + (greatest(v_n - k.mentions, 0) + 0.5) / (k.mentions + 0.5))
                from unnest(v_entities, v_mentions) as k (entity_id, mentions)
                cross join lateral (
                    select m.message_id from entity_mentions m
                    where m.owner_id = p_owner and m.avatar_id = p_avatar and m.entity_id = k.entity_id offset 0
                ) m
            ) h
            where h.message_id <> all (p_exclude)
                and (p_sessions is null and p_at is null or exists (
                    select from message_embeddings e
                    where e.user_id = p_owner and e.message_id = h.message_id
                        and (p_sessions is null or e.session_id = any (p_sessions))
                        and (p_at is null or e.created_at <= p_at)
                    offset 0
                ))
            group by h.message_id
            order by 2 desc
            limit 2 * p_limit
        ) s;
        select coalesce(array_agg(f.message_id), '{}'), coalesce(array_agg(f.session_id), '{}')
        into v_found, v_sessions from (
            select s.message_id, s.session_id from (
                select u.message_id, e.session_id, e.cosine, u.bm25, e.timely
                from (
                    select h.message_id, max(h.bm25) as bm25 from (
                        select n.message_id, 0::float8 as bm25 from unnest(v_near) as n (message_id)
                        union all
                        select w.message_id, w.bm25 from unnest(v_worded, v_bm25) as w (message_id, bm25)
                    ) h where h.message_id <> all (p_exclude) group by h.message_id
                ) u
                cross join lateral (
                    select e.session_id,
                        case when e.embedding_model = p_model then 1 - (e.embedding <=> p_vector) end as cosine,
                        case when p_since is null then 0 else exp(greatest(-50, extract(epoch from least(
                            e.created_at - p_since, p_until - e.created_at, interval '0'
                        ))::float8 / 604800)) end as timely
                    from message_embeddings e
                    where e.user_id = p_owner and e.message_id = u.message_id and e.avatar_id = p_avatar offset 0
                ) e
            ) s
            order by greatest(0, 1 - (max(s.cosine) over () - s.cosine) / 0.5::float8)
                + coalesce(s.bm25 / nullif(max(s.bm25) over (), 0), 0) + s.timely desc nulls last,
                s.cosine desc nulls last
            limit p_limit
        ) f;
        -- What was said right before and after is read with it.
        v_around := array(
            select f.message_id from unnest(v_found) as f (message_id)
            union
            select b.message_id from unnest(v_found, v_sessions) as f (message_id, session_id)
            cross join lateral (
                (
                    select e.message_id from message_embeddings e
                    where e.user_id = p_owner and e.session_id = f.session_id and e.message_id < f.message_id
                    order by e.user_id desc, e.session_id desc, e.message_id desc limit 1
                )
                union all
                (
                    select e.message_id from message_embeddings e
                    where e.user_id = p_owner and e.session_id = f.session_id and e.message_id > f.message_id
                    order by e.user_id, e.session_id, e.message_id limit 1
                )
            ) b
        );
    end if;

    return query
    with worded as materialized (
        select x.message_id, array_agg(x.word) filter (where x.word is not null) as words,
            array_agg(x.weight) filter (where x.word is not null) as weights,
            array_agg(x.tf) filter (where x.word is not null) as tfs,
            array_agg(x.df) filter (where x.word is not null) as dfs,
            max(x.dl)::float8 as length, bool_or(x.entity) as entity
        from (
            select p.message_id, a.word, a.weight, p.tf::float8 as tf, a.df, p.dl, false as entity
            from (
                select a.term, a.word, a.weight, a.df
                from unnest(p_terms, p_words, p_weights, v_dfs) as a (term, word, weight, df)
                union all
                select '', null, null, null
            ) a
            cross join lateral (
                select p.message_id, p.tf, p.dl from message_postings p
                where p.user_id = p_owner and p.avatar_id = p_avatar and p.term = a.term
                    and p.message_id = any (v_around)
                offset 0
            ) p
            union all
            select t.message_id, k.word, 1, 1, k.mentions, null, true
            from unnest(v_entities, v_entity_words, v_mentions) as k (entity_id, word, mentions)
            cross join lateral (
                select t.message_id from entity_mentions t
                where t.owner_id = p_owner and t.avatar_id = p_avatar and t.entity_id = k.entity_id
                    and t.message_id = any (v_around)
                offset 0
            ) t
        ) x
        group by x.message_id
    )
    select 'message', m.message_id::text, m.content, '', null::jsonb, '', true, true, 0.5::float8, m.created_at,
        null::timestamptz, null::timestamptz, null::timestamptz, 0, false, m.message_id, m.session_id,
        coalesce(m.metadata ->> 'speaker', m.role), m.metadata ->> 'turn_id',
        m.role = 'user' and m.author_id is not distinct from p_owner, b.message_id, e.cosine, w.words,
        w.weights, w.tfs, w.dfs, w.length, v_n, v_average, v_total, coalesce(w.entity, false)
    from unnest(v_around) as u (message_id)
    cross join lateral (
        select m.message_id, m.content, m.created_at, m.session_id, m.metadata, m.role, m.author_id
        from messages m
        where m.owner_id = p_owner and m.message_id = u.message_id and m.message_id <> all (p_exclude)
            and (p_at is null or m.created_at <= p_at)
        offset 0
    ) m
    cross join lateral (
        select case when e.embedding_model = p_model then 1 - (e.embedding <=> p_vector) end as cosine
        from message_embeddings e
        where e.user_id = p_owner and e.message_id = u.message_id and e.avatar_id = p_avatar
        offset 0
    ) e
    left join lateral (
        select o.message_id from message_embeddings o
        where o.user_id = p_owner and o.session_id = m.session_id and o.message_id < m.message_id
        order by o.user_id desc, o.session_id desc, o.message_id desc limit 1
    ) b on true
    left join worded w on w.message_id = u.message_id;

    if 'fact' = any (p_kinds) then
        return query
        select 'fact', u.id::text, u.evidence, u.key, u.value, u.category, u.status = 'confirmed',
            u.is_active or p_at is not null,
            u.confidence::float8, u.first_mentioned, u.true_from, u.true_until, null::timestamptz, 0, true,
            u.source_message_id, u.session_id, 'user', s.turn_id, true, null::bigint, c.cosine, w.words, w.weights,
            w.tfs, w.dfs, null::float8, v_n, v_average, v_total, c.is_named
        from user_facts u
        left join lateral (
            select s.metadata ->> 'turn_id' as turn_id from messages s
            where s.owner_id = p_owner and s.message_id = u.source_message_id
            offset 0
        ) s on true
        cross join lateral (
            select array_agg(a.word) as words, array_agg(a.weight) as weights, array_agg(1::float8) as tfs,
                array_agg(a.df) as dfs, coalesce(sum(a.idf), 0) as idf
            from unnest(p_terms, p_words, p_weights, v_dfs, v_idfs) as a (term, word, weight, df, idf)
            where a.term = any (u.terms)
        ) w
        cross join lateral (
            select case when u.embedding_model = p_model then 1 - (u.embedding <=> p_vector) end as cosine,
                coalesce(u.entity_id = any (v_entities), false) as is_named
        ) c
        where u.user_id = p_owner and u.avatar_id = p_avatar
            and case when p_at is not null then u.learned_at <= p_at and (u.ended_at is null or u.ended_at > p_at)
                else u.is_active or p_past and (u.ended_at is null or u.ended_at > u.learned_at) end
            and (p_sessions is null or u.session_id = any (p_sessions))
        order by split_part(u.key, ':', 1) = any (p_keys) desc, c.is_named desc, coalesce(c.cosine, 0) + w.idf desc
        limit p_limit;
    end if;

    if 'episode' = any (p_kinds) then
        return query
        select 'episode', e.id::text, e.summary, e.type, 'null'::jsonb, '', true, true, e.importance::float8 / 10,
            e."timestamp", null::timestamptz, null::timestamptz, e.last_recalled, e.times_recalled, e.pinned,
            e.context_messages[1], e.session_id, 'user', s.turn_id, true, null::bigint, c.cosine, w.words, w.weights,
            w.tfs, w.dfs, null::float8, v_n, v_average, v_total, false
        from episodes e
        left join lateral (
            select s.metadata ->> 'turn_id' as turn_id from messages s
            where s.owner_id = p_owner and s.message_id = e.context_messages[1]
            offset 0
        ) s on true
        cross join lateral (
            select array_agg(a.word) as words, array_agg(a.weight) as weights, array_agg(1::float8) as tfs,
                array_agg(a.df) as dfs, coalesce(sum(a.idf), 0) as idf
            from unnest(p_terms, p_words, p_weights, v_dfs, v_idfs) as a (term, word, weight, df, idf)
            where a.term = any (e.terms)
        ) w
        cross join lateral (
            select case when e.embedding_model = p_model then 1 - (e.embedding <=> p_vector) end as cosine
        ) c
        where e.user_id = p_owner and e.avatar_id = p_avatar
            and (e.pinned or e.forget_at > coalesce(p_at, p_now))
            and (p_at is null or e."timestamp" <= p_at)
            and (p_sessions is null or e.session_id = any (p_sessions))
        order by coalesce(c.cosine, 0) + w.idf desc
        limit p_limit;
    end if;
end
$$;
grant execute on function recall_candidates(
    bigint, uuid, vector, text, text[], integer[], double precision[], text[], integer[], text[], text[], bigint[],
    bigint[], timestamptz, timestamptz, boolean, timestamptz, timestamptz, integer,
    double precision
) to anima_app, anima_worker;
