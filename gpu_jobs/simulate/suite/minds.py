"""The physics of tasks 1 and 2: the trainer's modulators with windows of trials, and with one binding switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anima.neuromodulation import learning
from anima.neuromodulation.drives import Windows
from anima.neuromodulation.learning import Base, Binding, Influence, Physics, Reset

MODULATORS = ("dopamine", "serotonin", "norepinephrine", "acetylcholine", "gaba")

NASSAR = (
    Influence("norepinephrine", "learning_rate", 2.0, cap=3.0, floor=0.5),
    Influence("norepinephrine", "temperature", 1.0, cap=3.0, floor=0.5),
    Influence("acetylcholine", "learning_rate", -0.5, cap=1.5, floor=0.5),
    Influence("serotonin", "temperature", -0.5, floor=0.5, cap=1.5),
)
"""After Nassar et al. (J. Neurosci. 30, 2010): a surprise raises the rate of learning, expected noise lowers it."""


def physics_of_trials(settings: Mapping[str, Any], without: str | None = None) -> Physics:
    """The standard physics for trials of a bandit or a cue: one trial lasts `step_ms` of the model.

    Settings: rate, temperature, step_ms, fast, slow (trials), surprise, and optionally binding (table, doya, nassar),
    offset and refractory (trials).
    """
    base = Base(learning_rate=settings["rate"], temperature=settings.get("temperature", 1.0))
    bound = settings.get("binding", "table")
    plain = learning.physics("standard", "table" if bound == "nassar" else bound, base, resets=True)
    binding = replace(
        plain.binding,
        influences=NASSAR if bound == "nassar" else plain.binding.influences,
        windows=Windows(settings["fast"], settings["slow"], 10.0 * settings["slow"], settings["surprise"]),
        reset=Reset(offset=settings.get("offset", 0.5), refractory_steps=settings.get("refractory", 20)),
        learning_rate_cap=1.0,
    )
    step = float(settings["step_ms"])
    return replace(plain, binding=ablated(binding, without), step_ms=step, time_step_ms=step)


def physics_of_steps(settings: Mapping[str, Any], base: Base, without: str | None = None) -> Physics:
    """The standard physics for an agent in a changing world, with resets.

    Settings: fast, slow (steps), surprise, offset, refractory (steps), restart (the share of epsilon), binding (table,
    doya, or reset: norepinephrine and acetylcholine decide on the reset, and nothing else is driven). Nothing drives
    the number of updates: all methods of a comparison take equally many.
    """
    bound = settings.get("binding", "table")
    plain = learning.physics("standard", "table" if bound == "reset" else bound, base, resets=True)
    influences = () if bound == "reset" else plain.binding.influences
    binding = replace(
        plain.binding,
        influences=tuple(one for one in influences if one.target != "replay_factor"),
        windows=Windows(settings["fast"], settings["slow"], 10_000.0, settings["surprise"]),
        reset=Reset(offset=settings["offset"], refractory_steps=settings["refractory"], epsilon=settings["restart"]),
    )
    return replace(plain, binding=ablated(binding, without))


def ablated(binding: Binding, without: str | None) -> Binding:
    """The binding where nothing drives that modulator, and it drives nothing: it stays at its baseline."""
    if without is None:
        return binding
    return replace(
        binding,
        influences=tuple(one for one in binding.influences if one.modulator != without),
        drives=tuple(one for one in binding.drives if one.modulator != without),
        reset=None if without == "norepinephrine" else binding.reset,
    )
