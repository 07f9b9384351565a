"""The report: what was compared and how, a table with intervals for each task, plots; what is not better is said so."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from . import plots, statistics
from .running import Outcome, Plan
from .statistics import Interval
from .task import OURS, Task

PACKAGES = ("numpy", "gymnasium", "minatar")
POINT_RESAMPLES = 1_000
SMALL_CHANGE = 0.01
"""A ratio nearer to 1 than this is told to be so small."""

PREFACE = """\
# What neuromodulation gives, measured

*Written by the suite; do not edit by hand.* The command, as it was run:

```sh
{command}
```

{versions}.

- **Seeds:** {seeds} held-out ones ({held_out}); settings were chosen on {tuning} others, with {budget} trials for every
  method that has settings, the first of which is its default. All methods see the same seeds, take the same number of
  environment steps and of updates, and have the same network.
- **Numbers** are the interquartile mean over seeds with its 95% bootstrap interval (10,000 resamples of seeds). A ratio
  is ours over theirs, resampled in pairs; where less is better it is theirs over ours, so that above 1 we are better.
- **Verdict:** *better* or *worse* only where the interval of the ratio excludes 1; else *not told apart*.
- **An ablation** has the settings of the whole, and one modulator that nothing drives and that drives nothing: it stays
  at its baseline. Without norepinephrine there is no reset.
- The ranges of the grids were set while the suite was written, on tuning seeds only.
"""


@dataclass(frozen=True, slots=True)
class Done:
    """A task that was run; `outcomes` in the order of its methods."""

    task: Task
    outcomes: Mapping[str, Outcome]

    @property
    def compared(self) -> list[str]:
        """The methods that were run and that ours is compared with."""
        return [name for name in self.task.compared if name in self.outcomes]

    def ratio(self, other: str, metric: str | None = None, ours: str = OURS) -> Interval:
        """By how much `ours` is better than `other`, by the metric that decides unless told otherwise."""
        name = metric or self.task.goal
        pair = self.outcomes[ours].values(name), self.outcomes[other].values(name)
        return statistics.ratio(*(pair if self.task.metrics[name].more_is_better else pair[::-1]))


def write(path: Path, done: Sequence[Done], skipped: Mapping[str, str], plan: Plan, command: str) -> None:
    """Writes the report and, in a folder of its name, a plot for each task."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_preface(plan, command), _summary(done)]
    for one in done:
        plot = folder / f"{one.task.name}.svg"
        plot.write_text(picture(one, plan))
        parts.append(_section(one, f"{folder.name}/{plot.name}"))
    parts += [f"## Left out: {name}\n\n{reason}\n" for name, reason in skipped.items()]
    path.write_text("\n".join(parts))


def picture(done: Done, plan: Plan) -> str:
    """The curves of the methods that are not ablations, with pointwise intervals."""
    task = done.task
    lines = {
        task.methods[name].title: _line(outcome.curves)
        for name, outcome in done.outcomes.items()
        if not name.startswith(f"{OURS}-")
    }
    span, marks = task.frame(plan.scale)
    return plots.drawing(task.title, lines, span, task.axis, marks)


def verdict(ratio: Interval) -> str:
    """The word for a ratio."""
    if not ratio.excludes_one:
        return "not told apart"
    word = "better" if ratio.low > 1.0 else "worse"
    return f"{word}, by less than {SMALL_CHANGE:.0%}" if abs(ratio.value - 1.0) < SMALL_CHANGE else word


def _preface(plan: Plan, command: str) -> str:
    versions = [f"Python {platform.python_version()}", *(_version(name) for name in PACKAGES)]
    return PREFACE.format(
        command=command,
        versions=", ".join([*versions, f"{platform.system()} {platform.machine()}"]),
        seeds=plan.seeds,
        held_out=f"0 to {plan.seeds - 1}",
        tuning=plan.tuning_seeds,
        budget=plan.budget,
    )


def _version(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} not installed"


def _summary(done: Sequence[Done]) -> str:
    rows = [
        (one.task.title, one.task.metrics[one.task.goal].title, one.task.methods[other].title, ratio, verdict(ratio))
        for one in done
        for other in one.compared
        if not other.startswith(f"{OURS}-")
        for ratio in [one.ratio(other)]
    ]
    return "## In short\n\n" + _table(("task", "by", "ours against", "ratio", ""), rows)


def _section(done: Done, plot: str) -> str:
    task = done.task
    head = ("method", *(_heading(task, name) for name in task.metrics))
    rows = [
        (task.methods[name].title, *(statistics.interval(outcome.values(metric)) for metric in task.metrics))
        for name, outcome in done.outcomes.items()
    ]
    goal = task.metrics[task.goal].title
    ratios = [
        (task.methods[other].title, ratio, verdict(ratio)) for other in done.compared for ratio in [done.ratio(other)]
    ]
    settings = [
        (task.methods[name].title, f"`{json.dumps(dict(outcome.settings))}`")
        for name, outcome in done.outcomes.items()
        if outcome.settings and not task.methods[name].like
    ]
    return "\n".join(
        [
            f"## {task.title}\n\n{task.about}\n\n![{task.title}]({plot})\n",
            _table(head, rows),
            f"Ours against the others, by {goal}:\n\n" + _table(("against", "ratio", ""), ratios),
            "Settings that were chosen:\n\n" + _table(("method", "settings"), settings),
        ]
    )


def _heading(task: Task, name: str) -> str:
    metric = task.metrics[name]
    arrow = "↑" if metric.more_is_better else "↓"
    return f"{metric.title} {arrow}" + (f" ({metric.unit})" if metric.unit else "")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows), ""])


def _line(curves: Sequence[Sequence[float]]) -> plots.Line:
    every = np.asarray(curves, dtype=np.float64)
    places = np.random.default_rng(0).integers(0, len(every), (POINT_RESAMPLES, len(every)))
    drawn = statistics.interquartile_mean(every[places], axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return plots.Line(statistics.interquartile_mean(every, axis=0).tolist(), low.tolist(), high.tolist())
