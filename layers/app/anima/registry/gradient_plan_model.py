"""Which layers of a model keep what they compute until the backward pass, and which compute it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Strategy = Literal["keep", "recompute"]


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """What is planned for a layer, and how many bytes that saves where it was measured."""

    layer: str
    strategy: Strategy
    saved_bytes: int | None
    created_at: datetime


def choose(measured: Mapping[str, int], wanted_bytes: int) -> dict[str, Strategy]:
    """A plan that saves so many bytes with as few layers as that takes; all that save anything where that is too much.

    What single layers save adds up where none of them lies in another.
    """
    chosen: dict[str, Strategy] = dict.fromkeys(measured, "keep")
    left = wanted_bytes
    for name, saved in sorted(measured.items(), key=lambda one: (-one[1], one[0])):
        if left <= 0 or saved == 0:
            break
        chosen[name] = "recompute"
        left -= saved
    return chosen
