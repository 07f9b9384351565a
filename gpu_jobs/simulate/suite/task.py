"""What a task is: methods with their grids, one run of one seed, metrics that are told, who is compared with whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .ledger import Record
from .tuning import Grid, Settings

OURS = "neuromodulated"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a suite is; the key of a run holds what its task needs of it."""

    trials: int = 2_000
    worlds: int = 10
    steps: int = 60_000
    every: int = 20_000
    game_steps: int = 300_000
    game_every: int = 100_000
    hidden: tuple[int, ...] = (64, 64)

    def key(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Those numbers of it, as JSON."""
        return {name: list(self.hidden) if name == "hidden" else getattr(self, name) for name in names}


FULL = Scale()
SMALL = Scale(trials=60, worlds=2, steps=150, every=50, game_steps=120, game_every=40, hidden=(8,))


@dataclass(frozen=True, slots=True)
class Method:
    """One way to do a task. Its settings are tuned over `grid`, or are those of another method (`like`)."""

    title: str
    grid: Grid = field(default_factory=dict)
    like: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a run, with its title and unit."""

    title: str
    unit: str = ""
    more_is_better: bool = True


Run = Callable[[str, Settings, int, Scale], Record]
"""(method, settings, seed, scale) to {"metrics": {name: number}, "curve": [numbers]}."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the suite. Its first metric is what methods are tuned by and compared by.

    `sizes` names what it needs of the scale.
    `settings_of` names a task whose tuned settings are taken as they are: a control is not tuned on its own.
    `axis` names the two axes of the plot of curves; `frame` gives the span of the first, and where the world changes.
    """

    name: str
    title: str
    about: str
    methods: Mapping[str, Method]
    metrics: Mapping[str, Metric]
    run: Run
    compared: tuple[str, ...]
    axis: tuple[str, str]
    frame: Callable[[Scale], tuple[tuple[float, float], tuple[float, ...]]]
    sizes: tuple[str, ...]
    settings_of: str | None = None

    @property
    def goal(self) -> str:
        """The name of the metric that decides."""
        return next(iter(self.metrics))

    @property
    def sign(self) -> float:
        """1 where more of it is better, else -1."""
        return 1.0 if self.metrics[self.goal].more_is_better else -1.0
