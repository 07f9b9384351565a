"""After a turn: the gaps that it left are noted, those that it fills go, and one of them is looked for.

Nothing happens for a private session, nor where curiosity is switched off; and most turns leave nothing to look at.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from anima.curiosity import gaps, look_repo, ranking, research_service
from anima.curiosity.look_repo import Held, Turn
from anima.curiosity.model import NewGap
from anima.kernel import clock, db, delivery, ids, outbox, telemetry
from anima.kernel.outbox import Event
from anima.kernel.terms import Question, coverage, language_of

TOPIC = "curiosity.look"
MOST_GAPS = 200
_MOSTLY = 0.5
_BEING = r"(?:is|was|est|était|means|works|travaille)\W+(?:my|our|an?|the|for|as|mon|ma|notre|une?|l[ea]?|pour|chez)"


def expect(event: Event) -> None:
    """After a turn (`turn.finished`): has it looked at where it may have left a gap, once however often it is told."""
    avatar_id, request_id = uuid.UUID(str(event.payload["avatar_id"])), int(event.payload["request_id"])
    if (replaced := event.payload.get("edits")) is not None:
        research_service.retract(event.owner, event.owner_id, int(replaced))
    with db.transaction(event.owner) as tx:
        if look_repo.turn(tx, event.owner_id, avatar_id, request_id).first() is None:
            return
        if delivery.first_time(tx, replace(event, event_id=uuid.uuid5(event.event_id, TOPIC))):
            payload = {"avatar_id": str(avatar_id), "request_id": request_id}
            outbox.emit(tx, TOPIC, f"avatar:{avatar_id}", event.owner_id, payload)


def look(event: Event) -> None:
    """Notes the gaps of a turn; done twice, it is the same."""
    owner_id, avatar_id = event.owner_id, uuid.UUID(str(event.payload["avatar_id"]))
    with db.transaction(event.owner) as tx:
        turn = look_repo.turn(tx, owner_id, avatar_id, int(event.payload["request_id"])).first()
        if turn is None:
            return
        named = look_repo.unexplained(tx, owner_id, avatar_id, turn.message_id)
        opposed = look_repo.contradictions(tx, owner_id, avatar_id, turn.message_id)
        there = look_repo.held(tx, owner_id, avatar_id)
        if not delivery.first_time(tx, event):
            return
        language = language_of(turn.text)
        found = [one for one in [gaps.of_question(turn.text, turn.answer, turn.gate)] if one is not None]
        asked = [one.question for one in found] + [one.question for one in there.all() if one.kind == "unknown"]
        for one in named.all():
            if ranking.is_asked(one.name, asked):
                continue
            about = gaps.of_named(one.name, one.kind, one.mentions, language)
            found.append(replace(about, entity_id=one.entity_id))
        for two in opposed.all():
            said = two.said_before, two.said_after
            if (between := gaps.of_contradiction(two.key, two.before, two.after, said)) is not None:
                found.append(replace(between, fact_id=two.fact_id))
        _keep(tx, owner_id, avatar_id, turn, found, there.all())


def _keep(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    turn: Turn,
    found: Sequence[NewGap],
    there: Sequence[Held],
) -> None:
    """Enters what is new, counts what shows again, and has the one that matters most looked for."""
    if filled := _filled(turn, there):
        look_repo.filled(tx, owner_id, avatar_id, filled, clock.now())
    known = [one.folded for one in there]
    for gap in found:
        alike = ranking.same(gap.folded, known)
        look_repo.found(
            tx,
            owner_id,
            avatar_id,
            turn.message_id,
            ids.uuid7(),
            replace(gap, folded=alike or gap.folded),
            clock.now(),
        )
        telemetry.count("curiosity.gaps", kind=gap.kind)
    if not found:
        return
    look_repo.drop_least(tx, owner_id, avatar_id, MOST_GAPS)
    if any(gap.to_research for gap in found):
        research_service.want(tx, owner_id, avatar_id)


def _filled(turn: Turn, there: Sequence[Held]) -> list[uuid.UUID]:
    """The gaps that a statement of the person fills."""
    if turn.text.rstrip().endswith("?") or turn.gate in ("unknown", "open"):
        return []
    return [one.gap_id for one in there if one.state in ("open", "asked") and _fills(turn.text, one)]


def _fills(text: str, gap: Held) -> bool:
    """Whether a statement has half of a gap's words; of somebody who is named it says what they are."""
    if gap.kind == "unexplained":
        return re.search(rf"\b{re.escape(gap.subject)}\W+{_BEING}\b", text, re.IGNORECASE) is not None
    return coverage(Question.of(gap.question, []), text) >= _MOSTLY
