"""Reading and writing files past the page cache, and through it where the file system refuses that."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_DIRECT: int = getattr(os, "O_DIRECT", 0)


def open_file(path: Path, flags: int) -> int:
    """A descriptor, with O_DIRECT where the file system takes it."""
    try:
        return os.open(path, flags | _DIRECT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.EINVAL or not _DIRECT:
            raise
    # It may have been made before it was refused: what was to be new is ours nevertheless.
    return os.open(path, flags & ~os.O_EXCL | os.O_CLOEXEC, 0o600)


def read_into(file: int, out: memoryview, offset: int) -> int:
    """Fills `out` from byte `offset`; answers how much there was: less than asked for at the end of the file only."""
    done = 0
    while done < len(out):
        try:
            n_bytes = os.preadv(file, [out[done:]], offset + done)
        except OSError as error:
            _without_direct(file, error)
            continue
        if n_bytes == 0:
            break
        done += n_bytes
    return done


def write_from(file: int, data: memoryview, offset: int) -> None:
    """Writes all of `data` at byte `offset`."""
    done = 0
    while done < len(data):
        try:
            done += os.pwritev(file, [data[done:]], offset + done)
        except OSError as error:
            _without_direct(file, error)


def set_aside(file: int, n_bytes: int) -> bool:
    """Makes the file so long, of blocks that are its own but not written; False where that cannot be had cheaply."""
    # Without O_DIRECT the C library would write zeros where the file system knows no better.
    if not _DIRECT or not fcntl.fcntl(file, fcntl.F_GETFL) & _DIRECT:
        return False
    try:
        os.posix_fallocate(file, 0, n_bytes)
    except OSError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Makes a new name in a folder durable."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, durably, readable by their owner only."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in made:
        sync_folder(each.parent)


def _without_direct(file: int, error: OSError) -> None:
    """Goes on through the page cache where O_DIRECT was the trouble (an odd block size, a short write); else raises."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    if error.errno != errno.EINVAL or not flags & _DIRECT:
        raise error
    fcntl.fcntl(file, fcntl.F_SETFL, flags & ~_DIRECT)
