"""What is said of a handful of seeds: the interquartile mean, its bootstrap interval, and a ratio of pairs.

Interval estimates rather than points: Agarwal et al., "Deep reinforcement learning at the edge of the statistical
precipice" (2021). Intervals are percentile bootstraps over seeds. Two methods that saw the same seeds are compared seed
by seed: a resample takes both results of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

RESAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the interval that holds it in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"

    @property
    def excludes_one(self) -> bool:
        """Whether a ratio is told from 1."""
        return self.low > 1.0 or self.high < 1.0


def interquartile_mean(values: ArrayLike, axis: int = -1) -> Array:
    """The mean of the middle half: a quarter of the values (rounded down) is cut at either end."""
    ordered = np.sort(np.moveaxis(np.asarray(values, dtype=np.float64), axis, -1), axis=-1)
    count = ordered.shape[-1]
    if count == 0:
        raise ValueError("no values")
    cut = count // 4
    return np.asarray(ordered[..., cut : count - cut].mean(axis=-1))


def interval(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The interquartile mean of the seeds, with its interval."""
    whole = _one_row(values)
    drawn = interquartile_mean(whole[_resampled(whole.size, seed, resamples)])
    return Interval(float(interquartile_mean(whole)), *_ends(drawn))


def ratio(ours: ArrayLike, theirs: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Our interquartile mean over theirs, where entry i of both is of seed i. Raises ValueError for other pairs."""
    above, below = _one_row(ours), _one_row(theirs)
    if above.size != below.size:
        raise ValueError("a pair for each seed")
    places = _resampled(above.size, seed, resamples)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = interquartile_mean(above[places]) / interquartile_mean(below[places])
        value = float(interquartile_mean(above) / interquartile_mean(below))
    return Interval(value, *_ends(drawn[np.isfinite(drawn)]))


def _resampled(count: int, seed: int, resamples: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, (resamples, count))


def _ends(drawn: Array) -> tuple[float, float]:
    if drawn.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return float(low), float(high)


def _one_row(values: ArrayLike) -> Array:
    row = np.asarray(values, dtype=np.float64)
    if row.ndim != 1 or row.size == 0:
        raise ValueError("one value for each seed")
    return row
