"""The mind of one agent in plain numbers: what `crowd` does with arrays, several times faster for one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from anima.neuromodulation.drives import checked, rate, shaping, signals_one
from anima.neuromodulation.effects import hill
from anima.neuromodulation.learning import Reset
from anima.neuromodulation.plan import Kinetics, Plan, Reading

MOST_FACTOR = 1e30
"""What a power law may come to: beyond it nothing differs any more, and nothing overflows."""


@dataclass(slots=True)
class HyperOne:
    """The hyper-parameters of one agent after a step; see `Hyper`."""

    learning_rate: float
    learning_rate_raw: float
    discount: float
    discount_raw: float
    discount_clipped: bool
    attention_gain: float
    temperature: float
    epsilon: float
    replay_factor: float
    shaping: float
    reset: bool
    targets: dict[str, float]


@dataclass(slots=True)
class Lone:
    """The state of one agent's modulators; `means` are its fast and slow mean of |δ| and its mean reward."""

    plan: Plan
    concentrations: list[float]
    means: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    steps: int = 0
    epsilon_from: float = 1.0
    epsilon_at: int = 0
    armed: bool = True
    reset_at: int = -(1 << 62)
    potential: float = 0.0

    def observe(self, error: float, reward: float, ended: bool) -> HyperOne:
        """One step of the environment."""
        error, reward = checked("error", error), checked("reward", reward)
        self.steps += 1
        windows, means = self.plan.physics.binding.windows, self.means
        size = -error if error < 0.0 else error
        means[0] += (size - means[0]) * rate(self.steps, windows.fast_steps)
        means[1] += (size - means[1]) * rate(self.steps, windows.slow_steps)
        means[2] += (reward - means[2]) * rate(self.steps, windows.reward_steps)
        signals = signals_one(error, reward, ended, means, windows.surprise)
        values, plan = self.concentrations, self.plan
        for place, each in enumerate(plan.kinetics):
            values[place] = integrated(each, values[place], drive(each, signals), plan.seconds, plan.substeps)
        reset = self._surprised()
        return self._hyper(ended, reset)

    def read(self) -> HyperOne:
        """The hyper-parameters as they are now, without a step."""
        return self._hyper(False, False, peek=True)

    def _hyper(self, ended: bool, reset: bool, *, peek: bool = False) -> HyperOne:
        physics, plan = self.plan.physics, self.plan
        base, binding = physics.base, physics.binding
        factors = [1.0] * len(plan.targets)
        for reading in plan.readings:
            factors[reading.target] *= effect(reading, self.concentrations[reading.place])
        rate_raw, discount_raw = base.learning_rate * factors[0], base.discount * factors[1]
        over = discount_raw > binding.discount_cap
        discount = binding.discount_cap if over else discount_raw
        epsilon = self._epsilon() * factors[4]
        return HyperOne(
            binding.learning_rate_cap if rate_raw > binding.learning_rate_cap else rate_raw,
            rate_raw,
            discount,
            discount_raw,
            over,
            factors[2],
            base.temperature * factors[3],
            1.0 if epsilon > 1.0 else epsilon,
            factors[5],
            0.0 if peek else self._shaped(discount, ended),
            reset,
            dict(zip(plan.targets[7:], factors[7:], strict=True)),
        )

    def _epsilon(self) -> float:
        base = self.plan.physics.base
        passed = (self.steps - self.epsilon_at) / base.epsilon_decay_steps
        share = 1.0 if passed > 1.0 else passed
        return self.epsilon_from + (base.epsilon_end - self.epsilon_from) * share

    def _surprised(self) -> bool:
        plan, reset = self.plan, self.plan.physics.binding.reset
        if reset is None or plan.norepinephrine is None or plan.acetylcholine is None:
            return False
        high = _deviation(plan.norepinephrine, self.concentrations[plan.norepinephrine.place])
        level = 0.5 + 0.5 * _deviation(plan.acetylcholine, self.concentrations[plan.acetylcholine.place])
        bound = level / (reset.offset + level)
        if high < reset.rearm * bound:
            self.armed = True
        if not (self.armed and high > bound and self.steps - self.reset_at > reset.refractory_steps):
            return False
        self._restart(reset)
        return True

    def _restart(self, reset: Reset) -> None:
        self.armed, self.reset_at = False, self.steps
        self.epsilon_from, self.epsilon_at = reset.epsilon * self.plan.physics.base.epsilon_start, self.steps

    def _shaped(self, discount: float, ended: bool) -> float:
        reading = self.plan.shaping
        if reading is None:
            return 0.0
        size = self.plan.physics.binding.shaping
        away = effect(reading, self.concentrations[reading.place]) - 1.0
        after = 0.0 if ended else size * (1.0 if away > 1.0 else away)
        gained = float(shaping(self.potential, after, discount))
        self.potential = after
        return gained


def drive(kinetics: Kinetics, signals: tuple[float, ...]) -> float:
    """The drive of a modulator."""
    total = 0.0
    for index, weight in kinetics.weights:
        total += weight * signals[index]
    if kinetics.threshold > 0.0:
        total = total - kinetics.threshold if total > kinetics.threshold else 0.0
    most = kinetics.most
    return most if total > most else -most if total < -most else total


def integrated(kinetics: Kinetics, c: float, driven: float, seconds: float, substeps: int) -> float:
    """The concentration after the sub-steps of one step, by the classical Runge-Kutta method, kept in its range."""
    release = kinetics.tonic + kinetics.release * driven
    clearance, affinity, maximum = kinetics.clearance, kinetics.affinity, kinetics.maximum
    half, sixth = seconds / 2.0, seconds / 6.0
    for _ in range(substeps):
        one = release - clearance * c / (affinity + c)
        at = c + half * one
        at = at if at > 0.0 else 0.0
        two = release - clearance * at / (affinity + at)
        at = c + half * two
        at = at if at > 0.0 else 0.0
        three = release - clearance * at / (affinity + at)
        at = c + seconds * three
        at = at if at > 0.0 else 0.0
        four = release - clearance * at / (affinity + at)
        c = c + sixth * (one + 2.0 * two + 2.0 * three + four)
        c = 0.0 if c < 0.0 else maximum if c > maximum else c
    return c


def effect(reading: Reading, c: float) -> float:
    """The factor of one influence at a concentration (nM)."""
    if reading.power:
        moved = _power(c / reading.reference, reading.gain)
    else:
        moved = 1.0 + reading.gain * _deviation(reading, c)
    return reading.cap if moved > reading.cap else reading.floor if moved < reading.floor else moved


def _power(ratio: float, gain: float) -> float:
    """ratio^gain within `MOST_FACTOR`; of nothing to a negative power: that."""
    if ratio <= 0.0:
        return 0.0 if gain > 0.0 else MOST_FACTOR
    try:
        raised = float(ratio**gain)
    except OverflowError:
        return MOST_FACTOR
    return MOST_FACTOR if raised > MOST_FACTOR else raised


def _deviation(reading: Reading, c: float) -> float:
    if reading.slope == 1.0:
        return reading.deviation_of(c / (c + reading.half_effect))
    return reading.deviation_of(hill(c, reading.half_effect, reading.slope))
