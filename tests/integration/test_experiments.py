"""Two prompts are tried on people: who is given what, what is told of it, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from anima.gateway.experiments_model import lot
from fixtures.api import MakeUser, Person
from fixtures.stub_llm import Reply, StubLLM, failure
from fixtures.turns import make_avatar, said, say

Owner = psycopg.Connection[Any]
BRIEF = "Answer like a lighthouse keeper who saves words."


@pytest.fixture(autouse=True)
def nothing_runs_afterwards(owner_conn: Owner) -> Iterator[None]:
    """What runs is everybody's: no other test is to be part of it."""
    yield
    owner_conn.execute("update experiments set end_ts = now(), ended = '{}' where end_ts is null")
    owner_conn.execute("delete from settings where key like 'experiments.%'")


def added(admin: Person, content: str, name: str = "brief") -> dict[str, Any]:
    answer = admin.http.post("/api/v1/prompts", json={"name": name, "content": content})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def begun(admin: Person, *variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"name": "of the tests", "variants": list(variants), **more}
    answer = admin.http.post("/api/v1/experiments", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def shown(admin: Person, experiment: dict[str, Any]) -> dict[str, Any]:
    answer = admin.http.get(f"/api/v1/experiments/{experiment['exp_id']}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def only(name: str, **more: Any) -> list[dict[str, Any]]:
    """Two variants of which all but nobody is given the second."""
    return [{"name": "as it is", "weight": 0.001}, {"name": name, "weight": 1000, **more}]


def systems(talking: StubLLM) -> str:
    """What the model was told about how to answer, in the last call."""
    return "\n".join(str(one["content"]) for one in talking.chats[-1].messages if one["role"] == "system")


def test_a_prompt_is_kept_in_versions_and_told_apart(admin: Person) -> None:
    first = added(admin, "Be brief.\nBe kind.", "told-apart")
    second = added(admin, "Be very brief.\nBe kind.", "told-apart")
    assert (first["version"], second["version"]) == (1, 2)
    assert added(admin, "Be very brief.\nBe kind.", "told-apart")["prompt_id"] == second["prompt_id"]
    diff = admin.http.get("/api/v1/prompts/told-apart/diff", params={"from": 1, "to": 2}).json()
    assert diff["diff"].splitlines()[3:] == ["-Be brief.", "+Be very brief.", " Be kind."]
    versions = admin.http.get("/api/v1/prompts/told-apart").json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    listed = admin.http.get("/api/v1/prompts", params={"limit": 200}).json()["items"]
    assert [one["version"] for one in listed if one["name"] == "told-apart"] == [2]
    assert admin.http.get("/api/v1/prompts/told-apart/diff", params={"from": 1, "to": 9}).status_code == 404
    assert admin.http.get("/api/v1/prompts/nowhere").status_code == 404


def test_versions_that_are_added_at_once_count_up_without_a_gap(admin: Person) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda n: added(admin, f"Text {n}", "at-once"), range(8)))
    assert sorted(one["version"] for one in made) == list(range(1, 9))


def test_prompts_and_experiments_are_for_admins(alice: Person) -> None:
    assert alice.http.get("/api/v1/prompts").status_code == 403
    assert alice.http.post("/api/v1/prompts", json={"name": "x", "content": "y"}).status_code == 403
    assert alice.http.get("/api/v1/experiments").status_code == 403
    assert alice.http.get("/api/v1/experiments/1").status_code == 403
    two = [{"name": "a"}, {"name": "b"}]
    assert alice.http.post("/api/v1/experiments", json={"name": "x", "variants": two}).status_code == 403
    assert alice.http.post("/api/v1/experiments/1/stop", json={}).status_code == 403


def test_a_variant_changes_prompt_and_parameters_and_is_told_in_the_log(
    admin: Person, alice: Person, luna: str, talking: StubLLM, owner_conn: Owner
) -> None:
    prompt = added(admin, BRIEF)
    reference = f"brief@{prompt['version']}"
    experiment = begun(admin, *only("brief", prompt=reference, params={"temperature": 0.125}))
    answer = said(alice, "What do ships fear most?", avatar_id=luna)
    assert BRIEF in systems(talking)
    assert talking.chats[-1].body["temperature"] == 0.125
    [row] = owner_conn.execute(
        "select prompt_id, parameters -> 'experiment' from llm_requests where request_id = %s", [answer["request_id"]]
    ).fetchall()
    assert row == (prompt["prompt_id"], {"id": experiment["exp_id"], "variant": "brief"})
    told = shown(admin, experiment)["report"]["variants"][1]
    assert (told["people"], told["answers"]) == (1, 1)
    assert told["metrics"]["latency"]["value"] > 0
    assert told["metrics"]["errors"]["value"] == 0


def test_a_person_keeps_their_variant_and_all_of_them_share_the_weights(
    admin: Person, make_user: MakeUser, talking: StubLLM, owner_conn: Owner
) -> None:
    experiment = begun(admin, {"name": "a", "policy": {"hints": False}}, {"name": "b"})
    people = [*of_both(make_user, experiment["exp_id"]), make_user()]
    for person in people:
        said(person, "Good morning, how are you?")
        said(person, "And what is there to do today?")
    rows = owner_conn.execute(
        "select user_id, array_agg(distinct parameters -> 'experiment' ->> 'variant') from llm_requests"
        " where (parameters -> 'experiment' ->> 'id')::bigint = %s group by user_id",
        [experiment["exp_id"]],
    ).fetchall()
    assert len(rows) == 3
    assert all(len(variants) == 1 for _, variants in rows)
    assert {name for _, names in rows for name in names} == {"a", "b"}
    assert sum(one["answers"] for one in shown(admin, experiment)["report"]["variants"]) == 6


def test_who_asks_for_a_model_or_talks_in_private_is_left_out(
    admin: Person, alice: Person, luna: str, talking: StubLLM, owner_conn: Owner
) -> None:
    reference = f"brief@{added(admin, BRIEF)['version']}"
    experiment = begun(admin, *only("brief", prompt=reference))
    said(alice, "What do ships fear most?", avatar_id=luna, model="openai:gpt-6-luna")
    assert BRIEF not in systems(talking)
    private = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()["session_id"]
    said(alice, "What do sailors fear most?", session_id=private)
    assert BRIEF not in systems(talking)
    assert [one["people"] for one in shown(admin, experiment)["report"]["variants"]] == [0, 0]
    assert owner_conn.execute(
        "select count(*) from experiment_assignments where user_id = %s", [alice.user_id]
    ).fetchone() == (0,)


def test_ratings_count_the_last_one_of_each_answer(admin: Person, alice: Person, luna: str, talking: StubLLM) -> None:
    experiment = begun(admin, *only("b"))
    first = said(alice, "What do ships fear most?", avatar_id=luna)["response_id"]
    second = said(alice, "And what do they love?", avatar_id=luna)["response_id"]
    for response, rating in ((first, 1), (first, 5), (second, 2)):
        assert alice.http.post(f"/api/v1/responses/{response}/feedback", json={"rating": rating}).status_code == 200
    metrics = shown(admin, experiment)["report"]["variants"][1]["metrics"]
    assert (metrics["rating"]["n"], metrics["rating"]["value"]) == (2, 3.5)
    assert (metrics["liked"]["n"], metrics["liked"]["value"]) == (2, 0.5)
    assert metrics["liked"]["low"] < 0.5 < metrics["liked"]["high"]


def test_a_variant_that_fails_ends_the_experiment_with_a_line_in_the_audit_log(
    admin: Person, make_user: MakeUser, talking: StubLLM, owner_conn: Owner
) -> None:
    experiment = begun(
        admin,
        {"name": "as it is"},
        {"name": "broken", "params": {"temperature": 0.77}},
        guard={"min_answers": 5, "confidence": 0.9, "bounds": {"errors": 0.05}},
    )
    people = of_both(make_user, experiment["exp_id"])
    talking.always(answer_by_temperature)
    for number in range(60):
        say(people[number % 2], f"Tell me something about the sea, part {number}.")
        if shown(admin, experiment)["end_ts"] is not None:
            break
    ended = shown(admin, experiment)
    assert ended["end_ts"] is not None, ended["report"]
    assert ended["ended"]["by"] == "guard"
    assert (ended["ended"]["variant"], ended["ended"]["metric"]) == ("broken", "errors")
    assert ended["ended"]["worse_by"] > 0.05
    [noted] = owner_conn.execute(
        "select action, detail ->> 'variant' from audit_log where subject = %s and action like 'experiments.%%'"
        " and actor_id is null",
        [str(experiment["exp_id"])],
    ).fetchall()
    assert noted == ("experiments.halt", "broken")
    assert {say(person, "And now, what is the sea like?").status_code for person in people} == {200}


def of_both(make_user: MakeUser, exp_id: int) -> list[Person]:
    """Two people, one for each of two variants of the same weight."""
    found: dict[bool, Person] = {}
    while len(found) < 2:
        person = make_user()
        found[lot(exp_id, person.user_id, "variant") < 0.5] = person
    return list(found.values())


def answer_by_temperature(body: dict[str, Any]) -> Reply:
    """A server that fails for what the broken variant asks."""
    return failure(400) if body.get("temperature") == 0.77 else Reply("The sea is wide.")


def test_an_admin_stops_it_and_turns_are_as_before(admin: Person, alice: Person, luna: str, talking: StubLLM) -> None:
    reference = f"brief@{added(admin, BRIEF)['version']}"
    experiment = begun(admin, *only("brief", prompt=reference))
    said(alice, "What do ships fear most?", avatar_id=luna)
    assert BRIEF in systems(talking)
    stopped = admin.http.post(f"/api/v1/experiments/{experiment['exp_id']}/stop", json={"reason": "decided"})
    assert stopped.status_code == 200
    assert stopped.json()["ended"] == {"by": "admin", "user_id": admin.user_id, "reason": "decided"}
    again = admin.http.post(f"/api/v1/experiments/{experiment['exp_id']}/stop", json={"reason": "once more"})
    assert again.json()["ended"]["reason"] == "decided", "it ends once"
    said(alice, "And what do they love?", avatar_id=luna)
    assert BRIEF not in systems(talking)
    assert shown(admin, experiment)["report"]["variants"][1]["answers"] == 1, "what was seen stays"


def test_a_setting_holds_all_experiments_at_once(admin: Person, alice: Person, luna: str, talking: StubLLM) -> None:
    reference = f"brief@{added(admin, BRIEF)['version']}"
    begun(admin, *only("brief", prompt=reference))
    admin.http.put("/api/v1/settings", json={"values": {"experiments.enabled": False}})
    said(alice, "What do ships fear most?", avatar_id=luna)
    assert BRIEF not in systems(talking)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "variants.1.name"),
        ({"variants": [{"name": "a"}, {"name": "b", "prompt": "nowhere@1"}]}, "variants.1.prompt"),
        ({"variants": [{"name": "a"}, {"name": "b", "prompt": "no version"}]}, "variants.1.prompt"),
        ({"variants": [{"name": "a"}, {"name": "b", "model": "nobody:nothing"}]}, "variants.1.model"),
        ({"variants": [{"name": "a"}, {"name": "b", "policy": {"x": False}}]}, "variants.1.policy"),
        ({"variants": [{"name": "a"}]}, "variants"),
        ({"variants": [{"name": "a"}, {"name": "b", "weight": 0}]}, "variants.1.weight"),
        ({"metric": "beauty"}, "metric"),
        ({"guard": {"min_answers": 1}}, "guard.min_answers"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name(
    admin: Person, talking: StubLLM, change: dict[str, Any], path: str, owner_conn: Owner
) -> None:
    body = {"name": "refused", "variants": [{"name": "a"}, {"name": "b"}], **change}
    answer = admin.http.post("/api/v1/experiments", json=body)
    assert answer.status_code == 422, answer.text
    assert [one["path"] for one in answer.json()["errors"]] == [path]
    assert owner_conn.execute("select count(*) from experiments where name = 'refused'").fetchone() == (0,)


def test_two_of_one_name_do_not_run_at_once(admin: Person) -> None:
    first = begun(admin, {"name": "a"}, {"name": "b"})
    body = {"name": "of the tests", "variants": [{"name": "a"}, {"name": "b"}]}
    refused = admin.http.post("/api/v1/experiments", json=body)
    assert refused.status_code == 409
    admin.http.post(f"/api/v1/experiments/{first['exp_id']}/stop", json={})
    assert admin.http.post("/api/v1/experiments", json=body).status_code == 201


def test_what_a_person_was_part_of_goes_with_them(
    admin: Person, make_user: MakeUser, talking: StubLLM, owner_conn: Owner, drain_outbox: Callable[[], Any]
) -> None:
    person = make_user()
    luna = make_avatar(person)
    experiment = begun(admin, *only("b"))
    said(person, "What do ships fear most?", avatar_id=luna)
    gone = person.http.request("DELETE", "/api/v1/users/me", json={"password": person.password})
    assert gone.status_code in (202, 204), gone.text
    drain_outbox()
    assert owner_conn.execute(
        "select count(*) from experiment_assignments where user_id = %s", [person.user_id]
    ).fetchone() == (0,)
    assert shown(admin, experiment)["report"]["variants"][1]["people"] == 0
