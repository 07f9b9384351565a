"""What may go to which provider: a server that stands for one writes down every byte that it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import clock
from fixtures.api import Person
from fixtures.passage_service import PassageService
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said, say, streamed

Drain = Callable[[], list[Any]]
Setting = Callable[[str, str], None]
API = "/api/v1"


@pytest.fixture(autouse=True)
def forgotten_rules(owner_conn: psycopg.Connection[Any]) -> Iterator[None]:
    """No avatar of a test keeps others from moving to a provider's embedder."""
    yield
    owner_conn.execute("update avatars set egress = '{}' where egress <> '{}'")


@pytest.fixture
def home(talking: StubLLM, tmp_path: Path, setting: Setting) -> Iterator[StubLLM]:
    """A model on this machine beside the provider's, which answers where nobody asks for another."""
    local = StubLLM()
    profile = {
        "general": {"provider": "openai", "model": "gpt-6-luna", "endpoint": talking.url},
        "private": {"provider": "local", "model": "home-1", "endpoint": local.url},
    }
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"profiles": {"default": profile}}))
    setting("LLM_MODELS_CONFIG_PATH", str(path))
    yield local
    local.close()


@pytest.fixture
def nowhere(talking: StubLLM, setting: Setting) -> None:
    """There is no model on this machine."""
    setting("ANIMA_LOCAL_LLM", "false")


def careful(person: Person, **egress: Any) -> str:
    """An avatar that keeps some categories to itself; its id."""
    avatar_id = make_avatar(person)
    changed = person.http.patch(f"{API}/avatars/{avatar_id}", json={"egress": egress})
    assert (changed.status_code, changed.json()["egress"]) == (200, egress)
    return avatar_id


def heard(stub: StubLLM) -> str:
    """Every byte that a provider was sent, in small letters."""
    return "\n".join(
        f"{one.path} {one.headers} {json.dumps(one.body, ensure_ascii=False)}" for one in stub.requests
    ).lower()


def test_a_question_about_health_stays_on_this_machine_and_the_answer_says_so(
    alice: Person, talking: StubLLM, home: StubLLM
) -> None:
    luna = careful(alice, health="local")
    home.script("I am sorry to hear that.")
    answer = said(alice, "I was diagnosed with diabetes yesterday", avatar_id=luna)
    assert answer["content"] == "I am sorry to hear that."
    assert answer["model"] == {"provider": "local", "name": "home-1"}
    assert answer["egress"] == {"kept_local": ["health"], "left_out": 0, "barred": [], "model": "local:home-1"}
    assert talking.requests == []
    kept = alice.http.get(f"{API}/responses/{answer['response_id']}").json()
    assert kept["egress"] == answer["egress"]
    asked = alice.http.get(f"{API}/requests/{answer['request_id']}").json()
    assert (asked["provider"], asked["model_name"]) == ("local", "home-1")


def test_what_was_said_of_health_never_reaches_the_provider_in_later_turns(
    alice: Person, talking: StubLLM, home: StubLLM, drain_outbox: Drain
) -> None:
    luna = careful(alice, health="local")
    home.always(lambda _: "The metformin will help, take your zologlip too.")
    first = said(alice, "My doctor gave me metformin for my diabetes", avatar_id=luna)
    session_id = first["session_id"]
    said(alice, "Since Marchember.", session_id=session_id)
    drain_outbox()
    talking.script("Why did the penguin cross the ice? To go with the floe.", "Rust.")
    joke = said(alice, "Now please tell me a really good joke about some penguins and the ice", session_id=session_id)
    assert joke["model"]["provider"] == "openai"
    assert joke["egress"]["kept_local"] == []
    assert joke["egress"]["left_out"] >= 4
    assert joke["egress"]["barred"] == ["health"]
    assert not joke["memories"]
    said(alice, "Which programming language would you choose for a small web server today?", avatar_id=luna)
    drain_outbox()
    assert len(talking.chats) >= 2
    sent = heard(talking)
    for word in ("metformin", "diabetes", "zologlip", "marchember", "doctor"):
        assert word not in sent, word
    back = said(alice, "Which medication did my doctor give me?", session_id=session_id)
    assert back["model"]["provider"] == "local"
    assert "metformin" in home.chats[-1].prompt


def test_a_stream_is_held_to_it_too(alice: Person, talking: StubLLM, home: StubLLM) -> None:
    luna = careful(alice, health="local")
    home.script("Rest well.")
    events = streamed(alice, "I have had a migraine since Monday", avatar_id=luna)
    assert "".join(data["text"] for name, data in events if name == "token") == "Rest well."
    assert events[-1][1]["egress"]["kept_local"] == ["health"]
    assert talking.requests == []


def test_without_a_model_that_may_read_it_nobody_is_asked_and_the_avatar_says_so(
    alice: Person, talking: StubLLM, nowhere: None, drain_outbox: Drain
) -> None:
    luna = careful(alice, health="local", finance=["local"])
    answer = said(alice, "J'ai mal au dos et mon médecin me donne de la morphine", avatar_id=luna)
    assert "machine" in answer["content"]
    assert answer["content"].startswith("C'est")
    assert answer["egress"] == {"kept_local": ["health"], "left_out": 0, "barred": ["finance", "health"], "model": None}
    assert answer["model"] == {"provider": None, "name": None}
    assert answer["usage"]["total_tokens"] == 0
    kept = alice.http.get(f"{API}/responses/{answer['response_id']}").json()
    assert kept == {**answer, "feedback": None}
    request = alice.http.get(f"{API}/requests/{answer['request_id']}").json()
    assert (request["prompt_json"], request["state"]) == ([], "completed")
    events = streamed(alice, "I owe the bank 4,000 euros", session_id=answer["session_id"])
    assert [name for name, _ in events] == ["started", "token", "done"]
    drain_outbox()
    assert talking.requests == [], "neither the turn nor what follows it asked"
    talking.script("The Seine.")
    said(
        alice,
        "Which long river flows through the middle of the city of Paris in France?",
        session_id=answer["session_id"],
    )
    sent = heard(talking)
    for word in ("morphine", "4,000", "médecin"):
        assert word not in sent


def test_what_was_learnt_of_it_is_left_out_of_memory_for_the_provider(
    alice: Person, talking: StubLLM, home: StubLLM, drain_outbox: Drain
) -> None:
    luna = make_avatar(alice)
    said(alice, "I am allergic to peanuts and I love the mountains", avatar_id=luna, model="local:home-1")
    said(alice, "I live in Brest", avatar_id=luna, model="local:home-1")
    drain_outbox()
    alice.http.patch(f"{API}/avatars/{luna}", json={"egress": {"health": "local", "location": "local"}})
    talking.requests.clear()
    answer = said(alice, "Which snack with peanuts would you bring to the mountains, and why that one?", avatar_id=luna)
    assert answer["model"]["provider"] == "openai"
    assert "allergic" not in heard(talking)
    assert "brest" not in heard(talking)
    assert "allerg" not in str(answer["memories"]).lower()
    assert answer["egress"]["left_out"] > 0
    everything = said(alice, "What do you know about me?", avatar_id=luna)
    assert everything["model"]["provider"] == "local", "all that is known holds what may not leave"
    assert everything["egress"]["kept_local"] == ["health", "location"]


def test_a_list_of_providers_lets_those_read_and_no_other(alice: Person, talking: StubLLM, home: StubLLM) -> None:
    luna = careful(alice, work=["openai"], health=["ollama"])
    assert said(alice, "My boss wants me to work on Sunday", avatar_id=luna)["model"]["provider"] == "openai"
    assert said(alice, "My asthma is back", avatar_id=luna)["model"]["provider"] == "local"
    alice.http.patch(f"{API}/avatars/{luna}", json={"egress": {"health": "any"}})
    answer = said(alice, "My asthma is back again", avatar_id=luna)
    assert answer["model"]["provider"] == "openai"
    assert answer["egress"]["barred"] == []


def test_asking_for_the_provider_by_name_does_not_get_round_it(alice: Person, talking: StubLLM, home: StubLLM) -> None:
    luna = careful(alice, health="local")
    answer = said(alice, "I am pregnant", avatar_id=luna, model="openai:gpt-6-luna")
    assert answer["model"]["provider"] == "local"
    again = alice.http.post(
        f"{API}/messages/{answer['message_id']}/regenerate", json={"model": "openai:gpt-6-luna"}
    ).json()
    assert again["model"]["provider"] == "local"
    assert talking.requests == []


def test_what_follows_a_turn_is_held_to_it_too(
    alice: Person, talking: StubLLM, nowhere: None, drain_outbox: Drain
) -> None:
    luna = careful(alice, health="local")
    first = said(alice, "My knee was operated on and the surgeon was kind to me there", avatar_id=luna)
    session_id = first["session_id"]
    for words in ("The hospital food was awful", "I take painkillers at night", "The nurse sang to us"):
        said(alice, words, session_id=session_id)
    start = clock.now()
    drain_outbox()
    with clock.use(clock.SimulatedClock(start + timedelta(days=2))):
        drain_outbox()
    sent = heard(talking)
    for word in ("knee", "surgeon", "hospital", "painkillers", "nurse"):
        assert word not in sent, word
    assert talking.chats == []


def test_the_summary_of_a_session_is_made_without_the_provider_where_it_must_be(
    alice: Person, talking: StubLLM, nowhere: None
) -> None:
    from anima.chat import quiet_service

    luna = careful(alice, health="local")
    session_id = said(alice, "Good morning, how was your night over there in the clouds?", avatar_id=luna)["session_id"]
    for words in ("My cancer is in remission", "The garden needs some rain I think", "Do you like tulips or roses?"):
        said(alice, words, session_id=session_id)
    talking.requests.clear()
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=1))):
        summed = quiet_service.refresh(alice.principal, alice.user_id, __import__("uuid").UUID(luna), 1e12, 10_000)
    assert summed is not None
    assert "cancer" not in heard(talking)


def test_an_enriched_question_is_held_to_the_egress_of_its_session(
    alice: Person, talking: StubLLM, home: StubLLM
) -> None:
    luna = careful(alice, health="local")
    first = said(alice, "I have been diagnosed with epilepsy", avatar_id=luna)
    home.requests.clear()
    body = {"question": "What is the capital of the country of France, by the way?", "session_id": first["session_id"]}
    answered = alice.http.post(f"{API}/ask", json=body)
    assert answered.status_code == 200, answered.text
    about = alice.http.post(f"{API}/ask", json={**body, "question": "Which drugs treat epilepsy?"})
    assert about.status_code == 200, about.text
    assert "epilepsy" not in heard(talking)


@pytest.mark.parametrize(
    ("egress", "path", "told"),
    [
        ({"weather": "local"}, "egress.weather", "unknown category"),
        ({"health": ["opneai"]}, "egress.health", "unknown provider opneai"),
        ({"health": "never"}, "egress.health", "a list of providers"),
        ({"health": []}, "egress.health", "a list of providers"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_place(
    alice: Person, egress: dict[str, Any], path: str, told: str
) -> None:
    luna = make_avatar(alice)
    for answer in (
        alice.http.patch(f"{API}/avatars/{luna}", json={"egress": egress}),
        alice.http.post(f"{API}/avatars", json={"name": "Careless", "egress": egress}),
    ):
        assert answer.status_code == 422
        (wrong,) = answer.json()["errors"]
        assert wrong["path"] == path
        assert told in wrong["message"]
    assert alice.http.get(f"{API}/avatars/{luna}").json()["egress"] == {}
    assert say(alice, "Hello", avatar_id=luna, model="nothing:here").status_code == 422


def test_rules_are_kept_category_by_category(alice: Person) -> None:
    made = alice.http.post(f"{API}/avatars", json={"name": "Careful", "egress": {"health": "local"}})
    assert made.json()["egress"] == {"health": "local"}
    place = f"{API}/avatars/{made.json()['avatar_id']}"
    alice.http.patch(place, json={"egress": {"finance": ["openai", "ollama"]}})
    alice.http.patch(place, json={"bio": "Careful"})
    assert alice.http.get(place).json()["egress"] == {"health": "local", "finance": ["openai", "ollama"]}


def test_an_avatar_without_rules_tells_nothing_of_them(alice: Person, luna: str, talking: StubLLM) -> None:
    assert said(alice, "I have a headache", avatar_id=luna)["egress"] is None


def test_nothing_is_promised_to_be_kept_from_who_embeds_everything(
    alice: Person, database: Any, setting: Setting
) -> None:
    luna = make_avatar(alice)
    setting("ANIMA_EMBEDDING_MODEL", "text-embedding-3-small")
    place = f"{API}/avatars/{luna}"
    refused = alice.http.patch(place, json={"egress": {"health": "local"}})
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "seen-by-embedder")
    assert refused.json()["errors"][0]["path"] == "egress.health"
    assert alice.http.get(place).json()["egress"] == {}
    assert alice.http.patch(place, json={"egress": {"health": ["openai"]}}).status_code == 200


def test_no_provider_begins_to_embed_what_is_kept_from_it(alice: Person, database: Any) -> None:
    from anima.operations import embeddings as moves

    careful(alice, health="local")
    with pytest.raises(moves.KeptFromProvider, match="openai"):
        moves.migrate(database.owner_url, "text-embedding-3-small")


def test_what_is_kept_here_is_not_asked_of_a_service_outside_either(
    alice: Person, talking: StubLLM, home: StubLLM, passage_service: PassageService
) -> None:
    passage_service.knows("The harbour of Brume opens at six in the morning.")
    luna = careful(alice, health="local")
    asked = alice.http.post(f"{API}/ask", json={"question": "Which drugs treat epilepsy?", "avatar_id": luna})
    assert asked.status_code == 200, asked.text
    first = said(alice, "I have been diagnosed with epilepsy", avatar_id=luna)
    body = {"question": "Which drugs treat epilepsy?", "session_id": first["session_id"]}
    assert alice.http.post(f"{API}/ask", json=body).status_code == 200
    assert passage_service.asked == []
    alice.http.post(f"{API}/ask", json={**body, "question": "When does the harbour of Brume open in the morning?"})
    assert len(passage_service.asked) == 1
