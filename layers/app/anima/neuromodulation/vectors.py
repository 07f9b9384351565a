"""The same dynamics for many at a time, as numpy arrays of any shape: twins of `dynamics` and `effects`.

Arrays hold concentrations (nM) of one modulator; a result has the shape that its arguments broadcast to.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anima.neuromodulation.dynamics import MILLISECOND
from anima.neuromodulation.model import Modulator

Array = NDArray[np.float64]
_TINY = -37.0


def step(modulator: Modulator, c: Any, drive: Any = 0.0, seconds: float = MILLISECOND) -> Array:
    """The concentrations one step later, by the classical Runge-Kutta method."""
    now, driven = np.asarray(c, dtype=np.float64), np.asarray(drive, dtype=np.float64)
    half = seconds / 2.0
    one = _rate(modulator, now, driven)
    two = _rate(modulator, np.maximum(0.0, now + half * one), driven)
    three = _rate(modulator, np.maximum(0.0, now + half * two), driven)
    four = _rate(modulator, np.maximum(0.0, now + seconds * three), driven)
    return np.clip(now + seconds / 6.0 * (one + 2.0 * two + 2.0 * three + four), 0.0, modulator.maximum)


def burst(modulator: Modulator, c: Any, drive: Any) -> Array:
    """The concentrations after bursts (drives above 0) or pauses (below)."""
    driven = np.clip(np.asarray(drive, dtype=np.float64), -50.0, None)
    left = np.asarray(c, dtype=np.float64) * np.exp(np.minimum(0.0, driven))
    return np.clip(left + modulator.release * np.maximum(0.0, driven), 0.0, modulator.maximum)


def decayed(modulator: Modulator, c: Any, seconds: Any, *, release: bool = True, baseline: Any = None) -> Array:
    """The concentrations after so many seconds without drive, exactly; `baseline`: one for each, where they differ."""
    rest = np.asarray((modulator.baseline if baseline is None else baseline) if release else 0.0, dtype=np.float64)
    now = np.clip(np.asarray(c, dtype=np.float64), 0.0, modulator.maximum)
    whole = modulator.affinity + rest
    away = (now - rest) / whole
    speed = modulator.clearance * modulator.affinity / (whole * whole)
    with np.errstate(divide="ignore"):
        log = np.log(np.abs(away)) + away - speed * np.maximum(0.0, np.asarray(seconds, dtype=np.float64))
    return np.clip(rest + whole * _w(log, away < 0.0), 0.0, modulator.maximum)


def hill(c: Any, half_effect: float, slope: float = 1.0) -> Array:
    """The shares of receptors that respond."""
    raised = np.maximum(0.0, np.asarray(c, dtype=np.float64)) ** slope
    return np.asarray(raised / (raised + half_effect**slope), dtype=np.float64)


def deviation(modulator: Modulator, c: Any) -> Array:
    """How far receptors are from what they do at the baseline, -1 to 1."""
    now = hill(c, modulator.half_effect, modulator.slope)
    rest, most = (float(hill(each, modulator.half_effect, modulator.slope)) for each in _ends(modulator))
    return np.where(now >= rest, (now - rest) / (most - rest), (now - rest) / rest)


def _ends(modulator: Modulator) -> tuple[float, float]:
    return modulator.baseline, modulator.maximum


def _rate(modulator: Modulator, c: Array, drive: Array) -> Array:
    cleared = modulator.clearance * c / (modulator.affinity + c)
    return np.asarray(modulator.tonic + modulator.release * drive - cleared)


def _w(log: Array, negative: NDArray[np.bool_]) -> Array:
    """W(±e^log), as `dynamics` has it."""
    log = np.asarray(log, dtype=np.float64)
    sign = np.where(negative, -1.0, 1.0)
    small = np.asarray(sign * np.exp(np.maximum(log, -745.0)) * (log > -745.0))
    near = np.maximum(log, _TINY)
    w = _guess(near, sign)
    for _ in range(4):
        left = near - np.log(np.abs(w)) - w
        q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 * left / 3.0)
        w = w * (1.0 + left / (1.0 + w) * (q - left) / (q - 2.0 * left))
    return np.where(log < _TINY, small, w)


def _guess(log: Array, sign: Array) -> Array:
    large = (log > 2.0) & (sign > 0.0)
    z = sign * np.exp(np.where(large, 0.0, log))
    p = np.sqrt(np.maximum(0.0, 2.0 * (math.e * z + 1.0)))
    branch = -1.0 + p - p * p / 3.0 + 11.0 / 72.0 * p**3
    near = np.log1p(np.maximum(z, -0.25))
    middle = near * (1.0 - np.log1p(near) / (2.0 + near))
    log_large = np.where(large, log, 3.0)
    return np.where(large, log_large - np.log(log_large), np.where(z < -0.25, branch, middle))
