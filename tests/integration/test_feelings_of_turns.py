"""What turns over HTTP do to feelings: once a turn, not at all where moods are off, and set right by a second look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anima.chat import second_look_service
from anima.kernel import outbox
from fixtures.api import Person
from fixtures.stub_llm import Reply, StubLLM
from fixtures.turns import said

Drain = Callable[[], list[outbox.Event]]
Setting = Callable[[str, str], None]
UNTOLD = "I stood at her door with the flowers until it got dark"


@pytest.fixture(autouse=True)
def budget() -> None:
    second_look_service._looks.clear()


def is_look(body: dict[str, Any]) -> bool:
    return str(body["messages"][0]["content"]).startswith("You label messages")


def looks(stub: StubLLM) -> list[Any]:
    return [request for request in stub.chats if is_look(request.body)]


def state(person: Person, avatar: str) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/avatars/{avatar}/state").json()
    return found


def history(person: Person, avatar: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.http.get(f"/api/v1/avatars/{avatar}/state/history").json()["items"]
    return found


def test_a_turn_is_felt_once_and_shown(alice: Person, luna: str, talking: StubLLM) -> None:
    answer = said(alice, "Haha thank you, you're so sweet!", avatar_id=luna)
    affect = answer["affect"]
    assert (affect["mood"], affect["before"]["mood"]) == ("cheerful", "calm")
    (point,) = history(alice, luna)
    assert point["message_id"] == answer["parent_message_id"]
    assert point["valence"] == pytest.approx(affect["valence"], abs=1e-3)
    assert point["session_id"] == answer["session_id"]


def test_with_moods_off_nothing_is_felt(alice: Person, luna: str, talking: StubLLM) -> None:
    alice.http.patch(f"/api/v1/avatars/{luna}", json={"switches": {"moods": False}})
    said(alice, "You are useless, shut up", avatar_id=luna)
    assert history(alice, luna) == []
    assert state(alice, luna)["valence"] == 0


def test_a_model_sees_what_words_do_not_tell(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, setting: Setting
) -> None:
    setting("ANIMA_SECOND_LOOKS_PER_HOUR", "5")
    said(alice, UNTOLD, avatar_id=luna)
    before = state(alice, luna)["valence"]
    talking.always(lambda body: Reply("Negative.") if is_look(body) else None)
    drain_outbox()
    assert state(alice, luna)["valence"] < before - 0.05
    assert [one["cause"] for one in history(alice, luna)] == ["turn", "second look"]


def test_a_model_is_not_asked_beyond_the_budget_nor_where_words_tell(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, setting: Setting
) -> None:
    setting("ANIMA_SECOND_LOOKS_PER_HOUR", "1")
    for text in (
        "I am so happy about my new cat",
        "What do I do now?",
        UNTOLD,
        "I put the ring on the table",
    ):
        said(alice, text, avatar_id=luna)
    drain_outbox()
    assert len(looks(talking)) == 1


def test_no_model_says_that_somebody_in_danger_is_glad(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, setting: Setting
) -> None:
    setting("ANIMA_SECOND_LOOKS_PER_HOUR", "5")
    talking.always(lambda body: Reply("Positive.") if is_look(body) else None)
    said(alice, "je veux en finir", avatar_id=luna)
    before = state(alice, luna)["valence"]
    drain_outbox()
    assert looks(talking) == []
    assert state(alice, luna)["valence"] < before - 0.05


def test_of_a_private_session_no_model_is_asked_again(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, setting: Setting
) -> None:
    setting("ANIMA_SECOND_LOOKS_PER_HOUR", "5")
    made = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()
    said(alice, UNTOLD, session_id=made["session_id"])
    drain_outbox()
    assert looks(talking) == []
    assert history(alice, luna) == []
