"""The console's files as they are served: content, kind, tag and compressed form, read from the package once."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".css", ".js", ".json", ".svg", ".txt"})


@dataclass(frozen=True, slots=True)
class Asset:
    """A file; `gzipped` is there where it is worth it."""

    content: bytes
    media_type: str
    etag: str
    gzipped: bytes | None


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif _suffix(entry.name) in _KINDS:
            yield prefix + entry.name, entry


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


@cache
def assets() -> dict[str, Asset]:
    """Every file of the static folder by its path in it; whatever else lies there is not served."""
    return {path: _asset(path, entry.read_bytes()) for path, entry in _walk(files("anima.console") / "static")}


def _asset(path: str, content: bytes) -> Asset:
    suffix = _suffix(path)
    # mtime 0: the same bytes everywhere
    packed = gzip.compress(content, 9, mtime=0) if suffix in _PACKED else None
    return Asset(content, _KINDS[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"', packed)


@cache
def version() -> str:
    """A short name for the state of all files: it stands in their addresses, so that they may be kept for ever."""
    tags = "".join(f"{path}{asset.etag}" for path, asset in assets().items())
    return hashlib.sha256(tags.encode()).hexdigest()[:12]


def url(path: str) -> str:
    """The address of a file."""
    return f"/static/{version()}/{path}"
