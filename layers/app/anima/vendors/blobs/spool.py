"""The disk that long work is done on: a folder that goes at its end; what a killed process left goes with the next."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anima.kernel.config import settings
from anima.vendors.blobs import NoRoom

_FOLDER = "spool"


@contextmanager
def workplace() -> Iterator[Path]:
    """A new folder. The lock on it goes with its process, however that ends. Raises NoRoom where the disk is full."""
    root = settings().data_dir / _FOLDER
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, folder = _made(root)
    try:
        yield folder
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _made(root: Path) -> tuple[int, Path]:
    """Makes a folder and takes it; no other sweeps between the two."""
    gate = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        _sweep(root)
        folder = root / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor, folder
    finally:
        os.close(gate)


def _sweep(root: Path) -> None:
    """Removes the folders that nobody holds any more."""
    for folder in root.iterdir():
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # its holder has just removed it
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
