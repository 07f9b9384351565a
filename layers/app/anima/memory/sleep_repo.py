"""SQL of sleep: whether an avatar may, whether it is worth it, who works on it, and how far it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.kernel import db
from anima.memory.sleep_model import Sleep

LEASE = timedelta(minutes=2)
"""After so long without a sign of life somebody else goes on with a sleep."""


@dataclass(frozen=True, slots=True)
class Armed:
    """An avatar for which an event is to be emitted."""

    avatar_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Dreamer:
    """The avatar that sleeps, as far as it matters: its switches, and the model that everything is embedded by."""

    switches: dict[str, Any]
    embedding_model: str | None


# One row an avatar, made by its first turn. A clock that went back does not put the next look at forgetting off.
TURNED = db.Command(
    """
    insert into sleeps as s (owner_id, avatar_id, turns, turn_at)
    select owner_id, avatar_id, %(turns)s::integer, %(at)s from avatars
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update set turns = s.turns + excluded.turns, turn_at = excluded.turn_at,
        believed_at = case when s.seen_at > excluded.turn_at then null else s.believed_at end,
        seen_at = case when s.seen_at > excluded.turn_at then excluded.turn_at else s.seen_at end
    """
)

# An event that was lost is not waited for longer than a day, by a clock that may have jumped.
ARM = db.Query(
    Armed,
    """
    update sleeps set armed_at = %(at)s
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and turns >= %(least)s::integer
        and (armed_at is null or armed_at > %(at)s or armed_at <= %(at)s::timestamptz - interval '1 day')
        and (ended_at is null or ended_at > %(at)s or ended_at <= %(at)s::timestamptz - %(pause)s::interval)
    returning avatar_id
    """,
)

ASK = db.Query(
    Armed,
    """
    insert into sleeps as s (owner_id, avatar_id, asked_at)
    select owner_id, avatar_id, %(at)s from avatars where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update set asked_at = excluded.asked_at
    where (s.asked_at is null or s.asked_at > excluded.asked_at or s.asked_at <= excluded.asked_at - interval '1 hour')
        and (s.lease_until is null or s.lease_until <= now())
    returning avatar_id
    """,
)

DISARM = db.Command(
    """
    update sleeps set armed_at = null where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)

SLEEP = db.Query(
    Sleep,
    """
    select avatar_id, turns, turn_at, asked_at, state, run_id, holder, lease_until, resumes, step, acetylcholine,
        most_seconds, most_tokens, seconds, tokens, steps, reason, begun_at, ended_at,
        state = 'asleep' and coalesce(lease_until > now(), false) as at_work,
        exists (
            select from idempotency_keys k where k.owner_id = %(owner_id)s and k.key = %(key)s
        ) as handled
    from sleeps where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    for update
    """,
)

DREAMER = db.Query(
    Dreamer,
    """
    select switches, (select value ->> 'name' from settings where key = 'embedding_model') as embedding_model
    from avatars
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """,
)

BEGIN = db.Command(
    """
    insert into sleeps (owner_id, avatar_id, state, run_id, holder, lease_until, step, acetylcholine, most_seconds,
        most_tokens, begun_at)
    select owner_id, avatar_id, 'asleep', %(run_id)s::uuid, %(holder)s::uuid, now() + %(lease)s::interval, %(step)s,
        %(acetylcholine)s::real, %(most_seconds)s::real, %(most_tokens)s::integer, %(at)s::timestamptz
    from avatars where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update set state = 'asleep', run_id = excluded.run_id,
        holder = excluded.holder, lease_until = excluded.lease_until, step = excluded.step,
        acetylcholine = excluded.acetylcholine, most_seconds = excluded.most_seconds,
        most_tokens = excluded.most_tokens, begun_at = excluded.begun_at, resumes = 0, seconds = 0, tokens = 0,
        steps = '{}', reason = null
    """
)

RESUME = db.Command(
    """
    update sleeps set holder = %(holder)s::uuid, lease_until = now() + %(lease)s::interval, resumes = resumes + 1
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)

# Whoever writes holds the row until it is written: one whose lease was taken over writes nothing.
HOLD = db.Query(
    Armed,
    """
    update sleeps set lease_until = now() + %(lease)s::interval
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and state = 'asleep' and holder = %(holder)s::uuid
    returning avatar_id
    """,
)

NOTE = db.Command(
    """
    update sleeps set step = %(step)s, steps = %(steps)s::jsonb, seconds = %(seconds)s::real,
        tokens = %(tokens)s::integer
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)

END = db.Command(
    """
    update sleeps set state = 'awake', step = null, holder = null, lease_until = null, ended_at = %(at)s,
        reason = %(reason)s, turns = greatest(turns - %(turns)s::integer, 0), armed_at = null, asked_at = null
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)


def turned(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, turns: int, at: datetime) -> None:
    """Counts turns that are not slept on yet."""
    tx.execute(TURNED, owner_id=owner_id, avatar_id=avatar_id, turns=turns, at=at)


def arm(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, least: int, pause: timedelta, at: datetime
) -> db.Pending[Armed]:
    """Notes that somebody looks whether the avatar may sleep; no row where somebody does, or it is not worth it."""
    return tx.fetch(ARM, owner_id=owner_id, avatar_id=avatar_id, least=least, pause=pause, at=at)


def ask(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, at: datetime) -> db.Pending[Armed]:
    """Notes that a sleep was asked for; no row where one is under way, or there is no such avatar."""
    return tx.fetch(ASK, owner_id=owner_id, avatar_id=avatar_id, at=at)


def disarm(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> None:
    """Nobody looks any more."""
    tx.execute(DISARM, owner_id=owner_id, avatar_id=avatar_id)


def sleep(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, key: str = "") -> db.Pending[Sleep]:
    """How the sleep of an avatar stands, held until the transaction ends; `handled`: the work of `key` was done."""
    return tx.fetch(SLEEP, owner_id=owner_id, avatar_id=avatar_id, key=key)


def dreamer(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Dreamer]:
    """The avatar."""
    return tx.fetch(DREAMER, owner_id=owner_id, avatar_id=avatar_id)


def begin(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    run_id: uuid.UUID,
    holder: uuid.UUID,
    step: str,
    acetylcholine: float,
    seconds: float,
    tokens: int,
    at: datetime,
) -> None:
    """Begins a sleep."""
    tx.execute(
        BEGIN,
        owner_id=owner_id,
        avatar_id=avatar_id,
        run_id=run_id,
        holder=holder,
        lease=LEASE,
        step=step,
        acetylcholine=acetylcholine,
        most_seconds=seconds,
        most_tokens=tokens,
        at=at,
    )


def resume(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, holder: uuid.UUID) -> None:
    """Goes on with a sleep whose worker is gone."""
    tx.execute(RESUME, owner_id=owner_id, avatar_id=avatar_id, holder=holder, lease=LEASE)


def hold(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, holder: uuid.UUID) -> db.Pending[Armed]:
    """Prolongs the lease and holds the row until the transaction ends; no row where somebody else has taken over."""
    return tx.fetch(HOLD, owner_id=owner_id, avatar_id=avatar_id, holder=holder, lease=LEASE)


def note(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    step: str | None,
    steps: dict[str, Any],
    seconds: float,
    tokens: int,
) -> None:
    """Notes how far a sleep is."""
    tx.execute(
        NOTE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        step=step,
        steps=db.jsonb(steps),
        seconds=seconds,
        tokens=tokens,
    )


def end(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, *, reason: str | None, turns: int, at: datetime
) -> None:
    """Ends a sleep on so many turns."""
    tx.execute(END, owner_id=owner_id, avatar_id=avatar_id, reason=reason, turns=turns, at=at)
