"""What a turn gets from elsewhere in the house: conclusions, something to bring up, and a wider look before it says
that it does not know. Whoever composes the app says from where; without it a turn is what it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

from anima.chat.gate import Decision, clean
from anima.chat.model import Passage
from anima.kernel import db
from anima.kernel.terms import Question
from anima.knowledge.search_model import Hit
from anima.memory.model import Memory


class Beside(Protocol):
    """What stands beside a turn; asked for in its first transaction, read after it."""

    @property
    def has_findings(self) -> bool: ...

    def hints(self, memories: Sequence[Memory]) -> list[Memory]: ...

    def aside(self) -> Any: ...

    def told(self, tx: db.Transaction, aside: Any) -> None: ...


class Curiosity(Protocol):
    """Who thinks along: `begin` sends and waits for nothing, `look` ends by `until` (time.monotonic())."""

    def begin(
        self,
        tx: db.Transaction,
        owner_id: int,
        avatar_id: uuid.UUID,
        question: Question,
        *,
        hints: Collection[str],
        asides: bool,
    ) -> Beside: ...

    def look(self, principal: db.Principal, owner_id: int, question: Question, until: float) -> list[Hit]: ...


_curious: Curiosity | None = None


def ask(curious: Curiosity) -> None:
    """Has turns ask for what stands beside them."""
    global _curious
    _curious = curious


def begin(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, question: Question, *, hints: Collection[str], asides: bool
) -> Beside | None:
    """Asks for what may stand beside a turn."""
    if _curious is None or not (hints or asides):
        return None
    return _curious.begin(tx, owner_id, avatar_id, question, hints=hints, asides=asides)


def look(
    principal: db.Principal, owner_id: int, question: Question, until: float, found: Decision, beside: Beside | None
) -> list[Hit]:
    """What else there is to a question to which nothing was found; of what everybody may know, what was found out."""
    wanted = found.kind == "unknown" or (found.kind == "open" and beside is not None and beside.has_findings)
    return _curious.look(principal, owner_id, question, until) if _curious and wanted else []


def with_hints(decision: Decision, hints: Sequence[Memory]) -> Decision:
    """The decision with conclusions: what nothing else answers they do."""
    if not hints:
        return decision
    kind = "known" if decision.kind in ("unknown", "open", "talk") else decision.kind
    return replace(decision, kind=kind, hints=list(hints))


def with_aside(decision: Decision, beside: Beside | None) -> Decision:
    """The decision with something to bring up, where nothing is asked; a finding as a passage that can be cited."""
    if decision.kind != "talk" or decision.hints or beside is None or (aside := beside.aside()) is None:
        return decision
    if aside.document_id is None:
        return replace(decision, aside=aside, told=f'You have been wondering: "{aside.question}" {_ASKS}')
    if not (text := clean(aside.answer or "")):
        return decision
    found = Passage(1, aside.chunk_id, aside.document_id, aside.title or "", aside.source_uri, {}, text)
    return replace(decision, aside=aside, passages=[found], told=f'You looked up "{aside.question}" {_TELLS}')


_ASKS = "If it fits what was just said, ask that, shortly, and nothing else."
_TELLS = "and found the passage above. If it fits, tell it shortly as something that you found out, and where."
