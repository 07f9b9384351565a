"""The catalogue of model files: those that come with the program, and those that a user added."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError


class UnknownAsset(AnimaError):
    """There is no model file named {name}; known are {known}."""

    status = 404
    slug = "unknown-asset"


class BrokenCatalogue(AnimaError):
    """The list of added models in {path} cannot be read: {reason}."""

    slug = "broken-catalogue"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its publisher's address, its size in bytes (unknown for some), and the sha256 of its bytes.

    `file` is its place in the model folder. `kind` is gguf, onnx, ctranslate2, tokenizer or config.
    """

    name: str
    file: str
    url: str
    size: int | None
    sha256: str
    licence: str
    kind: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """A row of packages that carry one or more assets, cut into parts.

    `package` and the values of `members` (path inside the wheel, by asset name) are format strings, where
    `part` counts from 1.
    """

    package: str
    version: str
    parts: int
    members: Mapping[str, str]


def _packaged(name: str) -> Any:
    return json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def built_in() -> dict[str, Asset]:
    """The assets that come with the program, by name."""
    return {entry["name"]: Asset(**entry) for entry in _packaged("assets.json")["assets"]}


@lru_cache(maxsize=1)
def _mirrors() -> list[Mirror]:
    return [Mirror(**entry) for entry in _packaged("mirrors.json")["mirrors"]]


def mirrors_of(name: str) -> list[Mirror]:
    """The package mirrors that carry an asset."""
    return [mirror for mirror in _mirrors() if name in mirror.members]


def custom_file() -> Path:
    """Where the assets that a user added are listed."""
    return settings().model_dir / "custom.json"


def _custom() -> dict[str, Asset]:
    path = custom_file()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["assets"]
        return {entry["name"]: Asset(**entry) for entry in entries}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenCatalogue(path=path, reason=repr(error)) from None


def catalogue() -> dict[str, Asset]:
    """All assets by name: those of the program, which nothing replaces, and those a user added."""
    return {**_custom(), **built_in()}


def asset(name: str) -> Asset:
    """One asset; raises UnknownAsset."""
    known = catalogue()
    if name not in known:
        raise UnknownAsset(name=name, known=", ".join(sorted(known)))
    return known[name]


def record(added: Asset) -> None:
    """Adds an asset to the user's list, or replaces the one of the same name; the caller holds a lock."""
    entries = {**_custom(), added.name: added}
    path = custom_file()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"assets": [asdict(entry) for entry in entries.values()]}, indent=2))
    os.replace(draft, path)
