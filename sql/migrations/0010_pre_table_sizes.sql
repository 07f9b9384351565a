-- How large each table was, day by day, and the statements that take longest: what an admin's look at the database
-- compares with.

create table table_sizes (
    table_name text not null,
    measured_on date not null,
    total_bytes bigint not null check (total_bytes >= 0),
    index_bytes bigint not null check (index_bytes >= 0),
    row_estimate bigint not null check (row_estimate >= 0),
    primary key (table_name, measured_on)
);

alter table table_sizes enable row level security;
-- Nothing in it is anybody's: a worker writes it while it acts for nobody.
create policy upkeep on table_sizes for all to anima_worker using ((select current_tenant()) is null);
create policy overview on table_sizes for select to anima_admin using (true);
grant select, insert, update, delete on table_sizes to anima_worker;
grant select on table_sizes to anima_admin;
grant select on schema_migrations to anima_admin;

-- Nothing where the extension is not there, or was not loaded when the server started. Texts are normalised: they
-- hold no values.
create function slow_statements(most integer)
returns table (statement text, calls bigint, mean_ms double precision, total_ms double precision)
language plpgsql stable
set search_path = public, pg_catalog, pg_temp
as $$
begin
    if to_regclass('pg_stat_statements') is null then
        return;
    end if;
    return query execute
        'select left(s.query, 300), s.calls, s.mean_exec_time, s.total_exec_time
        from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where d.datname = current_database()
        order by s.mean_exec_time desc limit $1'
        using most;
exception
    when object_not_in_prerequisite_state or insufficient_privilege then
        return;
end
$$;
grant execute on function slow_statements(integer) to anima_admin;
