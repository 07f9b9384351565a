"""Turns that wait for their person: which, what is decided about their calls, and how they go on.

A decision is kept before anything follows from it, a call that was approved is made once, and the answer is stored
once; so the same decision may come again at any time: it goes on where a process died, and else gives the same answer.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anima.chat import answers_service, said, service, tool_loop, tools_repo
from anima.chat.entering_service import Elsewhere
from anima.chat.model import Finished, Started, TurnEvent, TurnRequest
from anima.chat.tools_repo import Waiting
from anima.kernel import db
from anima.kernel.errors import Conflict
from anima.plugins import turn_service as plugins
from anima.plugins.turn_service import CallNotFound

_MOST_LISTED = 100


class StillGoingOn(Conflict):
    """The turn of this call is being answered; ask again later."""

    slug = "still-running"


@dataclass(frozen=True, slots=True)
class WaitingTool:
    """A call that waits for its person."""

    invocation_id: int
    plugin: str
    name: str
    arguments: Any
    session_id: int | None
    message_id: int | None
    request_id: int
    asked_at: datetime


def list_waiting(principal: db.Principal, session_id: int | None = None) -> list[WaitingTool]:
    """The calls that wait, of the newest turns first."""
    with db.transaction(principal) as tx:
        found = tools_repo.asked(tx, _owner(principal), session_id, _MOST_LISTED)
    return [
        WaitingTool(
            each["invocation_id"],
            each["plugin"],
            each["call"]["name"],
            each["arguments"],
            turn.session_id,
            turn.message_id,
            turn.request_id,
            turn.asked_at,
        )
        for turn in found.all()
        for one in turn.kept["exchange"]["rounds"]
        for each in one["made"]
        if each["state"] == "waiting"
    ]


def go_on(
    principal: db.Principal,
    invocation_id: int,
    *,
    approve: bool,
    always: bool = False,
    stream: bool = False,
    session_id: int | None = None,
) -> Generator[TurnEvent, None, None]:
    """Decides about a call, and goes on with its turn as `service.reply` does; the same again gives the same answer.

    Where other calls of the turn wait still, its answer is "approval" again. With `session_id` a call of another
    session is none. Raises CallNotFound, DecidedOtherwise, StillGoingOn, and what `service.reply` raises: then the turn
    may be taken up by the same call.
    """
    if session_id is not None:
        _check_session(principal, invocation_id, session_id)
    found = _decided(principal, invocation_id, approve, always)
    if found.state == "completed" or found.kept is None:
        yield from service.once_more(principal, found.request_id)
        return
    if _any_waits(principal, found):
        answer = answers_service.answer_to(principal, found.request_id)
        yield Started(answer.session_id or 0, answer.parent_message_id or 0, found.request_id)
        yield Finished(answer)
        return
    yield from _taken_up(principal, found, found.kept, stream)


def _check_session(principal: db.Principal, invocation_id: int, session_id: int) -> None:
    """Raises CallNotFound where the turn of a call is of another session; nothing is decided then."""
    with db.transaction(principal) as tx:
        found = tools_repo.waiting(tx, _owner(principal), None, invocation_id)
    turn = found.first()
    if turn is None or turn.session_id != session_id:
        raise CallNotFound(invocation_id=invocation_id)


def _decided(principal: db.Principal, invocation_id: int, approve: bool, always: bool) -> Waiting:
    """The turn of a call about which is decided. One of a private session is forgotten once it was made."""
    try:
        request_id = plugins.decide(principal, invocation_id, approve, always).request_id
    except CallNotFound:
        request_id = None
    with db.transaction(principal) as tx:
        found = tools_repo.waiting(tx, _owner(principal), request_id, invocation_id)
    turn = found.first()
    if turn is None or turn.session_id is None or turn.message_id is None:
        raise CallNotFound(invocation_id=invocation_id)
    return turn


def _any_waits(principal: db.Principal, found: Waiting) -> bool:
    """Whether nobody has decided yet about some other call of the turn."""
    with db.transaction(principal) as tx:
        calls = plugins.waiting(tx, _owner(principal), found.request_id)
    return any(call.state == "waiting" for call in calls.calls())


def _taken_up(
    principal: db.Principal, found: Waiting, kept: dict[str, Any], stream: bool
) -> Generator[TurnEvent, None, None]:
    """Goes on with a turn from where it waited."""
    asked = kept["request"]
    named = {name: asked[name] for name in ("model", "country", "client")}
    turn = service.listen(principal, TurnRequest("", stream=stream, answers=found.message_id, **named), None)
    history = None if asked["history"] is None else tuple((role, text) for role, text in asked["history"])
    turn = replace(turn, request=replace(turn.request, history=history), waited=found.request_id, again=False)
    try:
        scene, recalled = service.enter(turn)
    except Elsewhere:
        yield from _elsewhere(principal, found)
        return
    yield from service.play(scene, recalled, said.taken_up(kept), tool_loop.decided)


def _elsewhere(principal: db.Principal, found: Waiting) -> Iterator[TurnEvent]:
    """Another call goes on with the turn, or has: its answer, where it is there."""
    with db.transaction(principal) as tx:
        now = tools_repo.waiting(tx, _owner(principal), found.request_id)
    turn = now.first()
    if turn is None or turn.state != "completed":
        raise StillGoingOn(retry_after=2)
    yield from service.once_more(principal, found.request_id)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "a turn is somebody's"
    return principal.user_id
