"""Budgets as people and admins set them, and what was spent as it is read; apart from what a turn asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from anima.gateway import budgets_repo
from anima.gateway.budgets_repo import SpentRow
from anima.gateway.spend_model import Held, Limit, day_of
from anima.kernel import audit, auth, clock, db, pages
from anima.kernel.errors import BadInput, FieldError, NotFound

_OPERATOR = db.Principal(user_id=None, login="admin")
_USUAL_DAYS = 30
_MOST_DAYS = 366


def budgets(principal: db.Principal) -> list[Held]:
    """All that hold for the person, those first that an admin imposed."""
    assert principal.user_id is not None
    with db.transaction(principal) as tx:
        found = budgets_repo.every(tx, principal.user_id, day_of(clock.now()))
    return found.all()


def set_own(principal: db.Principal, limits: Sequence[Limit]) -> list[Held]:
    """Puts these in the place of the person's own budgets; imposed ones stay. Raises BadInput, NotFound."""
    assert principal.user_id is not None
    _check(limits)
    wanted = {one.avatar_id for one in limits if one.avatar_id is not None}
    with db.transaction(principal) as tx:
        known = {one.avatar_id for one in budgets_repo.avatars(tx, principal.user_id, sorted(wanted)).all()}
        for stranger in sorted(wanted - known):
            raise NotFound(what="avatar", id=stranger)
        budgets_repo.replace(tx, principal.user_id, _plain(limits), imposed=False)
        found = budgets_repo.every(tx, principal.user_id, day_of(clock.now()))
    return found.all()


def impose(principal: db.Principal, user_id: int, limits: Sequence[Limit]) -> None:
    """An admin says how much may be spent for somebody; nothing lifts it. Raises Forbidden, NotFound, BadInput."""
    import psycopg.errors

    auth.require(principal, "admin")
    _check(limits)
    plain = _plain(limits)
    try:
        with db.transaction(_OPERATOR) as tx:
            audit.note(tx, principal, "budget.impose", subject=f"user {user_id}", detail={"limits": plain})
            budgets_repo.replace(tx, user_id, plain, imposed=True)
    except psycopg.errors.ForeignKeyViolation:
        raise NotFound(what="user", id=user_id) from None


def spent(
    principal: db.Principal, first: date | None, last: date | None, *, cursor: str | None, limit: int
) -> pages.Page[SpentRow]:
    """What was spent for the person, by day, model, avatar and purpose, the newest first: of the last 30 days unless
    days are named (at most 366, both included). Raises BadInput.
    """
    assert principal.user_id is not None
    until = last or day_of(clock.now())
    since = first or until - timedelta(days=_USUAL_DAYS - 1)
    if not timedelta(0) <= until - since < timedelta(days=_MOST_DAYS):
        wrong = FieldError("first", f"a day up to {_MOST_DAYS - 1} days before the last")
        raise BadInput(reason="the days are no span", fields=[wrong])
    before_id = pages.number(cursor)
    with db.transaction(principal) as tx:
        found = budgets_repo.spent(tx, principal.user_id, since, until, before_id=before_id, limit=limit + 1)
    return pages.page(found.all(), limit, lambda row: [row.spend_id])


def _check(limits: Sequence[Limit]) -> None:
    seen: set[tuple[object, str]] = set()
    for place, one in enumerate(limits):
        if one.max_tokens is None and one.max_cost is None:
            wrong = FieldError(f"items.{place}", "max_tokens, max_cost, or both")
            raise BadInput(reason="a budget says how much", fields=[wrong])
        if (one.avatar_id, one.period) in seen:
            wrong = FieldError(f"items.{place}", "one budget a day and one a month for each avatar")
            raise BadInput(reason="a budget is there twice", fields=[wrong])
        seen.add((one.avatar_id, one.period))


def _plain(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """As JSON: numbers of money as texts, so that they stay what they are."""
    return [{key: None if value is None else str(value) for key, value in asdict(one).items()} for one in limits]
