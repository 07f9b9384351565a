"""SQL of the slots of the local server that are kept, by avatar and what the prompt began with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.inference.slots_model import Slot
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Kept:
    """A slot that is kept, and the tensor that has its bytes."""

    kv_id: uuid.UUID
    avatar_id: uuid.UUID
    prompt_hash: bytes
    model: str
    tensor_id: uuid.UUID
    n_bytes: int
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    """A slot that is kept now."""

    kv_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Gone:
    """A slot that was deleted."""

    kv_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who has slots."""

    owner_id: int


# Nothing is kept of an avatar that was deleted meanwhile.
KEEP = db.Query(
    Entered,
    """
    insert into kv_cache as k (
        kv_id, owner_id, avatar_id, prompt_hash, model, seq_start, seq_end, tensor_id, n_bytes, created_at, used_at,
        expires_at
    )
    select %(new_slot)s, a.owner_id, a.avatar_id, %(prompt_hash)s, %(model)s, 0, %(tokens)s, t.tensor_id, t.n_bytes,
        %(at)s::timestamptz, %(at)s, %(at)s::timestamptz + %(kept)s::interval
    from avatars a join tensor_metadata t on t.owner_id = a.owner_id and t.tensor_id = %(tensor_id)s
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    for key share of a
    on conflict (owner_id, avatar_id, model, prompt_hash) do update
        set tensor_id = excluded.tensor_id, n_bytes = excluded.n_bytes, seq_end = excluded.seq_end,
            used_at = excluded.used_at, expires_at = excluded.expires_at
    returning k.kv_id
    """,
)

# The few of each avatar that were used last, and of all of them as much as fits.
OVER = db.Query(
    Gone,
    """
    with held as (
        select k.kv_id, row_number() over (partition by k.avatar_id order by k.used_at desc, k.kv_id desc) as number,
            sum(k.n_bytes) over (order by k.used_at desc, k.kv_id desc) as so_far
        from kv_cache k where k.owner_id = %(owner_id)s and k.avatar_id is not null
    )
    delete from kv_cache k using held h
    where k.owner_id = %(owner_id)s and k.kv_id = h.kv_id
        and (h.number > %(most)s or h.so_far > %(most_bytes)s)
    returning k.kv_id
    """,
)

KEPT = db.Query(
    Kept,
    """
    select k.kv_id, k.avatar_id, k.prompt_hash, k.model, k.tensor_id, k.n_bytes, k.used_at from kv_cache k
    where k.owner_id = %(owner_id)s and k.avatar_id is not null and k.expires_at > %(at)s
    order by k.used_at desc, k.kv_id
    """,
)

USED = db.Command(
    """
    update kv_cache k set hits = k.hits + %(n)s, used_at = greatest(k.used_at, %(at)s),
        expires_at = greatest(k.expires_at, %(at)s::timestamptz + %(kept)s::interval)
    where k.owner_id = %(owner_id)s and k.kv_id = %(kv_id)s
    """
)

DROP = db.Command("delete from kv_cache where owner_id = %(owner_id)s and kv_id = %(kv_id)s")

# The avatar first, as where a slot is entered: so the two cannot wait for each other.
FORGET = db.Query(
    Gone,
    """
    with mine as materialized (
        select a.avatar_id from avatars a where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s for update
    )
    delete from kv_cache k using mine
    where k.owner_id = %(owner_id)s and k.avatar_id = mine.avatar_id
    returning k.kv_id
    """,
)

OWNERS = db.Query(Owner, "select owner_id from owners_with_slots()")


@dataclass(frozen=True, slots=True)
class New:
    """A slot that is entered: how many tokens it holds, and the tensor of its bytes."""

    slot: Slot
    new_slot: uuid.UUID
    tokens: int
    tensor_id: uuid.UUID


def keep(tx: db.Transaction, owner_id: int, new: New, at: datetime, kept: timedelta) -> db.Pending[Entered]:
    """Enters a slot, or what it holds now; no row where the avatar is gone."""
    return tx.fetch(
        KEEP,
        owner_id=owner_id,
        avatar_id=new.slot.avatar_id,
        prompt_hash=new.slot.prompt_hash,
        model=new.slot.model,
        new_slot=new.new_slot,
        tokens=new.tokens,
        tensor_id=new.tensor_id,
        at=at,
        kept=kept,
    )


def over(tx: db.Transaction, owner_id: int, most: int, most_bytes: int) -> db.Pending[Gone]:
    """Deletes all but the `most` of each avatar that were used last, and what does not fit into `most_bytes`."""
    return tx.fetch(OVER, owner_id=owner_id, most=most, most_bytes=most_bytes)


def kept(tx: db.Transaction, owner_id: int, at: datetime) -> db.Pending[Kept]:
    """The slots of somebody, the last used first."""
    return tx.fetch(KEPT, owner_id=owner_id, at=at)


def used(tx: db.Transaction, owner_id: int, kv_id: uuid.UUID, n: int, at: datetime, kept: timedelta) -> None:
    """Counts uses of a slot, which is kept for another while."""
    tx.execute(USED, owner_id=owner_id, kv_id=kv_id, n=n, at=at, kept=kept)


def drop(tx: db.Transaction, owner_id: int, kv_id: uuid.UUID) -> None:
    """Deletes a slot."""
    tx.execute(DROP, owner_id=owner_id, kv_id=kv_id)


def forget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Gone]:
    """Deletes the slots of an avatar."""
    return tx.fetch(FORGET, owner_id=owner_id, avatar_id=avatar_id)


def owners(tx: db.Transaction) -> db.Pending[Owner]:
    """Everybody who has slots."""
    return tx.fetch(OWNERS)
