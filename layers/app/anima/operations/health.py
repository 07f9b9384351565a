"""How the database is: sizes and growth, indexes, slow statements, locks, connections, pools, migrations.

Asked under the admin's login, which sees no content of anybody; what it may not see is said in the notes. Each part
is a short transaction of its own, so that a table somebody has locked costs that part and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anima.kernel import db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, DatabaseUnavailable
from anima.operations import health_repo as repo

T = TypeVar("T")

_ADMIN = db.Principal(None, login="admin")
_WORKER = db.Principal(None, login="worker")
_READER = db.Principal(None, login="read")
_LIMIT_MS = 5000
_LONG_SECONDS = 60.0
_SLOWEST = 20
_KEPT_DAYS = 400
_LARGE_BYTES = 10_000_000
_BLOAT_SHARE = 0.3
_FULL_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class TableHealth:
    """A table, how it grew (bytes; null: not known yet), and the share of its rows that are dead."""

    table: repo.Table
    grown_day: int | None
    grown_week: int | None
    grown_month: int | None

    @property
    def dead_share(self) -> float:
        """Between 0 and 1."""
        rows = self.table.row_estimate + self.table.dead_rows
        return round(self.table.dead_rows / rows, 3) if rows else 0.0

    @property
    def bloat_bytes(self) -> int:
        """What a vacuum could make usable again, estimated: the dead rows' share of the table without indexes."""
        return round((self.table.total_bytes - self.table.index_bytes) * self.dead_share)


@dataclass(frozen=True, slots=True)
class Pool:
    """Connections of this process under one login: at most, open now, free, and how many calls wait for one."""

    login: str
    most: int
    open: int
    free: int
    waiting: int


@dataclass(slots=True)
class Report:
    """All that was found; a part that could not be had is empty or None, and `notes` says why."""

    server: repo.Server
    tables: list[TableHealth] = field(default_factory=list)
    indexes: list[repo.Index] = field(default_factory=list)
    statements: list[repo.Statement] = field(default_factory=list)
    locks: list[repo.Lock] = field(default_factory=list)
    long_transactions: list[repo.LongTransaction] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    migrations: list[repo.Migration] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    replica: repo.Replica | None = None
    notes: list[str] = field(default_factory=list)

    def unused_indexes(self) -> list[repo.Index]:
        """Those that cost something, enforce nothing, and were never used."""
        return [one for one in self.indexes if not one.scans and not one.needed and one.bytes > 0]


def _asked(principal: db.Principal, ask: Callable[[db.Transaction], db.Pending[T]]) -> list[T]:
    with db.transaction(principal) as tx:
        repo.limit_time(tx, _LIMIT_MS)
        found = ask(tx)
    return found.all()


def _part(
    notes: list[str], what: str, ask: Callable[[db.Transaction], db.Pending[T]], login: db.Principal = _ADMIN
) -> list[T]:
    """A part of the report; where it cannot be had, a note says why."""
    import psycopg

    try:
        return _asked(login, ask)
    except psycopg.errors.InsufficientPrivilege:
        notes.append(f"{what}: the login {login.login} may not see this")
    except DatabaseUnavailable:
        notes.append(f"{what}: no answer within {_LIMIT_MS // 1000} seconds; something may be locked")
    except (psycopg.Error, AnimaError) as error:
        notes.append(f"{what}: could not be read ({type(error).__name__})")
    return []


def report() -> Report:
    """How the database is now. Raises DatabaseUnavailable, DatabaseNotConfigured."""
    (server,) = _asked(_ADMIN, repo.server)
    found = Report(server, pools=_pools())
    notes = found.notes
    found.locks = _part(notes, "locks", repo.locks)
    found.long_transactions = _part(notes, "transactions", lambda tx: repo.long_transactions(tx, _LONG_SECONDS))
    tables, past = _part(notes, "tables", repo.tables), _past_sizes(found)
    found.tables = [_grown(table, past.get(table.name)) for table in tables]
    found.indexes = _part(notes, "indexes", repo.indexes)
    found.statements = _part(notes, "slow statements", lambda tx: repo.statements(tx, _SLOWEST))
    found.migrations = _part(notes, "migrations", repo.migrations)
    found.pending = _pending(found)
    _judge(found)
    return found


def _pools() -> list[Pool]:
    keys = ("pool_max", "pool_size", "pool_available", "requests_waiting")
    return [Pool(login, *(stats[key] for key in keys)) for login, stats in db.pool_stats().items()]


def _past_sizes(found: Report) -> dict[str, repo.PastSize]:
    """Analytics, and so asked of the read replica where there is one."""
    reader = _ADMIN
    if settings().read_database_url is not None:
        state = _part(found.notes, "read replica", repo.replica, _READER)
        found.replica = state[0] if state else None
        reader = _READER if state else _ADMIN
    return {one.table_name: one for one in _part(found.notes, "growth", repo.past_sizes, reader)}


def _grown(table: repo.Table, past: repo.PastSize | None) -> TableHealth:
    def since(bytes_then: int | None) -> int | None:
        return None if bytes_then is None else table.total_bytes - bytes_then

    if past is None:
        return TableHealth(table, None, None, None)
    return TableHealth(table, since(past.day_ago), since(past.week_ago), since(past.month_ago))


def _pending(found: Report) -> list[str]:
    """Migrations that this code has and the database has not."""
    from anima.kernel.postgres import migration_files

    applied = {one.version for one in found.migrations}
    if not applied:
        return []
    try:
        files = migration_files.read(migration_files.sql_dir() / "migrations")
    except AnimaError:
        found.notes.append("migrations: their files are not here; `anima db status` compares them where they are")
        return []
    return [file.stem for file in files if file.version not in applied]


def _judge(found: Report) -> None:
    """What somebody should look at, in words."""
    server, say = found.server, found.notes.append
    if not server.statements_kept:
        say("slow statements: pg_stat_statements is not there; `create extension pg_stat_statements` as the owner")
    if not server.sees_all:
        say("the admin's login sees texts and transactions of its own sessions only; pg_read_all_stats shows all")
    if server.connections_used >= _FULL_SHARE * server.connections_max:
        say(f"connections run out: {server.connections_used} of {server.connections_max}; use the pooled URL")
    for one in found.tables:
        if one.dead_share >= _BLOAT_SHARE and one.bloat_bytes >= _LARGE_BYTES:
            say(f"{one.table.name}: {one.dead_share:.0%} of its rows are dead; vacuum it")
    for index in found.indexes:
        if not index.valid:
            say(f"{index.name}: the index is not valid; drop it and make it anew")
    if found.pending:
        say(f"migrations wait: {', '.join(found.pending)}; run `anima db migrate`")
    if found.tables and all(one.grown_day is None for one in found.tables):
        say("growth: sizes are recorded once a day; there is none of before today yet")


def record_sizes() -> int:
    """Records how large every table is today, and forgets what is older than 400 days; answers how many tables.

    Done twice a day it only writes today's again. Raises DatabaseUnavailable.
    """
    with db.transaction(_WORKER) as tx:
        repo.limit_time(tx, 6 * _LIMIT_MS)
        recorded = repo.record(tx, _KEPT_DAYS)
    one = recorded.one()
    telemetry.observe("db.size", one.database_bytes, "bytes")
    telemetry.observe("db.connections_used", one.connections_percent, "percent")
    return one.tables


def as_json(found: Report) -> dict[str, Any]:
    """The report as the API answers it and as the command prints it."""
    from dataclasses import asdict

    tables = [
        asdict(one.table)
        | {"grown_day": one.grown_day, "grown_week": one.grown_week, "grown_month": one.grown_month}
        | {"dead_share": one.dead_share, "bloat_bytes": one.bloat_bytes}
        for one in found.tables
    ]
    unused = [one.name for one in found.unused_indexes()]
    whole = asdict(found)
    return {**whole, "tables": tables, "unused_indexes": unused}
