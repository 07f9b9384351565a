"""A turn as server-sent events: `started`, `token`, `done`, `error`, and a comment where nothing happens.

The turn runs in a thread of its own, so that the line can be kept alive while the model thinks, and so that a
client that goes away is noticed: then the turn is closed, and with it the model's stream.
"""

from __future__ import annotations

import contextvars
import json
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

from anima.chat.model import Finished, Started, Token, TurnEvent

KEEP_ALIVE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_KEEP_ALIVE = ": keep-alive\n\n"

Problem = Callable[[Exception], dict[str, Any]]


def frame(name: str, data: dict[str, Any]) -> str:
    """One event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def of_event(event: TurnEvent) -> str:
    """What happened in a turn, as an event."""
    if isinstance(event, Started):
        told = {"session_id": event.session_id, "message_id": event.message_id, "request_id": event.request_id}
        return frame("started", told)
    if isinstance(event, Token):
        return frame("token", {"index": event.index, "text": event.text})
    return frame("done", event.answer.as_json())


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
    play = contextvars.copy_context().run
    threading.Thread(target=play, args=(_play, rest, problem, told, gone), name="turn", daemon=True).start()
    return _heard(told, keep_alive)


def _play(
    rest: Generator[TurnEvent, None, None],
    problem: Problem,
    told: queue.SimpleQueue[str | None],
    gone: threading.Event,
) -> None:
    """Plays the turn to its end, or until nobody listens."""
    try:
        for event in rest:
            told.put(of_event(event))
            if gone.is_set() and not isinstance(event, Finished):
                break
    except Exception as error:
        told.put(frame("error", problem(error)))
    finally:
        rest.close()
        told.put(None)


def _heard(told: queue.SimpleQueue[str | None], keep_alive: float) -> Iterator[str]:
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
