"""Facts, for the person whom they are of: to see with their history, to correct, to confirm, to pin and to forget."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput, FieldError, NotFound
from anima.memory import (
    changes_repo,
    changes_rows_repo,
    changes_service,
    episodes_repo,
    facts_repo,
    facts_write_repo,
    index_repo,
    lines_repo,
    owned_service,
    remember_service,
)
from anima.memory.changes_model import Action
from anima.memory.changes_service import Noted
from anima.memory.facts_model import Fact, Mention, same
from anima.memory.indexing import fact_terms, fact_text
from anima.memory.keys import KEYS, full_key, reading, rivals
from anima.memory.model import root
from anima.memory.owned_service import ChangedMeanwhile


class FactNotFound(NotFound):
    """There is no fact {id} of yours."""

    slug = "fact-not-found"


@dataclass(frozen=True, slots=True)
class FactChange:
    """What a person corrects of a fact; None leaves a thing as it is. `key` is a kind of fact, as `home`.

    `cleared` names the dates (true_from, true_until) that are not known any more.
    """

    value: Any = None
    confirmed: bool | None = None
    tags: list[str] | None = None
    context: str | None = None
    key: str | None = None
    pinned: bool | None = None
    true_from: datetime | None = None
    true_until: datetime | None = None
    cleared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WithHistory:
    """A fact with what stood in its place before and after, and the messages that spoke of them."""

    fact: Fact
    history: list[Fact]
    mentions: list[Mention]


def facts(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    category: str | None,
    q: str | None,
    history: bool,
    at: datetime | None,
    limit: int,
    cursor: str | None,
) -> pages.Page[Fact]:
    """A page of what an avatar knows of its owner, or knew `at` a moment. Raises AvatarNotFound, BadInput (cursor)."""
    owner_id, before = owned_service.owner(principal), owned_service.before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = facts_repo.facts(
            tx,
            owner_id,
            avatar_id,
            category=category,
            pattern=owned_service.pattern(q),
            history=history,
            at=at,
            before=before,
            limit=limit + 1,
        )
    owned_service.existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda fact: [fact.id])


def fact(principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> WithHistory:
    """A fact with its history and its mentions. Raises AvatarNotFound, FactNotFound."""
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = facts_repo.fact(tx, owner_id, avatar_id, fact_id)
        past = facts_repo.line_of(tx, owner_id, avatar_id, fact_id)
        owned_service.existing(known, avatar_id)
        shown = _shown(found.first(), fact_id)
        mentions = facts_repo.mentions(tx, owner_id, [fact_id, *(each.id for each in past.all())])
    return WithHistory(shown, past.all(), mentions.all())


def _shown(found: Fact | None, fact_id: uuid.UUID) -> Fact:
    if found is None or (found.ended_at is not None and found.ended_at <= found.learned_at):
        raise FactNotFound(id=fact_id)
    return found


def correct_fact(
    principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID, change: FactChange
) -> tuple[Fact, uuid.UUID | None]:
    """Corrects a fact; what it was before stays as history. What its owner says of it counts as confirmed.

    Answers the fact and the change that can be undone, if anything changed. Raises AvatarNotFound, FactNotFound,
    ChangedMeanwhile; BadInput for a fact that holds no more, and for a key that is none.
    """
    owner_id, at = owned_service.owner(principal), clock.now()
    before = _fact_now(principal, avatar_id, fact_id)
    after = _corrected(before, change, at)
    if (
        replace(after, last_updated=before.last_updated, settled_at=before.settled_at) == before
        and not change.confirmed
    ):
        return before, None
    vectors, model = owned_service.embedded(principal, [fact_text(after.key, after.value)])
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        if facts_repo.fact(tx, owner_id, avatar_id, fact_id).first() != before:
            raise ChangedMeanwhile
        keys = _line(before.key, after.key)
        noted = Noted(changes_rows_repo.standing(tx, owner_id, avatar_id, keys=keys).one(), keys, [])
        _write(tx, owner_id, before, after, vectors[0], model)
        remember_service.tell(tx, owner_id, avatar_id, set(keys))
        stored = facts_repo.fact(tx, owner_id, avatar_id, fact_id).one()
        title = reading(before.key, before.value, True, "")
        action = _action(before, after, change)
        change_id = changes_service.enter(
            tx, owner_id, avatar_id, noted, kind="fact", item_id=fact_id, action=action, title=title
        )
    return stored, change_id


def _line(*keys: str) -> list[str]:
    return sorted({other for key in keys for other in (key, *rivals(key))})


def _fact_now(principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> Fact:
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = facts_repo.fact(tx, owner_id, avatar_id, fact_id)
    owned_service.existing(known, avatar_id)
    fact = _shown(found.first(), fact_id)
    if not fact.is_active:
        raise BadInput(reason="this fact is history; correct the one that took its place")
    return fact


def _write(
    tx: db.Transaction, owner_id: int, before: Fact, after: Fact, vector: Sequence[float], embedding_model: str
) -> None:
    at = after.last_updated
    if after.origin == "corrected" and after.learned_at == at:
        facts_write_repo.keep_old(tx, owner_id, before.id, ids.uuid7(), at)
        facts_write_repo.end_others(tx, owner_id, before.avatar_id, before.id, [after.key, *rivals(after.key)], at)
    listed = fact_terms(after.key, after.value, after.evidence)
    facts_write_repo.correct(tx, owner_id, after, terms=listed, vector=vector, embedding_model=embedding_model)


def _corrected(before: Fact, change: FactChange, at: datetime) -> Fact:
    """The fact as it is to be. Another value, or another key, is a fact of its own, known from now on."""
    after = _touched(before, change, at)
    value = before.value if change.value is None else change.value
    key = _key(change.key or root(before.key), value)
    if same(value, before.value) and root(key) == root(before.key):
        return after
    return replace(
        after,
        category=KEYS[root(key)].category if root(key) in KEYS else before.category,
        key=key,
        value=value,
        status="confirmed",
        confidence=1.0,
        evidence="",
        source_message_id=None,
        mention_count=1,
        learned_at=at,
        true_from=change.true_from,
        true_until=change.true_until,
        origin="corrected",
        settled_at=at,
    )


def _touched(before: Fact, change: FactChange, at: datetime) -> Fact:
    dates = _dates(change)
    after = replace(
        before,
        tags=before.tags if change.tags is None else change.tags,
        context=before.context if change.context is None else change.context,
        pinned=before.pinned if change.pinned is None else change.pinned,
        true_from=dates.get("true_from", before.true_from),
        true_until=dates.get("true_until", before.true_until),
        last_updated=at,
    )
    if after.true_from and after.true_until and after.true_from > after.true_until:
        wrong = FieldError("true_until", "not before true_from")
        raise BadInput(reason="it cannot end before it begins", fields=[wrong])
    after = replace(after, settled_at=at) if dates or change.confirmed is not None else after
    if change.confirmed is None:
        return after
    confidence = 1.0 if change.confirmed else before.confidence
    return replace(after, status="confirmed" if change.confirmed else "unconfirmed", confidence=confidence)


def _dates(change: FactChange) -> dict[str, datetime | None]:
    """The dates that are given, and those that are cleared."""
    given = {"true_from": change.true_from, "true_until": change.true_until}
    return {name: date for name, date in given.items() if date is not None or name in change.cleared}


def _key(name: str, value: Any) -> str:
    if name not in KEYS and ":" in name:
        raise BadInput(reason="unknown key", fields=[FieldError("key", "a kind of fact, as `home` or `likes`")])
    return full_key(name, value)


def _action(before: Fact, after: Fact, change: FactChange) -> Action:
    if before.pinned != after.pinned:
        return "pin" if after.pinned else "unpin"
    if change.confirmed and same(before.value, after.value) and before.key == after.key:
        return "confirm"
    return "correct"


def forget_fact(
    principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID, *, now: bool = False
) -> uuid.UUID | None:
    """Deletes a fact with its history and the episodes that tell of it (but pinned ones).

    The messages that it came from stay in their sessions, but are recalled no more. Answers the change that can be
    undone for a day; none with `now`: then nothing of it is kept. Raises FactNotFound.
    """
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        fact = facts_repo.fact(tx, owner_id, avatar_id, fact_id).first()
        if fact is None:
            raise FactNotFound(id=fact_id)
        gone = facts_write_repo.with_past(tx, owner_id, avatar_id, fact_id).all()
        fact_ids, keys = [each.id for each in gone], _line(*(each.key for each in gone))
        was = changes_rows_repo.standing(tx, owner_id, avatar_id, keys=keys, fact_ids=fact_ids).one()
        told = _sources(was.facts, was.mentions, {str(each) for each in fact_ids})
        hides = changes_repo.indexed(tx, owner_id, avatar_id, told).one().messages
        facts_write_repo.forget(tx, owner_id, fact_ids)
        remember_service.tell(tx, owner_id, avatar_id, set(keys))
        index_repo.unindex(tx, owner_id, avatar_id, told)
        episode_ids = [uuid.UUID(each["id"]) for each in was.episodes]
        episodes_repo.forget_related(tx, owner_id, avatar_id, fact_ids)
        if now:
            changes_repo.for_good(tx, owner_id, avatar_id, fact_ids=fact_ids, episode_ids=episode_ids, message_ids=told)
            return None
        noted = Noted(was, keys, episode_ids, hides)
        title = reading(fact.key, fact.value, True, "")
        return changes_service.enter(
            tx, owner_id, avatar_id, noted, kind="fact", item_id=fact_id, action="forget", title=title
        )


def _sources(facts: Sequence[dict[str, Any]], mentions: Sequence[dict[str, Any]], gone: set[str]) -> list[int]:
    """The messages that told what is forgotten."""
    told = {each["message_id"] for each in mentions if each["fact_id"] in gone}
    told |= {each["source_message_id"] for each in facts if each["id"] in gone and each["source_message_id"]}
    return sorted(told)
