"""Versions of an avatar's personality over HTTP: kept whoever writes them, compared, and brought back."""

from __future__ import annotations

import copy
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from anima import personality as personalities
from fixtures.api import Person

AVATARS = "/api/v1/avatars"


def make(person: Person, personality: Any = "luna") -> str:
    answer = person.http.post(AVATARS, json={"name": f"n-{uuid.uuid4().hex[:8]}", "personality": personality})
    assert answer.status_code == 201, answer.text
    return f"{AVATARS}/{answer.json()['avatar_id']}"


def changed(**more: Any) -> dict[str, Any]:
    luna = copy.deepcopy(personalities.load_ready("luna"))
    luna["persona"] |= more
    return luna


def give(person: Person, avatar: str, personality: Any) -> None:
    answer = person.http.patch(avatar, json={"personality": personality})
    assert answer.status_code == 200, answer.text


def numbers(person: Person, avatar: str, **params: Any) -> list[int]:
    answer = person.http.get(f"{avatar}/versions", params=params)
    assert answer.status_code == 200, answer.text
    return [one["version"] for one in answer.json()["items"]]


def test_every_change_of_a_personality_is_a_version(alice: Person) -> None:
    avatar = make(alice)
    assert numbers(alice, avatar) == [1]
    give(alice, avatar, changed(tone="dry"))
    give(alice, avatar, changed(tone="dry"))  # says the same
    alice.http.patch(avatar, json={"bio": "no personality"})
    give(alice, avatar, changed(tone="loud"))
    listed = alice.http.get(f"{avatar}/versions").json()["items"]
    assert [(one["version"], one["is_present"], one["restored_from"]) for one in listed] == [
        (3, True, None),
        (2, False, None),
        (1, False, None),
    ]
    second = alice.http.get(f"{avatar}/versions/2").json()
    assert second["personality"] == changed(tone="dry")
    assert second["personality_name"] == "luna"


def test_versions_come_in_pages(alice: Person) -> None:
    avatar = make(alice)
    for number in range(4):
        give(alice, avatar, changed(tone=f"tone {number}"))
    first = alice.http.get(f"{avatar}/versions", params={"limit": 2}).json()
    assert [one["version"] for one in first["items"]] == [5, 4]
    assert numbers(alice, avatar, cursor=first["next_cursor"]) == [3, 2, 1]
    assert alice.http.get(f"{avatar}/versions", params={"cursor": "bm8"}).status_code == 422


def test_two_versions_are_compared(alice: Person) -> None:
    avatar = make(alice)
    give(alice, avatar, changed(tone="dry"))
    give(alice, avatar, changed(tone="loud", language="French"))
    found = alice.http.get(f"{avatar}/versions/2/difference").json()
    assert (found["before"], found["after"]) == (2, 3)
    assert {one["path"]: (one["kind"], one["before"], one["after"]) for one in found["changes"]} == {
        "persona.tone": ("changed", "dry", "loud"),
        "persona.language": ("changed", "English", "French"),
    }
    assert all("persona." in one["told"] for one in found["changes"])
    assert alice.http.get(f"{avatar}/versions/3/difference", params={"to": 3}).json()["changes"] == []


def test_a_version_is_brought_back_and_nothing_is_lost(alice: Person) -> None:
    avatar = make(alice)
    give(alice, avatar, {"persona": {"name": "Rex"}})
    restored = alice.http.post(f"{avatar}/versions/1/restore").json()
    assert restored["personality"] == personalities.load_ready("luna")
    assert restored["personality_name"] == "luna"
    listed = alice.http.get(f"{avatar}/versions").json()["items"]
    assert [(one["version"], one["restored_from"]) for one in listed] == [(3, 1), (2, None), (1, None)]
    again = alice.http.post(f"{avatar}/versions/3/restore")  # it is the present one
    assert again.status_code == 200
    assert numbers(alice, avatar) == [3, 2, 1]
    assert alice.http.get(f"{avatar}/versions/3").json()["restored_from"] == 1


def test_the_hundred_newest_are_kept(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    avatar = make(alice)
    statement = "update avatars set personality = jsonb_set(personality, %s, to_jsonb(%s::text)) where avatar_id = %s"
    for number in range(105):
        owner_conn.execute(statement, [["persona", "tone"], f"tone {number}", avatar.rpartition("/")[2]])
    kept = numbers(alice, avatar, limit=200)
    assert kept == list(range(106, 6, -1))
    gone = alice.http.post(f"{avatar}/versions/6/restore")
    assert (gone.status_code, gone.json()["type"].rpartition("/")[2]) == (404, "version-not-found")


def test_two_changes_at_once_are_two_versions(alice: Person) -> None:
    avatar = make(alice)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: give(alice, avatar, changed(tone=f"tone {number}")), range(8)))
    assert numbers(alice, avatar) == list(range(9, 0, -1))
    present = alice.http.get(avatar).json()["personality"]
    assert alice.http.get(f"{avatar}/versions/9").json()["personality"] == present


def test_versions_of_others_are_not_there(alice: Person, bob: Person) -> None:
    avatar = make(alice)
    for path in ("versions", "versions/1", "versions/1/difference"):
        assert bob.http.get(f"{avatar}/{path}").status_code == 404
    assert bob.http.post(f"{avatar}/versions/1/restore").status_code == 404
    assert alice.http.get(f"{avatar}/versions/2").status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999"])
def test_a_number_that_is_none_is_told(alice: Person, number: str) -> None:
    assert alice.http.get(f"{make(alice)}/versions/{number}").status_code == 422


def test_a_version_that_is_not_valid_any_more_is_not_brought_back(
    alice: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    avatar = make(alice)
    give(alice, avatar, changed(tone="dry"))
    owner_conn.execute(
        "update avatar_versions set personality = '{\"persona\": {}}' where avatar_id = %s and version = 1",
        [avatar.rpartition("/")[2]],
    )
    answer = alice.http.post(f"{avatar}/versions/1/restore")
    assert answer.json()["type"].endswith("/invalid-personality")
    assert alice.http.get(avatar).json()["personality"]["persona"]["tone"] == "dry"
