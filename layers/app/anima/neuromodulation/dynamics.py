"""How concentrations change with time: release against saturable clearance, step by step and exactly. Pure.

    dC/dt = R0 + k·drive - Vmax·C/(Km + C),  R0 = Vmax·C0/(Km + C0),  0 ≤ C ≤ Cmax

Clearance is Michaelis-Menten uptake (for dopamine: Wightman & Zimmerman, Brain Res. Rev. 15, 1990). Without a change of
drive it has a closed form by Lambert's W (Schnell & Mendoza, J. Theor. Biol. 187, 1997), which also holds for the way
back to the baseline: with x = C - C0 and K = Km + C0,

    dx/dt = -(Vmax·Km/K)·x/(K + x),  so  x(t) = K·W((x0/K)·e^(x0/K - Vmax·Km·t/K²))
"""

from __future__ import annotations

import math

from anima.neuromodulation.model import Modulator

MILLISECOND = 0.001
"""The step of the model, in seconds."""
_TINY = -37.0
"""Below this W(z) is z to the last digit, for e^-37 is less than the precision of a double."""
_ROUNDS = 4
_MOST_BURST = 50.0


def rate(modulator: Modulator, c: float, drive: float = 0.0) -> float:
    """dC/dt (nM/s) at a concentration (nM) under a drive."""
    cleared = modulator.clearance * c / (modulator.affinity + c)
    return modulator.tonic + modulator.release * drive - cleared


def step(modulator: Modulator, c: float, drive: float = 0.0, seconds: float = MILLISECOND) -> float:
    """The concentration one step later, by the classical Runge-Kutta method; it stays within 0 and the maximum."""
    half = seconds / 2.0
    one = rate(modulator, c, drive)
    two = rate(modulator, max(0.0, c + half * one), drive)
    three = rate(modulator, max(0.0, c + half * two), drive)
    four = rate(modulator, max(0.0, c + seconds * three), drive)
    return _within(modulator, c + seconds / 6.0 * (one + 2.0 * two + 2.0 * three + four))


def burst(modulator: Modulator, c: float, drive: float) -> float:
    """The concentration after a burst (drive above 0: a second's release of it) or a pause (below 0).

    In a pause of drive -d what is there falls to e^-d of itself, so that it cannot fall below nothing.
    """
    if math.isnan(drive):
        raise ValueError("a drive is a number")
    drive = max(-_MOST_BURST, drive)
    return _within(modulator, c * math.exp(min(0.0, drive)) + modulator.release * max(0.0, drive))


def decayed(modulator: Modulator, c: float, seconds: float, *, release: bool = True) -> float:
    """The concentration after so many seconds without drive, exactly: back to the baseline, or to 0 without release.

    Time does not run backwards: less than no seconds are none.
    """
    rest = modulator.baseline if release else 0.0
    return _within(modulator, _towards(modulator, _within(modulator, c), rest, seconds))


def driven(modulator: Modulator, c: float, drive: float, seconds: float) -> float:
    """The concentration after so many seconds of one drive, exactly, but for the ends of its range.

    Raises ValueError where release is more than can be cleared: then there is no rest to come to.
    """
    release = modulator.tonic + modulator.release * drive
    if release >= modulator.clearance:
        raise ValueError(f"{modulator.name}: a drive of {drive:g} releases more than can be cleared")
    rest = max(0.0, release) * modulator.affinity / (modulator.clearance - max(0.0, release))
    return _within(modulator, _towards(modulator, _within(modulator, c), rest, seconds))


def seconds_until(modulator: Modulator, c: float, reaches: float) -> float:
    """Seconds without drive until a concentration reaches another between it and the baseline (`inf` at the baseline).

    Raises ValueError where it never does.
    """
    if c == reaches:
        return 0.0
    before, after = c - modulator.baseline, reaches - modulator.baseline
    if before * after < 0 or abs(after) > abs(before):
        raise ValueError(f"{modulator.name} does not come from {c:g} to {reaches:g} by itself")
    if after == 0.0:
        return math.inf
    whole = modulator.affinity + modulator.baseline
    fallen = math.log(before / after) + (before - after) / whole
    return fallen * whole * whole / (modulator.clearance * modulator.affinity)


def lambert_w(z: float) -> float:
    """W(z), principal branch: w·e^w = z. Raises ValueError below -1/e."""
    if z == 0.0:
        return 0.0
    if not z >= -1.0 / math.e:
        raise ValueError("W has no real value below -1/e")
    return _w(math.log(abs(z)), z < 0.0)


def _towards(modulator: Modulator, c: float, rest: float, seconds: float) -> float:
    """On the way to a rest that release holds."""
    whole = modulator.affinity + rest
    away = (c - rest) / whole
    if away == 0.0 or seconds <= 0.0:
        return c
    speed = modulator.clearance * modulator.affinity / (whole * whole)
    return rest + whole * _w(math.log(abs(away)) + away - speed * seconds, away < 0.0)


def _w(log: float, negative: bool) -> float:
    """W(±e^log): by its logarithm, so that nothing overflows.

    Iterated after Fritsch, Shafer & Crowley (Commun. ACM 16, 1973), whose error falls with the fourth power.
    """
    sign = -1.0 if negative else 1.0
    if log < _TINY:
        return sign * math.exp(max(log, -745.0))
    w = _guess(log, sign)
    for _ in range(_ROUNDS):
        left = log - math.log(abs(w)) - w
        q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 * left / 3.0)
        if 1.0 + w <= 1e-12 or abs(left) < 1e-16:
            break
        w *= 1.0 + left / (1.0 + w) * (q - left) / (q - 2.0 * left)
    return w


def _guess(log: float, sign: float) -> float:
    """W to a few per cent: Winitzki (2003); by the series at its branch point; by its logarithm where z is large."""
    if log > 2.0 and sign > 0.0:
        return log - math.log(log)
    z = sign * math.exp(log)
    if z < -0.25:
        p = math.sqrt(max(0.0, 2.0 * (math.e * z + 1.0)))
        return -1.0 + p - p * p / 3.0 + 11.0 / 72.0 * p**3
    near = math.log1p(z)
    return near * (1.0 - math.log1p(near) / (2.0 + near))


def _within(modulator: Modulator, c: float) -> float:
    return min(modulator.maximum, max(0.0, c))
