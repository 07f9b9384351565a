"""Runs a Python program that nobody has read in a process without files, network and other processes.

What bounds it is the kernel (see `inside`), not Python: where the kernel has no such means it is refused, unless
whoever runs the place says that the boundary is elsewhere, as in a container of its own.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from anima.kernel.errors import Unavailable
from anima.vendors.sandbox.process import Ended, bounded

Isolation = Literal["kernel", "elsewhere"]
_INSIDE = Path(__file__).with_name("inside.py")
_FAILED = 1
_OUTPUT = 64 << 10


class NoSandbox(Unavailable):
    """Programs cannot be run here: {reason}."""

    slug = "no-sandbox"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may take: seconds of a processor, bytes of memory beside Python's own, bytes of output."""

    cpu_seconds: int = 5
    memory_bytes: int = 256 << 20
    output_bytes: int = _OUTPUT


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program: whether it ended well, what it wrote, why it was ended, and what bounded it."""

    ok: bool
    output: str
    ended_by: Literal["time", "memory", "output", "itself", "signal"]
    isolation: tuple[str, ...]


def run(code: str, *, until: float, limits: Limits | None = None, isolation: Isolation = "kernel") -> Ran:
    """Runs a program until a moment of time.monotonic() at the latest. Raises NoSandbox where it cannot be bounded."""
    limits = limits or Limits()
    asked = json.dumps({"code": code, "limits": asdict(limits), "isolation": isolation}).encode()
    command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_INSIDE)]
    ended = bounded(command, asked, until=until, max_output=limits.output_bytes + 200, env={"MALLOC_ARENA_MAX": "1"})
    first, _, rest = ended.output.partition(b"\n")
    if not first.startswith(b"isolation:"):
        if ended.late:
            return Ran(False, "", "time", ())
        told = first.decode(errors="replace").removeprefix("refused: ")
        raise NoSandbox(what="The sandbox", reason=told or "the process could not be started")
    names = tuple(first.decode().removeprefix("isolation:").split())
    return Ran(ended.status == 0, rest.decode(errors="replace"), _why(ended, rest), names)


def _why(ended: Ended, output: bytes) -> Literal["time", "memory", "output", "itself", "signal"]:
    if ended.flooded:
        return "output"
    if ended.late or ended.status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "time"
    if ended.status == _FAILED and b"MemoryError" in output[-200:]:
        return "memory"
    return "signal" if ended.status < 0 else "itself"
