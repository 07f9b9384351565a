"""What every source of a model file shares: how it fails, and what it looks at before it writes."""

from __future__ import annotations

import shutil
from pathlib import Path

_SPARE_BYTES = 64_000_000


class SourceFailed(Exception):
    """A source could not give the file; the message says why in words for a person."""


def missing_space(folder: Path, needed: int) -> str | None:
    """Why `needed` more bytes do not fit on the disk of a folder, or None when they do."""
    free = shutil.disk_usage(folder).free
    if free >= needed + _SPARE_BYTES:
        return None
    return f"it needs {needed / 1e9:.2f} GB of disk in {folder}, {free / 1e9:.2f} GB are free"


def check_space(folder: Path, needed: int) -> None:
    """Raises SourceFailed unless `needed` more bytes fit on the disk of a folder."""
    if reason := missing_space(folder, needed):
        raise SourceFailed(reason)
