"""What an avatar's mind has become on one branch and on another: every table of it, row by row.

Rows are the same where their keys are, and changed where their hashes differ. A number that both branches gave out
after they parted means two rows: so the time of writing is part of the key where the key is a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from anima.kernel.errors import BadInput, NotFound
from anima.kernel.postgres.errors import DatabaseUnreachable
from anima.kernel.postgres.urls import for_libpq, parse

Row = Mapping[str, Any]
Connection = psycopg.Connection[Any]


class NoSuchAvatar(NotFound):
    """There is no avatar {name} on {branch}; there are: {known}."""

    slug = "no-such-avatar"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a mind. `key` makes a row's name, `of_avatar` picks the rows, `hidden` is what nobody reads."""

    name: LiteralString
    key: LiteralString
    of_avatar: LiteralString
    line: Callable[[Row], str]
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is on both branches and differs: the fields that do, before and after."""

    row: Row
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class TableDifference:
    """What one branch has of a table that the other has not, and what both have differently."""

    table: str
    added: Sequence[Row]
    removed: Sequence[Row]
    changed: Sequence[Change]
    same: int

    @property
    def empty(self) -> bool:
        """Whether both have the same."""
        return not (self.added or self.removed or self.changed)


_IN_SESSIONS: LiteralString = """
session_id in (
    select session_id from sessions where avatar_id = %(avatar)s
    union select session_id from session_participants where avatar_id = %(avatar)s
)
"""


def _short(value: object, longest: int = 100) -> str:
    # What people wrote must not speak to a terminal.
    text = "".join(one for one in " ".join(str(value).split()) if one.isprintable())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


TABLES = (
    Table("avatars", "avatar_id::text", "avatar_id = %(avatar)s", lambda row: str(row["name"]), ("updated_at",)),
    Table(
        "user_facts",
        "id::text",
        "avatar_id = %(avatar)s",
        lambda row: f"{row['category']}.{row['key']} = {_short(row['value'])} ({row['confidence']:.2f})",
        ("embedding", "embedding_model", "next_embedding", "next_model", "terms"),
    ),
    Table(
        "episodes",
        "id::text",
        "avatar_id = %(avatar)s",
        lambda row: f"{_short(row['title'])} (importance {row['importance']:g})",
        ("embedding", "embedding_model", "next_embedding", "next_model", "terms"),
    ),
    Table(
        "sessions",
        "session_id::text || ' ' || started_at::text",
        _IN_SESSIONS,
        lambda row: f"session {row['session_id']} {_short(row['title'] or '')}".rstrip(),
    ),
    Table(
        "messages",
        "message_id::text || ' ' || created_at::text",
        _IN_SESSIONS,
        lambda row: f"{row['role']}: {_short(row['content'])}",
    ),
    Table(
        "user_affinity",
        "user_id::text || ' ' || personality_name",
        "avatar_id = %(avatar)s",
        lambda row: f"{row['personality_name']}: {row['affinity_points']:g} points, {row['current_level']}",
    ),
    Table(
        "session_moods",
        "session_id::text || ' ' || (select s.started_at from sessions s where s.session_id = t.session_id)::text",
        _IN_SESSIONS,
        lambda row: f"session {row['session_id']}: {row['current_mood']} ({row['mood_intensity']:.2f})",
    ),
)

_HASHES: LiteralString = """
select {key}, md5((to_jsonb(t) - %(hidden)s::text[])::text) from {table} t where {of_avatar}
"""
_ROWS: LiteralString = """
select {key}, to_jsonb(t) - %(hidden)s::text[] from {table} t where {of_avatar} and {key} = any(%(keys)s)
"""
_AVATARS: LiteralString = """
select a.avatar_id::text, a.name::text, u.username::text from avatars a join users u on u.user_id = a.owner_id
order by a.name, u.username
"""


def difference(url: str, base_url: str, avatar: str, names: tuple[str, str]) -> list[TableDifference]:
    """What the mind of `avatar` (a name or an id) has at `url` that it has not at `base_url`, table by table.

    `names` are what to call both in errors. Raises NoSuchAvatar, BadInput (more than one of that name),
    DatabaseUnreachable.
    """
    with _connected(url) as here, _connected(base_url) as there:
        avatar_id = _avatar_id(here, there, avatar, names)
        return [_compared(here, there, table, avatar_id) for table in TABLES]


def _connected(url: str) -> Connection:
    try:
        connection = psycopg.connect(for_libpq(url), connect_timeout=20, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=str(error).strip().partition("\n")[0]) from error
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _avatar_id(here: Connection, there: Connection, avatar: str, names: tuple[str, str]) -> str:
    """The id, by which both branches know the same avatar; the name may have become another on one of them."""
    wanted = avatar.casefold()
    known = [(row, name) for connection, name in ((here, names[0]), (there, names[1])) for row in _avatars(connection)]
    ids = {row[0] for row, _ in known if wanted == row[0]}
    # An id first: another's avatar may be called like it.
    ids = ids or {row[0] for row, _ in known if wanted == row[1].casefold()}
    if not ids:
        listed = ", ".join(sorted({row[1] for row, _ in known})) or "none"
        raise NoSuchAvatar(name=avatar, branch=" or ".join(names), known=listed)
    if len(ids) > 1:
        owners = sorted({(row[2], row[0]) for row, _ in known if row[0] in ids})
        choice = "; ".join(f"{avatar_id} of {owner}" for owner, avatar_id in owners)
        raise BadInput(reason=f"more than one avatar is called {avatar}; name one by its id: {choice}")
    return ids.pop()


def _avatars(connection: Connection) -> list[tuple[str, str, str]]:
    return connection.execute(_AVATARS).fetchall()


def _compared(here: Connection, there: Connection, table: Table, avatar_id: str) -> TableDifference:
    ours, theirs = _hashes(here, table, avatar_id), _hashes(there, table, avatar_id)
    changed = [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]]
    new = _rows(here, table, avatar_id, [*(ours.keys() - theirs.keys()), *changed])
    old = _rows(there, table, avatar_id, [*(theirs.keys() - ours.keys()), *changed])
    return TableDifference(
        table=table.name,
        added=[new[key] for key in _in_order(new) if key not in theirs],
        removed=[old[key] for key in _in_order(old) if key not in ours],
        changed=[_change(old[key], new[key]) for key in sorted(changed)],
        same=len(ours.keys() & theirs.keys()) - len(changed),
    )


def _in_order(rows: Mapping[str, Row]) -> list[str]:
    """Numbers as numbers, so that what was said stays in the order in which it was said."""
    return sorted(rows, key=lambda key: (int(first) if (first := key.split(" ")[0]).isdigit() else 0, key))


def _change(old: Row, new: Row) -> Change:
    names = [name for name in new if new[name] != old.get(name)]
    return Change(new, {name: (old.get(name), new[name]) for name in names})


def _statement(text: LiteralString, table: Table) -> sql.Composed:
    parts = {"key": sql.SQL(table.key), "table": sql.Identifier(table.name), "of_avatar": sql.SQL(table.of_avatar)}
    return sql.SQL(text).format(**parts)


def _hashes(connection: Connection, table: Table, avatar_id: str) -> dict[str, str]:
    parameters = {"avatar": avatar_id, "hidden": list(table.hidden)}
    return dict(connection.execute(_statement(_HASHES, table), parameters).fetchall())


def _rows(connection: Connection, table: Table, avatar_id: str, keys: list[str]) -> dict[str, Row]:
    if not keys:
        return {}
    parameters = {"avatar": avatar_id, "hidden": list(table.hidden), "keys": keys}
    return dict(connection.execute(_statement(_ROWS, table), parameters).fetchall())


def line(table: str, row: Row) -> str:
    """A row as a person reads it."""
    return next(one for one in TABLES if one.name == table).line(row)
