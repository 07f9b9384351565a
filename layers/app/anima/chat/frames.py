"""A turn as server-sent events: `started`, `token`, tools, `done`, `error`, and a comment where nothing happens.

The turn runs in a thread of its own, so that the line can be kept alive while the model thinks, and so that a
client that goes away is noticed: then the turn is closed, and with it the model's stream.
"""

from __future__ import annotations

import contextvars
import json
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import Any, TypeVar

from anima.chat.model import ApprovalNeeded, Finished, Started, Token, ToolEnded, ToolStarted, TurnEvent

KEEP_ALIVE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_KEEP_ALIVE = ": keep-alive\n\n"

Problem = Callable[[Exception], dict[str, Any]]
T = TypeVar("T")
Hear = Callable[[T | Exception | None], None]
"""Is told what happens: each event, an error as the last of them, and nothing at the end."""

NAMES: dict[type, str] = {
    Started: "started",
    Token: "token",
    ToolStarted: "tool",
    ToolEnded: "tool_result",
    ApprovalNeeded: "approval",
    Finished: "done",
}


def frame(name: str, data: dict[str, Any]) -> str:
    """One event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def of_event(event: TurnEvent) -> str:
    """What happened in a turn, as an event."""
    return frame(NAMES[type(event)], event.answer.as_json() if isinstance(event, Finished) else asdict(event))


def frames(
    first: TurnEvent,
    rest: Generator[TurnEvent, None, None],
    problem: Problem,
    gone: threading.Event,
    *,
    keep_alive: float = KEEP_ALIVE_SECONDS,
) -> Iterator[str]:
    """The events of a turn whose first one is known; an error becomes the last of them, told by `problem`.

    Once `gone` is set nobody listens any more: the turn is closed at the next thing that happens in it.
    """
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    told.put(of_event(first))

    def hear(event: TurnEvent | Exception | None) -> None:
        if event is None:
            told.put(None)
        else:
            told.put(frame("error", problem(event)) if isinstance(event, Exception) else of_event(event))

    play(rest, hear, gone)
    return kept_alive(told, keep_alive)


def play(rest: Generator[T, None, None], hear: Hear[T], gone: threading.Event) -> None:
    """Plays a turn, as events or as they are told, in a thread of its own, to its end or until nobody listens, and
    tells `hear` of it.

    A turn that is left is closed before `hear` is told of its end: what was said until then is stored.
    """
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(_play, rest, hear, gone), name="turn", daemon=True).start()


def _play(rest: Generator[T, None, None], hear: Hear[T], gone: threading.Event) -> None:
    try:
        for event in rest:
            hear(event)
            if gone.is_set() and not isinstance(event, Finished):
                break
    except Exception as error:
        hear(error)
    finally:
        try:
            rest.close()
        finally:
            hear(None)


def kept_alive(told: queue.SimpleQueue[str | None], keep_alive: float = KEEP_ALIVE_SECONDS) -> Iterator[str]:
    """What is told, with a comment after each `keep_alive` seconds of silence."""
    silent = 0.0
    step = min(_LOOK_SECONDS, keep_alive)
    while True:
        try:
            said = told.get(timeout=step)
        except queue.Empty:
            silent += step
            if silent >= keep_alive:
                silent = 0.0
                yield _KEEP_ALIVE
            continue
        if said is None:
            return
        silent = 0.0
        yield said
