"""Jobs at home: each a child in a session of its own, in a folder of its own, found again after a restart.

A shell holds the child: it writes down who it is before it begins, and the exit code when it has ended, so that both
are known to whoever looks later, also where the server that started it is gone. With it goes what the child has left.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from anima.vendors.job_backends import JobsUnavailable
from anima.vendors.job_backends.training import JobOrder, Seen, Written
from anima.vendors.job_contract import inherited

GRACE_SECONDS = 30.0
"""So long a job has to write its checkpoint when it is to end."""
MOST_LOG_BYTES = 16_000_000
_MOST_READ = 256_000
_MOST_REASON = 4000
_KILLED = 128 + signal.SIGKILL
_SHELL = """
umask 077
trap : TERM INT HUP
if [ -n "$ANIMA_JOB_MEMORY_KB" ]; then ulimit -v "$ANIMA_JOB_MEMORY_KB"; fi
{ echo $$; cut -d' ' -f22 /proc/$$/stat 2>/dev/null || ps -o lstart= -p $$; } > "$0.new" && mv "$0.new" "$0"
"$@"
code=$?
echo $code > "$0.exit.new" && mv "$0.exit.new" "$0.exit"
kill -s KILL 0
"""


class LocalTraining:
    """`folder/<job>` holds configuration, checkpoints, result and log of a job; `attempts/<name>` its process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, order: JobOrder) -> str:
        """Starts the script, unless this attempt was started before. Raises JobsUnavailable."""
        place = self._folder / order.job
        process = place / "attempts" / order.name
        try:
            if process.exists() or Path(f"{process}.exit").exists():
                return order.name
            self._prepare(place, order)
            self._spawn(self.command(order, place), process, order, place)
        except OSError as error:
            raise JobsUnavailable(reason=error.strerror or "no folder") from error
        return order.name

    def look(self, handle: str) -> Seen:
        """Whether its process is there; else with which exit code it ended."""
        process = self._process(handle)
        ended = Path(f"{process}.exit")
        if not ended.exists() and _alive(process):
            return Seen("running")
        try:
            code = int(ended.read_text(encoding="ascii"))
        except (OSError, ValueError):
            if not process.exists():
                self._end_strays(process)
                return Seen("lost", reason="its folder is gone, or its process was never seen")
            self.end(process, signal.SIGKILL)
            _kill_session(process)  # the shell was killed, and what it held may go on: a container does
            return Seen("ended", _KILLED, "its process was killed")
        return Seen("ended", code, self._reason(handle))

    def stop(self, handle: str) -> None:
        """SIGTERM at first, SIGKILL for one that has not ended after its grace."""
        process = self._process(handle)
        if Path(f"{process}.exit").exists() or not _alive(process):
            return
        asked = Path(f"{process}.stop")
        try:
            late = not -1.0 < time.time() - asked.stat().st_mtime <= GRACE_SECONDS  # a clock may be put back, too
        except OSError:
            asked.touch()
            late = False
        self.end(process, signal.SIGKILL if late else signal.SIGTERM)

    def logs(self, handle: str, since: str | None = None) -> Written:
        """Whole lines after a place in the log; one that has become too large is begun anew."""
        path = self._place(handle) / "log"
        try:
            size = path.stat().st_size
            begin = int(since or 0)
            begin = max(begin if begin <= size else 0, size - _MOST_READ)  # of one that floods it, the last words
            with path.open("rb") as log:
                log.seek(begin)
                data = log.read(_MOST_READ)
            if size > MOST_LOG_BYTES:
                os.truncate(path, 0)
                return Written(_lines(data), "0")
        except (OSError, ValueError):
            return Written((), since or "0")
        whole = data.rfind(b"\n") + 1 or (len(data) if len(data) == _MOST_READ else 0)
        return Written(_lines(data[:whole]), str(begin + whole))

    def result(self, handle: str) -> dict[str, Any] | None:
        """What stands in its result; None where there is none."""
        try:
            found = json.loads((self._place(handle) / "model" / "result.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def folder(self, handle: str) -> Path | None:
        """Where its files are."""
        place = self._place(handle)
        return place if place.is_dir() else None

    def remove(self, handle: str) -> None:
        """Ends what still runs there, and removes the folder."""
        place = self._place(handle)
        for process in place.glob("attempts/*"):
            if not process.suffix and not Path(f"{process}.exit").exists():
                self.end(process, signal.SIGKILL)
        _kill_strays(place)
        shutil.rmtree(place, ignore_errors=True)

    def command(self, order: JobOrder, place: Path) -> Sequence[str]:  # noqa: ARG002  (containers need the folder)
        """What the shell runs."""
        return [sys.executable, order.script]

    def surroundings(self, order: JobOrder, place: Path) -> dict[str, str]:
        """Its environment: ours, and what the order says."""
        told = {**inherited(), **order.environment, "ANIMA_JOB_DIR": str(place)}
        told["CUDA_VISIBLE_DEVICES"] = ",".join(order.devices)
        if order.memory_bytes is not None:
            told["ANIMA_JOB_MEMORY_KB"] = str(order.memory_bytes // 1024)
        return told

    def end(self, process: Path, wanted: signal.Signals) -> None:
        """Sends a signal to all of its session."""
        _signal(process, wanted)

    def _end_strays(self, process: Path) -> None:
        """What still runs though nothing says so any more, or there would be two of one job."""
        self.end(process, signal.SIGKILL)
        _kill_strays(process.parent.parent)

    def _place(self, handle: str) -> Path:
        return self._folder / Path(handle).name.partition("-")[0]

    def _process(self, handle: str) -> Path:
        return self._place(handle) / "attempts" / Path(handle).name

    def _reason(self, handle: str) -> str | None:
        try:
            with (self._place(handle) / "output" / "failure").open(encoding="utf-8", errors="replace") as failure:
                return failure.read(_MOST_REASON).strip() or None
        except OSError:
            return None

    def _prepare(self, place: Path, order: JobOrder) -> None:
        for name in ("input/config", "input/data", "checkpoints", "model", "output", "attempts"):
            (place / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        (place / "output" / "failure").unlink(missing_ok=True)
        path = place / "input" / "config" / "hyperparameters.json"
        path.with_suffix(".new").write_text(json.dumps(dict(order.configuration)), encoding="utf-8")
        path.with_suffix(".new").replace(path)

    def _spawn(self, command: Sequence[str], process: Path, order: JobOrder, place: Path) -> None:
        with (place / "log").open("ab") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _SHELL, str(process), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.surroundings(order, place),
                start_new_session=True,
            )
        threading.Thread(target=_await, args=(child, order.ended), name="job", daemon=True).start()
        deadline = time.monotonic() + 5
        while not process.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)


def _await(child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    """Takes the exit code from it, or it would stay a zombie."""
    child.wait()
    ended()


def _lines(data: bytes) -> tuple[str, ...]:
    return tuple(data.decode("utf-8", "replace").splitlines())


def _known(process: Path) -> tuple[int, str] | None:
    """The number of a process and when it began, as its shell wrote them down."""
    try:
        number, _, begun = process.read_text(encoding="utf-8").strip().partition("\n")
        return int(number), begun.strip()
    except (OSError, ValueError):
        return None


def _begun(number: int) -> str | None:
    """When the process of a number began; None where there is none, or only what is left of one."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    told = subprocess.run(["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None


def _alive(process: Path) -> bool:
    known = _known(process)
    return known is not None and _begun(known[0]) == known[1]


def any_alive(folder: Path) -> bool:
    """Whether a process of any job in this folder is there."""
    return any(not one.suffix and _alive(one) for one in folder.glob("*/attempts/*"))


def _signal(process: Path, wanted: signal.Signals) -> None:
    """To all of the session: the shell, the job, and what it began."""
    known = _known(process)
    if known is None or _begun(known[0]) != known[1]:
        return
    try:
        os.killpg(known[0], wanted)
    except (ProcessLookupError, PermissionError):
        return


def _kill_strays(place: Path) -> None:
    """Ends processes that were begun for a folder of a job, by their environment; where the system tells of it."""
    wanted = f"ANIMA_JOB_DIR={place}".encode()
    for told in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in told.read_bytes().split(b"\0"):
                os.kill(int(told.parent.name), signal.SIGKILL)
        except OSError:  # another's, or gone meanwhile
            continue


def _kill_session(process: Path) -> None:
    """Ends what is left of a session whose first process is gone; its number is nobody else's while one is left."""
    known = _known(process)
    if known is None or _begun(known[0]) is not None:
        return
    try:
        os.killpg(known[0], signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
