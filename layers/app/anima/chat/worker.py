"""What follows a turn: the avatar reflects on it, and the relationship moves. Driven by `turn.finished`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.chat import after_service
from anima.kernel import delivery
from anima.kernel.watch import watched


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """An SQS event of `turn.finished` records; answers those that failed, so that only they come again."""
    return delivery.consume(event, watched(after_service.follow), raising=raising)
