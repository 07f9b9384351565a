"""Intervals for experiments, from sums over people. Pure.

People are what was drawn by lot, so they are what varies: answers of one person resemble each other, and intervals
that took each answer for a draw of its own would be far too narrow. Where only one person took part, answers stand
for draws, for nothing else is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
_PEEKED_AT = 100
"""For so many answers the bound that may be looked at any time is the narrowest."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one metric of one variant: people who count, the sum seen (`x`) over so many answers (`d`), the squares of
    single answers, and the squares and products of people's `x` and `d`.
    """

    people: int = 0
    x: float = 0.0
    d: float = 0.0
    squares: float = 0.0
    xx: float = 0.0
    xd: float = 0.0
    dd: float = 0.0

    @property
    def mean(self) -> float:
        """What was seen for each answer; `d` must not be 0."""
        return self.x / self.d

    @property
    def spread(self) -> float:
        """The variance of single answers (with n - 1 below)."""
        return max(0.0, (self.squares - self.x * self.mean) / (self.d - 1)) if self.d > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the interval in which it lies at the given confidence; without one where too little was seen."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class _Error:
    """How far off an estimate is: its variance, and the degrees of freedom behind it."""

    variance: float
    freedom: float


def wilson(share: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval (1927, eq. 11) of a share of n draws; n may be an effective number, no whole one."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def share(sums: Sums, confidence: float = CONFIDENCE) -> Estimate | None:
    """A share with Wilson's interval over the effective number of answers; nothing where there are no answers."""
    if sums.d <= 0:
        return None
    low, high = wilson(sums.mean, _effective(sums, confidence), confidence)
    return Estimate(sums.mean, low, high)


def mean(sums: Sums, confidence: float = CONFIDENCE) -> Estimate | None:
    """A mean over answers with Student's interval; nothing where there are no answers."""
    if sums.d <= 0:
        return None
    error = _error(sums)
    if error is None:
        return Estimate(sums.mean, None, None)
    half = student(0.5 + confidence / 2, error.freedom) * math.sqrt(error.variance)
    return Estimate(sums.mean, sums.mean - half, sums.mean + half)


def shares_apart(one: Sums, other: Sums, confidence: float = CONFIDENCE) -> Estimate | None:
    """By how much the share `one` exceeds the `other`, by Newcombe's hybrid of their intervals (1998, method 10)."""
    first, second = share(one, confidence), share(other, confidence)
    if first is None or second is None:
        return None
    value = first.value - second.value
    below = math.hypot(first.value - (first.low or 0.0), (second.high or 0.0) - second.value)
    above = math.hypot((first.high or 0.0) - first.value, second.value - (second.low or 0.0))
    return Estimate(value, max(-1.0, value - below), min(1.0, value + above))


def means_apart(one: Sums, other: Sums, confidence: float = CONFIDENCE) -> Estimate | None:
    """By how much the mean `one` exceeds the `other`, by Welch's interval (1947)."""
    if one.d <= 0 or other.d <= 0:
        return None
    value, first, second = one.mean - other.mean, _error(one), _error(other)
    if first is None or second is None:
        return Estimate(value, None, None)
    variance = first.variance + second.variance
    parts = first.variance**2 / first.freedom + second.variance**2 / second.freedom
    freedom = variance**2 / parts if parts > 0 else first.freedom + second.freedom
    half = student(0.5 + confidence / 2, freedom) * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def surely_apart(one: Sums, other: Sums, alpha: float, *, of_shares: bool) -> float:
    """What the difference of two means exceeds at least, however often one has looked (probability 1 - alpha).

    An asymptotic confidence sequence (Waudby-Smith and others 2021, eq. 4): a usual interval that is looked at after
    each answer is left sooner or later even where nothing differs. It takes answers for draws of their own, and so
    errs on the side of stopping. Both need answers.
    """
    n = one.d + other.d
    variance = n * (_spread(one, of_shares) / one.d + _spread(other, of_shares) / other.d)
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / _PEEKED_AT  # its square; their appendix B.2
    radius = math.sqrt(variance * 2 * (n * rho + 1) / (n * n * rho) * math.log(math.sqrt(n * rho + 1) / alpha))
    return one.mean - other.mean - radius


def student(probability: float, freedom: float) -> float:
    """The quantile of Student's distribution for a probability from 0.5 on, by bisection of its tail."""
    low, high = 0.0, 1.0
    while _tail(high, freedom) > 1 - probability and high < 1e12:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(middle, freedom) > 1 - probability else (low, middle)
    return (low + high) / 2


def _spread(sums: Sums, of_shares: bool) -> float:
    """The variance of single answers; of a share with one more of each kind, for 20 of 20 is no certainty."""
    if not of_shares:
        return sums.spread
    smooth = (sums.x + 1) / (sums.d + 2)
    return smooth * (1 - smooth)


def _error(sums: Sums) -> _Error | None:
    """The error of a mean: between people (the ratio of two sums, linearised), or between the answers of one."""
    if sums.people > 1:
        residuals = max(0.0, sums.xx - 2 * sums.mean * sums.xd + sums.mean**2 * sums.dd)
        return _Error(residuals * sums.people / (sums.people - 1) / sums.d**2, sums.people - 1)
    return _Error(sums.spread / sums.d, sums.d - 1) if sums.d > 1 else None


def _effective(sums: Sums, confidence: float) -> float:
    """How many independent answers would say as much of a share (Korn and Graubard 1998)."""
    error, p = _error(sums), sums.mean
    if sums.people < 2 or error is None:
        return sums.d
    binomial = p * (1 - p)
    n = min(sums.d, binomial / error.variance) if error.variance > 0 and binomial > 0 else sums.d
    usual = NormalDist().inv_cdf(0.5 + confidence / 2)
    return float(n * (usual / student(0.5 + confidence / 2, error.freedom)) ** 2)


def _tail(t: float, freedom: float) -> float:
    """The probability that Student's variable exceeds t >= 0: half of I(freedom / (freedom + t²); freedom / 2, 1/2)."""
    return _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz; DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + step / c, 1 / (1 + step * d)
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a
