"""SQL of exports: every table of somebody's, a page at a time, and where their files lie."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows belong to somebody."""

    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as JSON, and its key, behind which the next page begins."""

    place: list[Any]
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file: of which row it is, and where it lies."""

    kind: str
    id: str
    name: str | None
    mime_type: str | None
    uri: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What an avatar looks like."""

    avatar_id: uuid.UUID
    mime_type: str
    picture: bytes


TABLES = db.Query(Table, "select name from export_tables()")

PAGE = db.Query(Row, "select place, item from export_page(%(table)s, %(after)s::jsonb, %(most)s::integer)")

# A file that several rows refer to comes once, of the first.
FILES = db.Query(
    Kept,
    """
    select distinct on (f.uri) f.kind, f.id, f.name, f.mime_type, f.uri from (
        select 1 as nth, 'document' as kind, document_id::text as id, coalesce(name, title) as name, mime_type,
            storage_uri as uri
        from documents where owner_id = %(owner_id)s
        union all
        select 2, 'medium', media_id::text, metadata ->> 'name', mime_type, storage_uri
        from media where owner_id = %(owner_id)s
        union all
        select 3, 'upload', upload_id::text, name, null, storage_uri
        from uploads where owner_id = %(owner_id)s
    ) f
    where f.uri is not null and (%(after_uri)s::text is null or f.uri > %(after_uri)s)
    order by f.uri, f.nth
    limit %(most)s::integer
    """,
)

# One at a time: they are large.
PICTURE = db.Query(
    Picture,
    """
    select avatar_id, mime_type, picture from avatar_pictures
    where owner_id = %(owner_id)s and (%(after)s::uuid is null or avatar_id > %(after)s::uuid)
    order by avatar_id
    limit 1
    """,
)


def tables(tx: db.Transaction) -> db.Pending[Table]:
    """Every table whose rows belong to somebody, by name."""
    return tx.fetch(TABLES)


def page(tx: db.Transaction, table: str, after: list[Any] | None, most: int) -> db.Pending[Row]:
    """Rows of a table that are the tenant's, from behind a key."""
    return tx.fetch(PAGE, table=table, after=None if after is None else db.jsonb(after), most=most)


def files(tx: db.Transaction, owner_id: int, after_uri: str | None, most: int) -> db.Pending[Kept]:
    """The files of somebody, from behind one."""
    return tx.fetch(FILES, owner_id=owner_id, after_uri=after_uri, most=most)


def picture(tx: db.Transaction, owner_id: int, after: uuid.UUID | None) -> db.Pending[Picture]:
    """The picture of the next avatar that has one."""
    return tx.fetch(PICTURE, owner_id=owner_id, after=after)
