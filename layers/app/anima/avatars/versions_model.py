"""A version of an avatar's personality."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """A version without its content: its number, from 1 on; the highest is the present one."""

    version: int
    personality_name: str
    restored_from: int | None
    created_at: datetime
    is_present: bool


@dataclass(frozen=True, slots=True)
class WholeVersion:
    """A version with the personality that it is."""

    version: int
    personality_name: str
    restored_from: int | None
    created_at: datetime
    is_present: bool
    personality: dict[str, Any]
