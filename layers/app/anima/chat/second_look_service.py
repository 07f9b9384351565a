"""After a turn: a model looks at how a message feels whose words do not tell, and the avatar's state is set right.

Within a budget of calls an hour, by a model that may read the message, never of a private session, once a turn. That
somebody is in danger is never left to a model: it is sad, whatever a model takes it for.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anima.avatars import service as avatars
from anima.avatars.model import Avatar
from anima.emotions import feeling_service, second_look
from anima.gateway import service as gateway
from anima.kernel import clock, db, delivery, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.kernel.outbox import Event
from anima.memory import egress_service
from anima.personality.build import build
from anima.safety import detect

_DEADLINE_SECONDS = 20.0
_HOUR_SECONDS = 3600.0
_looks: deque[float] = deque()
_lock = threading.Lock()


def look(event: Event, avatar_id: uuid.UUID, text: str, switches: Mapping[str, Any]) -> None:
    """Looks where that is worth it; what fails is left as the words had it."""
    session_id, message_id = event.payload.get("session_id"), event.payload.get("message_id")
    if session_id is None or not switches.get("moods", True) or not second_look.worth(text):
        return
    in_danger = detect.detect(text).kind != "none"
    if not in_danger and not _may():
        return
    avatar = avatars.get(event.owner, avatar_id)
    with gateway.charged(gateway.Account(event.owner, event.owner_id, avatar_id, "feeling")):
        said = -1.0 if in_danger else _ask(avatar, text)
    if said is None:
        return
    mark = replace(event, event_id=uuid.uuid5(event.event_id, "second look"))
    with db.transaction(event.owner) as tx:
        if not delivery.first_time(tx, mark):
            return
        kept = feeling_service.begin(tx, event.owner_id, avatar_id, int(session_id)).kept()
        feeling = second_look.corrected(kept, build(avatar.personality), text, said, clock.now())
        if feeling is not None:
            feeling_service.store(
                tx, event.owner_id, avatar_id, int(session_id), feeling, message_id=message_id, cause="second look"
            )


def _ask(avatar: Avatar, text: str) -> float | None:
    try:
        model = egress_service.reader(avatar.model, avatar.egress, [text])
        if model is None:
            return None
        prompt = second_look.asked(text)
        answer = gateway.complete(
            model,
            prompt,  # type: ignore[arg-type]
            max_tokens=second_look.MAX_TOKENS,
            deadline=time.monotonic() + _DEADLINE_SECONDS,
            params={"temperature": 0.0},
            fixed=len(prompt) - 1,
        )
    except AnimaError as error:
        telemetry.warning("feeling.no_second_look", reason=error.slug)
        return None
    return second_look.verdict(answer.text)


def _may() -> bool:
    """Whether the budget of this process has a look left; takes it."""
    now = time.monotonic()
    with _lock:
        while _looks and _looks[0] < now - _HOUR_SECONDS:
            _looks.popleft()
        if len(_looks) >= settings().second_looks_per_hour:
            return False
        _looks.append(now)
    return True
