"""Tasks 3 to 5: CartPole and Breakout in worlds that change without a word, and in worlds that stay.

All methods are the agent of `gpu_jobs.simulate` with the same network, steps and updates; they differ in what tells
them that the world changed, and in what they do then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from anima.neuromodulation.learning import Base, Physics

# In an installed wheel the package has another name, and no job is imported by its own.
from .. import agent as agents  # noqa: TID252
from ..options import Options  # noqa: TID252
from . import detectors, environments
from .detectors import Alarm, PageHinkley
from .ledger import Record
from .measures import Curve, alarms, area, episode_length, late_return, recovery
from .minds import MODULATORS, physics_of_steps
from .task import OURS, Method, Metric, Scale, Task
from .tuning import Settings

POINTS = 60
WINDOW = 0.25
"""The share of a phase within which an alarm belongs to the change before it."""
DISCOUNT = 0.99


@dataclass(frozen=True, slots=True)
class World:
    """An environment of the suite: its id, what changes it, the return that is recovery, the agent's options."""

    name: str
    argument: str
    changing: bool
    game: bool
    goal: float
    base: Options

    def arguments(self, scale: Scale) -> dict[str, Any]:
        return {self.argument: (scale.game_every if self.game else scale.every) if self.changing else 0}

    def steps(self, scale: Scale) -> int:
        return scale.game_steps if self.game else scale.steps

    def changes(self, scale: Scale) -> tuple[int, ...]:
        return environments.changes(self.name, self.arguments(scale), self.steps(scale))

    def options(self, settings: Settings, seed: int, scale: Scale) -> Options:
        """The agent's options: those of the world, and the buffer and rate that were tuned."""
        steps = self.steps(scale)
        return replace(
            self.base,
            environment=self.name,
            arguments=self.arguments(scale),
            seed=seed,
            steps=steps,
            hidden=scale.hidden,
            replay=min(settings["replay"], steps),
            learning_rate=settings["rate"],
            epsilon_decay_steps=max(1, steps // 20),
            starts=min(self.base.starts, steps // 4),
            checkpoint_every=steps + 1,
            contexts=settings.get("contexts", 1),
        )


def runs_in(world: World) -> Callable[[str, Settings, int, Scale], Record]:
    """How the suite runs a method in this world."""

    def run(method: str, settings: Settings, seed: int, scale: Scale) -> Record:
        changes = world.changes(scale)
        chosen, physics, alarm = _method(method, settings, world.options(settings, seed, scale), changes)
        done = agents.run(agents.Agent(chosen, physics, alarm=alarm))
        curve = Curve(done.ends, done.returns, done.steps)
        return {"metrics": _metrics(curve, changes, done.resets.tolist(), world.goal), "curve": _drawn(curve)}

    return run


def _method(
    method: str, settings: Settings, chosen: Options, changes: tuple[int, ...]
) -> tuple[Options, Physics | None, Alarm | None]:
    """What a method is made of: the agent's options, its physics, who raises the alarm in place of its own mind."""
    if method == "plain":
        return chosen, None, None
    if method == "detector":
        return replace(chosen, reset="weights"), None, _detector(settings)
    if method == "detector_context":
        return chosen, None, _detector(settings)
    physics = physics_of_steps(settings, _base(chosen), method.partition("-")[2] or None)
    return chosen, physics, detectors.oracle(changes) if method == "oracle" else None


def _detector(settings: Settings) -> Alarm:
    of = detectors.of_returns if settings["signal"] == "return" else detectors.of_errors
    test = PageHinkley(settings["threshold"], settings["slack"], 10 if settings["signal"] == "return" else 500)
    return detectors.resting(of(test), settings["refractory"])


def _base(chosen: Options) -> Base:
    return Base(
        learning_rate=chosen.learning_rate,
        discount=chosen.discount,
        epsilon_start=chosen.epsilon_start,
        epsilon_end=chosen.epsilon_end,
        epsilon_decay_steps=chosen.epsilon_decay_steps,
    )


def _metrics(curve: Curve, changes: tuple[int, ...], resets: list[int], goal: float) -> dict[str, float]:
    phase = changes[0] if changes else curve.steps
    wait, censored = recovery(curve, changes, goal)
    told = alarms(resets, changes, curve.steps, int(WINDOW * phase))
    return {
        "area": area(curve),
        "length": episode_length(curve),
        "late": late_return(curve, changes),
        "recovery": wait,
        "censored": censored,
        "delay": told.delay,
        "missed": told.missed,
        "false": float(told.false),
    }


def _drawn(curve: Curve) -> list[float]:
    edges = np.linspace(0, curve.steps, POINTS + 1).astype(int)
    return [area(curve, int(first), int(last)) for first, last in pairwise(edges)]


_METRICS = {
    "length": Metric("episode length", "mean steps of an episode"),
    "area": Metric("return AUC", "mean over steps"),
    "late": Metric("late return", "last quarter of a phase"),
    "recovery": Metric("recovery", "steps, censored at the phase's end", more_is_better=False),
    "censored": Metric("never recovered", "share", more_is_better=False),
    "delay": Metric("detection delay", "steps, censored", more_is_better=False),
    "missed": Metric("missed changes", "share", more_is_better=False),
    "false": Metric("false alarms", "a run", more_is_better=False),
}
_GAME = {"area": _METRICS["area"]} | _METRICS
_PLAIN: dict[str, Any] = {"replay": (5_000, 1_000, 2_000, 10_000, 50_000), "rate": (1e-3, 5e-4, 2e-3)}
_DETECTOR: dict[str, Any] = {
    "replay": (5_000, 2_000, 10_000),
    "rate": (1e-3, 5e-4),
    "signal": ("return", "error"),
    "threshold": (300.0, 100.0, 1_000.0),
    "slack": (0.0,),
    "refractory": (2_000,),
}
_OURS: dict[str, Any] = {
    "replay": (5_000, 2_000, 10_000),
    "rate": (1e-3, 5e-4),
    "contexts": (2, 1),
    "fast": (200,),
    "slow": (5_000, 20_000),
    "surprise": (3.0, 2.0),
    "offset": (0.5,),
    "refractory": (2_000,),
    "restart": (0.2, 0.5, 0.1),
    "binding": ("table", "reset"),
}
_METHODS = {
    OURS: Method("context reset by neuromodulation", _OURS),
    "plain": Method("plain DQN, tuned", _PLAIN),
    "detector": Method("plain DQN, Page-Hinkley resets it", _DETECTOR),
    "detector_context": Method("context reset by Page-Hinkley", {**_DETECTOR, "contexts": (2,)}),
    "oracle": Method("context reset by an oracle", like=OURS),
    **{f"{OURS}-{one}": Method(f"… without {one}", like=OURS) for one in MODULATORS},
}
_CONTROLS = {name: _METHODS[name] for name in (OURS, "plain", "detector", "detector_context")}
_CART_POLE = Options(batch=64, starts=500, train_every=1, target_every=250, discount=DISCOUNT, backend="numpy")
_BREAKOUT = Options(batch=32, starts=1_000, train_every=4, target_every=1_000, discount=DISCOUNT, backend="numpy")


def _task(
    name: str, title: str, about: str, world: World, methods: dict[str, Method], settings_of: str | None = None
) -> Task:
    return Task(
        name=name,
        title=title,
        about=about,
        methods=methods,
        metrics=_GAME if world.game else _METRICS,
        run=runs_in(world),
        compared=tuple(one for one in methods if one != OURS),
        axis=("step", "return"),
        frame=lambda scale: ((0.0, float(world.steps(scale))), tuple(map(float, world.changes(scale)))),
        sizes=("game_steps", "game_every", "hidden") if world.game else ("steps", "every", "hidden"),
        settings_of=settings_of,
    )


TASKS = (
    _task(
        "cartpole_swap",
        "CartPole, actions swapped",
        "The two actions change places every 20,000 of 60,000 steps, and nothing says so.",
        World("anima/CartPoleSwap-v0", "every", True, False, 195.0, _CART_POLE),
        _METHODS,
    ),
    _task(
        "cartpole_gravity",
        "CartPole, gravity changed",
        "Every 20,000 steps gravity goes from {} to {} m/s², and back.".format(*environments.GRAVITIES),
        World("anima/CartPoleGravity-v0", "every", True, False, 195.0, _CART_POLE),
        _METHODS,
    ),
    _task(
        "cartpole_control",
        "CartPole, nothing changes (control)",
        "The settings of the swapped world in one that stays as it is: is there harm, and are there false alarms?",
        World("anima/CartPoleSwap-v0", "every", False, False, 195.0, _CART_POLE),
        _CONTROLS,
        "cartpole_swap",
    ),
    _task(
        "breakout_permuted",
        "MinAtar Breakout, actions permuted",
        "Stay, left and right change places in turn every 100,000 of 300,000 steps.",
        World("anima/Breakout-v0", "permute_every", True, True, 3.0, _BREAKOUT),
        {name: _METHODS[name] for name in (OURS, "plain", "detector", "oracle")},
    ),
    _task(
        "breakout_control",
        "MinAtar Breakout, nothing changes (control)",
        "The settings of the permuted game in one that stays as it is.",
        World("anima/Breakout-v0", "permute_every", False, True, 3.0, _BREAKOUT),
        {name: _METHODS[name] for name in (OURS, "plain", "detector")},
        "breakout_permuted",
    ),
)
