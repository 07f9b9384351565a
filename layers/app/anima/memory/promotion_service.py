"""What a person keeps coming back to becomes a fact (origin `consolidated`); the words of each message are evidence."""

from __future__ import annotations

from anima.kernel import db
from anima.memory import remember_service, replay_repo
from anima.memory.consolidation_service import Night
from anima.memory.facts_model import Found
from anima.memory.recurring import Saying, recurring
from anima.memory.remember_service import Heard

_MESSAGES_AN_EPISODE = 4


def promote(night: Night) -> dict[str, int]:
    """Looks through the messages that recall finds, four for each episode replayed; the facts are kept as any other."""
    if not night.switches.get("facts", True):
        return {"facts": 0}
    with db.transaction(night.owner) as tx:
        found = replay_repo.recalled(tx, night.owner_id, night.avatar_id, _MESSAGES_AN_EPISODE * night.replayed)
    by_message: dict[int, list[Found]] = {}
    for each in recurring([Saying(one.message_id, one.text, one.at) for one in found.all()]):
        for message_id, fact in each.found:
            by_message.setdefault(message_id, []).append(fact)
    if not by_message or night.over:
        return {"facts": 0}
    heard = [Heard(message_id, facts) for message_id, facts in sorted(by_message.items())]
    vectors = remember_service.embedded(night.embedding_model, heard)
    with night.writing() as tx:
        kept = remember_service.keep(tx, night.owner_id, night.avatar_id, heard, vectors, origin="consolidated")
    return {"facts": len(kept.new)}
