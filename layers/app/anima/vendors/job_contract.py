"""What all jobs have in common, wherever they run: exit codes, the line of a failure, their environment, their lock."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from weakref import WeakSet

DONE: Final = 0
FAILED: Final = 1
BAD_CONFIGURATION: Final = 2
STOPPED: Final = 143
"""It was asked to end, has written a checkpoint, and can go on."""

WINNERS: Final = ("MODE", "MAX_STEPS", "SEED")
"""These variables win over a simulation file where it is read: when the job is made, not where it runs later."""


def inherited() -> dict[str, str]:
    """What a job gets of this process's environment."""
    return {name: value for name, value in os.environ.items() if name not in WINNERS}


_TWO_STOPS = re.compile(r"(?<![.?!])([.?!])\.$")


def in_a_line(reason: str) -> str:
    """A reason as one line with one full stop, where what it quotes had brought its own."""
    return _TWO_STOPS.sub(r"\1", " ".join(reason.split()))


def fail(folder: Path, reason: str, code: int) -> int:
    """Leaves the reason, as one line, in the job's `output/failure` and on standard output; the code to exit with.

    On a disk that is full it is on standard output alone.
    """
    line = in_a_line(reason)
    failure = folder / "output" / "failure"
    with suppress(OSError):
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(line + "\n", encoding="utf-8")
    print(json.dumps({"failed": line}), flush=True)
    return code


def refuse(reason: str, code: int) -> int:
    """Says why a job does not begin in a folder that is another's, and leaves nothing there; the code to exit with."""
    line = in_a_line(reason)
    print(line, file=sys.stderr, flush=True)
    print(json.dumps({"failed": line}), flush=True)
    return code


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What the system refuses about an open file is told with its path. Raises OSError."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def answers_name(job: str) -> str:
    """What the file of answers of a job of this name is called: a name, and no path, also where that has slashes."""
    return job.translate(str.maketrans("/\\", "--")) + ".out.jsonl"


def lock_of(folder: Path) -> Path:
    """The file by which a process holds a job's folder."""
    return folder / "checkpoints" / "lock"


class Hold:
    """A file that this process holds, and none that it forks, until it is closed or the process ends, however."""

    __slots__ = ("__weakref__", "_descriptor")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _HOLDS.add(self)

    def close(self) -> None:
        """Lets go of it; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


_HOLDS: WeakSet[Hold] = WeakSet()


def _forked() -> None:
    """A copy of this process, which may outlive it, would hold what it holds."""
    for one in _HOLDS:
        one.close()


os.register_at_fork(after_in_child=_forked)


def held(path: Path) -> Hold | None:
    """Holds this file, which is made where there is none; None: another one holds it.

    A file system that knows no locks keeps nobody out. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            os.close(descriptor)
            raise
    return Hold(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds this file; what is not there nobody holds. Raises OSError."""
    if not path.exists():
        return False
    found = held(path)
    if found is not None:
        found.close()
    return found is None
