"""Neuromodulation: concentrations of modulators, how they are cleared, and what they do. Pure; no database, no network.

>>> from anima import neuromodulation as nm
>>> dopamine = nm.STANDARD["dopamine"]
>>> praised = nm.burst(dopamine, dopamine.baseline, 1.0)
>>> round(nm.decayed(dopamine, praised, 3600.0), 3)
33.528

The numpy twins, for many at a time, are in `anima.neuromodulation.vectors`.
"""

from anima.neuromodulation.dynamics import burst, decayed, driven, lambert_w, rate, seconds_until, step
from anima.neuromodulation.effects import deviation, effect, hill, level
from anima.neuromodulation.model import Effect, Modulator, Profile
from anima.neuromodulation.profiles import STANDARD

__all__ = [
    "STANDARD",
    "Effect",
    "Modulator",
    "Profile",
    "burst",
    "decayed",
    "deviation",
    "driven",
    "effect",
    "hill",
    "lambert_w",
    "level",
    "rate",
    "seconds_until",
    "step",
]
