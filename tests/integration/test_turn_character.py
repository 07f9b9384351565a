"""What a turn shows of feeling and care: affect before and after, attention, safety, and what a private one leaves."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from anima.knowledge.rank import attended
from anima.knowledge.search_model import Hit
from anima.memory.leaning import PLAIN, leans
from anima.personality.model import MemoryWeights
from fixtures.api import Person
from fixtures.candidates import candidate
from fixtures.stub_llm import StubLLM
from fixtures.turns import said, streamed

NEED = "I want to kill myself tonight"


def test_a_kind_word_is_felt_and_shown_with_what_was_before(alice: Person, luna: str, talking: StubLLM) -> None:
    first = said(alice, "You are wonderful, I love talking with you!", avatar_id=luna)["affect"]
    assert first["valence"] > first["before"]["valence"]
    second = said(alice, "You are useless and stupid, I hate you", avatar_id=luna)
    felt = second["affect"]
    assert felt["valence"] < felt["before"]["valence"]
    kept = alice.http.get(f"/api/v1/responses/{second['response_id']}").json()
    assert kept["affect"] == felt
    assert felt["emotions"]
    assert felt["attention"] > 0


def test_feeling_changes_what_goes_to_the_model(alice: Person, luna: str, talking: StubLLM) -> None:
    said(alice, "It is Tuesday.", avatar_id=luna)
    for _ in range(3):
        said(alice, "You are useless, stupid and a liar, I hate you", avatar_id=luna)
    calm, hurt = talking.chats[0], talking.chats[-1]
    assert calm.messages[-2]["content"] != hurt.messages[-2]["content"]
    assert calm.body.get("temperature") != hurt.body.get("temperature")


@pytest.mark.parametrize("stream", [False, True])
def test_somebody_in_danger_is_answered_by_code_and_the_model_is_not_asked(
    alice: Person, luna: str, talking: StubLLM, stream: bool
) -> None:
    if stream:
        events = streamed(alice, NEED, avatar_id=luna)
        answer = events[-1][1]
        assert "".join(data["text"] for name, data in events if name == "token") == answer["content"]
    else:
        answer = said(alice, NEED, avatar_id=luna)
    assert talking.chats == []
    assert answer["safety"]["kind"] == "crisis"
    assert answer["safety"]["resources"]
    assert answer["safety"]["resources"][0]["name"] in answer["content"]
    kept = alice.http.get(f"/api/v1/responses/{answer['response_id']}").json()
    assert (kept["safety"], kept["content"]) == (answer["safety"], answer["content"])


def test_it_does_so_without_an_avatar_and_in_a_question_too(alice: Person, talking: StubLLM) -> None:
    assert said(alice, NEED)["safety"]["kind"] == "crisis"
    asked = alice.http.post("/api/v1/ask", json={"question": f"{NEED}, which pills do I take?"}).json()
    assert asked["safety"]["kind"] == "crisis"
    assert talking.chats == []


def test_what_encourages_harm_is_not_shown(alice: Person, luna: str, talking: StubLLM) -> None:
    said(alice, NEED, avatar_id=luna)
    session = said(alice, NEED, avatar_id=luna)["session_id"]
    talking.script("That is fair. You should kill yourself. Do it now.")
    answer = said(alice, "I just feel so low today", session_id=session)
    assert "kill yourself" not in answer["content"]
    assert answer["safety"]["replaced"] == "harm"
    assert answer["safety"]["careful"]


def test_a_machine_that_says_it_is_human_is_put_right(alice: Person, luna: str, talking: StubLLM) -> None:
    talking.script("Yes, I am a real human being, made of flesh.")
    answer = said(alice, "Are you a real person?", avatar_id=luna)
    assert "I am a real human" not in answer["content"]
    assert answer["safety"]["kind"] == "ai_doubt"


def test_a_private_session_leaves_its_own_mood_and_nothing_else(
    alice: Person, luna: str, talking: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    made = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()
    said(alice, "You are wonderful, I love you", session_id=made["session_id"])
    said(alice, NEED, session_id=made["session_id"])
    for table in ("avatar_feelings", "feelings_history", "style_profiles"):
        found = owner_conn.execute(f"select count(*) from {table} where owner_id = %s", [alice.user_id]).fetchone()
        assert found == (0,), table
    moods = owner_conn.execute("select count(*) from session_moods where user_id = %s", [alice.user_id]).fetchone()
    assert moods == (1,)


def hit(number: int, score: float) -> Hit:
    return Hit(number, number, None, f"d{number}", {}, "text", score, 1.0, None, None)


def test_attention_sharpens_the_choice_of_passages_and_leaves_it_at_rest() -> None:
    """exp(10 (g - 1) (score - best)) at least a hundredth: at g = 2 what is less than 0.46 below the best."""
    hits = [hit(1, 0.9), hit(2, 0.5), hit(3, 0.4)]
    assert attended(hits, 1.0) == attended(hits, 0.5) == hits
    assert [one.chunk_id for one in attended(hits, 2.0)] == [1, 2]
    assert [one.chunk_id for one in attended(hits, 20.0)] == [1]
    assert attended([], 3.0) == []


def test_character_leans_towards_what_it_remembers_and_the_middle_does_not() -> None:
    felt = candidate("My sister cried at the wedding")
    dry = candidate("The bus leaves at nine")
    at = felt.made_at
    assert leans(felt, 0.5, at, PLAIN) == leans(dry, 0.5, at, PLAIN) == 0.0
    tender = MemoryWeights(emotional=1.6, people=1.4)
    assert leans(felt, 0.5, at, tender) > leans(dry, 0.5, at, tender) == 0.0
    cool = MemoryWeights(emotional=0.5)
    assert leans(felt, 0.5, at, cool) < 0.0
    most = MemoryWeights(2.0, 2.0, 2.0, 2.0)
    assert leans(felt, 1.0, at, most) == pytest.approx(0.1)
