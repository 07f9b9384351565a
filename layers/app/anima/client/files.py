"""Files that a caller names or hands over."""

from __future__ import annotations

from pathlib import Path

from anima.client.errors import BadFile


def read(file: Path | str | bytes, name: str | None = None) -> tuple[str, bytes]:
    """The name and the bytes of a file: of a path, or bytes that come with a name. Raises BadFile."""
    if isinstance(file, bytes):
        return name or "file", file
    path = Path(file)
    try:
        return name or path.name, path.read_bytes()
    except OSError as error:
        raise BadFile(name=path.name, reason=error.strerror or "it cannot be read") from None
