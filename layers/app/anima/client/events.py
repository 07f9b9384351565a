"""What happens in a turn while it is answered, as a stream tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.client.decode import Unreadable, decoded
from anima.client.errors import UnexpectedAnswer, of_problem, problem_of
from anima.client.results.talk import Answer
from anima.client.sse import Event


@dataclass(frozen=True, slots=True)
class Started:
    """What was said is stored; the answer is on its way."""

    session_id: int
    message_id: int
    request_id: int


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of the answer."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The avatar uses a tool."""

    name: str
    arguments: Any = None
    plugin: str | None = None
    invocation_id: int | None = None


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """What came of it: its text is cut short, `media` are ids of files that it made."""

    name: str
    ok: bool
    text: str = ""
    media: tuple[Any, ...] = ()
    latency_ms: float | None = None
    invocation_id: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """The turn waits until a person allows this use of a tool (`decide_tool_call`)."""

    invocation_id: int
    name: str
    arguments: Any = None
    plugin: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer, stored."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Other:
    """An event that this version of the client does not know."""

    name: str
    data: Mapping[str, Any]


TurnEvent = Started | Token | ToolStarted | ToolEnded | ApprovalNeeded | Done | Other

_KINDS: Mapping[str, type[Any]] = {
    "started": Started,
    "token": Token,
    "tool": ToolStarted,
    "tool_result": ToolEnded,
    "approval": ApprovalNeeded,
}


def turn_event(event: Event, path: str) -> TurnEvent:
    """What an event tells. Raises the error that an `error` event is, and UnexpectedAnswer for what is no event."""
    try:
        told = json.loads(event.data)
        if event.name == "error":
            raise of_problem(problem_of(told, 500))
        if event.name == "done":
            return Done(decoded(Answer, told))
        kind = _KINDS.get(event.name)
        read: TurnEvent = decoded(kind, told) if kind else Other(event.name, told)
        return read
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, Unreadable) else "an event that is no JSON of ours"
        raise UnexpectedAnswer(path=path, reason=f"{event.name}: {reason}") from None
