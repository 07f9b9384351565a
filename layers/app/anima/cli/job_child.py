"""A job's script as a child of a command: its configuration, its folder which it alone has, its end and the reason."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from anima.kernel.errors import AnimaError
from anima.vendors.job_contract import Hold, held, inherited, is_held, lock_of

_CONFIGURATION = Path("input", "config", "hyperparameters.json")
_SAID = Path("output", "said")
"""What a child wrote on its error output; it holds the folder for the command, as its own lock does for the child."""
_LOOK_SECONDS = 0.2
_MOST_READ = 1 << 20
"""More than a pipe holds."""
_SLUG = re.compile(r"^[a-z]+(?:-[a-z]+)+: ")


class FolderInUse(AnimaError):
    """{folder} is in use: a run there has not ended yet."""

    slug = "run-folder-in-use"


class FolderUnusable(AnimaError):
    """{folder} cannot be written: {reason}."""

    slug = "run-folder-unusable"


def configuration(folder: Path) -> Path:
    """Where a run's folder keeps its configuration."""
    return folder / _CONFIGURATION


def prepare(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes the configuration of a run, whole or not at all. Raises FolderInUse before that, FolderUnusable."""
    path = configuration(folder)
    try:
        if any(is_held(each) for each in (folder / _SAID, lock_of(folder))):
            raise FolderInUse(folder=folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise FolderUnusable(folder=folder, reason=error.strerror or str(error)) from None


def child(job: str, folder: Path, heard: Callable[[dict[str, Any]], None]) -> int:
    """The job's script with this folder; every line of JSON that it says is heard. Its exit status.

    What it began and left is ended with it. Raises FolderInUse where another command has the folder.
    """
    from anima.vendors.job_backends import scripts

    words = folder / _SAID
    words.parent.mkdir(parents=True, exist_ok=True)
    with closing(_hold(folder)), words.open("ab") as error:
        error.truncate(0)
        (words.parent / "failure").unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, str(scripts.script(job))],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error,
            process_group=0,  # Ctrl-C is ours: it is asked to stop once, and ends where it is whole
        )
        try:
            with _stopping(process):
                for line in _lines(process):
                    if (told := said(line)) is not None:
                        heard(told)
                return process.wait()
        finally:
            with suppress(ProcessLookupError, PermissionError):  # none is left
                os.killpg(process.pid, signal.SIGKILL)


def _lines(child: subprocess.Popen[bytes]) -> Iterator[str]:
    """What it writes until it has ended: whatever it began may keep its output open for longer."""
    assert child.stdout is not None
    kept, over = b"", False
    with child.stdout as output:
        while not over:
            over = child.poll() is not None
            if select.select([output], [], [], 0 if over else _LOOK_SECONDS)[0]:
                data = os.read(output.fileno(), _MOST_READ)
                over = over or not data
                *lines, kept = (kept + data).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in lines)
    yield kept.decode("utf-8", "replace")


def _hold(folder: Path) -> Hold:
    """Holds a folder for the command. Raises FolderInUse."""
    found = held(folder / _SAID)
    if found is None:
        raise FolderInUse(folder=folder)
    return found


def _environment(folder: Path) -> dict[str, str]:
    """What the child finds in its environment.

    Where the file names a module ("worlds:Maze-v0"), it is looked for in this folder, as a script would find it.
    """
    kept = inherited()
    asked = json.loads(configuration(folder).read_text(encoding="utf-8"))
    if ":" in asked.get("simulation", {}).get("environment", {}).get("id", ""):
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [kept.get("PYTHONPATH"), str(Path.cwd())]))
    return {**kept, "ANIMA_JOB_DIR": str(folder)}


def said(line: str) -> dict[str, Any] | None:
    """What a line says; None where it is no JSON object."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


@contextmanager
def _stopping(child: subprocess.Popen[bytes]) -> Iterator[None]:
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
    """Why it failed, as a sentence, in its own words where it had time for some."""
    for path in (folder / "output" / "failure", folder / _SAID):
        if path.is_file() and (lines := path.read_text(errors="replace").strip().splitlines()):
            return sentence(lines[-1])
    return f"it was ended by signal {-status}." if status < 0 else f"it ended with exit status {status}."


def sentence(failure: str) -> str:
    """What a job said of its end, for people: without the name that programs know it by, and with one full stop."""
    words = _SLUG.sub("", failure.strip()).rstrip(".")
    return words if words.endswith(("?", "!")) else f"{words}."
