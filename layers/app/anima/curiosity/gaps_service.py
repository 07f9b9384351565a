"""What a person sees and says of their avatar's curiosity: its gaps, and how much it may look for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.curiosity import gaps_repo, research_service
from anima.curiosity.model import TURNS_BETWEEN, Gap, Mind
from anima.kernel import clock, db, pages
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, FieldError, NotFound


class AvatarNotFound(NotFound):
    """There is no avatar {id} of yours."""

    slug = "avatar-not-found"


class GapNotFound(NotFound):
    """There is no gap {id} of yours."""

    slug = "gap-not-found"


@dataclass(frozen=True, slots=True)
class Curiosity:
    """How curious an avatar may be: its searches a day, those of today, and turns from one aside to the next."""

    on: bool
    searches_a_day: int
    searches_today: int
    turns_between: int = TURNS_BETWEEN


def list_gaps(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    state: str | None,
    kind: str | None,
    limit: int,
    cursor: str | None,
) -> pages.Page[Gap]:
    """A page of an avatar's gaps, those that matter most first. Raises AvatarNotFound, BadInput (cursor)."""
    before = _position(cursor)
    with db.transaction(principal) as tx:
        mind = gaps_repo.mind(tx, _owner(principal), avatar_id, clock.now().date())
        found = gaps_repo.gaps(tx, _owner(principal), avatar_id, state=state, kind=kind, before=before, limit=limit + 1)
    _existing(mind, avatar_id)
    return pages.page(found.all(), limit, lambda gap: [gap.score, str(gap.gap_id)])


def dismiss(principal: db.Principal, avatar_id: uuid.UUID, gap_id: uuid.UUID) -> Gap:
    """Puts a gap aside: it is neither looked for nor brought up. Raises GapNotFound."""
    with db.transaction(principal) as tx:
        gaps_repo.dismiss(tx, _owner(principal), avatar_id, gap_id)
        found = gaps_repo.gap(tx, _owner(principal), avatar_id, gap_id)
    return _found(found, gap_id)


def reopen(principal: db.Principal, avatar_id: uuid.UUID, gap_id: uuid.UUID) -> Gap:
    """Has a gap looked for again, as far as the day's searches allow. Raises GapNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        gaps_repo.reopen(tx, owner_id, avatar_id, gap_id)
        found = gaps_repo.gap(tx, owner_id, avatar_id, gap_id)
        if found.first() is not None:
            research_service.want(tx, owner_id, avatar_id)
    return _found(found, gap_id)


def curiosity(principal: db.Principal, avatar_id: uuid.UUID) -> Curiosity:
    """How curious an avatar may be. Raises AvatarNotFound."""
    with db.transaction(principal) as tx:
        found = gaps_repo.mind(tx, _owner(principal), avatar_id, clock.now().date())
    return _told(_existing(found, avatar_id))


def allow(principal: db.Principal, avatar_id: uuid.UUID, searches_a_day: int | None) -> Curiosity:
    """Sets how many searches an avatar has a day; None: the usual number. Raises AvatarNotFound."""
    with db.transaction(principal) as tx:
        gaps_repo.allow(tx, _owner(principal), avatar_id, searches_a_day)
        found = gaps_repo.mind(tx, _owner(principal), avatar_id, clock.now().date())
    return _told(_existing(found, avatar_id))


def _told(mind: Mind) -> Curiosity:
    usual = settings().curiosity_searches_a_day
    return Curiosity(mind.is_on, usual if mind.searches_a_day is None else mind.searches_a_day, mind.searches)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "gaps are somebody's"
    return principal.user_id


def _existing(found: db.Pending[Mind], avatar_id: uuid.UUID) -> Mind:
    if (mind := found.first()) is None:
        raise AvatarNotFound(id=avatar_id)
    return mind


def _found(found: db.Pending[Gap], gap_id: uuid.UUID) -> Gap:
    if (gap := found.first()) is None:
        raise GapNotFound(id=gap_id)
    return gap


def _position(cursor: str | None) -> tuple[float, uuid.UUID] | None:
    position = pages.decode(cursor, 2)
    if position is None:
        return None
    try:
        return float(position[0]), uuid.UUID(str(position[1]))
    except (TypeError, ValueError):
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong]) from None
