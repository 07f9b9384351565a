"""Task 1 as the suite runs it: ideal observer, tuned softmax, discounted UCB, ours, and ours without each modulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from anima.neuromodulation.mind import Mind, Signals

from .bandit import Arms, Array, BanditWorld, DiscountedUcb, IdealObserver, Player, Softmax, drawn_from, play, softmax
from .ledger import Record
from .minds import MODULATORS, physics_of_trials
from .task import OURS, Method, Metric, Scale, Task
from .tuning import Settings

POINTS = 60


class ByMind:
    """Values by a delta rule and a softmax, whose rate and temperature are a mind's; a reset forgets most of them."""

    def __init__(self, arms: int, mind: Mind, forget: float, uniforms: np.random.Generator, worlds: int) -> None:
        self.values = np.full((worlds, arms), 0.5)
        self.mind, self.forget, self._uniforms = mind, forget, uniforms
        self.resets = np.zeros(worlds, dtype=np.int64)
        self._ended = np.zeros(worlds, dtype=bool)
        self._hyper = mind.observe(Signals(np.zeros(worlds), np.zeros(worlds), self._ended))

    def choose(self) -> Arms:
        chances = softmax(self.values, self._hyper.temperature)
        return drawn_from(chances, self._uniforms.random(len(chances)))

    def learn(self, arms: Arms, rewards: Array) -> None:
        rows = np.arange(len(arms))
        errors = rewards - self.values[rows, arms]
        self._hyper = self.mind.observe(Signals(errors, rewards, self._ended))
        self.values[rows, arms] += np.clip(self._hyper.learning_rate, 0.0, 1.0) * errors
        reset = np.asarray(self._hyper.reset, dtype=bool)
        self.values[reset] += self.forget * (0.5 - self.values[reset])
        self.resets += reset


def run(method: str, settings: Settings, seed: int, scale: Scale) -> Record:
    """The regret of one seed: a mean over `scale.worlds` worlds that every method sees alike."""
    world = BanditWorld(trials=scale.trials)
    drawn = world.drawn(np.random.default_rng([seed, 1]), scale.worlds)
    player = _player(method, settings, world, scale.worlds, seed)
    regret = np.cumsum(play(world, drawn, player).mean(axis=0))
    places = np.linspace(0, scale.trials - 1, POINTS).astype(int)
    resets = float(player.resets.mean()) if isinstance(player, ByMind) else 0.0
    late = regret[-1] - regret[-1 - scale.trials // 4]
    metrics = {"regret": float(regret[-1]), "late": float(late / (scale.trials // 4)), "resets": resets}
    return {"metrics": metrics, "curve": regret[places].tolist()}


def _player(method: str, settings: Settings, world: BanditWorld, worlds: int, seed: int) -> Player:
    random = np.random.default_rng([seed, 2])
    if method == "ideal":
        return IdealObserver(world, worlds)
    if method == "softmax":
        return Softmax(world.arms, settings["rate"], settings["temperature"], lambda: random.random(worlds), worlds)
    if method == "ucb":
        return DiscountedUcb(world.arms, settings["discount"], settings["exploration"], worlds)
    without = method.partition("-")[2] or None
    mind = Mind(physics_of_trials(settings, without), worlds)
    return ByMind(world.arms, mind, settings["forget"], random, worlds)


_GRID: dict[str, Any] = {
    "binding": ("table", "doya", "nassar"),
    "rate": (0.5, 0.4),
    "temperature": (0.03, 0.05),
    "step_ms": (10, 100),
    "fast": (12, 8),
    "slow": (100,),
    "surprise": (1.0, 1.05),
    "offset": (8.0,),
    "refractory": (40,),
    "forget": (0.9, 0.6),
}

TASK = Task(
    name="bandit",
    title="Reversal bandit",
    about=(
        "Four arms; one pays with probability 0.8, the others with 0.2; which one that is changes at a hazard of 0.01 "
        "a trial. The ideal observer knows these numbers and filters exactly; the others know none of them."
    ),
    methods={
        OURS: Method("neuromodulated softmax", _GRID),
        "softmax": Method("softmax, tuned", {"rate": (0.5, 0.3, 0.4, 0.7), "temperature": (0.05, 0.03, 0.07, 0.1)}),
        "ucb": Method(
            "discounted UCB, tuned",
            {"discount": (0.99, 0.95, 0.97, 0.98), "exploration": (0.05, 0.01, 0.02, 0.1)},
        ),
        "ideal": Method("ideal observer"),
        **{f"{OURS}-{one}": Method(f"… without {one}", like=OURS) for one in MODULATORS},
    },
    metrics={
        "regret": Metric("regret", "over all trials", more_is_better=False),
        "late": Metric("late regret", "a trial, last quarter", more_is_better=False),
        "resets": Metric("resets", "a world", more_is_better=False),
    },
    run=run,
    compared=("softmax", "ucb", "ideal", *(f"{OURS}-{one}" for one in MODULATORS)),
    axis=("trial", "regret"),
    sizes=("trials", "worlds"),
    frame=lambda scale: ((0.0, float(scale.trials)), ()),
)
