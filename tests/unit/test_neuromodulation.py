"""Concentrations: the closed forms against the equation itself, receptors against Hill, arrays against numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima import neuromodulation as nm
from anima.neuromodulation import vectors

MODULATORS = nm.STANDARD.modulators
some = st.sampled_from(MODULATORS)
shares = st.floats(0, 1)
lives = st.floats(0, 12)


def integrated(modulator: nm.Modulator, c: float, drive: float, seconds: float, *, release: bool = True) -> float:
    """The equation in small steps of the classical Runge-Kutta method, so fine that it does not matter any more."""
    steps = 800
    still = modulator if release else replace(modulator, baseline=modulator.baseline * 1e-12)
    for _ in range(steps):
        c = nm.step(still, c, drive, seconds / steps)
    return c


@given(st.floats(-1 / math.e, 1e300))
def test_w_is_the_inverse_of_w_times_its_exponential(z: float) -> None:
    w = nm.lambert_w(z)
    assert w >= -1
    if z == 0:
        assert w == 0
    elif z < -0.3678:  # the inverse is steep here
        assert w * math.exp(w) == pytest.approx(z, abs=1e-9)
    else:
        assert math.log(abs(w)) + w == pytest.approx(math.log(abs(z)), rel=1e-12, abs=1e-12)


def test_w_of_known_values() -> None:
    assert nm.lambert_w(math.e) == pytest.approx(1, rel=1e-15)
    assert nm.lambert_w(1) == pytest.approx(0.5671432904097838, rel=1e-15)
    assert nm.lambert_w(-1 / math.e) == pytest.approx(-1, abs=1e-6)
    with pytest.raises(ValueError, match="below"):
        nm.lambert_w(-0.4)


@pytest.mark.parametrize("modulator", MODULATORS, ids=lambda one: one.name)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("release", [True, False])
def test_decay_is_what_the_equation_does(modulator: nm.Modulator, share: float, release: bool) -> None:
    c, seconds = share * modulator.maximum, 2.5 * modulator.half_life
    exact = nm.decayed(modulator, c, seconds, release=release)
    assert exact == pytest.approx(integrated(modulator, c, 0.0, seconds, release=release), rel=1e-7, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(some, shares, st.floats(-0.2, 0.5), st.floats(0.01, 3))
def test_a_constant_drive_is_exact_too(modulator: nm.Modulator, share: float, part: float, many: float) -> None:
    drive = part * (modulator.clearance - modulator.tonic) / modulator.release
    c, seconds = share * modulator.maximum, many * modulator.half_life
    exact = nm.driven(modulator, c, max(drive, -modulator.tonic / modulator.release), seconds)
    fine = integrated(modulator, c, max(drive, -modulator.tonic / modulator.release), seconds)
    assert exact == pytest.approx(fine, rel=1e-6, abs=1e-6)


def test_a_drive_beyond_what_can_be_cleared_has_no_rest() -> None:
    dopamine = nm.STANDARD["dopamine"]
    with pytest.raises(ValueError, match="more than can be cleared"):
        nm.driven(dopamine, 20.0, 1.0, 60.0)


@given(some)
def test_the_baseline_is_a_fixed_point(modulator: nm.Modulator) -> None:
    assert nm.rate(modulator, modulator.baseline) == pytest.approx(0, abs=1e-12)
    assert nm.decayed(modulator, modulator.baseline, 1e9) == modulator.baseline
    assert nm.deviation(modulator, modulator.baseline) == 0
    assert nm.level(modulator, modulator.baseline) == 0.5


@given(some, shares, lives, lives)
def test_decay_in_two_parts_is_decay_at_once(modulator: nm.Modulator, share: float, one: float, two: float) -> None:
    c = share * modulator.maximum
    parts = nm.decayed(modulator, nm.decayed(modulator, c, one * modulator.half_life), two * modulator.half_life)
    whole = nm.decayed(modulator, c, (one + two) * modulator.half_life)
    assert parts == pytest.approx(whole, rel=1e-9, abs=1e-9)


@given(some, shares, lives, lives)
def test_it_comes_ever_nearer_and_never_past_the_baseline(
    modulator: nm.Modulator, share: float, one: float, two: float
) -> None:
    c, rest = share * modulator.maximum, modulator.baseline
    sooner, later = (nm.decayed(modulator, c, each * modulator.half_life) for each in sorted((one, two)))
    assert abs(later - rest) <= abs(sooner - rest) + 1e-9
    assert (later - rest) * (c - rest) >= 0


@given(some, shares, st.floats(0.05, 0.95))
def test_the_time_until_a_concentration_is_the_inverse_of_decay(
    modulator: nm.Modulator, share: float, left: float
) -> None:
    c = share * modulator.maximum
    reaches = modulator.baseline + left * (c - modulator.baseline)
    seconds = nm.seconds_until(modulator, c, reaches)
    assert nm.decayed(modulator, c, seconds) == pytest.approx(reaches, rel=1e-9, abs=1e-9)


def test_what_is_never_reached_has_no_time() -> None:
    dopamine = nm.STANDARD["dopamine"]
    with pytest.raises(ValueError, match="by itself"):
        nm.seconds_until(dopamine, 50.0, 60.0)
    assert nm.seconds_until(dopamine, 50.0, dopamine.baseline) == math.inf


@pytest.mark.parametrize("seconds", [0.0, -1.0, -1e12])
def test_time_does_not_run_backwards(seconds: float) -> None:
    dopamine = nm.STANDARD["dopamine"]
    assert nm.decayed(dopamine, 123.0, seconds) == 123.0


def test_a_small_deviation_halves_in_the_half_life() -> None:
    for modulator in MODULATORS:
        c = modulator.baseline * 1.001
        left = nm.decayed(modulator, c, modulator.half_life) - modulator.baseline
        assert left == pytest.approx((c - modulator.baseline) / 2, rel=1e-2)


@given(some, shares, st.floats(-1e6, 1e6))
def test_a_burst_stays_between_nothing_and_the_most(modulator: nm.Modulator, share: float, drive: float) -> None:
    c = share * modulator.maximum
    after = nm.burst(modulator, c, drive)
    assert 0 <= after <= modulator.maximum
    assert (after - c) * drive >= -1e-9


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.floats(0.5, 4))
def test_hill_is_half_at_the_half_effect_and_rises(c: float, half: float, slope: float) -> None:
    assert nm.hill(half, half, slope) == pytest.approx(0.5)
    assert 0 <= nm.hill(c, half, slope) <= 1
    assert nm.hill(c, half, slope) <= nm.hill(c * 1.5 + 1e-9, half, slope)
    if slope == 1:
        assert nm.hill(c, half) == pytest.approx(c / (c + half))


def test_an_effect_is_declared_and_capped() -> None:
    gain = next(one for one in nm.STANDARD.effects if one.target == "attention")
    modulator = nm.STANDARD[gain.modulator]
    assert nm.effect(gain, nm.STANDARD, modulator.baseline) == 1
    assert nm.effect(gain, nm.STANDARD, modulator.maximum) == pytest.approx(3)
    assert nm.effect(replace(gain, cap=1.5), nm.STANDARD, modulator.maximum) == 1.5
    assert nm.effect(gain, nm.STANDARD, 0.0) == gain.floor


@given(st.lists(shares, min_size=1, max_size=8), lives)
def test_arrays_are_the_same_as_numbers(parts: list[float], many: float) -> None:
    for modulator in MODULATORS:
        c = [part * modulator.maximum for part in parts]
        seconds = many * modulator.half_life
        for release in (True, False):
            want = [nm.decayed(modulator, one, seconds, release=release) for one in c]
            assert vectors.decayed(modulator, c, seconds, release=release) == pytest.approx(want, rel=1e-10, abs=1e-10)
        assert vectors.step(modulator, c, 0.3, 0.5) == pytest.approx([nm.step(modulator, one, 0.3, 0.5) for one in c])
        assert vectors.burst(modulator, c, -0.4) == pytest.approx([nm.burst(modulator, one, -0.4) for one in c])
        assert vectors.deviation(modulator, c) == pytest.approx([nm.deviation(modulator, one) for one in c])


def test_arrays_of_any_shape_and_baselines_of_their_own() -> None:
    dopamine = nm.STANDARD["dopamine"]
    c, rest = np.array([[10.0, 60.0], [400.0, 0.0]]), np.array([[20.0, 30.0], [15.0, 25.0]])
    found = vectors.decayed(dopamine, c, 600.0, baseline=rest)
    assert found.shape == (2, 2)
    assert found[1, 0] == pytest.approx(nm.decayed(dopamine.resting_at(15.0), 400.0, 600.0))


def test_another_modulator_is_configuration() -> None:
    theta = nm.Modulator("theta", 1.0, 20.0, 4.0, 0.1, 5.0, 3.0).lasting(60.0)
    wider = nm.STANDARD.plus(theta, nm.Effect("theta", "similarity", gain=0.2, cap=1.2))
    assert list(wider)[-1] == "theta"
    assert len(wider) == len(nm.STANDARD) + 1
    assert theta.half_life == pytest.approx(60.0)
    assert nm.effect(wider.effects[-1], wider, 20.0) == pytest.approx(1.2)


@pytest.mark.parametrize(
    "change",
    [{"baseline": 0.0}, {"maximum": 10.0}, {"clearance": -1.0}, {"affinity": math.nan}, {"slope": 0.0}],
)
def test_a_modulator_that_makes_no_sense_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="dopamine"):
        replace(nm.STANDARD["dopamine"], **change)  # type: ignore[arg-type]


def test_a_profile_that_makes_no_sense_is_refused() -> None:
    dopamine = nm.STANDARD["dopamine"]
    with pytest.raises(ValueError, match="twice"):
        nm.STANDARD.plus(dopamine)
    with pytest.raises(ValueError, match="theta"):
        nm.Profile("odd", (dopamine,), (nm.Effect("theta", "x", 1.0),))
