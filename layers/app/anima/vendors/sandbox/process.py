"""A child process that is fed, heard within a limit, and killed with all of its group when its time is up."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

_LOOK_EVERY_SECONDS = 0.05
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its status (negative: the signal), what it wrote, whether that or its time was too much."""

    status: int
    output: bytes
    late: bool
    flooded: bool


@dataclass(slots=True)
class _Talk:
    """What is still to be told to a process, and what it has said."""

    told: memoryview
    limit: int
    heard: bytearray = field(default_factory=bytearray)
    flooded: bool = False
    open: bool = True


def bounded(
    command: Sequence[str], given: bytes, *, until: float, max_output: int, env: Mapping[str, str], folder: str = "/"
) -> Ended:
    """Runs a command with this standard input, until a moment of time.monotonic(), and keeps so much of what it writes.

    It has this environment alone. Whatever of its group is left when it ends or must end is killed.
    """
    child = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(env),
        cwd=folder,
        start_new_session=True,
        close_fds=True,
    )
    talk = _Talk(memoryview(given), max_output)
    late = True
    try:
        late = not _talked(child, talk, until)
    finally:
        ended = _end(child)
    return Ended(ended, bytes(talk.heard), late and not talk.flooded, talk.flooded)


def _talked(child: subprocess.Popen[bytes], talk: _Talk, until: float) -> bool:
    """Feeds and hears the process; whether it ended by itself in time."""
    assert child.stdin is not None, "it was made with a pipe"
    assert child.stdout is not None, "it was made with a pipe"
    with selectors.DefaultSelector() as selector:
        for pipe, event in ((child.stdin, selectors.EVENT_WRITE), (child.stdout, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, event)
        while talk.open and not talk.flooded:
            left = until - time.monotonic()
            if left <= 0:
                return False
            ready = selector.select(min(left, _LOOK_EVERY_SECONDS))
            for key, event in ready:
                (_tell if event & selectors.EVENT_WRITE else _hear)(selector, key.fileobj, talk)  # type: ignore[arg-type]
            if not ready and child.poll() is not None:
                return True  # somebody it started holds the pipe
        if talk.flooded:
            return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(max(until - time.monotonic(), 0))
    return child.returncode is not None


def _tell(selector: selectors.BaseSelector, pipe: IO[bytes], talk: _Talk) -> None:
    try:
        sent = os.write(pipe.fileno(), talk.told[:_PIECE]) if talk.told else 0
    except BlockingIOError:
        return
    except BrokenPipeError:
        sent = len(talk.told)
    talk.told = talk.told[sent:]
    if not talk.told:
        selector.unregister(pipe)
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _hear(_selector: selectors.BaseSelector, pipe: IO[bytes], talk: _Talk) -> None:
    try:
        piece = os.read(pipe.fileno(), _PIECE)
    except BlockingIOError:
        return
    if not piece:
        talk.open = False
        return
    room = talk.limit - len(talk.heard)
    talk.heard += piece[:room]
    talk.flooded = len(piece) > room


def _end(child: subprocess.Popen[bytes]) -> int:
    """Kills the group; the status that the process has ended with, or was made to end with."""
    status = child.returncode
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    return status if status is not None else child.wait()
