"""Frames of the WebSocket: numbered, batched, never too large; and a talk that several hear, or take up again."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.chat.model import Answer, ApprovalNeeded, Finished, Started, Token, ToolEnded, ToolStarted, TurnEvent
from anima.kernel import db
from anima.kernel.errors import AnimaError, BadInput, FieldError, TooLarge
from anima.socket import incoming, talk
from anima.socket.errors import Busy, StillAnswering
from anima.socket.line import LATER, POLICY, Line
from anima.socket.outgoing import END, MOST_BYTES, Entry, frame, number, place, refused, told
from anima.socket.talk import Talk

ME = db.Principal(7)
ANSWER = Answer(
    session_id=1,
    message_id=3,
    parent_message_id=2,
    response_id=4,
    request_id=5,
    content="Hello you.",
    finish="stop",
    citations=[],
    memories=[],
    affect={"mood": "calm", "emotions": {"joy": 0.4}},
    model={},
    usage={},
    timings={},
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)
WORDS = [Token(0, "Hello"), Token(1, " you"), Token(2, ".")]
TURN: list[TurnEvent] = [Started(1, 2, 5), *WORDS, Finished(ANSWER)]


def entries(*events: TurnEvent) -> list[Entry]:
    return [Entry(number(5, 1 + event.index if isinstance(event, Token) else 0), event, 5) for event in events]


def heard(line: Line) -> list[dict[str, Any]]:
    return [json.loads(one) for one in line.ready()]


def test_a_number_says_which_answer_and_how_far() -> None:
    assert place(number(5, 3)) == (5, 3)
    assert number(5, END) < number(6, 0) < 2**53
    assert place(number(2**32, END)) == (2**32, END)
    assert number(2**32, END) < 2**53
    assert number(5, 10**9) == number(5, END)


@given(st.lists(st.text(max_size=400), min_size=1, max_size=200))
def test_tokens_in_a_row_go_together_and_none_is_lost(texts: list[str]) -> None:
    frames = list(told(entries(*(Token(index, text) for index, text in enumerate(texts)))))
    assert all(len(one.encode()) <= MOST_BYTES for one in frames)
    read = [json.loads(one) for one in frames]
    assert "".join(one["text"] for one in read) == "".join(texts)
    assert sum(one["count"] for one in read) == len(texts)
    assert [one["index"] for one in read] == [sum(o["count"] for o in read[:at]) for at in range(len(read))]
    assert all(place(one["n"]) == (5, one["index"] + one["count"]) for one in read)


@pytest.mark.parametrize("character", ["a", "\x00", "\u4e00", "\U00020000", '"'])
def test_a_token_that_is_too_long_alone_comes_in_pieces(character: str) -> None:
    frames = list(told(entries(Token(0, "a"), Token(1, character * 50_000), Token(2, "b"))))
    assert all(len(one.encode()) <= MOST_BYTES for one in frames)
    read = [json.loads(one) for one in frames]
    assert "".join(one["text"] for one in read) == f"a{character * 50_000}b"
    assert sum(one["count"] for one in read) == 3
    assert all(("n" in one) == (one["count"] > 0) for one in read)


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ({}, []),
        ({"memories": [{"text": "m" * 40_000}]}, ["memories"]),
        ({"content": "c" * 40_000}, ["memories", "tools", "citations", "affect", "content"]),
    ],
)
def test_what_does_not_fit_into_an_answer_is_left_out_and_named(fields: dict[str, Any], left_out: list[str]) -> None:
    (one,) = told([Entry(number(5, END), Finished(replace(ANSWER, **fields)), 5, "mine")])
    read = json.loads(one)
    assert len(one.encode()) <= MOST_BYTES
    assert (read["type"], read["id"], read["n"], read["mood"]) == ("avatar_response", "mine", number(5, END), "calm")
    assert read["left_out"] == left_out
    assert all(read[name] is None for name in left_out)


def test_tools_are_told_with_what_they_were_asked() -> None:
    events: list[TurnEvent] = [
        ToolStarted(9, "builtin", "calculator", {"expression": "2+2"}),
        ToolEnded("calculator", True, "4", (), 1.5, 9),
        ApprovalNeeded(10, "code", "run", {"code": "x" * 40_000}),
    ]
    first, second, third = (json.loads(one) for one in told(entries(*events)))
    assert (first["type"], first["arguments"]) == ("tool", {"expression": "2+2"})
    assert (second["type"], second["text"], second["invocation_id"]) == ("tool_result", "4", 9)
    assert (third["type"], third["invocation_id"], third["left_out"]) == ("approval", 10, ["arguments"])


def test_an_error_is_the_problem_that_http_tells() -> None:
    error = BadInput(reason="no", fields=[FieldError("a.b", "half \ud83d")], retry_after=3)
    read = json.loads(refused(error, closes=True, of="mine"))
    assert read["id"] == "mine"
    assert read["closes"] is True
    assert read["error"]["type"].endswith("/bad-input")
    assert read["error"]["retry_after"] == 3
    assert read["error"]["errors"] == [{"path": "a.b", "message": "half ?"}]
    assert json.loads(frame("pong")) == {"type": "pong"}


@given(st.text(max_size=300) | st.binary(max_size=50).map(repr))
def test_whatever_is_sent_is_a_frame_or_bad_input(text: str) -> None:
    with pytest.raises(AnimaError) as refusal:
        incoming.read(text)
    assert isinstance(refusal.value, BadInput | TooLarge)


def waiting(events: list[TurnEvent], go_on: threading.Event) -> Generator[TurnEvent, None, None]:
    """A turn whose end waits."""
    yield from events[:-1]
    assert go_on.wait(10)
    yield events[-1]


def test_who_comes_in_the_middle_hears_all_of_it_and_who_comes_back_the_rest() -> None:
    go_on, rung = threading.Event(), threading.Event()
    first, second, back = Line(rung.set), Line(lambda: None), Line(lambda: None)
    one = talk.followed(ME, 1, first)
    first.follow(one, one.ends)
    assert one.answer(lambda: waiting(TURN, go_on), "mine")
    while one.ends < 4:
        assert rung.wait(10)
        rung.clear()
    assert talk.followed(ME, 1, second) is one
    second.follow(one, one.begin_of_answer())
    back.follow(one, one.place_after(number(5, 2)) or 0)
    with pytest.raises(StillAnswering):
        one.answer(lambda: waiting(TURN, go_on), "another")
    assert not one.answer(lambda: waiting(TURN, go_on), "mine")
    go_on.set()
    assert one.idle.wait(10)
    assert [frame["type"] for frame in heard(first)] == ["started", "token", "avatar_response"]
    assert [frame.get("text") for frame in heard(second)] == [None, "Hello you.", None]
    assert [frame.get("text") for frame in heard(back)] == [".", None]
    for line in (first, second, back):
        line.leave()
    assert talk.open_talks() == 0


def test_a_place_is_known_only_of_what_is_kept() -> None:
    line = Line(lambda: None)
    one = Talk(ME, 1)
    line.follow(one, 0)
    one.answer(lambda: waiting(TURN, _set()))
    assert one.idle.wait(10)
    assert one.place_after(number(5, END)) == one.ends
    assert one.place_after(number(5, 0)) == 1
    assert one.place_after(number(4, 0)) is None
    assert one.place_after(0) is None
    line.leave()


def test_what_was_told_between_tokens_is_told_again_after_a_resume() -> None:
    events: list[TurnEvent] = [
        Started(1, 2, 5),
        WORDS[0],
        ToolStarted(9, "builtin", "calculator", {}),
        WORDS[1],
        TURN[-1],
    ]
    line = Line(lambda: None)
    one = Talk(ME, 1)
    line.follow(one, 0)
    one.answer(lambda: waiting(events, _set()))
    assert one.idle.wait(10)
    line.cursor = one.place_after(number(5, 1)) or 0
    assert [frame["type"] for frame in heard(line)] == ["tool", "token", "avatar_response"]
    line.leave()


def test_a_turn_that_waits_goes_on_with_growing_numbers() -> None:
    waits = Finished(replace(ANSWER, finish="approval", response_id=None, message_id=None))
    line = Line(lambda: None)
    one = Talk(ME, 1)
    line.follow(one, 0)
    one.answer(lambda: waiting([Started(1, 2, 5), WORDS[0], ApprovalNeeded(9, "code", "run", {}), waits], _set()))
    assert one.idle.wait(10)
    one.answer(lambda: waiting([Started(1, 2, 5), WORDS[1], TURN[-1]], _set()))
    assert one.idle.wait(10)
    frames = heard(line)
    assert [frame["type"] for frame in frames] == [
        *("started", "token", "approval", "avatar_response"),
        *("started", "token", "avatar_response"),
    ]
    numbers = [frame["n"] for frame in frames]
    assert numbers == sorted(numbers)
    assert numbers[-1] == number(5, END)
    assert numbers[4] > numbers[3]
    line.leave()


def test_who_sends_and_does_not_read_is_let_go() -> None:
    line = Line(lambda: None)
    for _ in range(1000):
        line.put(frame("pong"))
    assert line.closing == POLICY
    assert len(line.ready()) == 256


def test_who_is_too_slow_for_what_is_kept_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "MOST_ENTRIES", 3)
    line, quick = Line(lambda: None), Line(lambda: None)
    one = Talk(ME, 1)
    line.follow(one, 0)
    quick.follow(one, 0)
    for _ in range(2):
        one.answer(lambda: waiting(TURN, _set()))
        assert one.idle.wait(10)
        heard(quick)
    last = heard(line)[-1]
    assert last["error"]["type"].endswith("/too-slow")
    assert line.closing == LATER
    line.leave()
    quick.leave()


def test_no_more_answers_at_once_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "_running", threading.BoundedSemaphore(1))
    go_on = threading.Event()
    one, other = Talk(ME, 1), Talk(ME, 2)
    one.answer(lambda: waiting(TURN, go_on))
    with pytest.raises(Busy):
        other.answer(lambda: waiting(TURN, go_on))
    go_on.set()
    assert one.idle.wait(10)
    assert other.answer(lambda: waiting(TURN, go_on))
    assert other.idle.wait(10)


def test_when_the_server_stops_answers_end_and_are_kept() -> None:
    closed = threading.Event()

    def endless() -> Generator[TurnEvent, None, None]:
        try:
            yield TURN[0]
            while True:
                yield Token(0, "on and on")
        finally:
            closed.set()

    line = Line(lambda: None)
    one = talk.followed(ME, 1, line)
    one.answer(endless)
    talk.leave_all(10)
    assert closed.is_set()
    assert one.answering is None
    line.leave()


def test_a_turn_that_throws_what_nobody_expected_is_an_error_and_no_end_of_the_talk() -> None:
    def throws() -> Generator[TurnEvent, None, None]:
        yield TURN[0]
        raise RuntimeError("the model's secret words")

    line = Line(lambda: None)
    one = Talk(ME, 1)
    line.follow(one, 0)
    one.answer(throws, "mine")
    assert one.idle.wait(10)
    last = heard(line)[-1]
    assert (last["error"]["status"], last["id"], last["n"]) == (500, "mine", number(5, END))
    assert "secret" not in json.dumps(last)
    assert one.answer(lambda: waiting(TURN, _set()))
    assert one.idle.wait(10)
    line.leave()


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
