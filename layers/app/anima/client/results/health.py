"""What the state of the service and of its database answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Health:
    """How it is."""

    status: Literal["ok", "ready"]
    schema_version: int


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """The server and its connections."""

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
class TableHealth:
    """A table with its partitions."""

    name: str
    total_bytes: int
    index_bytes: int
    row_estimate: int
    dead_rows: int
    dead_share: float
    bloat_bytes: int
    sequential_scans: int
    index_scans: int
    vacuumed_at: datetime | None
    analyzed_at: datetime | None
    partitions: int
    grown_day: int | None
    grown_week: int | None
    grown_month: int | None


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """An index and its use since statistics were reset."""

    name: str
    table_name: str
    bytes: int
    scans: int
    needed: bool
    valid: bool


@dataclass(frozen=True, slots=True)
class StatementHealth:
    """A slow statement, with its values taken out."""

    statement: str | None
    calls: int
    mean_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class LockHealth:
    """A session that waits for what others hold."""

    pid: int
    blocked_by: tuple[int, ...]
    table_name: str | None
    mode: str
    waiting_seconds: float | None


@dataclass(frozen=True, slots=True)
class TransactionHealth:
    """A transaction that is open for more than a minute."""

    pid: int
    login: str
    state: str | None
    open_seconds: float


@dataclass(frozen=True, slots=True)
class PoolHealth:
    """Connections of the process that answers."""

    login: str
    most: int
    open: int
    free: int
    waiting: int


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A migration that is applied."""

    version: int
    name: str


@dataclass(frozen=True, slots=True)
class ReplicaHealth:
    """The read replica."""

    is_replica: bool
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """How the database is."""

    server: DatabaseServer
    tables: tuple[TableHealth, ...]
    indexes: tuple[IndexHealth, ...]
    unused_indexes: tuple[str, ...]
    statements: tuple[StatementHealth, ...]
    locks: tuple[LockHealth, ...]
    long_transactions: tuple[TransactionHealth, ...]
    pools: tuple[PoolHealth, ...]
    migrations: tuple[AppliedMigration, ...]
    pending: tuple[str, ...]
    replica: ReplicaHealth | None
    notes: tuple[str, ...]
