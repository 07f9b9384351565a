"""The settings that admins change while everything runs, by the rooms that heed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from anima.kernel import limits
from anima.kernel.options import Option
from anima.safety import model as safety


def _of_safety(name: str, known: safety.Key) -> Option:
    usual = asdict(safety.Settings())[name]
    return Option(lambda: usual, known.description, (known.least, known.most) if known.most else known.values)


ROOMS: Mapping[str, Mapping[str, Option]] = {
    "safety": {name: _of_safety(name, known) for name, known in safety.KEYS.items()},
    "limits": limits.OPTIONS,
    "experiments": {
        "enabled": Option(lambda: True, "Whether people are given variants of running experiments", (True, False)),
    },
}
OPTIONS: dict[str, Option] = {f"{room}.{name}": one for room, options in ROOMS.items() for name, one in options.items()}
"""Every setting by its key, `room.name`."""
