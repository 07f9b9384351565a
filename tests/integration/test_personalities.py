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
    bodies: list[dict[str, Any]] = [
        {"personality": {"persona": {}}},
        {"personality": "nobody"},
        {"personality": "luna", "affinity": 101},
        {"personality": "luna", "mood": {"name": "x", "colour": 1}},
        {},
    ]
    for body in bodies:
        assert alice.http.post(f"{PERSONALITIES}/compile", json=body).status_code == 422


def test_text_is_checked_with_line_and_column(alice: Person) -> None:
    def checked(**body: Any) -> dict[str, Any]:
        answer = alice.http.post(f"{PERSONALITIES}/validate", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    broken = checked(text='{\n "persona": {"name": "Mia",}\n}')
    assert broken["valid"] is False
    assert [(each["line"], each["column"]) for each in broken["errors"]] == [(2, 27)]
    wrong = checked(text='{"persona": {"name": "Mia",\n  "colour": "\\ud800"}}')
    first = wrong["errors"][0]
    assert (first["path"], first["line"], first["column"]) == ("persona.colour", 2, 3)
    assert checked(text='{"persona": {"name": "Mia"}}') == {"valid": True, "errors": []}
    assert "is too large" in checked(text="[" * 300_000)["errors"][0]["message"]
    for body in ({"personality": {}, "text": "{}"}, {"personality": None}):
        assert alice.http.post(f"{PERSONALITIES}/validate", json=body).status_code == 422
    assert checked(personality={})["errors"][0]["path"] == "persona"


def test_ten_megabytes_are_refused_before_they_are_read(alice: Person) -> None:
    answer = alice.http.post(f"{PERSONALITIES}/validate", json={"text": "[" * 10_000_000})
    assert answer.status_code == 413


def test_feelings_and_style_show_in_what_is_compiled(alice: Person) -> None:
    def compiled(**more: Any) -> dict[str, Any]:
        body = {"personality": {"persona": {"name": "Mia"}, "first_message": "I am {{char}}."}, **more}
        answer = alice.http.post(f"{PERSONALITIES}/compile", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    plain = compiled()
    felt = compiled(emotions={"valence": 0.5, "arousal": 1, "words": {"joy": 0.9}})
    styled = compiled(style={"words": 3, "formality": 0.1, "emoji": 2, "phrases": ["lol"]})
    assert plain["greetings"] == ["I am Mia."]
    assert "You feel: joy (strongly)." in felt["state"]
    assert felt["conduct"]["temperature"] == 0.45
    assert plain["conduct"]["max_sentences"] > styled["conduct"]["max_sentences"]
    assert (plain["conduct"]["emojis"], styled["conduct"]["emojis"]) == ("none", "few")
    for wrong in ({"emotions": {"valence": 2}}, {"style": {"address": "thou"}}, {"emotions": {"words": {"joy": 2}}}):
        body = {"personality": "luna", **wrong}
        assert alice.http.post(f"{PERSONALITIES}/compile", json=body).status_code == 422


def test_a_stranger_is_drawn_and_drawn_again(alice: Person) -> None:
    first = alice.http.post(f"{PERSONALITIES}/random", json={"language": "fr"}).json()
    again = alice.http.post(f"{PERSONALITIES}/random", json={"language": "fr", "seed": first["seed"]}).json()
    assert again == first
    assert first["personality"]["persona"]["language"] == "français"
    checked = alice.http.post(f"{PERSONALITIES}/validate", json={"personality": first["personality"]})
    assert checked.json()["valid"] is True
    assert alice.http.post(f"{PERSONALITIES}/random", json={"language": "tlh"}).status_code == 422


def test_two_are_compared(alice: Person) -> None:
    before, after = {"persona": {"name": "Mia", "tone": "warm"}}, {"persona": {"name": "Mia", "tone": "dry"}}
    answer = alice.http.post(f"{PERSONALITIES}/difference", json={"before": before, "after": after})
    assert answer.json() == {
        "changes": [
            {
                "path": "persona.tone",
                "kind": "changed",
                "before": "warm",
                "after": "dry",
                "told": 'persona.tone: "warm" → "dry"',
            }
        ]
    }
    wrong = alice.http.post(f"{PERSONALITIES}/difference", json={"before": before, "after": {}})
    assert wrong.status_code == 422
    assert wrong.json()["type"].endswith("invalid-personality")


def test_what_each_value_does_is_told(alice: Person) -> None:
    rows = alice.http.get(f"{PERSONALITIES}/conduct").json()["items"]
    outgoing = next(row for row in rows if row["key"] == "big_five.extraversion" and row["value"] == "1")
    assert outgoing["conduct"]["questions"] > 0
    assert outgoing["prompt"].startswith("outgoing; Be lively")
    french = alice.http.get(f"{PERSONALITIES}/conduct", params={"language": "fr"}).json()["items"]
    assert [row["key"] for row in french] == [row["key"] for row in rows]
    assert french != rows
