"""The minds of many agents as arrays, a column for each: the same operations as in `lone`, in the same order. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anima.neuromodulation.drives import Array, checked_many, rate, shaping, signals_many
from anima.neuromodulation.learning import Reset
from anima.neuromodulation.lone import MOST_FACTOR
from anima.neuromodulation.plan import Kinetics, Plan, Reading, columns

Flags = NDArray[np.bool_]

PACKED = (
    "learning_rate",
    "learning_rate_raw",
    "discount",
    "discount_raw",
    "attention_gain",
    "temperature",
    "epsilon",
    "replay_factor",
    "shaping",
    "reset",
)
"""The rows of `Hyper.packed`."""


@dataclass(slots=True)
class Hyper:
    """The hyper-parameters after a step: arrays of shape (agents,).

    `learning_rate_raw` and `discount_raw` are what they were before their caps; `discount_clipped` says that the cap
    was met; `shaping` is what to add to the reward of this step; `reset` that a changed world is suspected; `targets`
    holds the factors of any further named target.
    """

    learning_rate: Array
    learning_rate_raw: Array
    discount: Array
    discount_raw: Array
    discount_clipped: Flags
    attention_gain: Array
    temperature: Array
    epsilon: Array
    replay_factor: Array
    shaping: Array
    reset: Flags
    targets: dict[str, Array]
    packed: Array | None = None
    """The same once more in one array of shape (len(PACKED), agents), for who writes all of it down."""


def unpacked(packed: Array, clipped: Flags, reset: Flags, further: dict[str, Array]) -> Hyper:
    """The hyper-parameters whose numbers are the rows of one array."""
    rate, rate_raw, discount, discount_raw, gain, temperature, epsilon, replay, shaped, _ = packed
    return Hyper(
        rate,
        rate_raw,
        discount,
        discount_raw,
        clipped,
        gain,
        temperature,
        epsilon,
        replay,
        shaped,
        reset,
        further,
        packed,
    )


@dataclass(slots=True)
class Crowd:
    """The state of many; `concentrations` of shape (modulators, agents), `means` of (3, agents)."""

    plan: Plan
    concentrations: Array
    means: Array
    steps: int
    epsilon_from: Array
    epsilon_at: NDArray[np.int64]
    armed: Flags
    reset_at: NDArray[np.int64]
    potential: Array
    columns: tuple[Array, Array, Array, Array, Array] | None = None

    def observe(self, error: object, reward: object, ended: object) -> Hyper:
        """One step of every environment."""
        agents = self.concentrations.shape[1]
        errors, rewards = checked_many("error", error, agents), checked_many("reward", reward, agents)
        ends = np.broadcast_to(np.asarray(ended, dtype=bool), (agents,))
        self.steps += 1
        windows, size = self.plan.physics.binding.windows, np.abs(errors)
        spans = ((size, windows.fast_steps), (size, windows.slow_steps), (rewards, windows.reward_steps))
        for row, (value, span) in enumerate(spans):
            self.means[row] += (value - self.means[row]) * rate(self.steps, span)
        signals = signals_many(errors, rewards, ends, self.means, windows.surprise)
        driven = np.stack([_drive(each, signals) for each in self.plan.kinetics])
        self.columns = self.columns or columns(self.plan.kinetics)
        self.concentrations = _integrated(self.plan, self.columns, self.concentrations, driven)
        reset = self._surprised()
        return self._hyper(ends, reset)

    def read(self) -> Hyper:
        """The hyper-parameters as they are now, without a step."""
        none = np.zeros(self.concentrations.shape[1], dtype=bool)
        return self._hyper(none, none, peek=True)

    def _hyper(self, ended: Flags, reset: Flags, *, peek: bool = False) -> Hyper:
        plan = self.plan
        base, binding = plan.physics.base, plan.physics.binding
        agents = self.concentrations.shape[1]
        factors = np.ones((len(plan.targets), agents))
        for reading in plan.readings:
            factors[reading.target] *= _effect(reading, self.concentrations[reading.place])
        packed = np.empty((len(PACKED), agents))
        rate_raw, discount_raw = base.learning_rate * factors[0], base.discount * factors[1]
        packed[1], packed[3], packed[4], packed[5] = rate_raw, discount_raw, factors[2], base.temperature * factors[3]
        np.minimum(rate_raw, binding.learning_rate_cap, out=packed[0])
        np.minimum(discount_raw, binding.discount_cap, out=packed[2])
        np.minimum(1.0, self._epsilon() * factors[4], out=packed[6])
        packed[7], packed[9] = factors[5], reset
        packed[8] = 0.0 if peek else self._shaped(packed[2], ended)
        clipped = discount_raw > binding.discount_cap
        further = dict(zip(plan.targets[7:], factors[7:], strict=True))
        return unpacked(packed, clipped, reset, further)

    def _epsilon(self) -> Array:
        base = self.plan.physics.base
        share = np.minimum(1.0, (self.steps - self.epsilon_at) / base.epsilon_decay_steps)
        return self.epsilon_from + (base.epsilon_end - self.epsilon_from) * share

    def _surprised(self) -> Flags:
        plan, reset = self.plan, self.plan.physics.binding.reset
        if reset is None or plan.norepinephrine is None or plan.acetylcholine is None:
            return np.zeros(self.concentrations.shape[1], dtype=bool)
        high = _deviation(plan.norepinephrine, self.concentrations[plan.norepinephrine.place])
        level = 0.5 + 0.5 * _deviation(plan.acetylcholine, self.concentrations[plan.acetylcholine.place])
        bound = level / (reset.offset + level)
        self.armed |= high < reset.rearm * bound
        fired = np.asarray(self.armed & (high > bound) & (self.steps - self.reset_at > reset.refractory_steps))
        self._restart(reset, fired)
        return fired

    def _restart(self, reset: Reset, fired: Flags) -> None:
        self.armed[fired], self.reset_at[fired] = False, self.steps
        self.epsilon_from[fired] = reset.epsilon * self.plan.physics.base.epsilon_start
        self.epsilon_at[fired] = self.steps

    def _shaped(self, discount: Array, ended: Flags) -> Array:
        reading = self.plan.shaping
        if reading is None:
            return np.zeros(len(ended))
        away = _effect(reading, self.concentrations[reading.place]) - 1.0
        after = np.where(ended, 0.0, self.plan.physics.binding.shaping * np.minimum(1.0, away))
        gained = np.asarray(shaping(self.potential, after, discount))
        self.potential = after
        return gained


def _drive(kinetics: Kinetics, signals: list[Array]) -> Array:
    total = np.zeros_like(signals[0])
    for index, weight in kinetics.weights:
        total = total + weight * signals[index]
    if kinetics.threshold > 0.0:
        total = np.maximum(0.0, total - kinetics.threshold)
    return np.minimum(kinetics.most, np.maximum(-kinetics.most, total))


def _integrated(plan: Plan, rows: tuple[Array, Array, Array, Array, Array], c: Array, driven: Array) -> Array:
    tonic, phasic, clearance, affinity, maximum = rows
    release, seconds = tonic + phasic * driven, plan.seconds
    half, sixth = seconds / 2.0, seconds / 6.0
    for _ in range(plan.substeps):
        one = release - clearance * c / (affinity + c)
        at = np.maximum(0.0, c + half * one)
        two = release - clearance * at / (affinity + at)
        at = np.maximum(0.0, c + half * two)
        three = release - clearance * at / (affinity + at)
        at = np.maximum(0.0, c + seconds * three)
        four = release - clearance * at / (affinity + at)
        c = c + sixth * (one + 2.0 * two + 2.0 * three + four)
        c = np.minimum(maximum, np.maximum(0.0, c))
    return c


def _effect(reading: Reading, c: Array) -> Array:
    if not reading.power:
        return np.clip(1.0 + reading.gain * _deviation(reading, c), reading.floor, reading.cap)
    with np.errstate(divide="ignore", over="ignore"):
        raised = np.power(c / reading.reference, reading.gain)
    return np.clip(np.minimum(raised, MOST_FACTOR), reading.floor, reading.cap)


def _deviation(reading: Reading, c: Array) -> Array:
    away = _response(reading, c) - reading.rest
    return np.where(away >= 0.0, away / reading.above, away / reading.rest)


def _response(reading: Reading, c: Array) -> Array:
    if reading.slope == 1.0:
        return c / (c + reading.half_effect)
    below = c < reading.half_effect
    with np.errstate(divide="ignore"):
        raised = np.where(below, c / reading.half_effect, reading.half_effect / c) ** reading.slope
    return np.where(below, raised / (1.0 + raised), 1.0 / (1.0 + raised))
