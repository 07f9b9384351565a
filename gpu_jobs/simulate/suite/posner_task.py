"""Task 2 as the suite runs it: does acetylcholine track cue invalidity, and norepinephrine a change of context?"""

from __future__ import annotations

from typing import Any

import numpy as np

from anima.neuromodulation.mind import Mind, Signals

from .ledger import Record
from .measures import alarms
from .minds import MODULATORS, physics_of_trials
from .posner import Advice, Array, Drawn, PosnerWorld, Watched, correlation, lately, watch_by_values, watch_exactly
from .task import OURS, Method, Metric, Scale, Task
from .tuning import Settings

AROUND = (-20, 60)
"""Trials before and after a change that the plot shows."""
WINDOW = 60
"""Trials within which an alarm belongs to a change."""


class MindAdvisor:
    """A mind for each world: its rate, its two concentrations as effects of receptors, its resets."""

    def __init__(self, mind: Mind) -> None:
        self.mind = mind
        self._places = [mind.names.index(name) for name in ("acetylcholine", "norepinephrine")]

    def __call__(self, errors: Array, rewards: Array) -> Advice:
        hyper = self.mind.observe(Signals(errors, rewards, np.zeros(len(errors), dtype=bool)))
        calm, alarm = (np.asarray(self.mind.concentrations[:, place]) for place in self._places)
        return Advice(np.asarray(hyper.learning_rate), calm, alarm, np.asarray(hyper.reset, dtype=bool))


class FixedAdvisor:
    """A rate that never changes, and no alarm."""

    def __init__(self, rate: float, worlds: int) -> None:
        nothing = np.zeros(worlds)
        self._advice = Advice(np.full(worlds, rate), nothing, nothing, np.zeros(worlds, dtype=bool))

    def __call__(self, _errors: Array, _rewards: Array) -> Advice:
        return self._advice


def run(method: str, settings: Settings, seed: int, scale: Scale) -> Record:
    """One seed: means over `scale.worlds` worlds that every method sees alike."""
    world = PosnerWorld(trials=scale.trials)
    drawn = world.drawn(np.random.default_rng([seed, 3]), scale.worlds)
    watched = _watched(method, settings, world, drawn, scale.worlds)
    return {"metrics": _metrics(drawn, watched), "curve": _around_changes(drawn, watched).tolist()}


def _watched(method: str, settings: Settings, world: PosnerWorld, drawn: Drawn, worlds: int) -> Watched:
    if method == "exact":
        return watch_exactly(world, drawn)
    if method == "fixed":
        return watch_by_values(world, drawn, FixedAdvisor(settings["rate"], worlds), settings["rate"])
    mind = Mind(physics_of_trials(settings, method.partition("-")[2] or None), worlds)
    return watch_by_values(world, drawn, MindAdvisor(mind), settings["rate"])


def _metrics(drawn: Drawn, watched: Watched) -> dict[str, float]:
    invalid, recent = 1.0 - drawn.validity, lately(drawn.changed)
    told = [_alarms(drawn.changed[row], watched.alarmed[row]) for row in range(len(invalid))]
    delays, false = np.asarray(told).T
    return {
        "right": float(watched.right.mean()),
        "ach": float(np.mean([correlation(*pair) for pair in zip(watched.invalidity, invalid, strict=True)])),
        "ne": float(np.mean([correlation(*pair) for pair in zip(watched.surprise, recent, strict=True)])),
        "delay": float(delays.mean()),
        "false": float(false.mean()),
    }


def _alarms(changed: Any, alarmed: Any) -> tuple[float, float]:
    changes, raised = np.flatnonzero(changed).tolist(), np.flatnonzero(alarmed).tolist()
    found = alarms(raised, changes, len(changed), WINDOW)
    return found.delay, float(found.false)


def _around_changes(drawn: Drawn, watched: Watched) -> Array:
    """The mean course of surprise around a change, in standard deviations of the whole course."""
    before, after = AROUND
    spread = watched.surprise.std()
    course = (watched.surprise - watched.surprise.mean()) / (spread if spread > 1e-12 else 1.0)
    whole = course.shape[1]
    cuts = [
        course[row, trial + before : trial + after]
        for row, trial in zip(*np.nonzero(drawn.changed), strict=True)
        if trial + before >= 0 and trial + after <= whole
    ]
    return np.mean(cuts, axis=0) if cuts else np.zeros(after - before)


_GRID: dict[str, Any] = {
    "binding": ("nassar", "table"),
    "rate": (0.07, 0.1, 0.05),
    "step_ms": (200, 100),
    "fast": (12, 8, 3),
    "slow": (60,),
    "surprise": (1.05, 1.2),
    "offset": (1.0, 2.0),
    "refractory": (40,),
}

TASK = Task(
    name="posner",
    title="Generalised Posner task (Yu & Dayan 2005)",
    about=(
        "Five cues, of which one tells the target with a validity of 0.6 to 0.99; at a hazard of 0.005 a trial "
        "another cue counts, with another validity. The exact filter knows the rules; the learners hold a value a cue. "
        "Correlations are with the true invalidity (acetylcholine) and with how lately the context really changed "
        "(norepinephrine); for the exact filter, of its posterior means."
    ),
    methods={
        OURS: Method("neuromodulated delta rule", _GRID),
        "fixed": Method("delta rule, tuned", {"rate": (0.05, 0.02, 0.03, 0.04, 0.07, 0.1, 0.15, 0.2)}),
        "exact": Method("exact HMM filter"),
        **{f"{OURS}-{one}": Method(f"… without {one}", like=OURS) for one in MODULATORS},
    },
    metrics={
        "right": Metric("targets expected", "share"),
        "ach": Metric("ACh with invalidity", "correlation"),
        "ne": Metric("NE with changes", "correlation"),
        "delay": Metric("detection delay", "trials, censored", more_is_better=False),
        "false": Metric("false alarms", "a world", more_is_better=False),
    },
    run=run,
    compared=("fixed", "exact", *(f"{OURS}-{one}" for one in MODULATORS)),
    axis=("trials after a change of context", "surprise (standard deviations)"),
    sizes=("trials", "worlds"),
    frame=lambda _scale: (AROUND, (0.0,)),
)
