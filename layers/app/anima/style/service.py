"""How somebody writes. All that a turn needs of this room."""

from __future__ import annotations

from typing import Any

from anima.kernel import db
from anima.personality.model import StyleProfile
from anima.style import repo
from anima.style.model import LEAST, StyleRow, traits

__all__ = ["StyleRow", "begin", "profile"]

_MEANT: dict[str, dict[str, float]] = {
    "length": {"short": 5.0, "medium": 13.0, "long": 30.0},
    "formality": {"low": 0.2, "medium": 0.5, "high": 0.8},
    "emoji": {"none": 0.0, "some": 0.3, "many": 1.5},
    "punctuation": {"sparse": 0.0, "normal": 0.1, "expressive": 0.8},
    "case": {"lower": 0.9, "normal": 0.0},
}
"""Measures that a corrected trait stands for."""
_MEASURE = {
    "length": "words",
    "formality": "formality",
    "emoji": "emoji",
    "punctuation": "exclamation",
    "case": "lower_case",
}


def begin(tx: db.Transaction, owner_id: int) -> db.Pending[StyleRow]:
    """What is kept of somebody's style, as part of a transaction; maybe no row yet."""
    return repo.style(tx, owner_id)


def profile(row: StyleRow | None) -> StyleProfile | None:
    """What shapes a reply: averages, and in their stead what was corrected; none where nothing is known or wanted."""
    known = row is not None and row.measured.get("messages", 0) >= LEAST
    if row is None or not row.enabled or not (known or row.corrected):
        return None
    given: dict[str, Any] = {measure: row.measured[measure] if known else None for measure in _MEASURE.values()}
    for trait, value in row.corrected.items():
        if trait in _MEANT:
            given[_MEASURE[trait]] = _MEANT[trait][value]
    told: dict[str, Any] = {**(traits(row.measured) if known else {}), **row.corrected}
    return StyleProfile(
        **given,
        language=told.get("language"),
        address=told.get("address"),
        rhythm=told.get("rhythm"),
        phrases=tuple(row.measured.get("phrases", ())) if known else (),
    )
