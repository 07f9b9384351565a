"""HTTP of what language models cost: what was spent, budgets of one's own, and those that admins impose."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.gateway import budgets_service
from anima.gateway.spend_model import Held, Limit
from anima.kernel import http

router = APIRouter(tags=["models"])

_MOST_BUDGETS = 100
_MOST_TOKENS = 10**15
_MOST_COST = Decimal(10_000_000)
UserId = Annotated[int, Path(gt=0, lt=2**63)]
Tokens = Annotated[int | None, Field(ge=0, le=_MOST_TOKENS, description="Tokens of prompts and answers together")]
Cost = Annotated[
    Decimal | None,
    Field(ge=0, le=_MOST_COST, decimal_places=6, description="US dollars, of calls whose price is known"),
]
_AVATAR = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_HELD = {
    "avatar_id": None,
    "period": "month",
    "imposed": False,
    "max_tokens": 1_000_000,
    "max_cost": "5.000000",
    "tokens": 20_512,
    "cost": "0.012400",
}
_SPENT = {
    "day": "2026-11-22",
    "model": "openai:gpt-6-luna",
    "avatar_id": _AVATAR,
    "purpose": "turn",
    "calls": 12,
    "prompt_tokens": 18_211,
    "completion_tokens": 2_301,
    "cached_tokens": 9_000,
    "cost": "0.012400",
    "unpriced_calls": 0,
}


class BudgetView(BaseModel):
    """A budget, and what of it is spent in the period that runs (UTC)."""

    avatar_id: uuid.UUID | None = Field(description="Of which avatar; null: of all together")
    period: Literal["day", "month"]
    imposed: bool = Field(description="Whether an admin set it; then only admins change it")
    max_tokens: int | None
    max_cost: Decimal | None
    tokens: int
    cost: Decimal


class Budgets(BaseModel):
    """All budgets that hold for you."""

    items: list[BudgetView]


class BudgetBody(http.Body):
    """How much may be spent in a day or a month."""

    avatar_id: uuid.UUID | None = Field(None, description="Of which avatar; left out: of all together")
    period: Literal["day", "month"]
    max_tokens: Tokens = None
    max_cost: Cost = None


class ImposedBody(http.Body):
    """How much may be spent for somebody in a day or a month."""

    period: Literal["day", "month"]
    max_tokens: Tokens = None
    max_cost: Cost = None


class BudgetsBody(http.Body):
    """Your own budgets from now on; what is not among them is lifted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [{"period": "month", "max_cost": "5.00"}]}]}
    )
    items: list[BudgetBody] = Field(max_length=_MOST_BUDGETS)


class ImposedBudgetsBody(http.Body):
    """What may be spent for somebody from now on; an empty list lifts it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [{"period": "day", "max_tokens": 200000}]}]}
    )
    items: list[ImposedBody] = Field(max_length=2)


class SpentView(BaseModel):
    """What was spent on a day on a model, for an avatar and a purpose."""

    day: date = Field(description="UTC")
    model: str
    avatar_id: uuid.UUID | None = Field(description="Null: for none, or in a private session")
    purpose: str = Field(description="turn, facts, summary …")
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = Field(description="Those of the prompts that were not read anew")
    cost: Decimal | None = Field(description="US dollars; null where no price is known")
    unpriced_calls: int = Field(description="Calls whose price is not known: they are not in the cost")


@router.get(
    "/usage", summary="What models cost you", responses={**http.example({"items": [_SPENT]}), **http.problems()}
)
def usage(
    caller: http.Caller,
    first: Annotated[date | None, Query(description="The first day; left out: 30 days before the last")] = None,
    last: Annotated[date | None, Query(description="The last day; left out: today")] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> http.Items[SpentView]:
    """By day, model, avatar and purpose, the newest first. Prices are those that the profile file states."""
    page = budgets_service.spent(caller, first, last, cursor=cursor, limit=limit)
    names = SpentView.model_fields
    views = [SpentView(**{name: getattr(row, name) for name in names}) for row in page.items]
    return http.Items(items=views, next_cursor=page.next_cursor)


@router.get(
    "/users/me/budgets",
    summary="Your budgets",
    responses={**http.example({"items": [_HELD]}), **http.problems()},
)
def budgets(caller: http.Caller) -> Budgets:
    """Those that an admin imposed first, then your own, each with what of it is spent."""
    return Budgets(items=[_view(held) for held in budgets_service.budgets(caller)])


@router.put(
    "/users/me/budgets",
    summary="Set your budgets",
    responses={**http.example({"items": [_HELD]}), **http.problems(404)},
)
def set_budgets(caller: http.Caller, body: BudgetsBody) -> Budgets:
    """They take the place of those that you had; a turn over one is answered 429 until its period ends. What is running
    when one is used up is not cut.
    """
    limits = [Limit(one.avatar_id, one.period, one.max_tokens, one.max_cost) for one in body.items]
    return Budgets(items=[_view(held) for held in budgets_service.set_own(caller, limits)])


@router.put(
    "/users/{user_id}/budgets",
    summary="Impose a budget on somebody",
    status_code=204,
    responses=http.problems(403, 404),
)
def impose(caller: http.AdminCaller, user_id: UserId, body: ImposedBudgetsBody) -> None:
    """Admins only; it is written into the audit log."""
    budgets_service.impose(
        caller, user_id, [Limit(None, one.period, one.max_tokens, one.max_cost) for one in body.items]
    )


def _view(held: Held) -> BudgetView:
    return BudgetView(**{name: getattr(held, name) for name in BudgetView.model_fields})
