"""What follows a turn (`turn.finished`): the avatar reflects on it, and the relationship moves; later its session is
summed up when it is quiet (`session.quiet`), and what was written of it goes when it is deleted (`session.deleted`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.chat import after_service, quiet_service
from anima.kernel import delivery
from anima.kernel.outbox import Event
from anima.kernel.watch import watched

_HANDLERS = {quiet_service.TOPIC: quiet_service.look, quiet_service.DELETED: quiet_service.forget}


def _handle(event: Event) -> None:
    _HANDLERS.get(event.topic, after_service.follow)(event)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; answers those that failed, so that only they come again."""
    return delivery.consume(event, watched(_handle), raising=raising)
