"""Profiles: which modulators there are, with their numbers.

Concentrations, affinities and half effects are of the order that is measured in the brain; they are chosen, not fitted.
Times are not: the brain clears these in seconds, and an avatar's feelings are to last for minutes (norepinephrine),
hours (oxytocin) or most of a day (serotonin), so that its clearance is slower by that much.
Who does what follows Doya, Neural Netw. 15 (2002): dopamine the error of prediction, serotonin the long run,
norepinephrine randomness and gain, acetylcholine the speed of memory.
"""

from __future__ import annotations

from anima.neuromodulation.model import Effect, Modulator, Profile

_MINUTE, _HOUR = 60.0, 3600.0


def _lasting(name: str, baseline: float, maximum: float, affinity: float, half_life: float) -> Modulator:
    """One whose receptors respond by half at five times the baseline, and which drive 1 brings to that."""
    made = Modulator(name, baseline, maximum, 4.0 * baseline, 1.0, affinity, 5.0 * baseline)
    return made.lasting(half_life)


STANDARD = Profile(
    "standard",
    (
        _lasting("dopamine", 20.0, 500.0, 200.0, 20 * _MINUTE),
        _lasting("serotonin", 10.0, 250.0, 300.0, 8 * _HOUR),
        _lasting("norepinephrine", 10.0, 250.0, 300.0, 12 * _MINUTE),
        _lasting("acetylcholine", 20.0, 500.0, 50_000.0, 45 * _MINUTE),
        _lasting("gaba", 200.0, 5000.0, 10_000.0, 30 * _MINUTE),
        _lasting("oxytocin", 2.0, 50.0, 50.0, 3 * _HOUR),
    ),
    (
        Effect("norepinephrine", "attention", gain=2.0, cap=3.0, floor=0.25),
        Effect("acetylcholine", "replay", gain=1.0, cap=2.0),
        Effect("dopamine", "temperature", gain=0.3, cap=1.3, floor=0.7),
    ),
)
"""The profile of the living avatar, and the one that learns."""
