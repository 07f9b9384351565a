"""A folder of model files on this machine: what lies in it, and which of it holds the weights.

A folder may come from a stranger: what leads out of it, is no file, or says otherwise than it is, is refused.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from anima.registry.errors import BadModelFile, BadModelFolder

MOST_FILES = 20_000
MOST_DEPTH = 20
MAX_PATH = 450
MAX_JSON = 32 * 1024 * 1024
INDEX = "model.safetensors.index.json"
_SKIPPED = frozenset({".git", ".cache", "__pycache__"})
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.(safetensors|gguf)")


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a folder: its place in it, where it really lies, its size and time."""

    path: str
    place: Path
    size: int
    changed: int

    @property
    def unchanged(self) -> bool:
        """Whether it is still as it was found."""
        try:
            status = self.place.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed)


def scan(folder: Path) -> dict[str, Found]:
    """All files of a folder by their path in it, sorted; without what git and the hub's client keep for themselves.

    Raises BadModelFolder.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise BadModelFolder(folder=str(folder), reason="it is no folder")
    found: dict[str, Found] = {}
    for one in _walked(root, root, 0, str(folder)):
        found[one.path] = one
        if len(found) > MOST_FILES:
            raise BadModelFolder(folder=str(folder), reason=f"it holds more than {MOST_FILES} files")
    return dict(sorted(found.items()))


def _walked(root: Path, at: Path, depth: int, named: str) -> Iterator[Found]:
    if depth > MOST_DEPTH:
        raise BadModelFolder(folder=named, reason=f"it is nested more than {MOST_DEPTH} deep")
    for entry in _listed(at, named):
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _SKIPPED:
                yield from _walked(root, at / entry.name, depth + 1, named)
            continue
        yield file_of(at / entry.name, str((at / entry.name).relative_to(root)), root, named)


def _listed(at: Path, named: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(at) as entries:
            return sorted(entries, key=lambda one: one.name)
    except OSError as error:
        raise BadModelFolder(folder=named, reason=f"it cannot be read ({error.strerror})") from None


def file_of(place: Path, path: str, root: Path, named: str) -> Found:
    """One file, at `path` of the folder `root`. Raises BadModelFolder, BadModelFile."""
    checked_path(path, named)
    try:
        real = place.resolve(strict=True)
        status = real.stat()
    except OSError:
        raise BadModelFile(file=path, reason="it is a link to nothing") from None
    if not any(real.is_relative_to(one) for one in _within(root)):
        raise BadModelFile(file=path, reason="it is a link that leads out of the folder")
    if not stat.S_ISREG(status.st_mode):
        raise BadModelFile(file=path, reason="it is no plain file")
    return Found(path, real, status.st_size, status.st_mtime_ns)


def _within(root: Path) -> tuple[Path, ...]:
    """Where files may really lie: in the folder; for a snapshot of the hub's cache also in the blobs beside it."""
    if root.parent.name == "snapshots" and root.parent.parent.name.startswith("models--"):
        return root, root.parent.parent / "blobs"
    return (root,)


def checked_path(path: str, named: str) -> str:
    """A path inside a folder. Raises BadModelFolder for one that leads elsewhere, or is no text."""
    pure = PurePosixPath(path)
    strange = pure.is_absolute() or ".." in pure.parts or str(pure) != path or path in ("", ".") or "\\" in path
    if strange or len(path) > MAX_PATH or any(ord(one) < 32 or "\ud800" <= one <= "\udfff" for one in path):
        raise BadModelFolder(folder=named, reason=f"{path[:100]!a} is no name of a file that can be kept")
    return path


def json_object(file: Found) -> dict[str, Any]:
    """A JSON file that holds an object. Raises BadModelFile."""
    if file.size > MAX_JSON:
        raise BadModelFile(file=file.path, reason=f"it has {file.size} bytes where at most {MAX_JSON} are read")
    try:
        said = json.loads(file.place.read_bytes())
    except OSError as error:
        raise BadModelFile(file=file.path, reason=f"it cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise BadModelFile(file=file.path, reason="it is not JSON") from None
    if not isinstance(said, dict):
        raise BadModelFile(file=file.path, reason="it is no JSON object")
    return said


def index(files: Mapping[str, Found]) -> dict[str, str] | None:
    """Which file each weight lies in, as the index of a model in several files says. Raises BadModelFile."""
    if INDEX not in files:
        return None
    mapped = json_object(files[INDEX]).get("weight_map")
    if not isinstance(mapped, dict) or not all(isinstance(path, str) for path in mapped.values()):
        raise BadModelFile(file=INDEX, reason="it has no weight_map of names to files")
    for path in set(mapped.values()):
        if path not in files or not path.endswith(".safetensors"):
            raise BadModelFile(file=INDEX, reason=f"it names {path[:200]!r}, which is not there")
    return mapped


def weight_files(files: Collection[str], indexed: Mapping[str, str] | None, named: str) -> list[str]:
    """Which files hold the weights; all others are kept as they are. Raises BadModelFolder."""
    if indexed:
        return sorted(set(indexed.values()))
    if "model.safetensors" in files:
        return ["model.safetensors"]
    for ending in ("safetensors", "gguf"):
        root = sorted(path for path in files if "/" not in path and path.endswith(f".{ending}"))
        if root:
            return _one_model(root, named)
    hint = "a pickle (.bin, .pt) is not opened: convert it to safetensors"
    raise BadModelFolder(folder=named, reason=f"there is no .safetensors or .gguf file in it; {hint}")


def _one_model(paths: list[str], named: str) -> list[str]:
    shards = [_SHARD.fullmatch(path) for path in paths]
    if len(paths) == 1 and shards[0] is None:
        return paths
    whole = {(one[1], int(one[3])) for one in shards if one is not None}
    if len(whole) != 1 or None in shards:
        raise BadModelFolder(folder=named, reason=f"it holds several models ({', '.join(paths[:5])}): name one file")
    [(_, parts)] = whole
    if len(paths) != parts:
        raise BadModelFolder(folder=named, reason=f"of {parts} parts only {len(paths)} are there")
    return paths
