-- What keeps the database in order: partitions made ahead and dropped when they are old, and what has expired. The
-- worker's login may own and drop nothing; it calls two functions of the owner's that take no word from it.

create table maintenance_runs (
    task text primary key,
    begun_at timestamptz not null default now(),
    done_at timestamptz
);

alter table maintenance_runs enable row level security;
-- Nothing in it is anybody's: a worker writes it while it acts for nobody.
create policy upkeep on maintenance_runs for all to anima_worker using ((select current_tenant()) is null);
create policy overview on maintenance_runs for select to anima_admin using (true);
grant select, insert, update on maintenance_runs to anima_worker;
grant select on maintenance_runs to anima_admin;

-- One step on the partitions by month, `<parent>_yYYYYmMM`; answers what was done, null when nothing is left to do.
-- A partition is a table first and is attached then, with little patience for locks: who calls tries again. It is less
-- than a deadlock is waited for (1 s), and what is referred to is locked before the table itself, as turns do: else they
-- would be what the server takes back. Rows that the default partition holds of the present month are still joined by
-- others: they are moved when it is over.
create function maintain_partitions() returns text
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

-- Deletes some of what has expired; answers how many rows, 0 when nothing is left.
create function maintain_expired() returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    n bigint;
    total bigint := 0;
begin
    delete from idempotency_keys where ctid = any (array(
        select k.ctid from idempotency_keys k where k.expires_at < now() - interval '1 hour'
        order by k.expires_at limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    total := total + n;
    -- One that was used is kept until it expires: whoever shows it again has stolen it.
    delete from refresh_tokens where ctid = any (array(
        select t.ctid from refresh_tokens t where t.expires_at < now() - interval '1 day'
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    total := total + n;
    delete from sign_in_links where ctid = any (array(
        select l.ctid from sign_in_links l where l.expires_at < now() - interval '1 day'
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    total := total + n;
    -- Longer than any queue keeps a message.
    delete from outbox where ctid = any (array(
        select o.ctid from outbox o
        where o.delivered_at < now() - interval '15 days' or o.dead_at < now() - interval '90 days'
        limit 10000 for update skip locked
    ));
    get diagnostics n = row_count;
    return total + n;
end
$$;

grant execute on function maintain_partitions(), maintain_expired() to anima_worker;
