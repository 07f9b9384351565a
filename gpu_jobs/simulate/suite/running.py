"""Runs a task: tunes each method on tuning seeds with one budget, runs it on held-out seeds; all of it resumable."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import tuning
from .ledger import Ledgers, Record
from .task import FULL, Scale, Task

VERSION = 1
"""Counted up when what a run does changes: older lines of a ledger are then not taken."""


class Stopped(Exception):
    """The suite was told to stop; what is finished is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many seeds and trials of tuning, at which scale."""

    seeds: int = 10
    tuning_seeds: int = 2
    budget: int = 8
    scale: Scale = FULL


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one method: the settings that were chosen, and what each held-out seed gave, in the order of the seeds."""

    settings: Mapping[str, Any]
    runs: tuple[Record, ...]

    def values(self, metric: str) -> list[float]:
        return [float(run["metrics"][metric]) for run in self.runs]

    @property
    def curves(self) -> list[list[float]]:
        return [list(run["curve"]) for run in self.runs]


Tell = Callable[[str], None]


def say(text: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Runner:
    """Does tasks by one plan; `stop` is asked before each run."""

    def __init__(
        self, ledgers: Ledgers, plan: Plan, stop: Callable[[], bool] = lambda: False, tell: Tell = say
    ) -> None:
        self.ledgers, self.plan, self._stop, self._tell = ledgers, plan, stop, tell

    def settings(self, task: Task, method: str) -> dict[str, Any]:
        """The best settings of the method on the tuning seeds."""
        declared = task.methods[method]
        if declared.like:
            return self.settings(task, declared.like)
        if not declared.grid:
            return {}

        def score(settings: dict[str, Any]) -> float:
            seeds = tuning.tuning_seeds(self.plan.tuning_seeds)
            found = [self.run(task, method, settings, seed)["metrics"][task.goal] for seed in seeds]
            return task.sign * float(np.mean(found))

        return tuning.best(declared.grid, self.plan.budget, score)

    def outcome(self, task: Task, method: str, tuned_on: Task | None = None) -> Outcome:
        """The method on all held-out seeds."""
        settings = self.settings(tuned_on or task, method)
        seeds = tuning.test_seeds(self.plan.seeds)
        return Outcome(settings, tuple(self.run(task, method, settings, seed) for seed in seeds))

    def run(self, task: Task, method: str, settings: Mapping[str, Any], seed: int) -> Record:
        """One run, from the ledger where it is done."""
        configuration = {
            "version": VERSION,
            "task": task.name,
            "method": method,
            "settings": dict(settings),
            "seed": seed,
            "scale": self.plan.scale.key(task.sizes),
        }
        ledger = self.ledgers.of(task.name)
        done = ledger.find(configuration)
        if done is not None:
            return done
        if self._stop():
            raise Stopped
        began = time.perf_counter()
        result = ledger.run(configuration, lambda: task.run(method, dict(settings), seed, self.plan.scale))
        goal = result["metrics"][task.goal]
        seconds = time.perf_counter() - began
        self._tell(f"{task.name} {method} {_short(settings)} seed {seed}: {task.goal} {goal:.4g} ({seconds:.1f} s)")
        return result


def _short(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items()) or "-"
