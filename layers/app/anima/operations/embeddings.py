"""Moves the database to another embedding model: fills the new vectors in while the old ones serve, then switches.

Everything that was filled in is kept: who is killed goes on where he was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from anima.kernel import db
from anima.kernel.connections import dial
from anima.kernel.errors import BadInput, Conflict
from anima.kernel.postgres.deployment import refuse_pooler
from anima.knowledge.chunker import indexed_text
from anima.memory.indexing import episode_text, fact_text
from anima.operations import embeddings_sql as sql
from anima.operations import nearest_indexes
from anima.operations.embeddings_sql import SOURCES, Source
from anima.vendors import embeddings
from anima.vendors.embeddings.profiles import PROFILES

Connection = psycopg.Connection[Any]
BATCH = 128
_CLEANED_AT_ONCE = 10_000
_LOCK = 0x416E_6D45
_LOCK_TIMEOUT = "10s"


class OtherMove(Conflict):
    """A move to {model} is under way already; `anima embeddings migrate` goes on with it, `--abandon` gives it up."""

    slug = "other-move"


class KeptFromProvider(Conflict):
    """{avatars} avatars keep something from {provider}, which would read all of it; let it read that first."""

    slug = "kept-from-provider"


class MoveHeld(Conflict):
    """Another process moves the embeddings of this database just now."""

    slug = "move-held"


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model that may be moved to; `vectors` are those of it in the database."""

    name: str
    dimension: int
    max_tokens: int
    serves: bool
    vectors: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to: how many vectors were made in this run, by source."""

    model: str
    before: str | None
    made: dict[str, int]
    removed: int


Tell = Callable[[str, int, int], None]
"""Called with the name of a source, how much of it is done, and how much there is to do in this run."""


def models(url: str) -> list[Model]:
    """The embedding models that are known, and what there is of each."""
    with _connected(url) as connection:
        serving = _one(connection, sql.SERVING)
        counted = dict(connection.execute(sql.COUNTED).fetchall())
    found = []
    for name, profile in PROFILES.items():
        vectors = {model: n for model, n in counted.items() if model and model.partition("@")[0] == profile.name}
        serves = bool(serving) and serving.partition("@")[0] == profile.name
        found.append(Model(name, profile.dimension, profile.max_tokens, serves, sum(vectors.values())))
    return found


def migrate(url: str, name: str, tell: Tell = lambda *_: None) -> Moved:
    """Moves everything to the model `name`; the one that serves already costs nothing.

    Raises UnknownEmbedder, BadInput for a model that no store can hold, KeptFromProvider, OtherMove, MoveHeld, and what
    the embedder raises: then the old vectors serve on, and the next call goes on with what was filled in.
    """
    model = embeddings.embedder(name)
    if not 1 <= model.dimension <= 16_000:
        raise BadInput(reason=f"a store holds vectors of 1 to 16,000 dimensions, not {model.dimension}")
    _check_egress(url, name)
    model.embed_question("whether it answers at all")
    with _held(url) as connection:
        before, moving = _one(connection, sql.SERVING), _one(connection, sql.MOVING)
        if moving not in (None, model.name):
            raise OtherMove(reason="one move at a time", model=moving)
        given = {"model": model.name, "dimension": model.dimension}
        connection.execute(sql.BEGIN, given)
        made = {source.name: _fill(connection, source, model, tell) for source in SOURCES}
        nearest_indexes.keep(url)  # a large store is searched as quickly after the switch
        for source, more in _switch(connection, model, given).items():
            made[source] += more
        removed = _clean(connection)
    nearest_indexes.keep(url)
    return Moved(model.name, before, made, removed)


def _check_egress(url: str, name: str) -> None:
    """A model of a provider reads everything: none is moved to while an avatar keeps something from that provider."""
    if (provider := embeddings.provider(name)) is None:
        return
    with _connected(url) as connection:
        kept = _one(connection, sql.KEPT_FROM, {"provider": provider})
    if kept:
        raise KeptFromProvider(provider=provider, avatars=kept)


def abandon(url: str) -> int:
    """Gives a move up: what was filled in goes, what serves stays. Answers how many vectors went. Raises MoveHeld."""
    with _held(url) as connection:
        with connection.transaction():
            for statement in sql.ABANDON:
                connection.execute(statement)
        return _clean(connection)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    refuse_pooler(url)
    with dial(url) as connection:
        connection.autocommit = True
        yield connection


@contextmanager
def _held(url: str) -> Iterator[Connection]:
    """A connection that holds the lock of moves; it goes with the connection."""
    with _connected(url) as connection:
        if _one(connection, "select pg_try_advisory_lock(%(lock)s)", {"lock": _LOCK}) is not True:
            raise MoveHeld(reason="one process at a time")
        yield connection


def _one(connection: Connection, statement: Any, given: dict[str, Any] | None = None) -> Any:
    row = connection.execute(statement, given).fetchone()
    return row[0] if row else None


def _fill(connection: Connection, source: Source, model: embeddings.Embedder, tell: Tell | None) -> int:
    """Makes what is missing, batch by batch; each stays once it is there."""
    given: dict[str, Any] = {"model": model.name}
    total = _one(connection, source.left, given) if tell else 0
    done, after = 0, None if source.name in ("facts", "episodes") else 0
    while rows := connection.execute(source.take, {**given, "after": after, "most": BATCH}).fetchall():
        vectors = model.embed([_text(source.name, *row[1:]) for row in rows])
        texts = [db.vector_text(vector.tolist()) for vector in vectors]
        connection.execute(source.put, {**given, "ids": [row[0] for row in rows], "vectors": texts})
        done, after = done + len(rows), rows[-1][0]
        if tell:
            tell(source.name, done, max(total, done))
    return done


def _text(source: str, title: Any, headings: str | None, text: Any) -> str:
    """What was embedded when it was made."""
    if source == "facts":
        return fact_text(title, text)
    if source == "episodes":
        return episode_text(title, text or "")
    return indexed_text(title, (headings or "").split(" > "), text) if source.endswith("passages") else str(text)


def _switch(connection: Connection, model: embeddings.Embedder, given: dict[str, Any]) -> dict[str, int]:
    """What came meanwhile is made with the tables closed to writers; then the new vectors serve, all at once."""
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        try:
            connection.execute(sql.CLOSE)
        except psycopg.errors.LockNotAvailable:
            raise MoveHeld(reason="writers did not end in time; nothing was switched, call it again") from None
        made = {source.name: _fill(connection, source, model, None) for source in SOURCES}
        for statement in sql.SWITCH:
            connection.execute(statement, given)
    return made


def _clean(connection: Connection) -> int:
    removed = 0
    for statement in sql.CLEAN:
        while gone := connection.execute(statement, {"most": _CLEANED_AT_ONCE}).rowcount:
            removed += gone
    return removed
