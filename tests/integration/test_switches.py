"""What can be switched off of an avatar, each seen from outside: on by default, off until it is on again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import said

Drain = Callable[[], list[Any]]
Owner = psycopg.Connection[Any]
TOLD = "I hate olives. Yesterday I passed my driving exam, I was so happy!"


def switch(person: Person, avatar_id: str, **switches: bool) -> None:
    changed = person.http.patch(f"/api/v1/avatars/{avatar_id}", json={"switches": switches})
    assert changed.status_code == 200, changed.text
    assert switches.items() <= changed.json()["switches"].items()


def listed(person: Person, avatar_id: str, what: str) -> list[Any]:
    return list(person.http.get(f"/api/v1/avatars/{avatar_id}/{what}").json()["items"])


def kinds(answer: dict[str, Any]) -> set[str]:
    return {memory["kind"] for memory in answer["memories"]}


def test_without_facts_none_is_learnt_and_none_is_recalled(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    switch(alice, luna, facts=False)
    said(alice, TOLD, avatar_id=luna)
    drain_outbox()
    assert listed(alice, luna, "facts") == []
    assert listed(alice, luna, "episodes") != []
    switch(alice, luna, facts=True)
    said(alice, "I live in Lyon", avatar_id=luna)
    drain_outbox()
    assert "fact" in kinds(said(alice, "Where do I live?", avatar_id=luna))
    switch(alice, luna, facts=False)
    answer = said(alice, "Where do I live?", avatar_id=luna)
    assert "fact" not in kinds(answer)
    assert len(listed(alice, luna, "facts")) == 1, "what is known stays, and can be seen and forgotten"


def test_without_episodes_none_is_kept_and_none_is_recalled(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    switch(alice, luna, episodes=False, semantic_recall=False)
    said(alice, TOLD, avatar_id=luna)
    drain_outbox()
    assert listed(alice, luna, "episodes") == []
    assert listed(alice, luna, "facts") != []
    switch(alice, luna, episodes=True)
    said(alice, "Today I won a race on skis, what a day!", avatar_id=luna)
    drain_outbox()
    assert "episode" in kinds(said(alice, "Did I win a race on skis?", avatar_id=luna))
    switch(alice, luna, episodes=False)
    assert "episode" not in kinds(said(alice, "Did I win a race on skis?", avatar_id=luna))


def test_without_semantic_recall_what_was_said_is_not_recalled(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    said(alice, "The harbour master told me a story about a green lantern", avatar_id=luna)
    drain_outbox()
    question = "What did the harbour master tell me a story about?"
    assert "message" in kinds(said(alice, question, avatar_id=luna))
    switch(alice, luna, semantic_recall=False)
    answer = said(alice, question, avatar_id=luna)
    assert "message" not in kinds(answer)
    assert "lantern" not in talking.chats[-1].prompt


def test_without_levels_nothing_brings_them_nearer(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    kind = "Thank you, I love talking with you, you are wonderful"
    first = said(alice, kind, avatar_id=luna)
    drain_outbox()
    place = f"/api/v1/avatars/{luna}/affinity"
    before = alice.http.get(place).json()
    switch(alice, luna, levels=False)
    second = said(alice, kind, session_id=first["session_id"])
    alice.http.post(f"/api/v1/responses/{second['response_id']}/feedback", json={"rating": 5})
    drain_outbox()
    assert alice.http.get(place).json() == before
    assert second["affect"]["level"] != first["affect"]["level"]
    with_levels, without = (
        "".join(m["content"] for m in one["prompt_json"] if m["role"] == "system")
        for one in (alice.http.get(f"/api/v1/requests/{each['request_id']}").json() for each in (first, second))
    )
    assert first["affect"]["level"] in with_levels
    assert first["affect"]["level"] not in without
    switch(alice, luna, levels=True)
    said(alice, kind, session_id=first["session_id"])
    drain_outbox()
    assert alice.http.get(place).json() != before


def test_without_moods_nothing_moves_it(alice: Person, luna: str, talking: StubLLM, owner_conn: Owner) -> None:
    moving = "This is wonderful, I am so happy, thank you, I love it!"
    moved = said(alice, moving, avatar_id=luna)
    switch(alice, luna, moods=False)
    still = said(alice, moving, avatar_id=luna)
    assert still["affect"]["mood"] != moved["affect"]["mood"] or still["affect"]["intensity"] == 0
    kept = "select session_id from session_moods where user_id = %s"
    assert owner_conn.execute(kept, [alice.user_id]).fetchall() == [(moved["session_id"],)]


def test_with_everything_off_it_is_a_plain_persona(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner
) -> None:
    names = ("facts", "episodes", "semantic_recall", "levels", "moods", "curiosity", "hints")
    switch(alice, luna, **dict.fromkeys(names, False))
    said(alice, TOLD, avatar_id=luna)
    said(alice, "What is my sister's name?", avatar_id=luna)
    drain_outbox()
    answer = said(alice, "What do I hate?", avatar_id=luna)
    assert answer["memories"] == []
    assert "olives" not in talking.chats[-1].prompt
    for table in ("user_facts", "episodes", "user_affinity", "curiosity_gaps"):
        column = "owner_id" if table == "curiosity_gaps" else "user_id"
        row = owner_conn.execute(f"select count(*) from {table} where {column} = %s", [alice.user_id]).fetchone()
        assert row == (0,), table


@pytest.mark.parametrize("switches", [{"memory": False}, {"facts": "no way"}, {"curiosity": 3}])
def test_a_switch_that_is_none_is_refused(alice: Person, luna: str, switches: dict[str, Any]) -> None:
    refused = alice.http.patch(f"/api/v1/avatars/{luna}", json={"switches": switches})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"].startswith("switches.")
    assert alice.http.get(f"/api/v1/avatars/{luna}").json()["switches"] == {}
