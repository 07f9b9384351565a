"""What migrations cost: how long each holds locks that keep others waiting, on a database of a million messages."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from tests.bench.frame import Sample

from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.postgres.migration_files import MigrationFile

OLDEST = 8
"""The last migration before the first that had to keep a running deployment in mind."""
REPEATS = 5
_OPAQUE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)

# A thousand people, ten sessions each, a hundred messages a session.
_FILL: list[LiteralString] = [
    "insert into users (username, password_hash) select 'person-' || n, '-' from generate_series(1, 1000) n",
    "insert into user_roles select u.user_id, r.role_id from users u, roles r where r.role_name = 'viewer'",
    """
    insert into avatars (avatar_id, owner_id, name, personality_name, personality)
    select gen_random_uuid(), user_id, 'Luna', 'luna', '{}' from users
    """,
    """
    insert into sessions (user_id, avatar_id, title)
    select a.owner_id, a.avatar_id, 'A talk' from avatars a, generate_series(1, 10)
    """,
    """
    insert into messages (session_id, owner_id, author_id, avatar_id, role, content, created_at)
    select s.session_id, s.user_id, case n %% 2 when 0 then s.user_id end, case n %% 2 when 1 then s.avatar_id end,
        case n %% 2 when 0 then 'user' else 'assistant' end,
        'What was said in the line ' || n || ' of this talk, and a little more of it.',
        now() - make_interval(secs => 100 - n)
    from sessions s, generate_series(0, 99) n
    """,
    "analyze",
]
# What keeps others waiting: reading or writing rows conflicts with these and no weaker ones.
_HELD: LiteralString = """
select c.relname, l.mode from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.granted and c.oid = any (%(old)s)
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
_TABLES: LiteralString = """
select array_agg(oid) from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'i', 'I') and relname <> 'schema_migrations'
"""
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Held:
    """One migration: milliseconds for which it held blocking locks on tables that were there, of all that it took."""

    stem: str
    locked: Sample
    took: Sample
    what: tuple[str, ...]


@contextmanager
def server(passwords: bootstrap.LoginPasswords) -> Iterator[str]:
    """The owner's URL of a throw-away Postgres with the house's logins, and no schema."""
    with ephemeral.ephemeral() as made:
        bootstrap.ensure(made.owner_url, passwords)
        yield made.owner_url


def on_empty(url: str) -> Iterator[tuple[str, float]]:
    """(migration, milliseconds) of each of the oldest on an empty database; they are applied by it."""
    for file in _files():
        if file.version <= OLDEST:
            begun = time.perf_counter()
            _migrate_to(url, file.version)
            yield file.stem, (time.perf_counter() - begun) * 1000


def fill(url: str) -> int:
    """Puts a million messages into the database; answers how many there are."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement, {})
        row = connection.execute("select count(*) from messages").fetchone()
    return int(row[0]) if row else 0


def later(url: str) -> Iterator[Held]:
    """What each later migration holds on the filled database, tried and taken back, then applied by the real runner."""
    for file in _files():
        if file.version <= OLDEST:
            continue
        with psycopg.connect(url, autocommit=True) as connection:
            tried = [_tried(connection, file) for _ in range(REPEATS)]
        _migrate_to(url, file.version)
        locked, took = (Sample(tuple(one[place] for one in tried)) for place in (0, 1))  # type: ignore[misc]
        yield Held(file.stem, locked, took, tried[0][2])


def statements(text: str) -> list[str]:
    """The statements of a migration, one by one."""
    blank = _OPAQUE.sub(lambda found: " " * len(found[0]), text)
    ends = [place for place, character in enumerate(blank) if character == ";"]
    cut = [text[begin:end] for begin, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
    kept = [blank[begin:end] for begin, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
    return [one for one, words in zip(cut, kept, strict=True) if words.strip()]


def _tried(connection: Connection, file: MigrationFile) -> tuple[float, float, tuple[str, ...]]:
    """Milliseconds from before the first statement that took a blocking lock to the end, of all, and which locks."""
    row = connection.execute(_TABLES).fetchone()
    old = row[0] if row else []
    since: float | None = None
    looked = looked_before = 0.0
    with connection.transaction(force_rollback=True):
        begun = time.perf_counter()
        held: list[Any] = []
        for statement in statements(file.sql):
            before = time.perf_counter()
            connection.execute(statement.encode())
            after = time.perf_counter()
            held = connection.execute(_HELD, {"old": old}).fetchall()
            if held and since is None:
                since, looked_before = before, looked
            looked += time.perf_counter() - after
        ended = time.perf_counter()
    took = (ended - begun - looked) * 1000
    locked = 0.0 if since is None else (ended - since - (looked - looked_before)) * 1000
    return locked, took, tuple(sorted({f"{name} ({mode.removesuffix('Lock')})" for name, mode in held}))


def _files() -> list[MigrationFile]:
    return migration_files.read(migration_files.sql_dir() / "migrations")


def _migrate_to(url: str, version: int) -> None:
    """The real runner, on a folder that ends with this version."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "migrations"
        target.mkdir()
        for path in (migration_files.sql_dir() / "migrations").glob("*.sql"):
            if int(path.name[:4]) <= version:
                shutil.copy(path, target)
        migrations.migrate(url, Path(folder))
