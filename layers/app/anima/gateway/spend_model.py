"""What calls of language models cost, what was spent, budgets of it, and when their periods end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, Protocol

Period = Literal["day", "month"]
_MILLION = Decimal(1_000_000)
_SMALLEST = Decimal("0.000001")


class Counted(Protocol):
    """Tokens as a server counted them; `cached_tokens` are part of the prompt's."""

    @property
    def prompt_tokens(self) -> int: ...

    @property
    def completion_tokens(self) -> int: ...

    @property
    def cached_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; `cached` is the price of prompt tokens that were not read anew."""

    prompt: Decimal
    completion: Decimal
    cached: Decimal | None = None

    def of(self, used: Counted) -> Decimal:
        """What these tokens cost, in US dollars, to the millionth."""
        cached = min(used.cached_tokens, used.prompt_tokens)
        read = self.prompt * (used.prompt_tokens - cached)
        kept = (self.prompt if self.cached is None else self.cached) * cached
        return ((read + kept + self.completion * used.completion_tokens) / _MILLION).quantize(_SMALLEST)


@dataclass(frozen=True, slots=True)
class Held:
    """A budget, and what was spent of it in the period that runs; `imposed` by an admin, else the person's own.

    `avatar_id` None: all that is asked for the person. `cost` is in US dollars, of calls whose price is known.
    """

    avatar_id: uuid.UUID | None
    period: str
    imposed: bool
    max_tokens: int | None
    max_cost: Decimal | None
    tokens: int
    cost: Decimal

    @property
    def exhausted(self) -> str | None:
        """Which limit is reached, in words; None where none is."""
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            return f"{self.max_tokens} tokens"
        if self.max_cost is not None and self.cost >= self.max_cost:
            return f"{self.max_cost.normalize():f} USD"
        return None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on a day, on a model, for an avatar, for a purpose.

    `prompt_tokens` hold the `cached_tokens`; `cost` is None where no call had a known price, and `unpriced_calls`
    says how many had none.
    """

    day: date
    model: str
    avatar_id: uuid.UUID | None
    purpose: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost: Decimal | None
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget as it is set: at least one of tokens and US dollars."""

    avatar_id: uuid.UUID | None
    period: Period
    max_tokens: int | None
    max_cost: Decimal | None


def day_of(moment: datetime) -> date:
    """The day that a call counts for: UTC's."""
    return moment.astimezone(UTC).date()


def ends(period: str, moment: datetime) -> datetime:
    """When a day or month ends that runs at a moment: midnight UTC."""
    today = day_of(moment)
    following = today + timedelta(days=1)
    if period == "month":
        following = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime.combine(following, time(), UTC)
