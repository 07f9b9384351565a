"""`anima chat` at a terminal: a tool that has to be approved is asked about, and the answer goes on."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from anima.cli import talk
from fixtures.api import Person
from fixtures.stub_llm import StubLLM, calls

RUN = ("run_python", {"code": "print(6 * 7)"})
Chat = Callable[..., None]


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def chat(alice: Person, coder: str, listening: str, talking: StubLLM, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """One message at a terminal, or without one; what is typed then."""
    monkeypatch.setenv("ANIMA_API_KEY", alice.key)
    monkeypatch.setattr("anima.cli.connection.running_url", lambda: listening)

    def said(*typed: str, terminal: bool = True) -> None:
        text = "".join(f"{line}\n" for line in typed)
        monkeypatch.setattr(sys, "stdin", Terminal(text) if terminal else io.StringIO(text))
        talk.chat(coder, "What is six times seven, by a program?", None, False, None, False)

    return said


def test_a_call_is_shown_allowed_and_the_answer_goes_on(
    chat: Chat, talking: StubLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.script(calls(RUN, text="I will compute it."), "It is 42.")
    chat("y")
    out, err = capsys.readouterr()
    assert "I will compute it." in out
    assert "It is 42." in out
    assert 'code run_python {"code": "print(6 * 7)"}' in err
    assert "(run_python: 42" in err
    assert talking.chats[-1].messages[-1]["role"] == "tool"


def test_what_is_not_allowed_is_not_made_and_the_model_is_told(
    chat: Chat, talking: StubLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.script(calls(RUN), "Then I do not know.")
    chat("n")
    out, err = capsys.readouterr()
    assert "Then I do not know." in out
    assert "did not allow" in talking.chats[-1].prompt
    assert "(run_python: 42" not in err


def test_each_call_that_waits_is_asked_about_and_one_allowed_for_all_never_again(
    chat: Chat, talking: StubLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.script(calls(RUN, ("run_python", {"code": "print(5 * 5)"})), "They are 42 and 25.")
    chat("n", "a")
    out, err = capsys.readouterr()
    assert out.count("May it be called?") == 2
    assert "They are 42 and 25." in out
    assert "(run_python: 25" in err
    talking.script(calls(RUN), "It is 42.")
    chat()
    out, err = capsys.readouterr()
    assert "May it be called?" not in out
    assert "It is 42." in out


def test_without_a_terminal_nobody_is_asked_and_the_way_to_decide_is_told(
    chat: Chat, alice: Person, talking: StubLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.script(calls(RUN, text="I will compute it."))
    chat("y", terminal=False)
    [waiting] = alice.http.get("/api/v1/tool-calls").json()["items"]
    assert f"POST /api/v1/tool-calls/{waiting['invocation_id']}" in capsys.readouterr().err


def test_who_leaves_at_the_question_decides_nothing(
    chat: Chat, alice: Person, talking: StubLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.script(calls(RUN, text="I will compute it."))
    chat()
    [waiting] = alice.http.get("/api/v1/tool-calls").json()["items"]
    assert f"POST /api/v1/tool-calls/{waiting['invocation_id']}" in capsys.readouterr().err
