"""A style as it is kept, and as it is told: traits in words, made of averages or corrected by the person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LEAST = 4
"""So many messages must have been said before anything is held to be known."""
SETTLED = 8
"""From so many messages on what is known of somebody is settled; it goes on following them."""

VALUES: dict[str, tuple[str, ...]] = {
    "length": ("short", "medium", "long"),
    "formality": ("low", "medium", "high"),
    "emoji": ("none", "some", "many"),
    "punctuation": ("sparse", "normal", "expressive"),
    "case": ("lower", "normal"),
    "language": ("en", "fr"),
    "address": ("tu", "vous"),
    "rhythm": ("quick", "steady", "slow"),
}
"""Each trait that can be corrected, and what it can be."""
TRAITS = (*VALUES, "greeting")

_LENGTHS = (7.5, 19.5)
_FORMALITIES = (0.31, 0.66)
_EMOJIS = (0.05, 0.75)
_EXPRESSIVE, _SPARSE, _LOWER = 0.4, 0.45, 0.55
_GAPS = (45.0, 240.0)


@dataclass(frozen=True, slots=True)
class StyleRow:
    """What a turn reads: whether style is followed at all, averages, and what the person has corrected."""

    enabled: bool
    measured: dict[str, Any]
    corrected: dict[str, str]


@dataclass(frozen=True, slots=True)
class Style:
    """A style as its owner sees it."""

    enabled: bool
    messages: int
    measures: dict[str, Any]
    traits: dict[str, str | None]
    corrected: dict[str, str]
    updated_at: datetime | None

    @property
    def settled(self) -> bool:
        """Whether enough was said."""
        return self.messages >= SETTLED


def traits(measures: Mapping[str, Any]) -> dict[str, str | None]:
    """What averages are called; nothing is known before LEAST messages."""
    if measures.get("messages", 0) < LEAST:
        return dict.fromkeys(TRAITS)
    told: dict[str, str | None] = {
        "length": _band(measures["words"], _LENGTHS, VALUES["length"]),
        "formality": _band(measures["formality"], _FORMALITIES, VALUES["formality"]),
        "emoji": _band(measures["emoji"], _EMOJIS, VALUES["emoji"]),
        "punctuation": _punctuation(measures["expressive"], measures["ended"]),
        "case": "lower" if measures["lower_case"] >= _LOWER else "normal",
        "language": measures["language"],
        "address": _address(measures["tu"], measures["vous"]),
        "rhythm": _rhythm(measures["gap_seconds"]),
        "greeting": measures["greeting"],
    }
    return told


def _band(value: float, limits: tuple[float, float], names: tuple[str, ...]) -> str:
    return names[sum(value >= limit for limit in limits)]


def _punctuation(expressive: float, ended: float) -> str:
    if expressive >= _EXPRESSIVE:
        return "expressive"
    return "sparse" if ended < _SPARSE else "normal"


def _address(tu: float, vous: float) -> str | None:
    if max(tu, vous) < 0.05:
        return None
    return "tu" if tu > vous else "vous"


def _rhythm(gap: float | None) -> str | None:
    return None if gap is None else _band(gap, _GAPS, VALUES["rhythm"])
