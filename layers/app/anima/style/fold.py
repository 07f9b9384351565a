"""From the last messages, each in numbers, to averages: the newest count most. Pure.

A sample is kept for each of the last KEPT messages, once each, in the order of their ids; so events that come twice or
in another order make the same style.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from anima.style.measure import Measures
from anima.style.words import GREETINGS, MARKS

KEPT = 48
"""Samples that are kept."""
_SHARE = 0.92
"""A message counts this share of the one after it: an exponential average over about twelve messages."""
_LOOKED_AT = 12
"""Of so many last messages most must be long before long ones are held to be written, not pasted."""
_ONE_TALK = 1800.0
"""Seconds after which a message begins a talk anew, and tells nothing of the rhythm."""
_HABIT, _OFTEN = 3, 0.1
"""A little word is a habit from so many messages, and that share of them, on."""

Sample = dict[str, Any]
"""The measures of a message with its id (`m`) and the time at which it was said (`at`, ISO 8601)."""

_MOST = {"words": 20_000, "emoji": 20_000.0}
AVERAGED = ("formality", "emoji", "exclamation", "expressive", "ended", "lower_case", "tu", "vous")


def sample(message_id: int, at: datetime, measures: Measures) -> Sample:
    """A message as it is kept: what is nought or unknown is left out."""
    told = {name: value for name, value in asdict(measures).items() if value not in (None, (), False)}
    if measures.marks:
        told["marks"] = list(measures.marks)  # as JSON gives it back
    return {"m": message_id, "at": at.astimezone(UTC).isoformat(timespec="seconds"), **told}


def checked(one: dict[str, Any]) -> Sample:
    """A sample from elsewhere, of known measures in their bounds only. Raises ValueError where its time is none."""
    at = datetime.fromisoformat(str(one.get("at")))
    if at.tzinfo is None:
        raise ValueError("a time tells its offset")
    told: Sample = {"at": at.astimezone(UTC).isoformat(timespec="seconds")}
    for name in ("words", *AVERAGED):
        most = _MOST.get(name, 1.0)
        value = one.get(name)
        if isinstance(value, int | float) and 0 < value <= most:
            told[name] = value
    if one.get("language") in ("en", "fr"):
        told["language"] = one["language"]
    if isinstance(greeting := one.get("greeting"), str) and greeting in GREETINGS:
        told["greeting"] = greeting
    told |= {"marks": marks} if (marks := _known(one.get("marks"))) else {}
    return told | ({"long": True} if one.get("long") is True else {})


def _known(marks: object) -> list[str]:
    """Those little words among what came that may be kept."""
    given = marks if isinstance(marks, list) else []
    return [mark for mark in given if isinstance(mark, str) and mark in MARKS][:3]


def added(samples: Sequence[Sample], new: Iterable[Sample]) -> list[Sample]:
    """The samples with new ones among them: each message once, the last KEPT of them."""
    by_id = {one["m"]: one for one in new} | {one["m"]: one for one in samples}
    return [by_id[message_id] for message_id in sorted(by_id)][-KEPT:]


def averages(samples: Sequence[Sample]) -> dict[str, Any]:
    """Weighted averages of what the person wrote; `messages` says of how many. Empty where there are none."""
    own = _own(samples)
    if not own:
        return {}
    weights = [_SHARE**age for age in range(len(own) - 1, -1, -1)]
    told: dict[str, Any] = {
        "messages": len(own),
        "words": _weighted_median([one.get("words", 0) for one in own], weights),
    }
    for name in AVERAGED:
        mean = sum(weight * one.get(name, 0.0) for one, weight in zip(own, weights, strict=True)) / sum(weights)
        told[name] = round(mean, 3)
    told["language"] = _heaviest(own, weights, "language")
    told["greeting"] = _habit(Counter(one["greeting"] for one in own if "greeting" in one), len(own))
    told["phrases"] = _phrases(own)
    told["gap_seconds"] = _gap(own)
    return told


def _own(samples: Sequence[Sample]) -> list[Sample]:
    """Without those that are too long to have been typed, unless most of the last ones are."""
    last = samples[-_LOOKED_AT:]
    if sum(one.get("long", False) for one in last) > _LOOKED_AT / 2:
        return list(samples)
    return [one for one in samples if not one.get("long")]


def _weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value at half of the weight; a message that is unlike the others does not move it far."""
    half, seen = sum(weights) / 2, 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        seen += weight
        if seen >= half:
            return float(value)
    return float(max(values))


def _heaviest(own: Sequence[Sample], weights: Sequence[float], name: str) -> str | None:
    votes: dict[str, float] = defaultdict(float)
    for one, weight in zip(own, weights, strict=True):
        if value := one.get(name):
            votes[value] += weight
    return max(sorted(votes), key=votes.__getitem__) if votes else None


def _habit(counted: Counter[str], of: int) -> str | None:
    return next((word for word, count in _in_order(counted) if count >= _HABIT and count >= _OFTEN * of), None)


def _phrases(own: Sequence[Sample]) -> list[str]:
    counted = Counter(mark for one in own for mark in one.get("marks", ()))
    return [word for word, count in _in_order(counted) if count >= _HABIT and count >= _OFTEN * len(own)][:3]


def _in_order(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def _gap(own: Sequence[Sample]) -> float | None:
    """Half of the messages of a talk come sooner than this after the one before; none where too few tell."""
    times = [datetime.fromisoformat(one["at"]) for one in own]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    within = [gap for gap in gaps if 0.0 <= gap <= _ONE_TALK]
    return round(median(within), 1) if len(within) >= _HABIT else None
