"""Where a connection takes part, and how often its person may send."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

from anima.kernel import buckets, limits, telemetry
from anima.socket.errors import TooManyFrames


@dataclass(frozen=True, slots=True)
class Joined:
    """A session, or one that begins with the first message."""

    session_id: int | None
    avatar_id: uuid.UUID | None
    name: str | None
    private: bool


def count(user_id: int | None) -> None:
    """Counts a frame of a person. Raises TooManyFrames where it is one too many."""
    most = limits.socket()
    wait = buckets.take(f"socket:{user_id}", most.capacity, most.refill_seconds)
    if wait > 0:
        telemetry.count("socket.limited")
        raise TooManyFrames(seconds=math.ceil(wait), retry_after=math.ceil(wait))
