"""A line of facts (a key, and those that cannot hold beside it): as it stands, and what is to be written. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from anima.kernel import ids
from anima.memory.facts_model import Named, Origin, folded
from anima.memory.timeline_model import Period, Rivals, Statement, replay


@dataclass(frozen=True, slots=True)
class Standing:
    """A fact as it stands, with one of the messages that spoke of it (none: `message_id` is none)."""

    fact_id: uuid.UUID
    category: str
    key: str
    value: Any
    status: str
    origin: Origin
    is_active: bool
    mention_count: int
    learned_at: datetime
    ended_at: datetime | None
    superseded_by: uuid.UUID | None
    successor_key: str | None
    successor_from: datetime | None
    settled_at: datetime | None
    true_from: datetime | None
    true_until: datetime | None
    message_id: int | None
    session_id: int | None
    evidence: str | None
    said_at: datetime | None
    confirmed: bool | None
    changed: bool | None
    gone: bool | None
    said_from: datetime | None
    said_until: datetime | None
    place: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A fact as it is to be; `like` is one whose words and vector it shares, where it is new."""

    id: uuid.UUID
    category: str
    key: str
    value: Any
    confidence: float
    status: str
    evidence: str
    message_id: int | None
    session_id: int | None
    first_mentioned: datetime
    last_updated: datetime
    mention_count: int
    is_active: bool
    learned_at: datetime
    ended_at: datetime | None
    superseded_by: uuid.UUID | None
    true_from: datetime | None
    true_until: datetime | None
    origin: Origin
    about: Named | None = None
    like: uuid.UUID | None = None


@dataclass(slots=True)
class Plan:
    """What is to be written: facts that end or are gone, those that change or are new, and which message said which."""

    ended: list[uuid.UUID] = field(default_factory=list)
    dropped: list[uuid.UUID] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    new: list[uuid.UUID] = field(default_factory=list)
    moved: list[tuple[uuid.UUID, uuid.UUID, int]] = field(default_factory=list)
    said: list[tuple[uuid.UUID, Statement]] = field(default_factory=list)
    outvoted: int = 0


def statements_of(standing: Sequence[Standing], rivals: Rivals) -> list[Statement]:
    """What was said of the facts of a line, and what their owner settled or what ended them otherwise."""
    facts = {each.fact_id: each for each in standing}
    found = [_mentioned(each) for each in standing if each.message_id is not None]
    for fact in facts.values():
        found.extend(_unsaid(fact, [each for each in found if each.fact_id == fact.fact_id], rivals))
    return found


def _mentioned(each: Standing) -> Statement:
    assert each.said_at is not None
    return Statement(
        key=each.key,
        category=each.category,
        value=each.value,
        said_at=each.said_at,
        message_id=each.message_id,
        session_id=each.session_id,
        evidence=each.evidence or "",
        confirmed=bool(each.confirmed),
        changed=bool(each.changed),
        gone=bool(each.gone),
        true_from=each.said_from,
        true_until=each.said_until,
        place=each.place or 0,
        fact_id=each.fact_id,
        origin=each.origin,
    )


def _unsaid(fact: Standing, mentions: Sequence[Statement], rivals: Rivals) -> list[Statement]:
    """What no message says of a fact: that it was settled or is there without one, and that it ended otherwise."""
    found: list[Statement] = []
    told = [each for each in mentions if not each.gone]
    denied = [each for each in mentions if each.gone]
    known = Statement(fact.key, fact.category, fact.value, fact.learned_at, fact_id=fact.fact_id, origin=fact.origin)
    never = fact.ended_at is not None and fact.ended_at <= fact.learned_at
    if fact.settled_at is not None or not (told or denied):
        at = fact.settled_at or fact.learned_at
        until = None if _derived(fact) else fact.true_until
        confirmed, changed = fact.status == "confirmed", fact.origin == "corrected"
        own = replace(known, said_at=at, confirmed=confirmed, changed=changed)
        found.append(replace(own, true_from=fact.true_from, true_until=until))
    by_rival = fact.superseded_by is not None and fact.successor_key in (fact.key, *rivals(fact.key))
    if (
        fact.ended_at is not None
        and not never
        and not by_rival
        and all(each.said_at != fact.ended_at for each in denied)
    ):
        found.append(replace(known, said_at=fact.ended_at, gone=True, closed_by=fact.superseded_by))
    return found


def _derived(fact: Standing) -> bool:
    """Whether it is known until when it was so only from what took its place."""
    return fact.true_until is not None and fact.true_until in (fact.ended_at, fact.successor_from)


def plan(standing: Sequence[Standing], new: Sequence[Statement], rivals: Rivals) -> Plan:
    """What follows from what stands and what was said now. What a message has said already is not heard twice."""
    known = statements_of(standing, rivals)
    heard = {_saying(each) for each in known}
    fresh = []
    for each in new:
        if _saying(each) not in heard:
            heard.add(_saying(each))
            fresh.append(each)
    periods = replay([*known, *fresh], rivals)
    return _difference({each.fact_id: each for each in standing}, periods)


def _saying(said: Statement) -> tuple[Any, ...]:
    about = said.key if ":" in said.key else (said.key, folded(said.value))
    return said.message_id, about, said.gone, None if said.message_id is not None else said.fact_id


def _difference(facts: dict[uuid.UUID, Standing], periods: Sequence[Period]) -> Plan:
    found = Plan(outvoted=sum(each.fact_id is None for period in periods if period.outvoted for each in period.told))
    chosen = _ids(periods)
    found.dropped = [fact_id for fact_id in facts if fact_id not in chosen.values()]
    for period in periods:
        row = _row(period, chosen)
        before = facts.get(row.id)
        if before is None:
            found.new.append(row.id)
        elif before.is_active and not row.is_active:
            found.ended.append(row.id)
        if before is None or _differs(before, row):
            found.rows.append(row)
        _place(found, period, row.id)
    found.ended += [fact_id for fact_id in found.dropped if facts[fact_id].is_active]
    return found


def _ids(periods: Sequence[Period]) -> dict[int, uuid.UUID]:
    """Which fact each period is, by its place among them: the one that its owner settled, else the latest."""
    chosen: dict[int, uuid.UUID] = {}
    taken: set[uuid.UUID] = set()
    for number, period in sorted(enumerate(periods), key=lambda each: (each[1].begun, each[0]), reverse=True):
        by_weight = sorted(period.statements, key=lambda each: (each.message_id is None, each.said_at), reverse=True)
        free = [each.fact_id for each in by_weight if each.fact_id is not None and each.fact_id not in taken]
        chosen[number] = free[0] if free else ids.uuid7()
        taken.add(chosen[number])
    return {id(periods[number]): fact_id for number, fact_id in chosen.items()}


def _row(period: Period, chosen: dict[int, uuid.UUID]) -> Row:
    first, own = period.first, period.settled
    shown = period.told[0] if period.told else first
    what = own or first
    closed = next((each.closed_by for each in period.statements if each.closed_by is not None), None)
    fact_id = chosen[id(period)]
    like = next((each.fact_id for each in period.statements if each.fact_id not in (None, fact_id)), None)
    about = next((each.about for each in period.statements if each.about is not None), None)
    return Row(
        id=fact_id,
        category=what.category,
        key=what.key,
        value=what.value,
        confidence=period.confidence,
        status="confirmed" if period.confirmed else "unconfirmed",
        evidence=shown.evidence,
        message_id=shown.message_id,
        session_id=shown.session_id,
        first_mentioned=first.said_at,
        last_updated=max([each.said_at for each in period.statements] + ([period.ended] if period.ended else [])),
        mention_count=max(1, len(period.told)),
        is_active=period.ended is None,
        learned_at=period.begun,
        ended_at=period.ended,
        superseded_by=chosen[id(period.by)] if period.by is not None else closed,
        true_from=period.true_from,
        true_until=period.true_until,
        origin=what.origin,
        about=about,
        like=like,
    )


def _differs(before: Standing, row: Row) -> bool:
    was = (before.is_active, before.learned_at, before.ended_at, before.superseded_by, before.status)
    now = (row.is_active, row.learned_at, row.ended_at, row.superseded_by, row.status)
    was_true = (before.true_from, before.true_until, before.mention_count)
    return was != now or was_true != (row.true_from, row.true_until, row.mention_count)


def _place(found: Plan, period: Period, fact_id: uuid.UUID) -> None:
    """Notes which messages said it, and from which fact they move to this one."""
    for said in period.statements:
        if said.message_id is None or said.fact_id == fact_id:
            continue
        if said.fact_id is None:
            found.said.append((fact_id, said))
        else:
            found.moved.append((said.fact_id, fact_id, said.message_id))
