"""What Postgres tells of itself, and the sizes that are kept day by day. No statement reads what anybody wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Server:
    """The server and its connections; those of other logins count, too."""

    version: str
    database: str
    size_bytes: int
    started_at: datetime
    is_replica: bool
    connections_used: int
    connections_max: int
    statements_kept: bool
    sees_all: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table with all its partitions; `dead_rows` wait for a vacuum."""

    name: str
    total_bytes: int
    index_bytes: int
    row_estimate: int
    dead_rows: int
    sequential_scans: int
    index_scans: int
    vacuumed_at: datetime | None
    analyzed_at: datetime | None
    partitions: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index with all its partitions, and how often it was used since statistics were reset."""

    name: str
    table_name: str
    bytes: int
    scans: int
    needed: bool
    valid: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of pg_stat_statements; its text is hidden where it ran under another login."""

    statement: str | None
    calls: int
    mean_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class Lock:
    """A session that waits for what others hold."""

    pid: int
    blocked_by: list[int]
    table_name: str | None
    mode: str
    waiting_seconds: float | None


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A transaction that is open for longer than it should be; it keeps a serverless database awake."""

    pid: int
    login: str
    state: str | None
    open_seconds: float


@dataclass(frozen=True, slots=True)
class PastSize:
    """What a table had, all told, a day, a week and a month ago."""

    table_name: str
    day_ago: int | None
    week_ago: int | None
    month_ago: int | None


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration that is applied."""

    version: int
    name: str


@dataclass(frozen=True, slots=True)
class Replica:
    """A read replica and how far it is behind."""

    is_replica: bool
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of all tables."""

    measured_on: date
    tables: int
    database_bytes: int
    connections_percent: float


LIMIT_TIME = db.Command(
    """
    select set_config('statement_timeout', %(milliseconds)s::text, true), set_config('lock_timeout', '1000', true)
    """,
)

SERVER = db.Query(
    Server,
    """
    select current_setting('server_version') as version, current_database()::text as database,
        pg_database_size(current_database()) as size_bytes, pg_postmaster_start_time() as started_at,
        pg_is_in_recovery() as is_replica,
        (select sum(numbackends)::integer from pg_stat_database) as connections_used,
        current_setting('max_connections')::integer as connections_max,
        to_regclass('pg_stat_statements') is not null as statements_kept,
        pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all
    """,
)

TABLES = db.Query(
    Table,
    """
    with leaf as (
        select c.oid, coalesce(pg_partition_root(c.oid), c.oid) as root, c.relispartition, c.reltuples
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    )
    select r.relname::text as name, sum(pg_total_relation_size(leaf.oid))::bigint as total_bytes,
        sum(pg_indexes_size(leaf.oid))::bigint as index_bytes,
        sum(greatest(leaf.reltuples, s.n_live_tup, 0))::bigint as row_estimate,
        coalesce(sum(s.n_dead_tup), 0)::bigint as dead_rows,
        coalesce(sum(s.seq_scan), 0)::bigint as sequential_scans,
        coalesce(sum(s.idx_scan), 0)::bigint as index_scans,
        max(greatest(s.last_vacuum, s.last_autovacuum)) as vacuumed_at,
        max(greatest(s.last_analyze, s.last_autoanalyze)) as analyzed_at,
        count(*) filter (where leaf.relispartition)::integer as partitions
    from leaf join pg_class r on r.oid = leaf.root left join pg_stat_user_tables s on s.relid = leaf.oid
    group by r.relname order by total_bytes desc, name
    """,
)

INDEXES = db.Query(
    Index,
    """
    with leaf as (
        select i.indexrelid, coalesce(pg_partition_root(i.indexrelid), i.indexrelid) as root
        from pg_index i join pg_class t on t.oid = i.indrelid
        where t.relnamespace = 'public'::regnamespace and t.relkind in ('r', 'p')
    )
    select r.relname::text as name, t.relname::text as table_name,
        sum(pg_relation_size(leaf.indexrelid))::bigint as bytes, coalesce(sum(s.idx_scan), 0)::bigint as scans,
        bool_or(i.indisunique or i.indisprimary or i.indisexclusion) as needed, bool_and(i.indisvalid) as valid
    from leaf join pg_class r on r.oid = leaf.root join pg_index i on i.indexrelid = leaf.root
        join pg_class t on t.oid = i.indrelid left join pg_stat_user_indexes s on s.indexrelid = leaf.indexrelid
    group by r.relname, t.relname order by bytes desc, name
    """,
)

STATEMENTS = db.Query(
    Statement,
    """
    select statement, calls, mean_ms, total_ms from slow_statements(%(most)s)
    """,
)

LOCKS = db.Query(
    Lock,
    """
    select l.pid, pg_blocking_pids(l.pid) as blocked_by, min(c.relname)::text as table_name, min(l.mode) as mode,
        extract(epoch from clock_timestamp() - min(l.waitstart))::double precision as waiting_seconds
    from pg_locks l left join pg_class c on c.oid = l.relation
    where not l.granted and (l.database is null or l.database = (select oid from pg_database
        where datname = current_database()))
    group by l.pid order by waiting_seconds desc nulls last
    """,
)

LONG_TRANSACTIONS = db.Query(
    LongTransaction,
    """
    select pid, coalesce(usename::text, '') as login, state,
        extract(epoch from clock_timestamp() - xact_start)::double precision as open_seconds
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
    order by xact_start
    """,
)

PAST_SIZES = db.Query(
    PastSize,
    """
    select table_name,
        (array_agg(total_bytes order by measured_on desc) filter (where measured_on <= current_date - 1))[1]
            as day_ago,
        (array_agg(total_bytes order by measured_on desc) filter (where measured_on <= current_date - 7))[1]
            as week_ago,
        (array_agg(total_bytes order by measured_on desc) filter (where measured_on <= current_date - 30))[1]
            as month_ago
    from table_sizes where measured_on >= current_date - 60 group by table_name
    """,
)

MIGRATIONS = db.Query(
    Migration,
    """
    select version, name from schema_migrations order by version
    """,
)

REPLICA = db.Query(
    Replica,
    """
    select pg_is_in_recovery() as is_replica,
        extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::double precision as lag_seconds
    """,
)

RECORD = db.Query(
    Recorded,
    """
    with leaf as (
        select c.oid, coalesce(pg_partition_root(c.oid), c.oid) as root, greatest(c.reltuples, 0) as tuples
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    ), sized as (
        insert into table_sizes (table_name, measured_on, total_bytes, index_bytes, row_estimate)
        select r.relname, current_date, sum(pg_total_relation_size(leaf.oid)), sum(pg_indexes_size(leaf.oid)),
            sum(leaf.tuples)
        from leaf join pg_class r on r.oid = leaf.root group by r.relname
        on conflict (table_name, measured_on) do update set
            total_bytes = excluded.total_bytes, index_bytes = excluded.index_bytes,
            row_estimate = excluded.row_estimate
        returning 1
    )
    select current_date as measured_on, (select count(*)::integer from sized) as tables,
        pg_database_size(current_database()) as database_bytes,
        ((select sum(numbackends) from pg_stat_database) * 100.0
            / current_setting('max_connections')::integer)::double precision as connections_percent
    """,
)

FORGET = db.Command(
    """
    delete from table_sizes where measured_on < current_date - %(days)s::integer
    """,
)


def limit_time(tx: db.Transaction, milliseconds: int) -> None:
    """The statements of this transaction end after so long: a table may be locked."""
    tx.execute(LIMIT_TIME, milliseconds=milliseconds)


def server(tx: db.Transaction) -> db.Pending[Server]:
    """The server, its size and its connections."""
    return tx.fetch(SERVER)


def tables(tx: db.Transaction) -> db.Pending[Table]:
    """Every table, the largest first."""
    return tx.fetch(TABLES)


def indexes(tx: db.Transaction) -> db.Pending[Index]:
    """Every index, the largest first."""
    return tx.fetch(INDEXES)


def statements(tx: db.Transaction, most: int) -> db.Pending[Statement]:
    """The slowest statements, where they are kept."""
    return tx.fetch(STATEMENTS, most=most)


def locks(tx: db.Transaction) -> db.Pending[Lock]:
    """Who waits for whom."""
    return tx.fetch(LOCKS)


def long_transactions(tx: db.Transaction, seconds: float) -> db.Pending[LongTransaction]:
    """Transactions open for longer than so many seconds, as far as this login sees them."""
    return tx.fetch(LONG_TRANSACTIONS, seconds=seconds)


def past_sizes(tx: db.Transaction) -> db.Pending[PastSize]:
    """Sizes of before, by table."""
    return tx.fetch(PAST_SIZES)


def migrations(tx: db.Transaction) -> db.Pending[Migration]:
    """What is applied."""
    return tx.fetch(MIGRATIONS)


def replica(tx: db.Transaction) -> db.Pending[Replica]:
    """Whether this is a replica, and how far behind."""
    return tx.fetch(REPLICA)


def record(tx: db.Transaction, keep_days: int) -> db.Pending[Recorded]:
    """Records today's sizes, and forgets old ones."""
    recorded = tx.fetch(RECORD)
    tx.execute(FORGET, days=keep_days)
    return recorded
