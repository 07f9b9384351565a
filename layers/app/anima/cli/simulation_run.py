"""A job's script as a child of a command: begun, watched, stopped where it is whole, and what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from anima.cli.connection import say
from anima.cli.simulation_source import WINNERS
from anima.kernel.errors import AnimaError

DONE, STOPPED = 0, 143
_CONFIGURATION = Path("input", "config", "hyperparameters.json")
_LINE_SECONDS = 10.0
"""Where nobody watches a terminal, a line of progress so often."""
_TAIL = 64 * 1024


class RunFailed(AnimaError):
    """The run failed: {reason}. What it had recorded lies in {folder}."""

    slug = "simulation-failed"


class NotPlayed(AnimaError):
    """It could not be played: {reason}."""

    slug = "not-played"


class FolderUnusable(AnimaError):
    """{folder} cannot be written: {reason}."""

    slug = "run-folder-unusable"


@dataclass(slots=True)
class Ended:
    """How a run ended, and the last that it said of itself."""

    stopped: bool
    last: dict[str, Any] = field(default_factory=dict)


def configuration(folder: Path) -> Path:
    """Where a run's folder keeps its configuration."""
    return folder / _CONFIGURATION


def prepare(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes the configuration of a run, whole or not at all. Raises FolderUnusable."""
    path = configuration(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise FolderUnusable(folder=folder, reason=error.strerror or str(error)) from None


def run(folder: Path, title: str, *, quiet: bool) -> Ended:
    """Runs it as a child until it ends; Ctrl-C asks it to stop where it is whole. Raises RunFailed."""
    ended = Ended(False)
    with _shown(title, folder, quiet=quiet) as tell:

        def heard(line: dict[str, Any]) -> None:
            ended.last.update(line)
            tell(line)

        status = child("simulate", folder, heard)
    ended.stopped = status == STOPPED
    if status not in (DONE, STOPPED):
        raise RunFailed(folder=folder, reason=reason_of(folder, status))
    ended.last.pop("live", None)
    if not ended.stopped:
        ended.last.update(_result(folder))
    return ended


def play(simulation: Mapping[str, Any], weights: Path, episodes: int) -> dict[str, Any]:
    """Greedy episodes of what was learnt: {"episodes", "return_mean", "returns"}. Raises RunFailed."""
    with tempfile.TemporaryDirectory() as apart:
        place = Path(apart)
        asked = {"task": "evaluate", "weights": str(weights), "episodes": episodes}
        prepare(place, {"simulation": simulation, **asked})
        status = child("simulate", place, lambda _line: None)
        if status != DONE:
            raise NotPlayed(reason="it was stopped" if status == STOPPED else reason_of(place, status))
        played: dict[str, Any] = _result(place)["evaluation"]
    return played


def _result(folder: Path) -> dict[str, Any]:
    """What a run came to; empty where it has not."""
    try:
        found = json.loads((folder / "model" / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def child(job: str, folder: Path, heard: Callable[[dict[str, Any]], None]) -> int:
    """The job's script with this folder; every line of JSON that it says is heard. Its exit status."""
    from anima.vendors.job_backends import scripts

    words = folder / "output" / "said"
    words.parent.mkdir(parents=True, exist_ok=True)
    (words.parent / "failure").unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in WINNERS}  # they are in the file by now
    environment = {**kept, "ANIMA_JOB_DIR": str(folder)}
    with words.open("wb") as error:
        process = subprocess.Popen(
            [sys.executable, str(scripts.script(job))],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C is ours: it is asked to stop once, and ends where it is whole
        )
    with _stopping(process):
        assert process.stdout is not None
        for line in process.stdout:
            if (said := _said(line)) is not None:
                heard(said)
        return process.wait()


def _said(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


@contextmanager
def _stopping(child: subprocess.Popen[str]) -> Iterator[None]:
    """Ctrl-C, and what a service manager sends, ask the child to stop; a third time ends it at once."""
    asked = 0

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if child.poll() is None:
            (child.kill if asked > 2 else child.terminate)()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if child.poll() is None:
            child.kill()
            child.wait()


def reason_of(folder: Path, status: int) -> str:
    """Why it failed, in its own words where it had time for some."""
    for path in (folder / "output" / "failure", folder / "output" / "said"):
        if path.is_file() and (lines := path.read_text(errors="replace").strip().splitlines()):
            return lines[-1].rstrip(".")
    return f"it was ended by signal {-status}" if status < 0 else f"it ended with exit status {status}"


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
    """Progress where no terminal is: a line every ten seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._next = folder, 0.0

    def __call__(self, line: dict[str, Any]) -> None:
        if "live" in line:
            say(_place(line))
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
        if (said := _said(line.decode(errors="replace"))) is not None:
            return said
    return {}


def words(folder: Path, ended: Ended) -> Iterator[str]:
    """What is said at the end: how far it came, where everything lies, how to go on."""
    last = ended.last
    state = "stopped" if ended.stopped else "done"
    steps = last.get("steps", last.get("step"))
    yield f"{state} after {steps:,} steps" if steps is not None else state
    if last.get("last_100") is not None:
        yield f"return {last['last_100']:.1f} over the last 100 episodes of {last.get('episodes', 0):,}"
    yield f"everything lies in {folder}:"
    for name in sorted(one.name + ("/" if one.is_dir() else "") for one in folder.iterdir() if one.name != "input"):
        yield f"  {name}"
    if ended.stopped:
        yield f"go on with: anima simulate --resume {_short(folder)}"
    else:
        yield f"let it play: anima simulate --play {_short(folder)}"


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
