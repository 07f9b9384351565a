"""Whether a server of this data folder runs: one lock for its life, one file that says where it is."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from anima.kernel.config import server_url, settings
from anima.kernel.errors import Conflict
from anima.operations import branches_use


class AlreadyRunning(Conflict):
    """Anima already runs on this machine, at {url} (process {pid}); `anima down` stops it."""

    slug = "already-running"


@dataclass(frozen=True, slots=True)
class Running:
    """What other processes know of a server; `branch` is the one of the database that it works on, none: the trunk."""

    url: str
    pid: int
    instance: UUID
    branch: str | None = None


def run_dir() -> Path:
    """The folder of what is true only while something runs."""
    return settings().data_dir / "run"


def write_private(path: Path, content: dict[str, object]) -> None:
    """Writes a JSON file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def last_known() -> Running | None:
    """The server that was ready last, whether or not it still runs."""
    try:
        kept = json.loads((run_dir() / "server.json").read_text())
        return Running(str(kept["url"]), int(kept["pid"]), UUID(kept["instance"]), kept.get("branch"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def announce(url: str, instance: UUID) -> None:
    """Says to other processes where this one serves."""
    branch = branches_use.current()
    known = {"url": url, "pid": os.getpid(), "instance": str(instance), "branch": branch.name if branch else None}
    write_private(run_dir() / "server.json", known)


def _lock_file() -> IO[str]:
    run_dir().mkdir(parents=True, exist_ok=True)
    return (run_dir() / "up.lock").open("a+")


def _pid(lock: IO[str]) -> int:
    lock.seek(0)
    digits = lock.read().strip()
    return int(digits) if digits.isdigit() else 0


def holder() -> int | None:
    """The process that starts, serves or ends here now; 0 where it has not said its id yet."""
    if not run_dir().is_dir():
        return None
    with _lock_file() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid(lock)
    return None


def ready() -> Running | None:
    """The server that runs here, once it has said where."""
    known, pid = last_known(), holder()
    return known if known is not None and pid == known.pid else None


@contextmanager
def alone() -> Iterator[None]:
    """One server a data folder; the lock goes with the process, however that ends. Raises AlreadyRunning."""
    with _lock_file() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid(lock)
            there = last_known()
            url = there.url if there is not None and there.pid == pid else server_url(settings())
            raise AlreadyRunning(url=url, pid=pid) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
