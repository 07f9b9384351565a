"""What a turn gets from here: conclusions from what was told, something to bring up, and a wider look before it says
that it does not know. Whoever composes the app hands this to the chat.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from anima.curiosity import ranking, sources_service, turn_repo
from anima.curiosity.model import TURNS_BETWEEN, Aside
from anima.curiosity.turn_repo import Found
from anima.emotions.sentiment import sentiment
from anima.kernel import clock, db, telemetry
from anima.kernel.terms import Question
from anima.knowledge.search_model import Hit
from anima.memory import hints_service
from anima.memory.hints_service import PendingHints
from anima.memory.model import Memory

LOOK_SECONDS = 2.0
_GLOOMY = -0.3


@dataclass(slots=True)
class Beside:
    """What stands beside a turn; to be read after its first transaction."""

    owner_id: int
    avatar_id: uuid.UUID
    question: Question
    _hints: PendingHints | None
    _asides: db.Pending[Aside] | None
    _found: db.Pending[Found] | None

    def hints(self, memories: Sequence[Memory]) -> list[Memory]:
        """What follows from facts and from what was recalled, as far as the question touches it."""
        return self._hints.about(memories) if self._hints else []

    def aside(self) -> Aside | None:
        """What may be brought up; for a turn that asks nothing. Nothing where somebody is down."""
        if self._asides is None or not (waiting := self._asides.all()):
            return None
        if sentiment(self.question.text) < _GLOOMY:
            return None
        return ranking.fitting(waiting, self.question)

    @property
    def has_findings(self) -> bool:
        """Whether anything was found out that may answer a question."""
        return self._found is not None and bool(self._found.all())

    def told(self, tx: db.Transaction, aside: Aside) -> None:
        """Notes in the turn's last transaction that it was brought up."""
        turn_repo.told(tx, self.owner_id, self.avatar_id, aside.gap_id, clock.now())
        telemetry.count("curiosity.told", kind="finding" if aside.document_id else "question")


def begin(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    question: Question,
    *,
    hints: Collection[str],
    asides: bool,
) -> Beside:
    """Sends at most three statements in the turn's pipeline, and looks at nothing; `hints` rest on these kinds."""
    return Beside(
        owner_id,
        avatar_id,
        question,
        hints_service.begin(tx, owner_id, avatar_id, question, hints) if hints else None,
        turn_repo.asides(tx, owner_id, avatar_id, TURNS_BETWEEN) if asides else None,
        turn_repo.found(tx, owner_id) if asides else None,
    )


def look(principal: db.Principal, owner_id: int, question: Question, until: float) -> list[Hit]:
    """What all own stores say to a question, looked for with a wider net, in two seconds at most, else nothing.

    `until` is a moment of time.monotonic() by which it ends in any case. Whatever goes wrong costs what would have
    been found and nothing else.
    """
    seconds = min(LOOK_SECONDS, until - time.monotonic())
    if seconds <= 0:
        return []
    found: list[list[Hit]] = []

    def run() -> None:
        try:
            found.append(sources_service.own(principal, owner_id, question, seconds))
        except Exception as error:  # nobody waits for it
            telemetry.error("curiosity.look", error)

    begun = time.monotonic()
    thread = threading.Thread(target=run, name="curiosity-look", daemon=True)
    thread.start()
    thread.join(seconds)
    hits: list[Any] = found[0] if found else []
    telemetry.observe("curiosity.look", (time.monotonic() - begun) * 1000)
    telemetry.count("curiosity.looks", outcome="late" if not found else "found" if hits else "nothing")
    return hits
