"""A run of a simulation as a child of a command: watched, stopped where it is whole, and what it left, in words."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anima.cli import job_child
from anima.cli.connection import say
from anima.kernel.errors import AnimaError
from anima.vendors import job_contract

_LINE_SECONDS = 10.0
"""Where nobody watches a terminal, a line of progress so often."""
_FIRST_SECONDS = 1.0
_TAIL = 64 * 1024
_MEANT = 100
"""Episodes that a run's last return is the mean of."""


class RunFailed(AnimaError):
    """It failed: {reason} What it had recorded lies in {folder}."""

    slug = "simulation-failed"


class NotPlayed(AnimaError):
    """It could not be played: {reason}"""

    slug = "not-played"


@dataclass(slots=True)
class Ended:
    """How a run ended, and the last that it said of itself."""

    stopped: bool
    last: dict[str, Any] = field(default_factory=dict)


def run(folder: Path, title: str, *, quiet: bool) -> Ended:
    """Runs it as a child until it ends; Ctrl-C asks it to stop where it is whole. Raises RunFailed."""
    ended = Ended(False)
    with _shown(title, folder, quiet=quiet) as tell:

        def heard(line: dict[str, Any]) -> None:
            ended.last.update(line)
            tell(line)

        status = job_child.child("simulate", folder, heard)
    ended.stopped = status == job_contract.STOPPED
    if status not in (job_contract.DONE, job_contract.STOPPED):
        raise RunFailed(folder=folder, reason=job_child.reason_of(folder, status))
    ended.last.pop("live", None)
    if not ended.stopped:
        ended.last.update(_result(folder))
    return ended


def play(simulation: Mapping[str, Any], weights: Path, episodes: int) -> dict[str, Any]:
    """Greedy episodes of what was learnt: {"episodes", "return_mean", "returns"}. Raises RunFailed."""
    with tempfile.TemporaryDirectory() as apart:
        place = Path(apart)
        asked = {"task": "evaluate", "weights": str(weights), "episodes": episodes}
        job_child.prepare(place, {"simulation": simulation, **asked})
        status = job_child.child("simulate", place, lambda _line: None)
        if status != job_contract.DONE:
            stopped = status == job_contract.STOPPED
            raise NotPlayed(reason="it was stopped." if stopped else job_child.reason_of(place, status))
        played: dict[str, Any] = _result(place)["evaluation"]
    return played


def unfit(simulation: Mapping[str, Any]) -> str | None:
    """What is wrong with its environment, which is made once for that; None where nothing is. Raises FolderUnusable."""
    with tempfile.TemporaryDirectory() as apart:
        place = Path(apart)
        job_child.prepare(place, {"simulation": simulation, "task": "check"})
        status = job_child.child("simulate", place, lambda _line: None)
        return None if status == job_contract.DONE else job_child.reason_of(place, status)


def _result(folder: Path) -> dict[str, Any]:
    """What a run came to; empty where it has not."""
    try:
        found = json.loads((folder / "model" / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _shown(title: str, folder: Path, *, quiet: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Progress on the error output: a line that moves in a terminal, else one now and then."""
    if quiet:
        yield lambda _line: None
        return
    say(title)
    say(f"it is kept in {folder}; Ctrl-C stops it, whole")
    from rich.console import Console

    if not sys.stderr.isatty():
        yield _Lines(folder)
        return
    with Console(stderr=True).status("beginning") as moving:

        def tell(line: dict[str, Any]) -> None:
            if "live" in line:
                say(_place(line))
            elif "step" in line:
                moving.update(progress(line, folder))

        yield tell


class _Lines:
    """Progress where no terminal is: a line a second after it has begun, and every ten seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._next = folder, 0.0

    def __call__(self, line: dict[str, Any]) -> None:
        if "live" in line:
            say(_place(line))
        elif "step" in line and not self._next:
            self._next = time.monotonic() + _FIRST_SECONDS
        elif "step" in line and time.monotonic() >= self._next:
            say(progress(line, self._folder))
            self._next = time.monotonic() + _LINE_SECONDS


def _place(line: Mapping[str, Any]) -> str:
    return f"watch it at {line['live']}" if line["live"] else str(line.get("reason", "there is no live plot"))


def progress(line: Mapping[str, Any], folder: Path | None = None) -> str:
    """How far it is, in words: steps, episodes, return, speed, and what its modulators are at."""
    of = f" of {line['of']:,}" if line.get("of") else ""
    parts = [f"step {line['step']:,}{of}"]
    if line.get("episode") is not None:
        parts.append(f"episode {line['episode']:,}")
    if line.get("return_mean") is not None:
        parts.append(f"return {line['return_mean']:.1f}")
    if line.get("steps_per_second"):
        parts.append(f"{line['steps_per_second']:,.0f} steps/s")
    if folder is not None:
        parts.append(_levels(last_sample(folder)))
    return ", ".join(filter(None, parts))


def of_sample(sample: Mapping[str, Any]) -> str:
    """A live sample in words."""
    told = {**sample, "return_mean": sample.get("return")}
    return ", ".join(filter(None, [progress(told), _levels(sample)]))


def _levels(sample: Mapping[str, Any]) -> str:
    levels = sample.get("concentrations") or {}
    return " ".join(f"{name} {_figure(value)}" for name, value in levels.items()) + " nM" if levels else ""


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def last_sample(folder: Path) -> dict[str, Any]:
    """The newest sample of a run's live file; empty where there is none."""
    try:
        with (folder / "live.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            lines = file.read().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        if (told := job_child.said(line.decode(errors="replace"))) is not None:
            return told
    return {}


def words(folder: Path, ended: Ended) -> Iterator[str]:
    """What is said at the end: how far it came, where everything lies, how to go on."""
    last = ended.last
    state = "stopped" if ended.stopped else "done"
    steps = last.get("steps", last.get("step"))
    yield f"{state} after {steps:,} steps" if steps is not None else state
    if last.get("last_100") is not None:
        yield f"return {last['last_100']:.1f} {_over(last.get('episodes', 0))}"
    yield f"everything lies in {folder}:"
    for name in sorted(one.name + ("/" if one.is_dir() else "") for one in folder.iterdir() if one.name != "input"):
        yield f"  {name}"
    if ended.stopped:
        yield f"go on with: anima simulate --resume {_short(folder)}"
    else:
        yield f"let it play: anima simulate --play {_short(folder)}"


def _over(episodes: int) -> str:
    """Of which episodes a mean return is."""
    if episodes > _MEANT:
        return f"over the last {_MEANT} episodes of {episodes:,}"
    return f"over its {episodes} episodes" if episodes != 1 else "in its only episode"


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
