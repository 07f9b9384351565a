"""Answers told once more, from what is stored of them, to somebody who heard a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from anima.chat import answers_service, retold_repo
from anima.chat.model import Finished, Started, Token, TurnEvent
from anima.chat.retold_repo import Retold
from anima.kernel import db
from anima.kernel.errors import NotFound

MOST_TURNS = 20
"""So many are told once more; who missed more reads the history."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was not heard of a turn; `failed` is the slug of what ended it, and `open` that it is being answered."""

    request_id: int
    events: list[TurnEvent] = field(default_factory=list)
    failed: str | None = None
    open: bool = False


def missed(principal: db.Principal, session_id: int, request_id: int, position: int) -> list[Missed] | None:
    """What followed a position in the answer to a request: 0 is its beginning, 1 + index a token.

    None where there is no such request of this person in the session, or too much followed it.
    """
    owner_id = principal.user_id
    assert owner_id is not None, "a session is somebody's"
    with db.transaction(principal) as tx:
        found = retold_repo.retold(tx, owner_id, session_id, request_id, position, MOST_TURNS + 1)
    turns = found.all()
    if not turns or turns[0].request_id != request_id or len(turns) > MOST_TURNS:
        return None
    return [_missed(principal, session_id, turn, whole=turn.request_id != request_id) for turn in turns]


def _missed(principal: db.Principal, session_id: int, turn: Retold, *, whole: bool) -> Missed:
    events = list(_events(principal, session_id, turn, whole)) if turn.state == "completed" else []
    failed: Any = (turn.error or {}).get("slug", turn.state) if turn.state in ("failed", "interrupted") else None
    return Missed(turn.request_id, events, failed, open=turn.state == "pending" and not turn.waits)


def _events(principal: db.Principal, session_id: int, turn: Retold, whole: bool) -> Iterator[TurnEvent]:
    if whole:
        yield Started(session_id, turn.message_id or 0, turn.request_id)
    for index, text in turn.tokens:
        yield Token(index, text)
    try:
        yield Finished(answers_service.answer_to(principal, turn.request_id))
    except NotFound:  # it went away between the two looks
        return
