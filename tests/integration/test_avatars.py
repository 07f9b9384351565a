"""Avatars over HTTP: made from a ready personality or one's own, found, changed, removed, and private."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from anima import personality as personalities
from fixtures.api import Person

AVATARS = "/api/v1/avatars"
OWN = {"persona": {"name": "Mia", "description": "You are a patient gardener."}}


def make(person: Person, name: str = "Luna", **more: Any) -> dict[str, Any]:
    answer = person.http.post(AVATARS, json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refused(answer: Any, status: int, slug: str) -> list[str]:
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["type"].endswith(f"/{slug}"), problem
    return [one["path"] for one in problem["errors"]]


def test_luna_is_made_by_name(alice: Person) -> None:
    luna = make(alice, personality="luna")
    assert luna["personality"] == personalities.load_ready("luna")
    assert luna["personality_name"] == "luna"
    assert (luna["visibility"], luna["model"], luna["switches"]) == ("private", None, {})
    assert alice.http.get(f"{AVATARS}/{luna['avatar_id']}").json() == luna
    assert alice.http.get(f"{AVATARS}/LUNA").json() == luna


def test_a_personality_of_ones_own(alice: Person) -> None:
    mia = make(alice, "Garden Mia", personality=OWN, bio="Digs", switches={"moods": False})
    assert mia["personality"] == OWN
    assert mia["personality_name"] == "mia"
    assert mia["switches"] == {"moods": False}


def test_a_bad_personality_is_told_by_path(alice: Person) -> None:
    bad = {"persona": {"name": "Mia", "colour": "red"}}
    answer = alice.http.post(AVATARS, json={"name": "Mia", "personality": bad})
    assert refused(answer, 422, "invalid-personality") == ["personality.persona.colour"]
    answer = alice.http.post(AVATARS, json={"name": "Mia", "personality": "nobody"})
    assert refused(answer, 422, "unknown-personality") == ["personality"]
    assert alice.http.get(AVATARS).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "Lu\x00na"},
        {"name": "Luna", "colour": "red"},
        {"name": "Luna", "visibility": "secret"},
        {"name": "Luna", "switches": {"lights": True}},
        {"name": "Luna", "personality": 3},
    ],
)
def test_bad_input_makes_nothing(alice: Person, body: dict[str, Any]) -> None:
    assert alice.http.post(AVATARS, json=body).status_code == 422
    assert alice.http.get(AVATARS).json()["items"] == []


def test_a_name_is_taken_in_any_case(alice: Person, bob: Person) -> None:
    make(alice)
    assert refused(alice.http.post(AVATARS, json={"name": " luna "}), 409, "name-taken") == ["name"]
    mia = make(alice, "Mia")
    renamed = alice.http.patch(f"{AVATARS}/{mia['avatar_id']}", json={"name": "LUNA"})
    assert refused(renamed, 409, "name-taken") == ["name"]
    make(bob)
    assert len(alice.http.get(AVATARS).json()["items"]) == 2


def test_the_same_call_twice_makes_one(alice: Person) -> None:
    key = {"Idempotency-Key": "a"}
    answers = [alice.http.post(AVATARS, json={"name": "Luna"}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = alice.http.post(AVATARS, json={"name": "Mia"}, headers=key)
    refused(other, 409, "idempotency-key-reused")


def test_a_page_after_the_other(alice: Person) -> None:
    names = [f"Avatar {index}" for index in range(5)]
    for name in names:
        make(alice, name)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = alice.http.get(AVATARS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names
    for strange in ("nonsense", "WyJhIl0", "WzFd", "W251bGxd"):
        assert alice.http.get(AVATARS, params={"cursor": strange}).status_code == 422


def test_what_is_named_changes_and_the_rest_stays(alice: Person) -> None:
    luna = make(alice, model="openai:gpt", bio="First", switches={"facts": False})
    place = f"{AVATARS}/{luna['avatar_id']}"
    changed = alice.http.patch(place, json={"bio": "Second", "switches": {"moods": False}}).json()
    assert changed["bio"] == "Second"
    assert changed["switches"] == {"facts": False, "moods": False}
    assert (changed["name"], changed["model"]) == ("Luna", "openai:gpt")
    assert alice.http.patch(place, json={"model": None}).json()["model"] is None
    other = alice.http.patch(place, json={"personality": OWN, "name": "Mia", "visibility": "friends"}).json()
    assert (other["name"], other["personality_name"], other["visibility"]) == ("Mia", "mia", "friends")
    assert alice.http.patch(place, json={"name": "MIA"}).json()["name"] == "MIA"
    assert alice.http.patch(place, json={"owner_id": 1}).status_code == 422
    bad = alice.http.patch(place, json={"personality": {"persona": {}}})
    assert refused(bad, 422, "invalid-personality") == ["personality.persona.name"]


def test_an_avatar_goes_for_good(alice: Person) -> None:
    place = f"{AVATARS}/{make(alice)['avatar_id']}"
    assert alice.http.delete(place).status_code == 204
    for answer in (
        alice.http.get(place),
        alice.http.delete(place),
        alice.http.patch(place, json={"bio": "x"}),
    ):
        assert refused(answer, 404, "avatar-not-found") == []


def test_a_foreign_avatar_is_not_there(alice: Person, bob: Person) -> None:
    luna = make(alice)
    for place in (f"{AVATARS}/{luna['avatar_id']}", f"{AVATARS}/{uuid.uuid4()}"):
        for answer in (
            bob.http.get(place),
            bob.http.patch(place, json={"bio": "mine"}),
            bob.http.delete(place),
            bob.http.get(f"{place}/affinity"),
        ):
            assert answer.status_code == 404
    assert bob.http.get(f"{AVATARS}/Luna").status_code == 404
    assert bob.http.get(AVATARS).json()["items"] == []
    assert alice.http.get(f"{AVATARS}/Luna").json() == luna
