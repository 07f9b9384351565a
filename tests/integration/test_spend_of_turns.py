"""What turns cost: by whom who answered, told in the answer, counted in the usage and in an experiment's report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures.api import Person
from fixtures.stub_llm import Reply, StubLLM, calls, failure
from fixtures.turns import make_avatar, said, streamed

SUM = ("calculate", {"expression": "12 * 34"})
FIRST, SECOND = "openai:gpt-first", "openai:gpt-second"
PRICES = {FIRST: (1, 10), SECOND: (100, 1000)}
"""US dollars for a million tokens of prompts and of answers."""

Profile = Callable[..., None]
Connection = psycopg.Connection[Any]


@pytest.fixture
def profile(setting: Any, tmp_path: Path) -> Profile:
    """A profile in which the second model stands in for the first; both have prices but those that are left out."""

    def written(*unpriced: str) -> None:
        prices = {
            name: {"prompt": prompt, "completion": completion}
            for name, (prompt, completion) in PRICES.items()
            if name not in unpriced
        }
        general = {"provider": "openai", "model": "gpt-first", "fallbacks": [SECOND]}
        path = tmp_path / "profiles.json"
        path.write_text(json.dumps({"profiles": {"mine": {"general": general}}, "prices": prices}))
        setting("LLM_MODELS_CONFIG_PATH", str(path))
        setting("LLM_MODELS_PROFILE", "mine")

    return written


@pytest.fixture
def nothing_runs_afterwards(owner_conn: Connection) -> Iterator[None]:
    """What runs is everybody's: no other test is to be part of it."""
    yield
    owner_conn.execute("update experiments set end_ts = now(), ended = '{}' where end_ts is null")


def usage(person: Person) -> dict[str, dict[str, Any]]:
    """What a person spent on turns, by model."""
    answer = person.http.get("/api/v1/usage")
    assert answer.status_code == 200, answer.text
    return {one["model"]: one for one in answer.json()["items"] if one["purpose"] == "turn"}


def cost(model: str, used: dict[str, Any]) -> float:
    """What tokens cost."""
    prompt, completion = PRICES[model]
    return float(prompt * used["prompt_tokens"] + completion * used["completion_tokens"]) / 1e6


def first_then_second(body: dict[str, Any]) -> str | Reply:
    """The first model calls a tool and is dead then; the second answers."""
    if body["model"] == "gpt-second":
        return "It is 408."
    return failure(503) if any(one["role"] == "tool" for one in body["messages"]) else calls(SUM, text="Let me see.")


def test_what_an_answer_costs_is_told_in_it_and_in_the_usage(alice: Person, talking: StubLLM, profile: Profile) -> None:
    profile()
    avatar = make_avatar(alice)
    talking.script("Hello.")
    answer = said(alice, "Hello there", avatar_id=avatar)
    assert answer["usage"]["cost"] == pytest.approx(cost(FIRST, answer["usage"]))
    assert answer["usage"]["cost"] > 0
    kept = alice.http.get(f"/api/v1/responses/{answer['response_id']}").json()
    assert kept["usage"]["cost"] == answer["usage"]["cost"]
    [spent] = usage(alice).values()
    assert (spent["model"], spent["calls"], spent["unpriced_calls"], spent["avatar_id"]) == (FIRST, 1, 0, avatar)
    assert float(spent["cost"]) == pytest.approx(answer["usage"]["cost"])
    assert spent["prompt_tokens"] == answer["usage"]["prompt_tokens"]
    assert spent["completion_tokens"] == answer["usage"]["completion_tokens"]


def test_each_who_answered_in_a_turn_is_counted_for_what_it_took(
    alice: Person, talking: StubLLM, profile: Profile
) -> None:
    profile()
    avatar = make_avatar(alice)
    talking.always(first_then_second)
    answer = said(alice, "How much is 12 times 34?", avatar_id=avatar)
    assert answer["content"] == "Let me see.\n\nIt is 408."
    assert answer["model"] == {"provider": "openai", "name": "gpt-second"}
    spent = usage(alice)
    assert sorted(spent) == [FIRST, SECOND]
    for kind in ("prompt_tokens", "completion_tokens"):
        assert spent[FIRST][kind] > 0
        assert spent[SECOND][kind] > 0
        assert spent[FIRST][kind] + spent[SECOND][kind] == answer["usage"][kind]
    assert answer["usage"]["cost"] == pytest.approx(sum(cost(name, spent[name]) for name in spent))
    assert float(spent[FIRST]["cost"]) == pytest.approx(cost(FIRST, spent[FIRST]), abs=1e-6)


def test_a_cost_that_is_known_in_part_is_not_told(alice: Person, talking: StubLLM, profile: Profile) -> None:
    profile(SECOND)
    avatar = make_avatar(alice)
    talking.always(first_then_second)
    answer = said(alice, "How much is 12 times 34?", avatar_id=avatar)
    assert "cost" not in answer["usage"]
    spent = usage(alice)
    assert float(spent[FIRST]["cost"]) > 0
    assert (spent[SECOND]["cost"], spent[SECOND]["unpriced_calls"]) == (None, 1)


def test_of_an_answer_that_is_cut_the_round_that_nobody_counted_is_estimated(
    alice: Person, talking: StubLLM, profile: Profile
) -> None:
    profile()
    avatar = make_avatar(alice)
    talking.script(calls(SUM), Reply("It is four hundred and eight.", cut_after=3))
    events = streamed(alice, "How much is 12 times 34?", avatar_id=avatar)
    assert events[-1][0] == "error"
    [spent] = usage(alice).values()
    first, second = (sum(len(str(one["content"])) for one in chat.messages) // 8 for chat in talking.chats[-2:])
    assert spent["prompt_tokens"] > first + second


def test_a_turn_that_waited_is_counted_once_for_each_part(
    alice: Person, coder: str, talking: StubLLM, profile: Profile
) -> None:
    profile()
    talking.script(calls(("run_python", {"code": "print(1)"}), text="Let me see."))
    waiting = said(alice, "What does this print?", avatar_id=coder)
    assert waiting["finish"] == "approval"
    before = usage(alice)
    assert before[FIRST]["calls"] == 1
    talking.always(lambda body: failure(503) if body["model"] == "gpt-first" else "Nothing.")
    call = waiting["tools"][0]["invocation_id"]
    answer = alice.http.post(f"/api/v1/tool-calls/{call}", json={"approve": False}).json()
    assert answer["content"] == "Let me see.\n\nNothing."
    spent = usage(alice)
    assert spent[FIRST] == before[FIRST]
    assert sum(one["prompt_tokens"] for one in spent.values()) == answer["usage"]["prompt_tokens"]
    assert answer["usage"]["cost"] == pytest.approx(sum(cost(name, spent[name]) for name in spent))


@pytest.mark.usefixtures("nothing_runs_afterwards")
def test_a_variant_with_another_model_answers_whole_turns_and_is_reported(
    admin: Person, alice: Person, talking: StubLLM, profile: Profile, owner_conn: Connection
) -> None:
    profile()
    avatar = make_avatar(alice)
    text = "Answer like a lighthouse keeper who saves words."
    prompt = admin.http.post("/api/v1/prompts", json={"name": "keeper", "content": text}).json()
    tried = {
        "name": "other",
        "weight": 1000,
        "model": SECOND,
        "prompt": f"keeper@{prompt['version']}",
        "params": {"temperature": 0.125},
    }
    variants = [{"name": "as it is", "weight": 0.001}, tried]
    # A person is in one experiment at a time: none of another test may still run.
    owner_conn.execute("update experiments set end_ts = now(), ended = '{}' where end_ts is null")
    begun = admin.http.post("/api/v1/experiments", json={"name": "whole turns", "variants": variants})
    assert begun.status_code == 201, begun.text
    experiment = begun.json()["exp_id"]
    talking.script(calls(SUM), "It is 408.", "You are welcome.")
    answer = said(alice, "How much is 12 times 34?", avatar_id=avatar)
    again = said(alice, "Thank you", session_id=answer["session_id"])
    assert answer["model"] == again["model"] == {"provider": "openai", "name": "gpt-second"}
    assert {one.body["model"] for one in talking.chats} == {"gpt-second"}
    assert {one.body["temperature"] for one in talking.chats} == {0.125}
    assert all(text in one.prompt for one in talking.chats)
    [row] = owner_conn.execute(
        "select variant, answers, failures, costed, cost from experiment_assignments"
        " where user_id = %s and exp_id = %s",
        [alice.user_id, experiment],
    ).fetchall()
    together = answer["usage"]["cost"] + again["usage"]["cost"]
    assert row[:4] == ("other", 2, 0, 2)
    assert row[4] == pytest.approx(together)
    shown = admin.http.get(f"/api/v1/experiments/{experiment}").json()["report"]["variants"][1]
    assert (shown["name"], shown["people"], shown["answers"]) == ("other", 1, 2)
    assert shown["metrics"]["cost"]["value"] == pytest.approx(together / 2)
    assert list(usage(alice)) == [SECOND]
