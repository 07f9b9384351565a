"""Sleep: while nobody talks to an avatar, what it remembers is put in order, within a budget of time and tokens.

After a turn an event is armed for the moment when the talk has been quiet for some minutes, while the database is still
awake: nobody is woken for it, and nothing polls. It is worth it only after some turns, and not again for a while. One
sleep an avatar is under way at most: its row says who works on it and until when (a lease, renewed by each unit), so
that another goes on where one was killed. What a unit did is committed with it, so going on is doing the step again.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from anima.kernel import clock, db, delivery, ids, outbox, telemetry
from anima.kernel.errors import AnimaError, BadInput, DatabaseUnavailable, FieldError
from anima.kernel.outbox import Event
from anima.memory import consolidation_service as consolidation
from anima.memory import index_repo, sleep_repo
from anima.memory.consolidation_service import Night, TakenOver
from anima.memory.owned_service import AvatarNotFound
from anima.memory.promotion_service import promote
from anima.memory.sleep_model import STEPS, Sleep, Step, replayed

TOPIC = "memory.sleep"
QUIET = timedelta(minutes=3)
"""Without a turn, before an avatar sleeps."""
GRID = timedelta(minutes=2)
"""Looks lie on a grid, as wakes before emissions do, so that a busy hour has no more wakes for it. Both together are no
more than the five minutes that a database stays awake."""
LEAST_TURNS = 6
PAUSE = timedelta(hours=3)
"""Between the end of a sleep and the next, but for one that somebody asks for."""
ACETYLCHOLINE, SECONDS, TOKENS = 0.5, 20.0, 4000
_MOST_SECONDS, _MOST_TOKENS = 120.0, 100_000
_MOST_RESUMES = 5
"""A sleep whose workers die again and again is given up."""

State = Literal["never", "queued", "asleep", "awake"]
Outcome = Literal["slept", "busy", "done_before", "gone"]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many sessions were summed up anew, and the tokens that took."""

    sessions: int = 0
    tokens: int = 0


Refresh = Callable[[db.Principal, int, uuid.UUID, float, int], Refreshed]
"""Sums up long sessions of an avatar anew: owner, their id, avatar, until when (monotonic), tokens at most."""

Level = Callable[[db.Principal, int, uuid.UUID], float]
"""How much acetylcholine an avatar has now, 0-1: owner, their id, avatar."""


@dataclass(frozen=True, slots=True)
class Slept:
    """What came of a call: `busy` where somebody else is at it, `gone` where there is no such avatar."""

    outcome: Outcome
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0
    tokens: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a sleep there is to be; acetylcholine (0-1) sets how many episodes are replayed."""

    acetylcholine: float = ACETYLCHOLINE
    seconds: float = SECONDS
    tokens: int = TOKENS


def expect(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, turns: int = 1) -> None:
    """After turns (or an import of as many): has the avatar sleep once it is quiet, where that is worth it."""
    at = clock.now()
    sleep_repo.turned(tx, owner_id, avatar_id, turns, at)
    if sleep_repo.arm(tx, owner_id, avatar_id, LEAST_TURNS, PAUSE, at).first() is not None:
        _emit(tx, owner_id, avatar_id, {}, due=_on_grid(at + QUIET))


def ask(principal: db.Principal, avatar_id: uuid.UUID, budget: Budget) -> State:
    """Has an avatar sleep now; answers "queued", or "asleep" where it does. Raises AvatarNotFound, BadInput."""
    _check(budget)
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        if index_repo.known(tx, owner_id, avatar_id).first() is None:
            raise AvatarNotFound(id=avatar_id)
        if sleep_repo.ask(tx, owner_id, avatar_id, clock.now()).first() is not None:
            given = {"acetylcholine": budget.acetylcholine, "seconds": budget.seconds, "tokens": budget.tokens}
            _emit(tx, owner_id, avatar_id, {"asked": True, **given})
        stands = sleep_repo.sleep(tx, owner_id, avatar_id)
    return state_of(stands.first())


def last(principal: db.Principal, avatar_id: uuid.UUID) -> Sleep | None:
    """The last sleep of an avatar, or the one under way; nothing where it never slept. Raises AvatarNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = sleep_repo.sleep(tx, owner_id, avatar_id)
    if known.first() is None:
        raise AvatarNotFound(id=avatar_id)
    return found.first()


def state_of(found: Sleep | None) -> State:
    """In one word: asleep while somebody is at it, queued where it was asked for or is to be gone on with."""
    if found is None:
        return "never"
    if found.at_work:
        return "asleep"
    if found.asked_at is not None or found.state == "asleep":
        return "queued"
    return "never" if found.state == "never" else "awake"


def follow(event: Event, refresh: Refresh | None = None, acetylcholine: Level | None = None) -> None:
    """What `memory.sleep` asks for: looks again later where the avatar is not quiet, or somebody else is at it.

    `acetylcholine` says how much there is where nobody asked for a sleep of their own making.
    """
    avatar_id = uuid.UUID(str(event.payload["avatar_id"]))
    if not event.payload.get("asked") and not _may_sleep(event, avatar_id):
        return
    given = event.payload.get("acetylcholine")
    if given is None:
        given = acetylcholine(event.owner, event.owner_id, avatar_id) if acetylcholine else ACETYLCHOLINE
    budget = Budget(
        float(given),
        float(event.payload.get("seconds", SECONDS)),
        int(event.payload.get("tokens", TOKENS)),
    )
    slept = _sleep(event.owner, event.owner_id, avatar_id, budget, event, refresh)
    if slept.outcome == "busy":
        with db.transaction(event.owner) as tx:
            _emit(tx, event.owner_id, avatar_id, {"again": True}, due=clock.now() + sleep_repo.LEASE)


def _may_sleep(event: Event, avatar_id: uuid.UUID) -> bool:
    at = clock.now()
    with db.transaction(event.owner) as tx:
        found = sleep_repo.sleep(tx, event.owner_id, avatar_id, _key(event)).first()
        if found is None or found.handled:
            return False
        if event.payload.get("again"):  # only what somebody left who was killed
            return found.state == "asleep"
        if found.turn_at is not None and timedelta(0) <= at - found.turn_at < QUIET:
            if delivery.first_time(tx, event):
                _emit(tx, event.owner_id, avatar_id, {}, due=_on_grid(found.turn_at + QUIET))
            return False
        if found.turns < LEAST_TURNS and found.state != "asleep":
            sleep_repo.disarm(tx, event.owner_id, avatar_id)
            return False
    return True


def sleep(
    owner: db.Principal,
    avatar_id: uuid.UUID,
    *,
    acetylcholine: float = ACETYLCHOLINE,
    seconds: float = SECONDS,
    tokens: int = TOKENS,
    refresh: Refresh | None = None,
) -> Slept:
    """Has an avatar sleep, or goes on with a sleep whose worker is gone. Raises BadInput for an impossible budget."""
    budget = Budget(acetylcholine, seconds, tokens)
    _check(budget)
    return _sleep(owner, _owner(owner), avatar_id, budget, None, refresh)


def _sleep(
    owner: db.Principal,
    owner_id: int,
    avatar_id: uuid.UUID,
    budget: Budget,
    event: Event | None,
    refresh: Refresh | None,
) -> Slept:
    holder, begun = ids.uuid7(), time.monotonic()
    found = _begin(owner, owner_id, avatar_id, budget, event, holder)
    if not isinstance(found, Sleep):
        return Slept(found)
    with db.transaction(owner) as tx:
        dreamer = sleep_repo.dreamer(tx, owner_id, avatar_id).first()
    if dreamer is None:
        return Slept("gone")
    until = begun + max(0.0, found.most_seconds - found.seconds)
    night = Night(
        owner,
        owner_id,
        avatar_id,
        holder,
        clock.now(),
        until,
        replayed(found.acetylcholine),
        dreamer.switches,
        dreamer.embedding_model,
    )
    try:
        slept = _through(night, found, refresh, begun)
        _end(night, found, slept, event)
    except TakenOver:
        return Slept("busy")
    telemetry.observe("memory.sleep", slept.seconds, "s")
    telemetry.info("memory.slept", steps=slept.steps, seconds=round(slept.seconds, 3), reason=slept.reason)
    return slept


def _begin(
    owner: db.Principal,
    owner_id: int,
    avatar_id: uuid.UUID,
    budget: Budget,
    event: Event | None,
    holder: uuid.UUID,
) -> Sleep | Outcome:
    """Takes the sleep up, a new one or one that nobody is at; or says why not."""
    with db.transaction(owner) as tx:
        found = sleep_repo.sleep(tx, owner_id, avatar_id, _key(event)).first()
        if found is not None and (found.handled or found.at_work):
            return "done_before" if found.handled else "busy"
        if found is not None and found.state == "asleep" and found.resumes < _MOST_RESUMES:
            sleep_repo.resume(tx, owner_id, avatar_id, holder)
        else:
            sleep_repo.begin(
                tx,
                owner_id,
                avatar_id,
                run_id=event.event_id if event else ids.uuid7(),
                holder=holder,
                step=STEPS[0],
                acetylcholine=budget.acetylcholine,
                seconds=budget.seconds,
                tokens=budget.tokens,
                at=clock.now(),
            )
        stands = sleep_repo.sleep(tx, owner_id, avatar_id)
    return stands.first() or "gone"


def _through(night: Night, found: Sleep, refresh: Refresh | None, begun: float) -> Slept:
    """The steps that are left, each noted when it is done."""
    steps: dict[str, Any] = dict(found.steps)
    tokens = found.tokens
    for at, step in enumerate(STEPS):
        if step in steps:
            continue
        if night.over:
            return Slept("slept", steps, found.seconds + time.monotonic() - begun, tokens, "time")
        try:
            counts, used = _step(step, night, refresh, found.most_tokens - tokens)
        except (TakenOver, DatabaseUnavailable):
            raise
        except Exception as error:  # the next sleep may do it; what was done stays
            telemetry.error("memory.sleep_failed", error, step=step)
            reason = error.slug if isinstance(error, AnimaError) else "error"
            return Slept("slept", steps, found.seconds + time.monotonic() - begun, tokens, reason)
        steps[step], tokens = counts, tokens + used
        seconds = found.seconds + time.monotonic() - begun
        after = STEPS[at + 1] if at + 1 < len(STEPS) else None
        with night.writing() as tx:
            sleep_repo.note(
                tx, night.owner_id, night.avatar_id, step=after, steps=steps, seconds=seconds, tokens=tokens
            )
    return Slept("slept", steps, found.seconds + time.monotonic() - begun, tokens)


def _step(step: Step, night: Night, refresh: Refresh | None, tokens: int) -> tuple[dict[str, int], int]:
    """Does a step; answers what it counted and the tokens that it took."""
    if step == "forget":
        return consolidation.forget(night), 0
    if step == "fold":
        return consolidation.fold(night), 0
    if step == "merge":
        return consolidation.merge(night), 0
    if step == "promote":
        return promote(night), 0
    done = refresh(night.owner, night.owner_id, night.avatar_id, night.until, tokens) if refresh else Refreshed()
    return {"sessions": done.sessions}, done.tokens


def _end(night: Night, found: Sleep, slept: Slept, event: Event | None) -> None:
    with night.writing() as tx:
        for run_id in {found.run_id, event.event_id if event else None}:
            if run_id is not None:
                delivery.first_time(tx, Event(run_id, TOPIC, "", night.owner_id, {}, 1))
        sleep_repo.end(tx, night.owner_id, night.avatar_id, reason=slept.reason, turns=found.turns, at=clock.now())


def _emit(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    more: dict[str, Any],
    *,
    due: datetime | None = None,
) -> None:
    payload = {**more, "avatar_id": str(avatar_id)}
    # Each kind in an order of its own: what is to come now does not wait for what is to come later.
    kind = next((name for name in ("asked", "again") if name in more), "quiet")
    outbox.emit(tx, TOPIC, f"sleep:{kind}:{avatar_id}", owner_id, payload, not_before=due)


def _on_grid(moment: datetime) -> datetime:
    """The next point of the grid at or after a moment."""
    zero = datetime(2000, 1, 1, tzinfo=moment.tzinfo)
    return zero - (zero - moment) // GRID * GRID


def _check(budget: Budget) -> None:
    wrong = []
    if not (math.isfinite(budget.acetylcholine) and 0 <= budget.acetylcholine <= 1):
        wrong.append(FieldError("acetylcholine", "from 0 to 1"))
    if not (math.isfinite(budget.seconds) and 0 <= budget.seconds <= _MOST_SECONDS):
        wrong.append(FieldError("seconds", f"from 0 to {_MOST_SECONDS:g}"))
    if not 0 <= budget.tokens <= _MOST_TOKENS:
        wrong.append(FieldError("tokens", f"from 0 to {_MOST_TOKENS}"))
    if wrong:
        raise BadInput(reason="a sleep has bounds", fields=wrong)


def _key(event: Event | None) -> str:
    return "" if event is None else f"event:{event.event_id}"


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise LookupError("memory belongs to a user")
    return principal.user_id
