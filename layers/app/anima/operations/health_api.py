"""HTTP of the database's health: for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.operations import health

router = APIRouter(tags=["operation"])


class ServerView(BaseModel):
    """The server and its connections."""

    version: str
    database: str
    size_bytes: int
    started_at: datetime
    is_replica: bool
    connections_used: int = Field(description="Of all databases and logins of the server")
    connections_max: int
    statements_kept: bool = Field(description="Whether pg_stat_statements is there")
    sees_all: bool = Field(description="Whether the admin's login sees sessions and texts of the others")


class TableView(BaseModel):
    """A table with its partitions."""

    name: str
    total_bytes: int
    index_bytes: int
    row_estimate: int
    dead_rows: int
    dead_share: float
    bloat_bytes: int = Field(description="Estimate of what a vacuum makes usable again")
    sequential_scans: int
    index_scans: int
    vacuumed_at: datetime | None
    analyzed_at: datetime | None
    partitions: int
    grown_day: int | None = Field(description="Bytes; null where no size of then is known")
    grown_week: int | None
    grown_month: int | None


class IndexView(BaseModel):
    """An index and its use since statistics were reset."""

    name: str
    table_name: str
    bytes: int
    scans: int
    needed: bool = Field(description="It enforces something, and stays even if no query uses it")
    valid: bool


class StatementView(BaseModel):
    """A slow statement, with its values taken out."""

    statement: str | None
    calls: int
    mean_ms: float
    total_ms: float


class LockView(BaseModel):
    """A session that waits for what others hold."""

    pid: int
    blocked_by: list[int]
    table_name: str | None
    mode: str
    waiting_seconds: float | None


class TransactionView(BaseModel):
    """A transaction that is open for more than a minute."""

    pid: int
    login: str
    state: str | None
    open_seconds: float


class PoolView(BaseModel):
    """Connections of the process that answers."""

    login: str
    most: int
    open: int
    free: int
    waiting: int = Field(description="Calls that wait for one")


class MigrationView(BaseModel):
    """A migration that is applied."""

    version: int
    name: str


class ReplicaView(BaseModel):
    """The read replica."""

    is_replica: bool
    lag_seconds: float | None


class DatabaseHealth(BaseModel):
    """How the database is."""

    server: ServerView
    tables: list[TableView]
    indexes: list[IndexView]
    unused_indexes: list[str]
    statements: list[StatementView]
    locks: list[LockView]
    long_transactions: list[TransactionView]
    pools: list[PoolView]
    migrations: list[MigrationView]
    pending: list[str] = Field(description="Migrations that this code has and the database has not")
    replica: ReplicaView | None
    notes: list[str] = Field(description="What to look at, and what could not be seen")


_EXAMPLE: dict[str, Any] = {
    "server": {
        "version": "17.6",
        "database": "anima",
        "size_bytes": 31_457_280,
        "started_at": "2026-01-31T12:00:00Z",
        "is_replica": False,
        "connections_used": 7,
        "connections_max": 100,
        "statements_kept": False,
        "sees_all": False,
    },
    "tables": [
        {
            "name": "messages",
            "total_bytes": 8_192_000,
            "index_bytes": 2_048_000,
            "row_estimate": 41_200,
            "dead_rows": 310,
            "dead_share": 0.007,
            "bloat_bytes": 43_008,
            "sequential_scans": 4,
            "index_scans": 91_022,
            "vacuumed_at": "2026-01-31T03:12:00Z",
            "analyzed_at": "2026-01-31T03:12:00Z",
            "partitions": 0,
            "grown_day": 65_536,
            "grown_week": 524_288,
            "grown_month": None,
        }
    ],
    "indexes": [
        {
            "name": "messages_pkey",
            "table_name": "messages",
            "bytes": 1_024_000,
            "scans": 51_000,
            "needed": True,
            "valid": True,
        }
    ],
    "unused_indexes": [],
    "statements": [],
    "locks": [],
    "long_transactions": [],
    "pools": [{"login": "app", "most": 10, "open": 3, "free": 2, "waiting": 0}],
    "migrations": [{"version": 1, "name": "foundation"}],
    "pending": [],
    "replica": None,
    "notes": ["slow statements: pg_stat_statements is not there"],
}


@router.get(
    "/health/database",
    summary="How the database is",
    response_model=DatabaseHealth,
    responses={**http.example(_EXAMPLE), **http.problems(403)},
)
def database_health(_caller: http.AdminCaller) -> dict[str, Any]:
    """Sizes and growth, use of indexes, slow statements, locks, connections and pools; for admins."""
    return health.as_json(health.report())
