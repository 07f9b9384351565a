"""The suite by command.

    python -m gpu_jobs.simulate.suite --out build/suite                         # all of it: hours
    python -m gpu_jobs.simulate.suite --out build/suite --small                 # all of it, tiny: seconds
    python -m gpu_jobs.simulate.suite --out build/suite --tasks bandit posner --report docs/learning-report.md

Progress goes to stderr, a line for each run. Ctrl-C or SIGTERM ends it after the run under way (exit code 143); the
same command goes on from there, and after a kill -9 too. Suites of different tasks may share a
folder, so that each core has one; two on one task are refused (exit code 2). Tasks that are done cost nothing: a last
call that names all of them writes the report.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

from . import report
from .catalogue import TASKS, reason_against
from .ledger import LedgerInUse, Ledgers
from .report import Done
from .running import Plan, Runner, Stopped, say
from .statistics import interval
from .task import FULL, OURS, SMALL

DONE, REFUSED, STOPPED = 0, 2, 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tasks that were asked for; returns the exit code."""
    asked = _parsed(arguments)
    flag = _Flag()
    signal.signal(signal.SIGTERM, flag.raised)
    signal.signal(signal.SIGINT, flag.raised)
    scale = SMALL if asked.small else FULL
    if asked.steps:
        scale = replace(scale, steps=asked.steps, every=asked.steps // 3)
    plan = Plan(asked.seeds, asked.tuning_seeds, asked.budget, scale)
    try:
        with Ledgers(asked.out) as ledgers:
            return _run(asked, plan, Runner(ledgers, plan, lambda: flag.up))
    except LedgerInUse as busy:
        say(f"another suite writes to {busy}")
        return REFUSED
    except Stopped:
        say("stopped; the same command goes on from here")
        return STOPPED


def _run(asked: argparse.Namespace, plan: Plan, runner: Runner) -> int:
    done, skipped = [], {}
    for name in asked.tasks:
        task = TASKS[name]
        if reason := reason_against(task):
            say(f"{name} is left out: {reason}")
            skipped[task.title] = reason
            continue
        tuned_on = TASKS[task.settings_of] if task.settings_of else None
        methods = [one for one in task.methods if one == OURS or one in (asked.methods or task.methods)]
        outcomes = {method: runner.outcome(task, method, tuned_on) for method in methods}
        done.append(Done(task, outcomes))
        say(f"{name}: " + ", ".join(f"{other} {done[-1].ratio(other)}" for other in done[-1].compared))
    (asked.out / "summary.json").write_text(json.dumps(_summary(done), indent=2) + "\n")
    path = asked.report or asked.out / "report.md"
    report.write(path, done, skipped, plan, _command(asked))
    say(f"wrote {path}")
    return DONE


def _summary(done: Sequence[Done]) -> dict[str, object]:
    return {
        one.task.name: {
            "methods": {
                name: {metric: outcome.values(metric) for metric in one.task.metrics}
                for name, outcome in one.outcomes.items()
            },
            "settings": {name: dict(outcome.settings) for name, outcome in one.outcomes.items()},
            "means": {
                name: {metric: asdict(interval(outcome.values(metric))) for metric in one.task.metrics}
                for name, outcome in one.outcomes.items()
            },
            "ratios": {
                other: {metric: asdict(one.ratio(other, metric)) for metric in one.task.metrics}
                for other in one.compared
            },
        }
        for one in done
    }


def _command(asked: argparse.Namespace) -> str:
    parts = ["python", "-m", "gpu_jobs.simulate.suite", "--out", str(asked.out), "--tasks", *asked.tasks]
    parts += ["--seeds", str(asked.seeds), "--tuning-seeds", str(asked.tuning_seeds), "--budget", str(asked.budget)]
    parts += ["--methods", *asked.methods] if asked.methods else []
    parts += ["--steps", str(asked.steps)] if asked.steps else []
    parts += ["--small"] if asked.small else []
    return shlex.join(parts + (["--report", str(asked.report)] if asked.report else []))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "gpu_jobs.simulate.suite", description="Compares neuromodulated learners with others."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs; one that is there is gone on with")
    parser.add_argument(
        "--tasks", nargs="+", choices=list(TASKS), default=list(TASKS), metavar="TASK", help=", ".join(TASKS)
    )
    parser.add_argument("--seeds", type=int, default=10, help="held-out seeds")
    parser.add_argument("--tuning-seeds", type=int, default=2, help="seeds that settings are chosen on")
    parser.add_argument("--budget", type=int, default=8, help="trials of tuning for each method")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="only these, and ours (default: all)")
    parser.add_argument("--steps", type=int, help="steps of a run of CartPole (default: 60,000); three phases")
    parser.add_argument("--small", action="store_true", help="tiny worlds: shows that it works, measures nothing")
    parser.add_argument("--report", type=Path, help="where the report goes (default: report.md in the folder)")
    return parser.parse_args(arguments)


class _Flag:
    def __init__(self) -> None:
        self.up = False

    def raised(self, _number: int, _frame: FrameType | None) -> None:
        self.up = True


if __name__ == "__main__":
    sys.exit(main())
