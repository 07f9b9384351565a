"""One look at a database from outside, as a doctor takes it: whether it answers, how, and what a login may do there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg

from anima.kernel.connections import dial
from anima.kernel.postgres import bootstrap
from anima.kernel.postgres.errors import LoginMayBypass


@dataclass(frozen=True, slots=True)
class Look:
    """What a connection told: how long it took to get, in seconds, and what there is."""

    user: str
    seconds: float
    encrypted: bool
    server_version: str
    clock_ahead: float
    extensions: dict[str, str]
    unbound: str | None
    tables: int
    unreadable: int


_FACTS: LiteralString = """
select current_user::text, current_setting('server_version'), clock_timestamp(),
    (select coalesce(jsonb_object_agg(extname, extversion), '{}') from pg_extension),
    (select count(*) from pg_class where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p') and not relispartition),
    (select count(*) from pg_class where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p') and not relispartition
        and relname not in ('schema_migrations', 'table_sizes')
        and not has_any_column_privilege(oid, 'select'))
"""


def look(url: str, patience: float) -> Look:
    """What is behind a URL. Raises psycopg.OperationalError, UnverifiedDatabase, BadDatabaseUrl."""
    begun = time.perf_counter()
    with dial(url, patience) as connection:
        seconds = time.perf_counter() - begun
        row = connection.execute(_FACTS).fetchone()
        assert row is not None
        user, version, at, extensions, tables, unreadable = row
        ahead = (at - datetime.now(UTC)).total_seconds()
        encrypted, unbound = connection.pgconn.ssl_in_use, _unbound(connection)
        return Look(user, seconds, encrypted, version, ahead, extensions, unbound, tables, unreadable)


def _unbound(connection: psycopg.Connection[Any]) -> str | None:
    """Why row-level security does not bind this login; nothing where it does."""
    try:
        bootstrap.check_connection(connection)
    except LoginMayBypass as error:
        return str(error.values["reason"])
    return None
