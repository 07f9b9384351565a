"""What runs in the process of `apart.read_apart`: limits first, then the reader; items as lines of JSON.

Its standard input is a pipe that the parent holds open: when it ends, whatever became of the parent, so does this.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from anima.kernel.errors import AnimaError
from anima.vendors.readers.apart import OVER_MEMORY
from anima.vendors.readers.content import Medium
from anima.vendors.readers.errors import TooMuch, UnknownMedium, Unreadable
from anima.vendors.readers.media import MediaUnavailable
from anima.vendors.readers.model import Limits, Progress, to_json
from anima.vendors.readers.reading import read

_LOOK_EVERY_S = 0.1
# What libraries reserve and never touch is not held; so the room for addresses is larger than that for memory.
_ADDRESSES_BESIDES = 4 << 30


def main() -> None:
    """Reads what the first line of standard input asks for."""
    serve(_items)


def serve(work: Callable[[dict[str, Any], Limits], Iterator[tuple[str, bool]]]) -> None:
    """Does what the first line of standard input asks for, within its `limits`.

    `work` gives lines, and says whether each is to be seen at once.
    """
    asked = json.loads(_line())
    limits = Limits(**asked["limits"])
    _limit(limits)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_watch_memory, args=(limits.memory_bytes,), daemon=True).start()
    out = _pipe()
    try:
        for line, at_once in work(asked, limits):
            out.write(line.encode() + b"\n")
            if at_once:
                out.flush()  # somebody watches
        out.write(b'{"end": true}\n')
    except Exception as error:
        out.write(json.dumps(_told(error)).encode() + b"\n")
    out.flush()
    os._exit(0)  # threads of libraries must not keep it


def _items(asked: dict[str, Any], limits: Limits) -> Iterator[tuple[str, bool]]:
    for item in read(Path(asked["path"]), Medium(**asked["medium"]), declared=asked["declared"], limits=limits):
        yield to_json(item), isinstance(item, Progress)


def _line() -> bytes:
    """The first line, and nothing after it."""
    read = bytearray()
    while not read.endswith(b"\n") and (data := os.read(0, 1)):
        read += data
    return bytes(read)


def _told(error: Exception) -> dict[str, object]:
    """An error as the parent raises it again; one that no reader expects is told by its kind."""
    for known in (TooMuch, MediaUnavailable, UnknownMedium, Unreadable):
        if isinstance(error, known):
            return {"error": known.__name__, "values": {name: str(value) for name, value in error.values.items()}}
    reason = error.detail if isinstance(error, AnimaError) else f"an error of kind {type(error).__name__} came up"
    return {"error": "Unreadable", "values": {"reason": reason}}


def _pipe() -> BinaryIO:
    """The pipe to the parent; what libraries print goes nowhere."""
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return out


def _limit(limits: Limits) -> None:
    """Limits of the system; not all systems keep all of them."""
    wanted = {resource.RLIMIT_CPU: limits.cpu_seconds, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        wanted[resource.RLIMIT_AS] = limits.memory_bytes + _ADDRESSES_BESIDES
    for which, limit in wanted.items():
        hard = resource.getrlimit(which)[1]
        try:
            resource.setrlimit(which, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        except (ValueError, OSError):
            continue


def _end_with_parent() -> None:
    while os.read(0, 1024):
        continue
    os._exit(1)


def _watch_memory(limit: int) -> None:
    """Ends the process when it has held more than it may."""
    while _most_held() <= limit:
        time.sleep(_LOOK_EVERY_S)
    os._exit(OVER_MEMORY)


def _most_held() -> int:
    """The most bytes that this process held; Linux counts into `ru_maxrss` what its parent held when it began."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
            found = next((line for line in status if line.startswith("VmHWM:")), None)
            if found is not None:
                return int(found.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
