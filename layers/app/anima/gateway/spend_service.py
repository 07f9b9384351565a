"""What calls of models cost, whose budget they are on, and that it is not used up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from anima.gateway import choice_service, spend_repo
from anima.gateway.model import Model
from anima.gateway.spend_model import Held, day_of, ends
from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError
from anima.vendors.llm.calls import Usage

_LONGEST_NAME = 200


class BudgetExceeded(AnimaError):
    """The budget of {limit} a {period}{whose} is used up; it begins anew at {until}."""

    status = 429
    slug = "budget-exceeded"


@dataclass(frozen=True, slots=True)
class Account:
    """On whose budget a call is, and what it is for: a short word, such as `facts` or `summary`.

    Leave the avatar out where a private session is worked on.
    """

    principal: db.Principal
    owner_id: int
    avatar_id: uuid.UUID | None
    purpose: str


_charged: ContextVar[Account | None] = ContextVar("charged", default=None)


class PendingBudget:
    """Budgets that are being read."""

    def __init__(self, found: db.Pending[Held], at: datetime) -> None:
        self._found, self._at = found, at

    def check(self) -> None:
        """Raises BudgetExceeded where one is used up."""
        for held in self._found.all():
            if (limit := held.exhausted) is not None:
                telemetry.count("llm.over_budget", period=held.period)
                raise _exceeded(held, limit, self._at)


def begin_budget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None) -> PendingBudget:
    """The budgets that hold for somebody and an avatar; looked at with `check`.

    What is asked at the same time is not known yet: a budget may be passed by the calls that were running.
    """
    at = clock.now()
    return PendingBudget(spend_repo.held(tx, owner_id, avatar_id, day_of(at)), at)


def note_spend(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID | None,
    model: Model | str,
    usage: Usage | None,
    purpose: str,
) -> None:
    """Counts a call for somebody: its tokens, and what they cost where that is known. Last in its transaction, for it
    holds the row of the day until that ends.
    """
    used = usage or Usage(0, 0)
    spend_repo.note(
        tx,
        owner_id,
        avatar_id,
        day=day_of(clock.now()),
        model=(model if isinstance(model, str) else model.id)[:_LONGEST_NAME],
        purpose=purpose,
        tokens=(used.prompt_tokens, used.completion_tokens, used.cached_tokens),
        cost=cost(model, usage),
    )


def cost(model: Model | str, usage: Usage | None) -> Decimal | None:
    """What a call cost in US dollars; None where no price is known, or nothing was counted."""
    known = choice_service.resolve(model) if isinstance(model, str) else model
    return known.price.of(usage) if known is not None and known.price is not None and usage is not None else None


@contextmanager
def charged(account: Account) -> Iterator[None]:
    """What `complete` is asked within, and in this thread, is on this account where it names none of its own."""
    before = _charged.set(account)
    try:
        yield
    finally:
        _charged.reset(before)


@contextmanager
def open_account(given: Account | None) -> Iterator[Callable[[str, Usage], None]]:
    """Checks the budget, and yields what notes a call on it. Raises BudgetExceeded. Without an account: nothing."""
    account = given or _charged.get()
    if account is None:
        yield lambda _model, _usage: None
        return
    with db.transaction(account.principal) as tx:
        budget = begin_budget(tx, account.owner_id, account.avatar_id)
    budget.check()

    def note(model: str, usage: Usage) -> None:
        with db.transaction(account.principal) as tx:
            note_spend(tx, account.owner_id, account.avatar_id, model, usage, account.purpose)

    yield note


def _exceeded(held: Held, limit: str, at: datetime) -> BudgetExceeded:
    until = ends(held.period, at)
    return BudgetExceeded(
        limit=limit,
        period=held.period,
        whose=" for this avatar" if held.avatar_id is not None else "",
        until=until.isoformat(),
        retry_after=max(1, round((until - at).total_seconds())),
    )
