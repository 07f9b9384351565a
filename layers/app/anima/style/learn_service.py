"""Learns how a person writes from what they say, after a turn: each message once, in whatever order they come."""

from __future__ import annotations

from datetime import datetime

from anima.kernel import db
from anima.style import fold, own_repo
from anima.style.measure import measured

__all__ = ["after_turn"]


def after_turn(
    tx: db.Transaction, owner_id: int, message_id: int, text: str, language: str | None, at: datetime
) -> bool:
    """Takes a message of the person into their style; never call it for a private session. Looks once.

    Answers whether that changed anything: the same message again, one from before the style was forgotten, one without
    words, and all where style is switched off, change nothing.
    """
    measures = measured(text, language)
    if measures is None:
        return False
    kept = own_repo.locked(tx, owner_id).one()
    if not kept.enabled or message_id <= kept.learns_after:
        return False
    samples = fold.added(kept.samples, [fold.sample(message_id, at, measures)])
    if samples == kept.samples:
        return False
    own_repo.learn(tx, owner_id, samples, fold.averages(samples), at)
    return True
