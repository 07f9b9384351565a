"""A turn as server-sent events: in order, kept alive, ended by an error, left by its client."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

from anima.chat.frames import frames
from anima.chat.model import Started, Token, TurnEvent

FIRST = Started(1, 2, 3)


def problem(error: Exception) -> dict[str, Any]:
    return {"status": 503, "detail": str(error)}


def test_events_come_in_order_with_their_data() -> None:
    def turn() -> Generator[TurnEvent, None, None]:
        yield Token(0, "Où\n")
        yield Token(1, "?")

    assert list(frames(FIRST, turn(), problem, threading.Event())) == [
        'event: started\ndata: {"session_id": 1, "message_id": 2, "request_id": 3}\n\n',
        'event: token\ndata: {"index": 0, "text": "Où\\n"}\n\n',
        'event: token\ndata: {"index": 1, "text": "?"}\n\n',
    ]


def test_an_error_is_the_last_event() -> None:
    def turn() -> Generator[TurnEvent, None, None]:
        yield Token(0, "One")
        raise RuntimeError("gone")

    *_, last = frames(FIRST, turn(), problem, threading.Event())
    assert last == 'event: error\ndata: {"status": 503, "detail": "gone"}\n\n'


def test_silence_is_filled_with_comments() -> None:
    go_on = threading.Event()

    def turn() -> Generator[TurnEvent, None, None]:
        go_on.wait(5)
        yield Token(0, "Late")

    lines = frames(FIRST, turn(), problem, threading.Event(), keep_alive=0.02)
    next(lines)
    assert [next(lines), next(lines)] == [": keep-alive\n\n"] * 2
    go_on.set()
    assert [line for line in lines if not line.startswith(":")] == [
        'event: token\ndata: {"index": 0, "text": "Late"}\n\n'
    ]


def test_a_client_that_is_gone_closes_the_turn() -> None:
    gone, closed, go_on = threading.Event(), threading.Event(), threading.Event()

    def turn() -> Generator[TurnEvent, None, None]:
        try:
            go_on.wait(5)
            yield Token(0, "One")
            yield Token(1, "Two")
        except GeneratorExit:
            closed.set()
            raise

    lines = frames(FIRST, turn(), problem, gone)
    gone.set()
    go_on.set()
    assert "Two" not in "".join(lines)
    assert closed.is_set()
