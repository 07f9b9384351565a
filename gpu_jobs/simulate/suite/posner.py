"""Task 2, the generalised Posner task of Yu & Dayan (2005): which of five cues tells the target, and how surely?

Each trial shows as many bits as there are cues, drawn at random. The target is the bit of the cue that counts, with
probability `validity`; else the other one. At a constant hazard the context changes: another cue counts, with a
validity drawn anew from a grid. Cue invalidity is expected uncertainty (acetylcholine), a change of context unexpected
uncertainty (norepinephrine). The exact filter knows the rules and holds the joint posterior over cue and validity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.int64]

VALIDITIES = (0.6, 0.7, 0.8, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Worlds that were drawn. Arrays are (worlds, trials); `seen` is (worlds, trials, cues)."""

    seen: Bits
    targets: Bits
    cue: Bits
    validity: Array
    changed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PosnerWorld:
    """The rules of the task. Raises ValueError where they make no sense."""

    cues: int = 5
    hazard: float = 0.005
    trials: int = 2_000
    validities: tuple[float, ...] = VALIDITIES

    def __post_init__(self) -> None:
        object.__setattr__(self, "validities", tuple(self.validities))
        if self.cues < 2 or self.trials < 1 or not 0.0 <= self.hazard < 1.0:
            raise ValueError("two cues or more, one trial or more, 0 <= hazard < 1")
        if not self.validities or not all(0.5 <= one < 1.0 for one in self.validities):
            raise ValueError("validities from 0.5 to below 1")

    def drawn(self, random: np.random.Generator, worlds: int) -> Drawn:
        """So many worlds."""
        shape = (worlds, self.trials)
        changed = random.random(shape) < self.hazard
        changed[:, 0] = False
        by = np.where(changed, random.integers(1, self.cues, shape), 0)
        by[:, 0] = random.integers(0, self.cues, worlds)
        cue = np.cumsum(by, axis=1) % self.cues
        began = np.maximum.accumulate(np.where(changed, np.arange(self.trials), 0), axis=1)
        validity = np.take_along_axis(random.choice(np.asarray(self.validities), shape), began, axis=1)
        seen = random.integers(0, 2, (*shape, self.cues))
        told = np.take_along_axis(seen, cue[:, :, None], axis=2)[:, :, 0]
        targets = np.where(random.random(shape) < validity, told, 1 - told)
        return Drawn(seen, targets, cue, validity, changed)


@dataclass(frozen=True, slots=True)
class Watched:
    """What an observer said of each trial, all (worlds, trials): the target it expected, how invalid it held the cue to
    be after it, how surely the context had changed lately, and whether it counted the context as changed."""

    right: NDArray[np.bool_]
    invalidity: Array
    surprise: Array
    alarmed: NDArray[np.bool_]


class ExactFilter:
    """The exact posterior over (cue, validity), (worlds, cues, validities)."""

    def __init__(self, world: PosnerWorld, worlds: int) -> None:
        self.world = world
        self.validities = np.asarray(world.validities)
        states = world.cues * len(world.validities)
        self.belief = np.full((worlds, world.cues, len(world.validities)), 1.0 / states)
        self._begun = False

    def expected(self, seen: Bits) -> Array:
        """The chance that the target is 1, from the bits (worlds, cues) of this trial, before it is seen."""
        before = self._stayed() + self._came()
        surely, whole = before @ self.validities, before.sum(axis=2)
        return np.asarray(np.where(seen == 1, surely, whole - surely).sum(axis=1))

    def learn(self, seen: Bits, targets: Bits) -> Array:
        """Takes the target; returns the chance that the context changed just before this trial."""
        told = (seen == targets[:, None])[:, :, None]
        likelihood = np.where(told, self.validities, 1.0 - self.validities)
        came = self._came() * likelihood
        joint = self._stayed() * likelihood + came
        whole = joint.sum(axis=(1, 2))
        self.belief, self._begun = joint / whole[:, None, None], True
        return np.asarray(came.sum(axis=(1, 2)) / whole)

    def _stayed(self) -> Array:
        return np.asarray((1.0 - self._hazard) * self.belief)

    def _came(self) -> Array:
        """A change leads to one of the other cues, with any validity."""
        others = (1.0 - self.belief.sum(axis=2)) / (self.world.cues - 1)
        return np.asarray(self._hazard * others[:, :, None] / len(self.validities) * np.ones(len(self.validities)))

    @property
    def _hazard(self) -> float:
        """No change comes before the first trial."""
        return self.world.hazard if self._begun else 0.0


def watch_exactly(world: PosnerWorld, drawn: Drawn) -> Watched:
    """What the exact filter says; its alarm is a change of the cue that it holds to count."""
    worlds, trials = drawn.targets.shape
    exact, held = ExactFilter(world, worlds), np.full(worlds, -1)
    right, alarmed = np.zeros((worlds, trials), bool), np.zeros((worlds, trials), bool)
    invalidity, surprise, lately = np.zeros((worlds, trials)), np.zeros((worlds, trials)), np.zeros(worlds)
    for trial in range(trials):
        seen, targets = drawn.seen[:, trial], drawn.targets[:, trial]
        right[:, trial] = (exact.expected(seen) > 0.5) == targets
        lately = 0.8 * lately + exact.learn(seen, targets)
        cue = np.argmax(exact.belief.sum(axis=2), axis=1)
        invalidity[:, trial] = 1.0 - (exact.belief @ exact.validities).sum(axis=1)
        surprise[:, trial], alarmed[:, trial] = lately, (cue != held) & (held >= 0)
        held = cue
    return Watched(right, invalidity, surprise, alarmed)


@dataclass(frozen=True, slots=True)
class Advice:
    """What governs a learner after a trial, each (worlds,): its rate, two concentrations, whether all starts anew."""

    rate: Array
    acetylcholine: Array
    norepinephrine: Array
    reset: NDArray[np.bool_]


Advisor = Callable[[Array, Array], Advice]
"""Asked after each trial with the errors and the rewards (1 for being right)."""


def watch_by_values(world: PosnerWorld, drawn: Drawn, advisor: Advisor, first_rate: float) -> Watched:
    """A learner that knows no rules: one value for each cue, how often it told the target, by a delta rule.

    It follows the cue of the highest value (the first of equals). A reset forgets the values.
    """
    worlds, trials = drawn.targets.shape
    values, rate = np.full((worlds, world.cues), 0.5), np.full(worlds, first_rate)
    right, alarmed = np.zeros((worlds, trials), bool), np.zeros((worlds, trials), bool)
    invalidity, surprise = np.zeros((worlds, trials)), np.zeros((worlds, trials))
    rows = np.arange(worlds)
    for trial in range(trials):
        seen, targets = drawn.seen[:, trial], drawn.targets[:, trial]
        followed = np.argmax(values, axis=1)
        correct = seen[rows, followed] == targets
        right[:, trial] = correct
        advice = advisor(correct - values[rows, followed], correct.astype(np.float64))
        rate = np.clip(advice.rate, 0.0, 1.0)
        values += rate[:, None] * ((seen == targets[:, None]) - values)
        values[advice.reset] = 0.5
        invalidity[:, trial], surprise[:, trial] = advice.acetylcholine, advice.norepinephrine
        alarmed[:, trial] = advice.reset
    return Watched(right, invalidity, surprise, alarmed)


def correlation(one: Array, other: Array) -> float:
    """Pearson's of two courses; 0 where one of them does not vary."""
    if np.ptp(one) < 1e-12 or np.ptp(other) < 1e-12:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def lately(changed: NDArray[np.bool_], keep: float = 0.8) -> Array:
    """How lately the context really changed, as the exact filter's surprise fades: (worlds, trials)."""
    course, now = np.zeros(changed.shape), np.zeros(changed.shape[0])
    for trial in range(changed.shape[1]):
        now = keep * now + changed[:, trial]
        course[:, trial] = now
    return course
