"""What is measured of a run: the area under its curve of returns, recovery after a change, alarms true and false.

A curve is the step at which each episode ended and its return. Its value at a step is the return of the last episode
that had ended by then (0 before the first), so that a step counts once however short the episodes are; the mean episode
length, where every episode counts once, is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.int64]
Array = NDArray[np.float64]

LATE = 0.25
"""The last share of a phase, in which what was learned shows."""
RECENT = 5
"""Episodes over which a return is averaged before it counts as recovered."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Episodes of a run of `steps` steps: when each ended, and its return."""

    ends: Steps
    returns: Array
    steps: int

    def __post_init__(self) -> None:
        if self.ends.shape != self.returns.shape:
            raise ValueError("an end for each return")


@dataclass(frozen=True, slots=True)
class Alarms:
    """How changes were noticed: mean steps to the first alarm after one (censored at its phase's end), the share that
    was missed, and alarms besides."""

    delay: float
    missed: float
    false: int


def area(curve: Curve, first: int = 0, last: int | None = None) -> float:
    """The mean return over the steps from `first` to `last`, each step counted once."""
    last = curve.steps if last is None else last
    if last <= first:
        raise ValueError("a stretch of steps")
    edges = np.concatenate(([0], curve.ends, [curve.steps]))
    levels = np.concatenate(([0.0], curve.returns))
    widths = np.clip(np.minimum(edges[1:], last) - np.maximum(edges[:-1], first), 0, None)
    return float(np.sum(widths * levels) / (last - first))


def episode_length(curve: Curve) -> float:
    """Steps for each episode, the one that was cut off included."""
    return curve.steps / (curve.returns.size + 1)


def late_return(curve: Curve, changes: Sequence[int]) -> float:
    """The mean over phases of the area under each one's last quarter."""
    edges = [0, *changes, curve.steps]
    return float(np.mean([area(curve, int(last - LATE * (last - first)), last) for first, last in pairwise(edges)]))


def recovery(curve: Curve, changes: Sequence[int], goal: float) -> tuple[float, float]:
    """(mean steps after a change until the last episodes' mean return is at `goal`, share of changes censored).

    Only episodes that began after the change count. A phase that never gets there counts with its whole length.
    """
    edges, waits, censored = [*changes, curve.steps], [], 0
    for change, end in pairwise(edges):
        reached = _reached(curve, change, end, goal)
        censored += reached is None
        waits.append(end - change if reached is None else reached - change)
    return (float(np.mean(waits)), censored / len(waits)) if waits else (0.0, 0.0)


def alarms(raised: Sequence[int], changes: Sequence[int], steps: int, window: int) -> Alarms:
    """The first alarm within `window` steps after a change is a true one, every other a false one."""
    delays, true, missed = [], 0, 0
    for change, end in pairwise([*changes, steps]):
        inside = [one for one in raised if change <= one < min(end, change + window)]
        true += bool(inside)
        missed += not inside
        delays.append(inside[0] - change if inside else end - change)
    delay = float(np.mean(delays)) if delays else 0.0
    return Alarms(delay, missed / len(changes) if changes else 0.0, len(raised) - true)


def _reached(curve: Curve, change: int, end: int, goal: float) -> int | None:
    begins = np.concatenate(([0], curve.ends[:-1])) if curve.ends.size else curve.ends
    inside = (begins >= change) & (curve.ends <= end)
    ends, returns = curve.ends[inside], curve.returns[inside]
    if returns.size < RECENT:
        return None
    means = np.convolve(returns, np.ones(RECENT) / RECENT, mode="valid")
    good = np.flatnonzero(means >= goal)
    return int(ends[good[0] + RECENT - 1]) if good.size else None
