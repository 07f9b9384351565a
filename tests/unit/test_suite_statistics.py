"""The suite's arithmetic: intervals against all resamples, measures step by step, observers against brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gpu_jobs.simulate.suite import plots, report, statistics, tuning
from gpu_jobs.simulate.suite.bandit import BanditWorld, DiscountedUcb, IdealObserver, drawn_from, play, softmax
from gpu_jobs.simulate.suite.detectors import PageHinkley, of_errors, of_returns, oracle, resting
from gpu_jobs.simulate.suite.ledger import LedgerInUse, Ledgers
from gpu_jobs.simulate.suite.measures import Curve, alarms, area, episode_length, late_return, recovery
from gpu_jobs.simulate.suite.posner import ExactFilter, PosnerWorld, watch_exactly
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def test_the_interquartile_mean_is_of_the_middle_half() -> None:
    assert float(statistics.interquartile_mean([8, 1, 7, 2, 6, 3, 5, 4])) == 4.5
    assert float(statistics.interquartile_mean([-1000, 1, 2, 3, 4, 5, 6, 7, 8, 1000])) == 4.5
    assert float(statistics.interquartile_mean([1, 2, 6])) == 3.0
    with pytest.raises(ValueError, match="no values"):
        statistics.interquartile_mean([])


@given(VALUES, st.floats(-100, 100), st.randoms())
@settings(max_examples=50, deadline=None)
def test_it_moves_with_its_values_and_knows_no_order(values: list[float], by: float, random: object) -> None:
    whole = float(statistics.interquartile_mean(values))
    assert min(values) - 1e-6 <= whole <= max(values) + 1e-6
    assert float(statistics.interquartile_mean(values[::-1])) == pytest.approx(whole, abs=1e-6)
    assert float(statistics.interquartile_mean([one + by for one in values])) == pytest.approx(whole + by, abs=1e-5)


def test_the_interval_is_that_of_all_resamples() -> None:
    """Five seeds have 3,125 resamples: their very quantiles, against 10,000 drawn ones."""
    values = np.array([3.0, 10.0, 4.5, 7.0, 1.0])
    every = np.array(list(itertools.product(range(5), repeat=5)))
    exact = np.quantile(statistics.interquartile_mean(values[every]), (0.025, 0.975))
    found = statistics.interval(values)
    assert found.value == pytest.approx((3.0 + 4.5 + 7.0) / 3)
    assert (found.low, found.high) == pytest.approx(tuple(exact), abs=0.35)
    assert statistics.interval(values) == found, "the same seed, the same interval"


def test_a_ratio_is_resampled_in_pairs() -> None:
    """Seeds differ by a factor of a hundred; each pair's ratio is 2, and so is each end."""
    theirs = np.array([1.0, 5.0, 20.0, 100.0, 3.0, 8.0])
    found = statistics.ratio(2.0 * theirs, theirs)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    assert found.excludes_one
    assert report.verdict(found) == "better"
    assert report.verdict(statistics.ratio(theirs, 2.0 * theirs)) == "worse"
    assert report.verdict(statistics.ratio(theirs, theirs[::-1].copy())) == "not told apart"
    assert report.verdict(statistics.ratio(1.002 * theirs, theirs)) == "better, by less than 1%"
    with pytest.raises(ValueError, match="pair"):
        statistics.ratio([1.0, 2.0], [1.0])


EPISODES = st.lists(st.tuples(st.integers(1, 9), st.floats(-5, 50)), max_size=12)


@given(EPISODES, st.integers(1, 9), st.data())
@settings(max_examples=50, deadline=None)
def test_the_area_counts_each_step_once(episodes: list[tuple[int, float]], rest: int, data: st.DataObject) -> None:
    curve = _curve([length for length, _ in episodes], [gained for _, gained in episodes], rest)
    levels = [0.0] * curve.steps
    for end, gained in zip(curve.ends, curve.returns, strict=True):
        levels[end:] = [gained] * (curve.steps - end)
    first = data.draw(st.integers(0, curve.steps - 1))
    last = data.draw(st.integers(first + 1, curve.steps))
    assert area(curve, first, last) == pytest.approx(float(np.mean(levels[first:last])), abs=1e-9)
    assert episode_length(curve) == curve.steps / (len(episodes) + 1)


def test_recovery_counts_episodes_that_began_after_the_change() -> None:
    """Good episodes of 10 steps, the world changes at 100 within one; six bad ones, then good ones again."""
    lengths, returns = [10] * 40, [50.0] * 11 + [1.0] * 6 + [50.0] * 23
    curve = _curve(lengths, returns, 5)
    assert recovery(curve, [105], 50.0) == (220 - 105, 0.0)
    assert recovery(curve, [105], 60.0) == (405 - 105, 1.0), "never: the phase's length"
    assert recovery(curve, [105, 390], 50.0) == (((220 - 105) + (405 - 390)) / 2, 0.5)
    assert recovery(curve, [], 50.0) == (0.0, 0.0)
    assert late_return(curve, [200]) == pytest.approx((area(curve, 150, 200) + area(curve, 353, 405)) / 2, abs=0.2)


def test_an_alarm_is_true_once_and_in_time() -> None:
    found = alarms([5, 103, 110, 260], [100, 200], 300, window=50)
    assert (found.delay, found.missed, found.false) == ((3 + 100) / 2, 0.5, 3)
    assert alarms([1, 2], [], 300, 50).false == 2


@given(st.floats(-100, 100), st.integers(0, 40))
@settings(max_examples=50, deadline=None)
def test_page_hinkley_is_silent_where_nothing_falls(level: float, rising: int) -> None:
    detector = PageHinkley(threshold=5.0)
    assert not any(detector.saw(level + step * (step > rising)) for step in range(60))


def test_page_hinkley_fires_at_the_step_of_its_sum() -> None:
    """After 20 values of 10 each 0 adds 0 - mean, so that the k-th takes 10·20/(20 + k) off the sum."""
    detector = PageHinkley(threshold=25.0)
    raised = [step for step in range(40) if detector.saw(10.0 if step < 20 else 0.0)]
    sums = list(itertools.accumulate(10.0 * 20 / (20 + k) for k in range(1, 20)))
    assert raised[0] == 20 + next(place for place, total in enumerate(sums) if total > 25.0)


def test_alarms_of_returns_of_errors_and_of_one_that_knows() -> None:
    by_return = of_returns(PageHinkley(threshold=15.0, least=3))
    steps = [(1.0, (step + 1) % 10 == 0) if step < 50 else (1.0, True) for step in range(60)]
    assert next(step for step, (reward, ended) in enumerate(steps) if by_return(step, reward, ended, 0.0)) == 52
    rested = resting(of_errors(PageHinkley(threshold=3.0, least=5)), 30)
    rising = [step for step in range(100) if rested(step, 0.0, False, 1.0 if step < 20 else -float(step))]
    assert rising[0] < 24
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(rising))
    assert [step for step in range(9) if oracle((3, 7))(step, 0.0, False, 0.0)] == [3, 7]


def test_the_ideal_observer_is_exact() -> None:
    """Three trials, three arms: all 27 courses of the best arm, each with its chance."""
    world = BanditWorld(arms=3, best=0.7, other=0.2, hazard=0.3, trials=3)
    observer = IdealObserver(world, 1)
    arms, rewards = [0, 2, 1], [1.0, 0.0, 1.0]
    for arm, reward in zip(arms, rewards, strict=True):
        observer.learn(np.array([arm]), np.array([reward]))
    chances = np.zeros(3)
    for course in itertools.product(range(3), repeat=4):
        chance = 1 / 3
        for earlier, later in itertools.pairwise(course):
            chance *= 0.7 if earlier == later else 0.3 / 2
        for best, arm, reward in zip(course, arms, rewards, strict=False):
            pays = 0.7 if best == arm else 0.2
            chance *= pays if reward else 1 - pays
        chances[course[-1]] += chance
    assert observer.belief[0] == pytest.approx(chances / chances.sum())


def test_the_posner_filter_is_exact() -> None:
    """Three trials, three cues, two validities: all 216 courses of the context, and the next target's chance."""
    world = PosnerWorld(cues=3, hazard=0.2, trials=4, validities=(0.6, 0.9))
    seen = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]])
    targets = [1, 1, 0]
    exact = ExactFilter(world, 1)
    for bits, target in zip(seen, targets, strict=False):
        changed = exact.learn(bits[None], np.array([target]))[0]
    states = list(itertools.product(range(3), (0.6, 0.9)))
    whole = up = moved = 0.0
    for course in itertools.product(states, repeat=4):
        chance = 1 / 6
        for earlier, later in itertools.pairwise(course):
            chance *= 0.8 * (earlier == later) + 0.2 * (earlier[0] != later[0]) / 2 / 2
        for (cue, validity), bits, target in zip(course, seen, targets, strict=False):
            chance *= validity if bits[cue] == target else 1 - validity
        cue, validity = course[-1]
        whole += chance
        up += chance * (validity if seen[3][cue] == 1 else 1 - validity)
        moved += chance * (course[1] != course[2])
    assert float(exact.expected(seen[3][None])[0]) == pytest.approx(up / whole)
    assert changed == pytest.approx(moved / whole)


def test_knowing_the_rules_helps() -> None:
    """Not by luck: the observer's regret is below that of any fixed arm, the filter expects more than half."""
    world = BanditWorld(trials=400)
    drawn = world.drawn(np.random.default_rng(5), 10)
    ideal = play(world, drawn, IdealObserver(world, 10)).sum(axis=1).mean()
    assert ideal < play(world, drawn, DiscountedUcb(world.arms, 0.95, 0.02, 10)).sum(axis=1).mean() < 400 * 0.6 * 0.75
    cues = PosnerWorld(trials=400)
    assert watch_exactly(cues, cues.drawn(np.random.default_rng(5), 5)).right.mean() > 0.65


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_softmax_is_drawn_from_by_its_chances(seed: int) -> None:
    chances = softmax(np.random.default_rng(seed).normal(size=(1, 4)), 0.7)
    grid = (np.arange(1_000) + 0.5) / 1_000
    drawn = drawn_from(np.repeat(chances, 1_000, axis=0), grid)
    assert np.bincount(drawn, minlength=4) / 1_000 == pytest.approx(chances[0], abs=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BanditWorld(arms=1),
        lambda: BanditWorld(best=0.1),
        lambda: PosnerWorld(validities=(0.3,)),
        lambda: PosnerWorld(hazard=1.0),
        lambda: PageHinkley(threshold=0.0),
        lambda: tuning.test_seeds(1_001),
        lambda: Curve(np.array([1]), np.array([]), 3),
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        wrong()


def test_each_method_gets_as_many_trials_and_its_default_first() -> None:
    grid = {"a": (1, 2, 3), "b": (10, 20)}
    tried = tuning.trials(grid, 4)
    assert tried[0] == {"a": 1, "b": 10}
    assert len({tuple(one.items()) for one in tried}) == 4
    assert len(tuning.trials(grid, 100)) == 6
    assert tuning.best(grid, 100, lambda one: -abs(one["a"] * one["b"] - 40)) == {"a": 2, "b": 20}
    assert not set(tuning.test_seeds(1_000)) & set(tuning.tuning_seeds(1_000))


def test_a_ledger_keeps_what_is_whole(tmp_path: Path) -> None:
    with Ledgers(tmp_path) as ledgers:
        assert ledgers.of("a").run({"seed": 1}, lambda: {"x": 1.5}) == {"x": 1.5}
        assert ledgers.of("a").run({"seed": 1}, lambda: pytest.fail("it is done")) == {"x": 1.5}
        assert ledgers.of("b").find({"seed": 1}) is None
        with pytest.raises(LedgerInUse):
            Ledgers(tmp_path).of("a")
    with (tmp_path / "a.jsonl").open("ab") as torn:
        torn.write(b'{"key": "of a run that was ki')
    with Ledgers(tmp_path) as ledgers:
        assert len(ledgers.of("a")) == 1
        ledgers.of("a").run({"seed": 2}, lambda: {"x": math.pi})
    with Ledgers(tmp_path) as ledgers:
        assert ledgers.of("a").find({"seed": 2}) == {"x": math.pi}
        assert ledgers.of("a").find({"seed": 3}) is None


def test_a_drawing_names_its_lines_and_where_the_world_changed() -> None:
    line = plots.Line([0.0, 2.0, 4.0], [0.0, 1.0, 3.0], [1.0, 3.0, 5.0])
    text = plots.drawing("A & B", {"ours": line, "<theirs>": line}, (0, 100), ("step", "return"), [50.0])
    assert text.count("<polyline") == text.count("<polygon") == 2
    assert text.count('class="change"') == 1
    assert "A &amp; B" in text
    assert "&lt;theirs&gt;" in text
    assert "prefers-color-scheme: dark" in text


def _curve(lengths: list[int], returns: list[float], rest: int) -> Curve:
    ends = np.cumsum(np.array(lengths, dtype=np.int64))
    return Curve(ends, np.array(returns, dtype=np.float64), int(sum(lengths)) + rest)
