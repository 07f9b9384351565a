"""A talk over a WebSocket as data: what is sent, what is heard, and what has to be said again after a cut."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anima.client.call import plain, present
from anima.client.decode import Unreadable, decoded
from anima.client.errors import UnexpectedAnswer, of_problem, problem_of
from anima.client.events import ApprovalNeeded, Other, Started, Token, ToolEnded, ToolStarted
from anima.kernel.errors import AnimaError

TOKEN_EXPIRED, BUSY = 4401, 1013
"""Close codes after which another connection may be tried: the first with a new access token."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A talk was joined. `resumed`: false where what was missed is not known any more: read the history instead."""

    session_id: int | None
    avatar_id: uuid.UUID | None
    name: str | None
    private: bool
    answering: bool
    resumed: bool | None = None


@dataclass(frozen=True, slots=True)
class Responded:
    """The whole answer. `left_out` names fields that did not fit into a frame: `get_response` has them."""

    content: str | None
    finish: str
    response_id: int | None
    message_id: int | None
    request_id: int | None
    mood: str | None
    emotions: Mapping[str, float]
    left_out: tuple[str, ...]
    said: Mapping[str, Any]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How the avatar is."""

    mood: str | None
    energy: float | None
    emotions: Mapping[str, float]
    said: Mapping[str, Any]


TalkEvent = Joined | Started | Token | ToolStarted | ToolEnded | ApprovalNeeded | Responded | State | Other

_KINDS: Mapping[str, type[Any]] = {
    "joined": Joined,
    "started": Started,
    "token": Token,
    "tool": ToolStarted,
    "tool_result": ToolEnded,
    "approval": ApprovalNeeded,
}
_REPEATED = frozenset({"tool", "tool_result", "approval"})
"""They carry the number of the frame before them, and may come twice."""


@dataclass(slots=True)
class Talk:
    """What is known of a talk: which, how far it was heard, and the message that is not answered yet."""

    session_id: int | None = None
    avatar_id: uuid.UUID | str | None = None
    private: bool = False
    after: int | None = None
    waiting: dict[str, Any] | None = None
    _calls: set[tuple[str, Any]] = field(default_factory=set)

    def join(self) -> str:
        """The frame that joins it, or takes it up again where it was heard to."""
        frame: dict[str, Any] = {"type": "join", **present(session_id=self.session_id, after=self.after)}
        if self.session_id is None:
            frame |= present(avatar_id=self.avatar_id, private=self.private or None)
        return sent(frame)

    def message(self, content: str, options: Mapping[str, Any]) -> str:
        """The frame of a message; it has an id, by which it is answered once however often it is sent."""
        self.waiting = {"type": "message", "content": content, "id": str(uuid.uuid4()), **present(**options)}
        return sent(self.waiting)

    def again(self) -> str | None:
        """The frame to send after a cut, where a message waits for its answer and its start was not heard."""
        return sent(self.waiting) if self.waiting is not None else None

    def heard(self, received: str | bytes) -> TalkEvent | None:
        """What a frame tells; nothing for what was heard before. Raises the error that a frame is."""
        frame = _object(received)
        kind, number = frame.get("type"), frame.get("n")
        if kind is None or not self._is_new(str(kind), number, frame):
            return None
        if number is not None:
            self.after = max(self.after or 0, int(number))
        if kind == "error":
            self.waiting = None
            raise _error(frame)
        if kind in ("avatar_response", "state"):
            return self._answered(frame) if kind == "avatar_response" else _state(frame)
        return self._noted(str(kind), frame)

    def _is_new(self, kind: str, number: Any, frame: Mapping[str, Any]) -> bool:
        if kind in _REPEATED:
            call = (kind, frame.get("invocation_id") or (number, frame.get("name")))
            fresh = call not in self._calls
            self._calls.add(call)
            return fresh
        return number is None or self.after is None or int(number) > self.after

    def _noted(self, kind: str, frame: dict[str, Any]) -> TalkEvent:
        known = _KINDS.get(kind)
        if known is None:
            return Other(kind, frame)
        try:
            event: TalkEvent = decoded(known, frame)
        except Unreadable as error:
            raise UnexpectedAnswer(path="/ws", reason=f"{kind}: {error}") from None
        if isinstance(event, Joined | Started) and event.session_id is not None:
            self.session_id = event.session_id
        return event

    def _answered(self, frame: dict[str, Any]) -> Responded:
        self.waiting = None
        return Responded(
            content=frame.get("content"),
            finish=str(frame.get("finish", "stop")),
            response_id=frame.get("response_id"),
            message_id=frame.get("message_id"),
            request_id=frame.get("request_id"),
            mood=frame.get("mood"),
            emotions=frame.get("emotions") or {},
            left_out=tuple(frame.get("left_out") or ()),
            said=frame,
            id=frame.get("id"),
        )


def sent(frame: Mapping[str, Any]) -> str:
    """A frame as it goes out."""
    return json.dumps(plain(frame), ensure_ascii=False)


def _state(frame: dict[str, Any]) -> State:
    return State(frame.get("mood"), frame.get("energy"), frame.get("emotions") or {}, frame)


def _object(received: str | bytes) -> dict[str, Any]:
    try:
        frame = json.loads(received)
    except ValueError:
        frame = None
    if not isinstance(frame, dict):
        raise UnexpectedAnswer(path="/ws", reason="a frame that is no JSON object")
    return frame


def _error(frame: dict[str, Any]) -> AnimaError:
    try:
        return of_problem(problem_of(frame["error"], 500), frame["error"].get("retry_after"))
    except (KeyError, TypeError, AttributeError, ValueError):
        return UnexpectedAnswer(path="/ws", reason="an error that is none of ours")
