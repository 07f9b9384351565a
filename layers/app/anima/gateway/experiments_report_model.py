"""What an experiment has shown: each variant with its intervals, how it differs from the first one, and harm. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from anima.gateway import experiments_statistics_model as statistics
from anima.gateway.experiments_statistics_model import CONFIDENCE, Estimate, Sums

MetricName = Literal["liked", "rating", "latency", "cost", "errors", "safety"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured of answers: a share or a mean, whether more is better, and its unit."""

    is_share: bool
    more_is_better: bool
    says: str


METRICS: dict[MetricName, Metric] = {
    "liked": Metric(True, True, "share of rated answers with 4 or 5"),
    "rating": Metric(False, True, "mean rating, 1 to 5"),
    "latency": Metric(False, False, "milliseconds from the message to the whole answer"),
    "cost": Metric(False, False, "USD for an answer, where the price of the model is known"),
    "errors": Metric(True, False, "share of turns without an answer"),
    "safety": Metric(True, False, "share of answers of which something was replaced because it was harmful"),
}
_RELATIVE = frozenset({"latency", "cost"})


@dataclass(frozen=True, slots=True)
class SumsRow:
    """The sums of a metric of a variant, as the database tells them."""

    variant: str
    metric: str
    people: int
    x: float
    d: float
    squares: float
    xx: float
    xd: float
    dd: float

    def sums(self) -> Sums:
        """Without their names."""
        return Sums(self.people, self.x, self.d, self.squares, self.xx, self.xd, self.dd)


@dataclass(frozen=True, slots=True)
class Guard:
    """When an experiment stops by itself: a variant is worse than the first one by more than a bound, with confidence,
    and both have so many answers. Of latency and cost a bound is a part of the first one's mean.
    """

    min_answers: int = 20
    confidence: float = CONFIDENCE
    bounds: Mapping[str, float] = field(default_factory=lambda: {"errors": 0.05, "safety": 0.02, "liked": 0.2})


@dataclass(frozen=True, slots=True)
class Harm:
    """A variant that does harm: by which metric, by how much at least, and what would have been borne."""

    variant: str
    metric: str
    worse_by: float
    bound: float


def harm(names: Sequence[str], rows: Sequence[SumsRow], guard: Guard) -> Harm | None:
    """The variant that is worst beyond its bound, if any is; `names` begins with the one that others are held to."""
    known = {(row.variant, row.metric): row.sums() for row in rows}
    watched = [name for name in METRICS if name in guard.bounds]
    alpha = (1 - guard.confidence) / max(1, len(watched) * (len(names) - 1))
    found = [
        one
        for name in names[1:]
        for metric in watched
        if (one := _harmed(known.get((names[0], metric)), known.get((name, metric)), name, metric, guard, alpha))
    ]
    return max(found, key=lambda one: one.worse_by - one.bound, default=None)


def _harmed(
    first: Sums | None, other: Sums | None, name: str, metric: MetricName, guard: Guard, alpha: float
) -> Harm | None:
    if first is None or other is None or min(first.d, other.d) < guard.min_answers:
        return None
    bound = float(guard.bounds[metric]) * (first.mean if metric in _RELATIVE else 1.0)
    worse, better = (first, other) if METRICS[metric].more_is_better else (other, first)
    by = statistics.surely_apart(worse, better, alpha, of_shares=METRICS[metric].is_share)
    return Harm(name, metric, by, bound) if by > bound else None


def report(names: Sequence[str], rows: Sequence[SumsRow], metric: MetricName) -> dict[str, Any]:
    """Each variant with what was measured of it and how far that is from the first; and what that says of `metric`.

    Intervals of differences are wide enough for all variants together (Bonferroni).
    """
    known = {(row.variant, row.metric): row.sums() for row in rows}
    together = 1 - (1 - CONFIDENCE) / max(1, len(names) - 1)
    variants = [_variant(name, names[0], known, together) for name in names]
    return {"variants": variants, "verdict": _verdict(variants, metric)}


def _variant(name: str, first: str, known: Mapping[tuple[str, str], Sums], together: float) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for metric, about in METRICS.items():
        sums = known.get((name, metric), Sums())
        found = statistics.share(sums) if about.is_share else statistics.mean(sums)
        apart = _apart(sums, known.get((first, metric), Sums()), about, together) if name != first else None
        measured[metric] = {"n": int(sums.d), "people": sums.people, **_told(found), "difference": _told(apart) or None}
    tried = known.get((name, "errors"), Sums())
    return {"name": name, "people": tried.people, "answers": int(tried.d - tried.x), "metrics": measured}


def _apart(one: Sums, first: Sums, about: Metric, together: float) -> Estimate | None:
    if about.is_share:
        return statistics.shares_apart(one, first, together)
    return statistics.means_apart(one, first, together)


def _told(estimate: Estimate | None) -> dict[str, float | None]:
    return asdict(estimate) if estimate is not None else {}


def _verdict(variants: Sequence[Mapping[str, Any]], metric: MetricName) -> dict[str, Any]:
    """Which variants are surely better or worse than the first one by this metric."""
    sign = 1 if METRICS[metric].more_is_better else -1
    better, worse = list[str](), list[str]()
    for one in variants[1:]:
        apart = one["metrics"][metric]["difference"]
        if apart is None or apart["low"] is None:
            continue
        ends = sorted((sign * apart["low"], sign * apart["high"]))
        if ends[0] > 0:
            better.append(one["name"])
        elif ends[1] < 0:
            worse.append(one["name"])
    return {"metric": metric, "better": better, "worse": worse, "open": len(better) + len(worse) < len(variants) - 1}
