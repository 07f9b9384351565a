"""Personalities over HTTP: the ready ones, the schema, the check, the prompt."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from anima import personality as personalities
from fixtures.api import Person

PERSONALITIES = "/api/v1/personalities"


def test_the_ready_ones_are_a_starting_point(alice: Person) -> None:
    ready = alice.http.get(PERSONALITIES).json()["items"]
    assert [each["name"] for each in ready] == personalities.ready()
    assert {"English", "français"} <= {each["language"] for each in ready}
    for each in ready:
        checked = alice.http.post(f"{PERSONALITIES}/validate", json={"personality": each["personality"]})
        assert checked.json() == {"valid": True, "errors": []}


def test_the_schema_is_public(client: TestClient) -> None:
    answer = client.get(f"{PERSONALITIES}/schema")
    assert answer.json() == personalities.SCHEMA
    assert client.get(PERSONALITIES).status_code == 401


def test_the_check_tells_every_error_with_its_path(alice: Person) -> None:
    wrong = {"persona": {"name": "", "colour": 1}, "big_five": {"openness": 2}}
    answer = alice.http.post(f"{PERSONALITIES}/validate", json={"personality": wrong})
    assert answer.status_code == 200
    assert answer.json()["valid"] is False
    assert [each["path"] for each in answer.json()["errors"]] == [
        "persona.name",
        "persona.colour",
        "big_five.openness",
    ]


def test_the_prompt_for_an_affinity_and_a_mood(alice: Person) -> None:
    def compiled(**more: Any) -> dict[str, Any]:
        answer = alice.http.post(f"{PERSONALITIES}/compile", json={"personality": "luna", **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    far = compiled()
    near = compiled(affinity=80, mood={"name": "cheerful", "intensity": 1}, name="Selene")
    assert (far["level"], near["level"]) == ("new acquaintance", "close friend")
    assert far["prompt"].startswith("You are Luna.")
    assert near["prompt"].startswith("You are Selene.")
    assert "very cheerful" in near["state"]
    assert near["sampling"]["temperature"] == 0.5
    assert compiled() == far


def test_what_cannot_be_compiled_is_refused(alice: Person) -> None:
    for body in (
        {"personality": {"persona": {}}},
        {"personality": "nobody"},
        {"personality": "luna", "affinity": 101},
        {"personality": "luna", "mood": {"name": "x", "colour": 1}},
        {},
    ):
        assert alice.http.post(f"{PERSONALITIES}/compile", json=body).status_code == 422
