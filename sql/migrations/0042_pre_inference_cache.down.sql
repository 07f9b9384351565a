drop function owners_with_free_tensors();
drop function owners_with_slots();
drop function owners_with_stale_caches();
drop table attention_patterns;
drop table inference_metrics;
drop table kv_cache;
drop index activation_cache_stored;
alter table activation_cache drop column tensor_id;
drop table inference_sessions;

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
            ('retrieval_logs', 'retrieved_at', interval '180 days')
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

create or replace function maintain_activations() returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    n bigint;
begin
    delete from activation_cache where ctid = any (array(
        select a.ctid from activation_cache a where a.expires_at < now()
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    return n;
end
$$;
