"""Indexes of large stores: made and dropped by the database's owner, one by one, while everything goes on.

A store of up to 10,000 vectors is read whole, which is exact and quick. A larger one, of an owner or shared, gets a
partial HNSW index over its vectors of one model, halved in precision; the search compares what it gives exactly.
Nothing is told to anybody: a search takes an index as soon as it is valid (`nearest_statement` in the schema).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from anima.kernel import telemetry
from anima.kernel.postgres.deployment import connected, refuse_pooler
from anima.kernel.postgres.urls import is_pooled
from anima.operations import database

Connection = psycopg.Connection[Any]
Tell = Callable[[str, str], None]
"""Called with the name of an index, before it is made or dropped, and which of both."""

LEAST = 10_000
"""A store with more vectors gets an index; it keeps it until half of them are gone."""
MOST_DIMENSIONS = 4_000
"""What an index over halfvec can hold."""

_LOCK = 7_316_004_289_120_553
# A store that is made while the index is may not wait for ever behind a transaction that somebody forgot.
_SETTINGS: LiteralString = """
select set_config('maintenance_work_mem', '256MB', false), set_config('max_parallel_maintenance_workers', '0', false),
    set_config('lock_timeout', '15min', false), set_config('search_path', 'public', false)
"""


@dataclass(frozen=True, slots=True)
class Large:
    """The vectors of one model in a store; no owner: it is a shared one."""

    name: str
    owner_id: int | None
    store_id: int
    embedding_model: str
    dimension: int
    n: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index of ours that is there; not valid: whoever made it was killed."""

    name: str
    valid: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What was made and dropped, by name."""

    made: list[str]
    dropped: list[str]


# The counts of a store's chunks say where it is worth counting vectors.
_LARGE: LiteralString = """
with stores as (
    select c.owner_id, c.store_id from corpora c where c.n >= %(fewest)s
    union all
    select null, c.store_id from shared_corpora c where c.n >= %(fewest)s
), counted as (
    select s.owner_id, s.store_id, e.embedding_model, e.n
    from stores s cross join lateral (
        select embedding_model, count(*) as n from embeddings
        where owner_id = s.owner_id and store_id = s.store_id and entity_type = 'chunk' group by embedding_model
        union all
        select embedding_model, count(*) from shared_embeddings
        where s.owner_id is null and store_id = s.store_id and entity_type = 'chunk' group by embedding_model
    ) e
    where e.n >= %(fewest)s
), sized as (
    select c.*, case c.embedding_model when s.embedding_model then s.dimension when s.next_model then s.next_dimension
        end as dimension
    from counted c join vector_stores s using (store_id)
    where s.provider = 'pgvector' and s.deleted_at is null
)
select nearest_index_name(owner_id is null, store_id, embedding_model) as name, owner_id, store_id, embedding_model,
    dimension, n
from sized where dimension <= %(most_dimensions)s
order by n
"""

_INDEXES: LiteralString = r"""
select c.relname as name, i.indisvalid as valid
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid in ('embeddings'::regclass, 'shared_embeddings'::regclass)
    and c.relname ~ '^(shared_)?embeddings_nearest_\d+_[0-9a-f]{8}$'
order by 1
"""


def known_owner() -> str | None:
    """The owner's direct URL, where this process has it: at home, and where somebody maintains a deployed database."""
    if not database.configured():
        return None
    url = database.owner_url()
    return None if is_pooled(url) else url


def keep(url: str, tell: Tell = lambda *_: None) -> Kept:
    """Makes the indexes that are missing and drops those that are not needed, or that were left half made.

    Whoever comes while another is at it does nothing. Killed at any moment it leaves an index that is not valid, which
    no search takes, and which the next run makes again. Raises PooledConnection, DatabaseUnreachable.
    """
    refuse_pooler(url)
    kept = Kept([], [])
    with _alone(url) as connection:
        if connection is not None:
            _drop(connection, kept, tell)
            _make(connection, kept, tell)
    return kept


def keep_quietly() -> None:
    """As part of other work: where the owner is known, and an error is logged."""
    try:
        url = known_owner()
        if url is not None:
            keep(url)
    except Exception as error:
        telemetry.error("maintenance.indexes", error)


@contextmanager
def _alone(url: str) -> Iterator[Connection | None]:
    """A connection that holds the lock of this work; none where somebody else has it."""
    with connected(url) as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
        if row is None or not row[0]:
            yield None
            return
        connection.execute(_SETTINGS)
        yield connection


def _drop(connection: Connection, kept: Kept, tell: Tell) -> None:
    needed = {each.name for each in _large(connection)}
    for index in _indexes(connection):
        if index.valid and index.name in needed:
            continue
        tell(index.name, "drop")
        connection.execute(sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(index.name)))
        telemetry.info("maintenance.index", step="dropped", index=index.name)
        kept.dropped.append(index.name)


def _make(connection: Connection, kept: Kept, tell: Tell) -> None:
    there = {index.name for index in _indexes(connection)}
    for large in _large(connection):
        if large.n <= LEAST or large.name in there:
            continue
        tell(large.name, "make")
        connection.execute(_statement(large))
        telemetry.info("maintenance.index", step="made", index=large.name, vectors=large.n)
        kept.made.append(large.name)


def _large(connection: Connection) -> list[Large]:
    given = {"fewest": LEAST // 2, "most_dimensions": MOST_DIMENSIONS}
    return connection.cursor(row_factory=class_row(Large)).execute(_LARGE, given).fetchall()


def _indexes(connection: Connection) -> list[Index]:
    return connection.cursor(row_factory=class_row(Index)).execute(_INDEXES).fetchall()


def _statement(large: Large) -> sql.Composed:
    """Its condition is, word for word, that of the statement of the search: so the planner sees that it fits."""
    conditions = [
        sql.SQL("store_id = {}").format(sql.Literal(large.store_id)),
        sql.SQL("entity_type = 'chunk'"),
        sql.SQL("embedding_model = {}").format(sql.Literal(large.embedding_model)),
    ]
    if large.owner_id is not None:
        conditions.append(sql.SQL("owner_id = {}").format(sql.Literal(large.owner_id)))
    return sql.SQL(
        "create index concurrently {name} on {table} using hnsw ((vector::halfvec({dimension})) halfvec_cosine_ops)"
        " where {condition}"
    ).format(
        name=sql.Identifier(large.name),
        table=sql.Identifier("shared_embeddings" if large.owner_id is None else "embeddings"),
        dimension=sql.Literal(large.dimension),
        condition=sql.SQL(" and ").join(conditions),
    )
