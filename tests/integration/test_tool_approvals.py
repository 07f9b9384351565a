"""Calls of tools that wait for their person: approved, denied, allowed for all; decided twice, cut, by others."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from anima.chat import approvals_service, repo
from anima.chat import cut_service as turns
from fixtures.api import Person
from fixtures.stub_llm import Reply, StubLLM, calls, failure
from fixtures.turns import events_of, said, say, streamed

CODE = ("run_python", {"code": "print(6 * 7)"})
Connection = psycopg.Connection[Any]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What tools were called with: the log and the rules are real, what a tool does is not."""
    from anima.plugins import calls_service
    from anima.plugins.outcome import Outcome

    asked: list[Any] = []

    def run(one: Any, begun: Any, started: float) -> Outcome:
        asked.append(one.arguments)
        return Outcome("42")

    monkeypatch.setattr(calls_service, "_run", run)
    return asked


def decide(person: Person, call: int, approve: bool = True, **more: Any) -> Any:
    return person.http.post(f"/api/v1/tool-calls/{call}", json={"approve": approve, **more})


def asked(person: Person, avatar: str, model: StubLLM, *wanted: Any, **more: Any) -> dict[str, Any]:
    """A turn that waits."""
    model.script(calls(*(wanted or [CODE]), text="I will compute it."))
    answer: dict[str, Any] = said(person, "What is six times seven, by a program?", avatar_id=avatar, **more)
    assert answer["finish"] == "approval"
    return answer


def call_of(answer: dict[str, Any], number: int = 0) -> int:
    return int(answer["tools"][number]["invocation_id"])


def test_a_call_is_approved_and_the_turn_goes_on(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any], owner_conn: Connection
) -> None:
    waiting = asked(alice, coder, talking)
    assert (waiting["message_id"], waiting["response_id"], waiting["content"]) == (None, None, "I will compute it.")
    assert ran == []
    [listed] = alice.http.get("/api/v1/tool-calls", params={"session_id": waiting["session_id"]}).json()["items"]
    assert (listed["invocation_id"], listed["name"], listed["arguments"]) == (call_of(waiting), *CODE)
    talking.script("It is 42.")
    answer = decide(alice, call_of(waiting)).json()
    assert answer["content"] == "I will compute it.\n\nIt is 42."
    assert (answer["finish"], answer["request_id"]) == ("stop", waiting["request_id"])
    assert [(one["state"], one["text"]) for one in answer["tools"]] == [("done", "42")]
    assert ran == [CODE[1]]
    assert "<<<\n42\n>>>" in talking.chats[-1].messages[-1]["content"]
    assert answer["usage"]["total_tokens"] > waiting["usage"]["prompt_tokens"]
    messages = alice.http.get(f"/api/v1/sessions/{answer['session_id']}/messages").json()["items"]
    assert [one["content"] for one in messages][1] == answer["content"]
    assert len(messages) == 2
    assert alice.http.get("/api/v1/tool-calls").json()["items"] == []
    spent = owner_conn.execute("select sum(calls) from llm_spend where owner_id = %s", [alice.user_id]).fetchone()
    assert spent == (2,)


def test_the_same_decision_again_gives_the_same_answer_and_another_is_a_conflict(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking)
    talking.script("It is 42.")
    first, second = decide(alice, call_of(waiting)), decide(alice, call_of(waiting))
    assert first.json() | {"timings": {}} == second.json() | {"timings": {}}
    assert len(ran) == 1
    assert len(talking.chats) == 2
    assert decide(alice, call_of(waiting), approve=False).status_code == 409


def test_a_denied_call_is_not_made_and_the_model_hears_of_it(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking)
    talking.script("Then I will not.")
    answer = decide(alice, call_of(waiting), approve=False).json()
    assert answer["content"].endswith("Then I will not.")
    assert (answer["tools"][0]["state"], ran) == ("denied", [])
    assert "did not allow" in talking.chats[-1].messages[-1]["content"]


def test_what_is_allowed_for_all_is_not_asked_about_again(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking)
    talking.script("It is 42.", calls(CODE), "It is 42 still.")
    assert decide(alice, call_of(waiting), always=True).status_code == 200
    answer = said(alice, "And again?", session_id=waiting["session_id"])
    assert (answer["content"], len(ran)) == ("It is 42 still.", 2)


def test_the_turn_waits_until_everything_is_decided(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    other = ("run_python", {"code": "print(1)"})
    waiting = asked(alice, coder, talking, CODE, ("calculate", {"expression": "1+1"}), other)
    assert [one["state"] for one in waiting["tools"]] == ["waiting", "done", "waiting"]
    still = decide(alice, call_of(waiting, 0)).json()
    assert (still["finish"], len(ran)) == ("approval", 1)
    talking.script("Done.")
    answer = decide(alice, call_of(waiting, 2), approve=False).json()
    assert [one["state"] for one in answer["tools"]] == ["done", "done", "denied"]
    assert answer["finish"] == "stop"


def test_it_streams(alice: Person, coder: str, talking: StubLLM, ran: list[Any]) -> None:
    talking.script(calls(CODE, text="I will compute it."))
    events = streamed(alice, "What is six times seven?", avatar_id=coder)
    names = [name for name, _ in events if name != "token"]
    assert names == ["started", "approval", "done"]
    call = dict(events)["approval"]
    assert (call["plugin"], call["name"], call["arguments"]) == ("code", *CODE)
    talking.script("It is 42.")
    body = {"approve": True, "stream": True}
    with alice.http.stream("POST", f"/api/v1/tool-calls/{call['invocation_id']}", json=body) as response:
        events = events_of(response.iter_lines())
    assert [name for name, _ in events if name != "token"] == ["started", "tool", "tool_result", "done"]
    first = next(data for name, data in events if name == "token")
    assert first["index"] > 0
    assert dict(events)["done"]["content"].endswith("It is 42.")


def test_the_key_of_a_turn_that_waits_gives_where_it_stands(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking, key="once")
    again = say(alice, "What is six times seven, by a program?", avatar_id=coder, key="once").json()
    assert (again["finish"], again["tools"]) == ("approval", waiting["tools"])
    talking.script("It is 42.")
    answer = decide(alice, call_of(waiting)).json()
    last = say(alice, "What is six times seven, by a program?", avatar_id=coder, key="once").json()
    assert last["message_id"] == answer["message_id"]


def test_nobody_else_decides(alice: Person, bob: Person, coder: str, talking: StubLLM, ran: list[Any]) -> None:
    waiting = asked(alice, coder, talking)
    assert decide(bob, call_of(waiting)).status_code == 404
    assert decide(alice, 2**40).status_code == 404
    assert bob.http.get("/api/v1/tool-calls").json()["items"] == []
    assert ran == []


def test_a_model_that_fails_after_the_approval_is_asked_again_by_the_same_decision(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking)
    talking.always(lambda _: failure(401))
    assert decide(alice, call_of(waiting)).status_code == 502
    talking.always(lambda _: None)
    talking.script("It is 42.")
    answer = decide(alice, call_of(waiting)).json()
    assert answer["content"].endswith("It is 42.")
    assert len(ran) == 1


def test_a_process_that_dies_after_the_tool_ran_runs_it_no_second_time(
    alice: Person,
    coder: str,
    talking: StubLLM,
    ran: list[Any],
    owner_conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = asked(alice, coder, talking)

    class Killed(BaseException):
        """The process ends here."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    talking.script("It is 42, once.")
    with monkeypatch.context() as dying:
        dying.setattr(repo, "stored_answer", die)
        with pytest.raises(Killed):
            list(approvals_service.go_on(alice.principal, call_of(waiting), approve=True))
    assert decide(alice, call_of(waiting)).status_code == 409  # its process may still be at it
    owner_conn.execute(
        "update llm_requests set expires_at = now() - interval '1 second' where request_id = %s",
        [waiting["request_id"]],
    )
    assert turns.close_cut() >= 1
    talking.script("It is 42, after all.")
    answer = decide(alice, call_of(waiting)).json()
    assert answer["content"].endswith("It is 42, after all.")
    assert [one["text"] for one in answer["tools"]] == ["42"]
    assert len(ran) == 1


def test_two_who_decide_at_once_get_one_answer(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any], owner_conn: Connection
) -> None:
    waiting = asked(alice, coder, talking)
    talking.script(Reply("It is 42.", delay=0.3))
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(decide(alice, call_of(waiting)))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.status_code for one in answers) in ([200, 200], [200, 409])
    rows = owner_conn.execute("select count(*) from messages where owner_id = %s", [alice.user_id]).fetchone()
    assert (rows, len(ran)) == ((2,), 1)


def test_a_private_session_keeps_nothing_of_the_call(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any], owner_conn: Connection
) -> None:
    session = alice.http.post("/api/v1/sessions", json={"avatar_id": coder, "private": True}).json()["session_id"]
    talking.script(calls(CODE), "It is 42.")
    waiting = said(alice, "What is six times seven?", session_id=session)
    answer = decide(alice, call_of(waiting))
    assert (answer.status_code, answer.json()["content"]) == (200, "It is 42.")
    rows = owner_conn.execute("select count(*) from plugin_invocations where owner_id = %s", [alice.user_id])
    assert rows.fetchone() == (0,)
    again = decide(alice, call_of(waiting))
    assert (again.status_code, again.json()["message_id"]) == (200, answer.json()["message_id"])
    assert len(ran) == 1


def test_a_tool_that_was_taken_away_meanwhile_is_not_called(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    waiting = asked(alice, coder, talking)
    found = alice.http.get(f"/api/v1/avatars/{coder}/plugins").json()["items"]
    [plugin] = [one for one in found if one["name"] == "code"]
    wish = {"plugin_id": plugin["plugin_id"], "enabled": False}
    assert alice.http.put(f"/api/v1/avatars/{coder}/plugins", json={"items": [wish]}).status_code == 200
    talking.script("I may not do that any more.")
    answer = decide(alice, call_of(waiting)).json()
    assert (answer["tools"][0]["state"], ran) == ("failed", [])
    assert answer["content"].endswith("I may not do that any more.")


def test_arguments_that_do_not_fit_are_not_asked_about(
    alice: Person, coder: str, talking: StubLLM, ran: list[Any]
) -> None:
    talking.script(calls(("run_python", {"program": "print(1)"})), "I wrote it wrongly.")
    answer = said(alice, "What is one, by a program?", avatar_id=coder)
    assert (answer["finish"], answer["tools"][0]["error"]) == ("stop", "bad-arguments")


def test_the_talk_goes_on_beside_a_turn_that_waits(alice: Person, coder: str, talking: StubLLM, ran: list[Any]) -> None:
    waiting = asked(alice, coder, talking)
    talking.script("Of course.")
    said(alice, "Meanwhile, hello", session_id=waiting["session_id"])
    talking.script("It is 42.")
    decide(alice, call_of(waiting))
    messages = alice.http.get(f"/api/v1/sessions/{waiting['session_id']}/messages").json()["items"]
    assert len(messages) == 4


@pytest.fixture(autouse=True)
def nothing_is_left_of_others(database: Any) -> None:
    """What other tests left open is closed first."""
    turns.close_cut()
