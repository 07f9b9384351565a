"""What is told of an experiment: intervals against published values and by simulation, and when it is stopped."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist, mean, stdev, variance

import pytest

from anima.gateway import experiments_statistics_model as statistics
from anima.gateway.experiments_model import Running, chosen, drawn, lot
from anima.gateway.experiments_report_model import METRICS, Guard, SumsRow, harm, report
from anima.gateway.experiments_statistics_model import Sums

People = Sequence[Sequence[float]]


def summed(people: People) -> Sums:
    """The sums of what people's answers showed, as the database makes them."""
    told = [one for one in people if len(one)]
    x, d = [sum(one) for one in told], [float(len(one)) for one in told]
    return Sums(
        len(told),
        sum(x),
        sum(d),
        sum(value * value for one in told for value in one),
        sum(a * a for a in x),
        sum(a * b for a, b in zip(x, d, strict=True)),
        sum(b * b for b in d),
    )


def row(variant: str, metric: str, people: People) -> SumsRow:
    one = summed(people)
    return SumsRow(variant, metric, one.people, one.x, one.d, one.squares, one.xx, one.xd, one.dd)


# Quantiles of Student's t, 0.975 and 0.995: any printed table.
@pytest.mark.parametrize(
    ("freedom", "at_975", "at_995"),
    [
        (1, 12.7062, 63.6567),
        (2, 4.3027, 9.9248),
        (5, 2.5706, 4.0321),
        (10, 2.2281, 3.1693),
        (30, 2.0423, 2.7500),
        (120, 1.9799, 2.6174),
        (1_000_000, 1.9600, 2.5758),
    ],
)
def test_students_quantiles(freedom: float, at_975: float, at_995: float) -> None:
    assert statistics.student(0.975, freedom) == pytest.approx(at_975, abs=6e-5)
    assert statistics.student(0.995, freedom) == pytest.approx(at_995, abs=6e-5)


# Newcombe 1998 (Statistics in Medicine 17: 857), table I, method 3.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval(hits: int, n: int, low: float, high: float) -> None:
    assert list(statistics.wilson(hits / n, n)) == pytest.approx([low, high], abs=5e-5)


# Newcombe 1998 (Statistics in Medicine 17: 873), table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_newcombes_interval_of_a_difference(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    first, second = (Sums(1, hits, n, hits) for hits, n in (one, other))
    apart = statistics.shares_apart(first, second)
    assert apart is not None
    assert [apart.low, apart.high] == pytest.approx([low, high], abs=5e-5)


def test_a_mean_of_people_with_one_answer_each_is_students_interval() -> None:
    values = [4.1, 5.0, 3.2, 4.7, 2.9, 4.4, 3.8]
    found = statistics.mean(summed([[value] for value in values]))
    half = statistics.student(0.975, 6) * stdev(values) / math.sqrt(7)
    assert found is not None
    assert [found.value, found.low] == pytest.approx([mean(values), mean(values) - half])


def test_the_difference_of_means_is_welchs() -> None:
    one, other = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9], [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0]
    v, w = variance(one) / 6, variance(other) / 8
    freedom = (v + w) ** 2 / (v * v / 5 + w * w / 7)
    half = statistics.student(0.975, freedom) * math.sqrt(v + w)
    apart = statistics.means_apart(summed([[x] for x in one]), summed([[x] for x in other]))
    assert apart is not None
    difference = mean(one) - mean(other)
    assert [apart.value, apart.high] == pytest.approx([difference, difference + half])


def test_of_one_person_answers_are_counted() -> None:
    alone = statistics.mean(summed([[100.0, 120.0, 110.0]]))
    assert alone is not None
    assert alone.low is not None
    assert statistics.mean(summed([[100.0]])) == statistics.Estimate(100.0, None, None)
    assert statistics.mean(Sums()) is statistics.share(Sums()) is None


def test_intervals_hold_where_answers_of_a_person_resemble_each_other() -> None:
    lots, covered, naive, runs = random.Random(7), 0, 0, 400  # noqa: S311
    for _ in range(runs):
        people = [[float(lots.random() < p) for _ in range(10)] for p in (lots.choice([0.35, 0.85]) for _ in range(30))]
        sums = summed(people)
        found = statistics.share(sums)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.6 <= found.high
        low, high = statistics.wilson(sums.mean, sums.d)
        naive += low <= 0.6 <= high
    assert covered / runs > 0.92
    assert naive / runs < 0.85, "as if each answer were a person of its own, they would be too narrow"


def test_one_may_look_after_each_answer_and_hardly_ever_stops_for_nothing() -> None:
    lots, stopped, fooled, runs = random.Random(11), 0, 0, 150  # noqa: S311
    z = NormalDist().inv_cdf(0.95)
    for _ in range(runs):
        hits, surely, usual = [0, 0], False, False
        for n in range(1, 401):
            hits = [one + (lots.random() < 0.1) for one in hits]
            if n < 20:
                continue
            one, other = (Sums(1, hit, n, hit) for hit in hits)
            surely = surely or statistics.surely_apart(other, one, 0.05, of_shares=True) > 0
            shares = [(hit + 1) / (n + 2) for hit in hits]
            error = math.sqrt(sum(p * (1 - p) / n for p in shares))
            usual = usual or (hits[1] - hits[0]) / n > z * error
        stopped, fooled = stopped + surely, fooled + usual
    assert stopped / runs <= 0.05
    assert fooled / runs > 0.15, "a usual test that is looked at each time would stop for nothing"


def test_a_variant_whose_model_is_dead_is_stopped_at_once() -> None:
    fine, dead = [[0.0] * 10, [0.0] * 10], [[1.0] * 20]
    found = harm(["as it is", "new"], [row("as it is", "errors", fine), row("new", "errors", dead)], Guard())
    assert found is not None
    assert (found.variant, found.metric, found.bound) == ("new", "errors", 0.05)
    few = [row("as it is", "errors", fine), row("new", "errors", [[1.0] * 19])]
    assert harm(["as it is", "new"], few, Guard()) is None, "too few to say"


def test_better_is_no_harm_whichever_way_it_is_measured() -> None:
    good, bad = [[1.0] * 40], [[0.0] * 40]
    guard = Guard(bounds=dict.fromkeys(METRICS, 0.1))
    for metric, about in METRICS.items():
        better, worse = (good, bad) if about.more_is_better else (bad, good)
        assert harm(["a", "b"], [row("a", metric, worse), row("b", metric, better)], guard) is None, metric
        if metric not in ("latency", "cost"):
            assert harm(["a", "b"], [row("a", metric, better), row("b", metric, worse)], guard) is not None, metric


def test_slower_counts_by_how_much_slower_than_the_first() -> None:
    lots = random.Random(3)  # noqa: S311
    first = [[lots.gauss(1000, 50) for _ in range(100)]]
    slower = [[lots.gauss(1800, 50) for _ in range(100)]]
    rows = [row("a", "latency", first), row("b", "latency", slower)]
    found = harm(["a", "b"], rows, Guard(bounds={"latency": 0.5}))
    assert found is not None
    assert found.bound == pytest.approx(500, rel=0.05)
    assert harm(["a", "b"], rows, Guard(bounds={"latency": 1.0})) is None
    assert harm(["a", "b"], rows, Guard(bounds={})) is None, "nobody asked for a guard"


def test_the_report_says_which_is_better_and_what_is_open() -> None:
    lots = random.Random(5)  # noqa: S311

    def liked(share: float, people: int) -> People:
        return [[float(lots.random() < share) for _ in range(8)] for _ in range(people)]

    rows = [row("a", "liked", liked(0.5, 60)), row("b", "liked", liked(0.9, 60)), row("c", "liked", liked(0.5, 60))]
    told = report(["a", "b", "c"], rows, "liked")
    assert told["verdict"] == {"metric": "liked", "better": ["b"], "worse": [], "open": True}
    first, better, _ = told["variants"]
    assert first["metrics"]["liked"]["difference"] is None
    seen = better["metrics"]["liked"]
    assert seen["low"] < seen["value"] < seen["high"]
    assert seen["difference"]["low"] > 0
    assert better["metrics"]["cost"] == {"n": 0, "people": 0, "difference": None}, "nobody knows what it cost"
    assert report(["a", "b"], [], "cost")["verdict"]["open"] is True


def running(exp_id: int, assigned: str | None = None, weights: tuple[float, float] = (1, 1)) -> Running:
    variants = [{"name": "a", "weight": weights[0]}, {"name": "b", "weight": weights[1], "prompt_id": 5}]
    return Running(exp_id, variants, {"5": "Be brief."}, assigned)


def test_people_fall_into_variants_by_weight_and_always_into_the_same() -> None:
    names = [chosen([running(1, weights=(3, 1))], person) for person in range(4000)]
    share = sum(one.name == "b" for one in names if one) / 4000
    assert share == pytest.approx(0.25, abs=0.03)
    assert names == [chosen([running(1, weights=(3, 1))], person) for person in range(4000)]
    assert {one.prompt for one in names if one and one.name == "b"} == {"Be brief."}


def test_what_is_written_down_wins_over_the_hash() -> None:
    for person in range(50):
        for name in "ab":
            given = chosen([running(1, name), running(2)], person)
            assert given is not None
            assert (given.exp_id, given.name) == (1, name), "one experiment at a time, and the one they are in"


def test_a_further_experiment_takes_its_share_of_people_and_moves_nobody_between_others() -> None:
    for person in range(300):
        two, three = (chosen([running(n) for n in range(1, many)], person) for many in (3, 4))
        assert two is not None
        assert three is not None
        assert three.exp_id in (two.exp_id, 3)
    taken = sum(one.exp_id == 3 for person in range(3000) if (one := chosen([running(n) for n in (1, 2, 3)], person)))
    assert taken / 3000 == pytest.approx(1 / 3, abs=0.04)


def test_lots_are_even_and_of_each_experiment_others() -> None:
    one, other = ([lot(exp, person, "variant") for person in range(2000)] for exp in (1, 2))
    assert mean(one) == pytest.approx(0.5, abs=0.03)
    assert all(0 <= value < 1 for value in one)
    covariance = mean(a * b for a, b in zip(one, other, strict=True)) - mean(one) * mean(other)
    assert abs(covariance) < 0.01
    assert drawn([{"name": "a", "weight": 1}, {"name": "b", "weight": 1}], 0.9999999)["name"] == "b"


def test_where_nothing_runs_nobody_is_given_anything() -> None:
    assert chosen([], 1) is None
    gone = Running(1, [{"name": "a"}], None, "renamed")
    assert (given := chosen([gone], 1)) is not None
    assert given.name == "a"
