"""The numbers of a physics laid out for computing: once by modulator for one agent, once as columns for many. Pure.

Both ways of computing (`lone`, `crowd`) do the same operations in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anima.neuromodulation.drives import Array
from anima.neuromodulation.effects import hill
from anima.neuromodulation.learning import TARGETS, Influence, Physics
from anima.neuromodulation.model import Modulator


@dataclass(frozen=True, slots=True)
class Kinetics:
    """One modulator as it is integrated; `weights` are of signals, by their place."""

    tonic: float
    release: float
    clearance: float
    affinity: float
    maximum: float
    weights: tuple[tuple[int, float], ...]
    threshold: float
    most: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One influence as it is computed; `place` is that of its modulator, `target` that of its target."""

    place: int
    target: int
    gain: float
    power: bool
    reference: float
    half_effect: float
    slope: float
    rest: float
    above: float
    cap: float
    floor: float

    def deviation_of(self, responding: float) -> float:
        """How far receptors are from what they do at the reference."""
        away = responding - self.rest
        return away / self.above if away >= 0.0 else away / self.rest


@dataclass(frozen=True, slots=True)
class Plan:
    """A physics laid out."""

    physics: Physics
    names: tuple[str, ...]
    targets: tuple[str, ...]
    kinetics: tuple[Kinetics, ...]
    readings: tuple[Reading, ...]
    norepinephrine: Reading | None
    acetylcholine: Reading | None
    shaping: Reading | None
    substeps: int
    seconds: float
    """Of one sub-step."""


def plan(physics: Physics) -> Plan:
    """Lays a physics out."""
    profile, binding = physics.profile, physics.binding
    names = tuple(profile)
    further = sorted({each.target for each in binding.influences} - set(TARGETS))
    targets = (*TARGETS, *further)
    shaped = [each for each in binding.influences if each.target == "shaping"]

    def watched(name: str) -> Reading | None:
        if name not in profile or binding.reset is None:
            return None
        own = profile[name].baseline  # surprise is told from this profile's own rest, whatever the reference
        return _reading(physics, Influence(name, "learning_rate", 1.0), names, targets, own)

    return Plan(
        physics,
        names,
        targets,
        tuple(_kinetics(physics, each) for each in profile.modulators),
        tuple(_reading(physics, each, names, targets) for each in binding.influences if each.target != "shaping"),
        watched("norepinephrine"),
        watched("acetylcholine"),
        _reading(physics, shaped[0], names, targets) if shaped and binding.shaping else None,
        physics.substeps,
        physics.step_ms / 1000.0 / physics.substeps,
    )


def columns(kinetics: tuple[Kinetics, ...]) -> tuple[Array, Array, Array, Array, Array]:
    """Tonic and phasic release, clearance, affinity and maximum, each of shape (modulators, 1)."""
    rows = [(each.tonic, each.release, each.clearance, each.affinity, each.maximum) for each in kinetics]
    tonic, release, clearance, affinity, maximum = np.array(rows, dtype=np.float64).T[:, :, None].copy()
    return tonic, release, clearance, affinity, maximum


def _kinetics(physics: Physics, modulator: Modulator) -> Kinetics:
    drive = next((each for each in physics.binding.drives if each.modulator == modulator.name), None)
    return Kinetics(
        modulator.tonic,
        modulator.release,
        modulator.clearance,
        modulator.affinity,
        modulator.maximum,
        drive.indices if drive else (),
        drive.threshold if drive else 0.0,
        drive.most if drive else 1.0,
    )


def _reading(
    physics: Physics,
    influence: Influence,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    reference: float | None = None,
) -> Reading:
    place = names.index(influence.modulator)
    modulator = physics.profile.modulators[place]
    at_rest = physics.references[place] if reference is None else reference
    rest, most = (hill(each, modulator.half_effect, modulator.slope) for each in (at_rest, modulator.maximum))
    return Reading(
        place,
        targets.index(influence.target),
        influence.gain,
        influence.form == "power",
        at_rest,
        modulator.half_effect,
        modulator.slope,
        rest,
        max(most - rest, 1e-12),  # a maximum below the reference: its receptors cannot rise above their rest
        influence.cap,
        influence.floor,
    )
