"""The personalities that come with the house."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from anima.kernel.errors import BadInput, FieldError

_FOLDER = resources.files(__package__).joinpath("ready")


class UnknownPersonality(BadInput):
    """There is no ready personality {name}; there are {known}."""

    slug = "unknown-personality"


def ready() -> list[str]:
    """Their names, in order."""
    return sorted(entry.name.removesuffix(".json") for entry in _FOLDER.iterdir() if entry.name.endswith(".json"))


def load_ready(name: str) -> dict[str, Any]:
    """The JSON of one of them. Raises UnknownPersonality."""
    if name not in ready():
        known = ", ".join(ready())
        wrong = [FieldError("personality", f"one of {known}, or a personality as JSON")]
        raise UnknownPersonality(name=name, known=known, fields=wrong)
    loaded: dict[str, Any] = json.loads(_FOLDER.joinpath(f"{name}.json").read_text("utf-8"))
    return loaded
