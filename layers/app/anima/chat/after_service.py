"""What a turn leaves behind, each part done once however often the event comes."""

from __future__ import annotations

import uuid
from dataclasses import replace

from anima import personality
from anima.chat import log_repo, quiet_service
from anima.chat.log_repo import TurnEnd
from anima.emotions.sentiment import sentiment
from anima.kernel import db, delivery
from anima.kernel.outbox import Event
from anima.memory import reflect_service
from anima.relationships import service as relationships


def follow(event: Event) -> None:
    """Moves the relationship and has the avatar reflect. A turn that is gone or private leaves nothing."""
    avatar_id = uuid.UUID(str(event.payload["avatar_id"]))
    with db.transaction(event.owner) as tx:
        ended = log_repo.turn_end(tx, event.owner_id, int(event.payload["request_id"]), avatar_id)
    end = ended.first()
    if end is None:
        return
    _relate(event, avatar_id, end)
    answered = {"response_id": end.response_id, "response_message_id": end.response_message_id}
    reflect_service.reflect(replace(event, payload={**event.payload, **answered}))
    if (session_id := event.payload.get("session_id")) is not None:
        quiet_service.expect(event.owner, event.owner_id, int(session_id))


def _relate(event: Event, avatar_id: uuid.UUID, end: TurnEnd) -> None:
    """Moves the affinity; entered under a mark of its own, for reflection enters the event itself."""
    mark = replace(event, event_id=uuid.uuid5(event.event_id, "affinity"))
    with db.transaction(event.owner) as tx:
        if delivery.first_time(tx, mark):
            relationships.after_turn(
                tx,
                event.owner_id,
                avatar_id,
                end.personality_name,
                personality.parse(end.personality),
                text=end.text,
                sentiment=sentiment(end.text),
            )
