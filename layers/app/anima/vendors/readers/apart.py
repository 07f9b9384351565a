"""Reads a file in a process of its own: one that is made to do harm takes down that process and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from anima.vendors.readers.content import Medium
from anima.vendors.readers.errors import TooMuch, UnknownMedium, Unreadable
from anima.vendors.readers.media import MediaUnavailable
from anima.vendors.readers.model import Item, Limits, from_json

OVER_MEMORY = 97
"""What the child says by its end when it has held more than it may."""

_ERRORS = {each.__name__: each for each in (Unreadable, UnknownMedium, TooMuch, MediaUnavailable)}
# The process is given no key and no address of a database: only what Python, libraries and model files need.
_ENVIRONMENT = {
    *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("XDG_CACHE_HOME", "ANIMA_DATA_DIR", "ANIMA_MODEL_DIR", "ANIMA_WHISPER_MODEL"),
}
# Every thread of a library takes room for addresses.
_THREADS = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}
_LEAST_BYTES = 256 << 20
_SOUND_CPU_SECONDS = 12 * 3600


def read_apart(
    path: Path, medium: Medium, *, declared: str | None = None, limits: Limits | None = None
) -> Iterator[Item]:
    """As `read`, in a child process that is killed when the iterator is closed and when this process ends.

    Raises what `read` raises, and Unreadable for a file whose reading ended the child; for sound also
    AssetUnavailable and NotEnoughDisk, where the weights of the speech model cannot be had.
    """
    limits = here(limits or Limits())
    if medium.kind in ("audio", "video"):
        from anima.vendors.readers import whisper

        yield from whisper.prepare()  # here, for the child is told nothing of networks
        limits = replace(limits, cpu_seconds=max(limits.cpu_seconds, _SOUND_CPU_SECONDS))
    asked = {"path": str(path), "medium": asdict(medium), "declared": declared, "limits": asdict(limits)}
    with child("anima.vendors.readers", asked) as running:
        assert running.stdout is not None
        yield from _items(running, running.stdout)


@contextmanager
def child(module: str, asked: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this module that was asked for something; it is killed at the end, and when this process ends."""
    running = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    try:
        assert running.stdin is not None
        _ask(running.stdin, asked)
        yield running
    finally:
        _end(running)


def here(limits: Limits) -> Limits:
    """In a function of AWS Lambda the reader takes half of the memory at most, for who takes all ends the function."""
    size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if not size.isdecimal():
        return limits
    return replace(limits, memory_bytes=min(limits.memory_bytes, max(_LEAST_BYTES, int(size) << 19)))


def _environment() -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT}
    return given | _THREADS | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"}


def _ask(stdin: IO[bytes], asked: object) -> None:
    try:
        stdin.write(json.dumps(asked).encode() + b"\n")
        stdin.flush()
    except BrokenPipeError:
        return  # it ended at once; what it left is read below


def _items(child: subprocess.Popen[bytes], lines: IO[bytes]) -> Iterator[Item]:
    for line in lines:
        if not line.endswith(b"\n"):
            break  # it was ended in the middle of an item
        given = json.loads(line) if line.startswith((b'{"end"', b'{"error"')) else None
        if given is None:
            yield from_json(line)
        elif "error" in given:
            raise _ERRORS[given["error"]](**given["values"])
        else:
            return
    tell(child.wait())


def tell(code: int) -> None:
    """Raises for a child that ended before the file did."""
    if code == OVER_MEMORY:
        raise TooMuch(reason="reading it takes more memory than it may")
    if code == -signal.SIGXCPU:
        raise TooMuch(reason="reading it takes more time than it may")
    raise Unreadable(reason="reading it stopped the reader")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    child.wait()
