"""A modulator from what a simulation file says of it, and what is made of the rest."""

from __future__ import annotations

from dataclasses import replace

from anima.neuromodulation.learning import phasic
from anima.neuromodulation.model import Modulator
from anima.neuromodulation.simulation.trainer import Dynamics

HALF_LIFE = 1.0
"""Seconds, of a modulator of which no more is said than its baseline and its maximum."""


def modulator_of(name: str, given: Dynamics | None, ready: Modulator | None) -> Modulator:
    """The modulator. Raises ValueError where its numbers make no sense, or a new one has no baseline and maximum."""
    numbers = given.model_dump(exclude_none=True) if given else {}
    if ready is None:
        if "baseline" not in numbers or "maximum" not in numbers:
            raise ValueError(f"{name}: a new modulator needs baseline_concentration_nM and max_concentration_nM")
        ready = phasic(name, numbers["baseline"], HALF_LIFE, times=numbers["maximum"] / numbers["baseline"])
    return replace(ready, **numbers)
