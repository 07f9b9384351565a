"""SQL of kept keys and values: of a transformer's layers by session and positions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Open:
    """A session: when it ended, if it has."""

    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Range:
    """Keys and values of a layer from one position to before another one."""

    kv_id: uuid.UUID
    layer: int
    prompt_hash: bytes
    model: str
    seq_start: int
    seq_end: int
    tensor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that was deleted."""

    kv_id: uuid.UUID


# Locked, so that of two writers of a session one comes after the other.
SESSION = db.Query(
    Open,
    """
    select s.ended_at from inference_sessions s
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    for no key update
    """,
)

RANGES = db.Query(
    Range,
    """
    select k.kv_id, k.layer, k.prompt_hash, k.model, k.seq_start, k.seq_end, k.tensor_id from kv_cache k
    where k.owner_id = %(owner_id)s and k.session_id = %(inference_id)s and k.expires_at > %(at)s
    order by k.layer, k.seq_start
    """,
)

DROP_OTHERS = db.Query(
    Gone,
    """
    delete from kv_cache k
    where k.owner_id = %(owner_id)s and k.session_id = %(inference_id)s
        and k.kv_id <> all (%(kv_ids)s::uuid[])
    returning k.kv_id
    """,
)

ADD = db.Command(
    """
    insert into kv_cache (
        kv_id, owner_id, session_id, layer, prompt_hash, model, seq_start, seq_end, tensor_id, n_bytes, created_at,
        used_at, expires_at
    )
    select n.kv_id, s.owner_id, s.session_id, n.layer, %(prompt_hash)s, %(model)s, %(seq_start)s, %(seq_end)s,
        t.tensor_id, t.n_bytes, %(at)s::timestamptz, %(at)s, %(at)s::timestamptz + %(kept)s::interval
    from inference_sessions s,
        unnest(%(new_ranges)s::uuid[], %(layers)s::integer[], %(tensor_ids)s::uuid[]) n (kv_id, layer, tensor_id)
    join tensor_metadata t on t.tensor_id = n.tensor_id and t.owner_id = %(owner_id)s
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    """
)

# All ranges of a session are used together, so that they also go together.
USED = db.Command(
    """
    update kv_cache k set hits = k.hits + (k.kv_id = any (%(kv_ids)s::uuid[]))::int,
        used_at = greatest(k.used_at, %(at)s),
        expires_at = greatest(k.expires_at, %(at)s::timestamptz + %(kept)s::interval)
    where k.owner_id = %(owner_id)s and k.session_id = %(inference_id)s
    """
)

# Sessions and slots whose use is the longest ago, until what is left fits.
OVER = db.Query(
    Gone,
    """
    with whole as (
        select coalesce(k.session_id, k.kv_id) as unit, max(k.used_at) as used_at, sum(k.n_bytes) as n_bytes
        from kv_cache k where k.owner_id = %(owner_id)s group by 1
    ),
    held as (select unit, sum(n_bytes) over (order by used_at desc, unit desc) as so_far from whole)
    delete from kv_cache k using held h
    where k.owner_id = %(owner_id)s and coalesce(k.session_id, k.kv_id) = h.unit and h.so_far > %(most_bytes)s
    returning k.kv_id
    """,
)

EXPIRED = db.Query(
    Gone,
    """
    delete from kv_cache k where k.owner_id = %(owner_id)s and k.expires_at <= %(at)s
    returning k.kv_id
    """,
)


def session(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID) -> db.Pending[Open]:
    """A session, which nobody else writes now; no row where there is none."""
    return tx.fetch(SESSION, owner_id=owner_id, inference_id=inference_id)


def ranges(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, at: datetime) -> db.Pending[Range]:
    """What is kept for a session, by layer and position."""
    return tx.fetch(RANGES, owner_id=owner_id, inference_id=inference_id, at=at)


def drop_others(
    tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, kv_ids: Sequence[uuid.UUID]
) -> db.Pending[Gone]:
    """Deletes what is kept for a session but for these rows."""
    return tx.fetch(DROP_OTHERS, owner_id=owner_id, inference_id=inference_id, kv_ids=list(kv_ids))


@dataclass(frozen=True, slots=True)
class New:
    """A range that is entered for all layers: `tensor_ids` by layer from 0 on."""

    model: str
    prompt_hash: bytes
    seq_start: int
    seq_end: int
    new_ranges: Sequence[uuid.UUID]
    tensor_ids: Sequence[uuid.UUID]


def add(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, new: New, at: datetime, kept: timedelta) -> None:
    """Enters keys and values of a range of positions, a row for each layer."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        inference_id=inference_id,
        new_ranges=list(new.new_ranges),
        layers=list(range(len(new.tensor_ids))),
        tensor_ids=list(new.tensor_ids),
        prompt_hash=new.prompt_hash,
        model=new.model,
        seq_start=new.seq_start,
        seq_end=new.seq_end,
        at=at,
        kept=kept,
    )


def used(
    tx: db.Transaction,
    owner_id: int,
    inference_id: uuid.UUID,
    kv_ids: Sequence[uuid.UUID],
    at: datetime,
    kept: timedelta,
) -> None:
    """Counts a use of these rows; all of the session is kept for another while."""
    tx.execute(USED, owner_id=owner_id, inference_id=inference_id, kv_ids=list(kv_ids), at=at, kept=kept)


def over(tx: db.Transaction, owner_id: int, most_bytes: int) -> db.Pending[Gone]:
    """Deletes what was used the longest ago until no more than `most_bytes` are kept."""
    return tx.fetch(OVER, owner_id=owner_id, most_bytes=most_bytes)


def expired(tx: db.Transaction, owner_id: int, at: datetime) -> db.Pending[Gone]:
    """Deletes what has expired."""
    return tx.fetch(EXPIRED, owner_id=owner_id, at=at)
