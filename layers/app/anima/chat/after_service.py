"""What a turn leaves behind, each part done once however often the event comes."""

from __future__ import annotations

import uuid
from dataclasses import replace

from anima import personality
from anima.chat import log_repo, quiet_service, second_look_service
from anima.chat.log_repo import TurnEnd
from anima.curiosity import look_service as curiosity
from anima.emotions.sentiment import kindness
from anima.gateway import experiments_watch, slots_service
from anima.kernel import clock, db, delivery
from anima.kernel.outbox import Event
from anima.memory import edits_service, reflect_service, sleep_service
from anima.relationships import moves_service as relationships
from anima.style import learn_service as style

_LOOKED_BACK = 40
"""So many of a person's last messages tell how much of the next one is new."""


def follow(event: Event) -> None:
    """Moves the relationship and has the avatar reflect. A turn that is gone or private leaves nothing."""
    avatar_id = uuid.UUID(str(event.payload["avatar_id"]))
    with db.transaction(event.owner) as tx:
        ended = log_repo.turn_end(tx, event.owner_id, int(event.payload["request_id"]), avatar_id)
    end = ended.first()
    if end is None:
        return
    answered = {"response_id": end.response_id, "response_message_id": end.response_message_id}
    if event.payload.get("again"):  # what was said is known; only its answer is another now
        message_id, by = int(event.payload["message_id"]), end.response_message_id
        edits_service.take_back(event.owner, event.owner_id, avatar_id, answered=message_id, by=by)
        answered["message_id"] = None
    else:
        _relate(event, avatar_id, end)
        _learn_style(event, end)
        second_look_service.look(event, avatar_id, end.text, end.switches)
    if (edits := event.payload.get("edits")) is not None:
        edits_service.take_back(event.owner, event.owner_id, avatar_id, edits=int(edits))
    reflect_service.reflect(replace(event, payload={**event.payload, **answered}))
    if (exp_id := event.payload.get("experiment")) is not None:
        experiments_watch.consider(event.owner, int(exp_id))
    with db.transaction(event.owner) as tx:
        if (session_id := event.payload.get("session_id")) is not None:
            quiet_service.expect(tx, event.owner_id, int(session_id))
        sleep_service.expect(tx, event.owner_id, avatar_id)
    curiosity.expect(event)
    slots_service.take_over(event.owner, avatar_id)


def _learn_style(event: Event, end: TurnEnd) -> None:
    """Takes how the person writes into what is known of it, unless the avatar leaves that alone; twice is once."""
    if (message_id := event.payload.get("message_id")) is None or not end.switches.get("style", True):
        return
    with db.transaction(event.owner) as tx:
        style.after_turn(tx, event.owner_id, int(message_id), end.text, None, clock.now())


def _relate(event: Event, avatar_id: uuid.UUID, end: TurnEnd) -> None:
    """Moves the affinity, unless levels are off; under a mark of its own, for reflection enters the event itself."""
    if not end.switches.get("levels", True):
        return
    mark = replace(event, event_id=uuid.uuid5(event.event_id, "affinity"))
    message_id = int(event.payload.get("message_id") or 0)
    with db.transaction(event.owner) as tx:
        before = log_repo.earlier(tx, event.owner_id, avatar_id, message_id, _LOOKED_BACK)
        if delivery.first_time(tx, mark):
            relationships.after_turn(
                tx,
                event.owner_id,
                avatar_id,
                end.personality_name,
                personality.parse(end.personality),
                text=end.text,
                sentiment=kindness(end.text),
                fresh=relationships.freshness(end.text, (one.text for one in before.all())),
            )
