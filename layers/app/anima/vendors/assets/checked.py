"""What is known of a file in the model folder: that it was checked, and who is fetching it now."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anima.vendors.assets.entries import Asset
from anima.vendors.assets.progress import Progress


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _stamp(path: Path, sha256: str) -> dict[str, object]:
    status = path.stat()
    return {"sha256": sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def marked(wanted: Asset, path: Path) -> bool:
    """Whether a file is the one that was checked before, going by its size and time."""
    try:
        marker = json.loads(beside(path, ".verified").read_text())
        return bool(marker == _stamp(path, wanted.sha256))
    except (OSError, ValueError):
        return False


def mark(wanted: Asset, path: Path) -> None:
    marker = beside(path, ".verified")
    draft = beside(marker, f".{os.getpid()}")
    try:
        draft.write_text(json.dumps(_stamp(path, wanted.sha256)))
        os.replace(draft, marker)
    except OSError:
        return  # a folder that cannot be written, as in a Lambda layer: the file is hashed again next time


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def accepted(wanted: Asset, path: Path, verify: bool = False) -> bool:
    """Whether the right file is in place; hashes it unless that was done before."""
    if not path.is_file():
        return False
    if not verify and marked(wanted, path):
        return True
    if digest(path) != wanted.sha256:
        return False
    mark(wanted, path)
    return True


@contextmanager
def locked(path: Path, name: str, progress: Progress) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.note(f"{name} is being fetched by another process; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
