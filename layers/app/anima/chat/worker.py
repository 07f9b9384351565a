"""What follows a turn (`turn.finished`): the avatar reflects on it, and the relationship moves; later its session is
summed up when it is quiet (`session.quiet`), the avatar sleeps (`memory.sleep`), and what was written of a session goes
when it is deleted (`session.deleted`), as what was changed of memory does when it cannot be undone any more
(`memory.expired`). What a turn left open is noted (`curiosity.look`) and looked for
(`curiosity.research`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from anima.chat import after_service, quiet_service
from anima.curiosity import look_service, research_service
from anima.emotions import state_service
from anima.kernel import delivery
from anima.kernel.outbox import Event
from anima.kernel.watch import watched
from anima.memory import changes_service, sleep_service

_HANDLERS: dict[str, Callable[[Event], None]] = {
    quiet_service.TOPIC: quiet_service.look,
    quiet_service.DELETED: quiet_service.forget,
    look_service.TOPIC: look_service.look,
    research_service.TOPIC: research_service.research,
    changes_service.EXPIRED: changes_service.expire,
    sleep_service.TOPIC: partial(
        sleep_service.follow, refresh=quiet_service.refresh, acetylcholine=state_service.acetylcholine
    ),
}


def _handle(event: Event) -> None:
    _HANDLERS.get(event.topic, after_service.follow)(event)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; answers those that failed, so that only they come again."""
    return delivery.consume(event, watched(_handle), raising=raising)
