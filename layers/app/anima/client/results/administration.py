"""What models, settings, budgets and their use answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Model:
    """A language model."""

    id: str
    provider: str
    name: str
    max_context_len: int
    modalities: tuple[str, ...]
    tools: bool
    roles: tuple[str, ...]
    default_params: Mapping[str, Any]
    configured: bool
    available: bool
    default: bool
    model_id: int | None


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who serves models; where it is configured, any of its models may be asked for as `name:model`."""

    name: str
    configured: bool
    setting: str | None
    default_model: str | None
    docs: str


@dataclass(frozen=True, slots=True)
class ModelCatalogue:
    """The models that may answer, and who serves models here or could."""

    items: tuple[Model, ...]
    providers: tuple[Provider, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ProvisionItem:
    """A role, and what became of what it needs."""

    role: str
    model: str
    state: Literal["waiting", "fetching", "fetched", "present", "checked", "missing_key", "failed"]
    reason: str | None
    sha256: str | None
    done_bytes: int | None
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Provision:
    """How far it is."""

    state: Literal["running", "done"]
    items: tuple[ProvisionItem, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting."""

    key: str
    value: bool | int | str
    default: bool | int | str
    accepts: tuple[bool | int | str, ...]
    description: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings."""

    items: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget, and what of it is spent in the period that runs (UTC)."""

    avatar_id: UUID | None
    period: Literal["day", "month"]
    imposed: bool
    max_tokens: int | None
    max_cost: str | None
    tokens: int
    cost: str


@dataclass(frozen=True, slots=True)
class BudgetList:
    """Budgets, as they are now."""

    items: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on a day on a model, for an avatar and a purpose."""

    day: date
    model: str
    avatar_id: UUID | None
    purpose: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost: str | None
    unpriced_calls: int
