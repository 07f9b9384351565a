"""Whom and what a person speaks of: one of each for its owner, known to an avatar only as far as it was told."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from anima.kernel import db
from anima.memory import remember_service
from anima.memory.facts_model import Found, Named
from anima.memory.remember_service import Heard
from fixtures.life import Life

pytestmark = pytest.mark.usefixtures("fast_embedder")


def hears(life: Life, text: str, *names: Named, found: tuple[Found, ...] = ()) -> Any:
    """Says something in which these are named."""
    event = life.says(text)
    heard = [Heard(event.payload["message_id"], found, names)]
    with db.transaction(life.person.principal) as tx:
        vectors = remember_service.embedded(None, heard)
        remember_service.keep(tx, life.user_id, life.avatar_id, heard, vectors)
    return event


def known(life: Life, **params: Any) -> dict[str, tuple[Any, ...]]:
    items = life.get("entities", **params)["items"]
    return {each["name"]: (each["relation"], sorted(each["aliases"]), each["mention_count"]) for each in items}


def test_a_sister_gets_her_name(life: Life) -> None:
    hears(life, "My sister is ill.", Named("sister", "person", "sister"))
    hears(life, "My sister Anna is well again.", Named("Anna", "person", "sister"))
    hears(life, "Anna Keller sent me a card.", Named("Anna Keller", "person"))
    hears(life, "I saw Anna today with my sister.", Named("Anna", "person"), Named("sister", "person", "sister"))
    assert known(life) == {"Anna Keller": ("sister", ["Anna", "sister"], 4)}


def test_two_of_one_name_stay_two(life: Life) -> None:
    hears(life, "My sister Anna came.", Named("Anna", "person", "sister"))
    hears(life, "My colleague Anna came.", Named("Anna", "person", "colleague"))
    hears(life, "Anna is a town.", Named("Anna", "place"))
    kinds = sorted((each["kind"], each["relation"]) for each in life.get("entities")["items"] if each["relation"])
    assert kinds == [("person", "colleague"), ("person", "sister")]
    assert set(known(life, kind="place")) == {"Anna"}


def test_who_is_named_in_a_turn_is_known_but_not_the_assistant(life: Life, owner_conn: psycopg.Connection[Any]) -> None:
    owner_conn.execute("update avatars set name = 'Luna' where avatar_id = %s", (life.avatar_id,))
    life.tells("Luna, my sister Anna visited me in Porto with her dog.", "And how is Berta?")
    names = known(life)
    assert names["Anna"][0] == "sister"
    assert not {"Luna", "Berta"} & set(names)
    other = Life(life.person, owner_conn)
    owner_conn.execute("update avatars set switches = %s where avatar_id = %s", ('{"facts": false}', other.avatar_id))
    other.tells("My sister Anna visited me.")
    assert known(other) == {}


def test_a_fact_names_whom_it_is_of(life: Life) -> None:
    rex = Named("Rex", "animal", "dog")
    found = Found("pet:rex-dog", "pets", "Rex (dog)", "my dog Rex", True, about=rex)
    hears(life, "I walked my dog Rex.", found=(found,))
    (fact,) = life.facts()
    (entity,) = life.get("entities")["items"]
    assert fact["entity"] == {"entity_id": entity["entity_id"], "name": "Rex"}


def test_an_avatar_knows_only_whom_it_heard_of(life: Life, owner_conn: psycopg.Connection[Any]) -> None:
    other = Life(life.person, owner_conn)
    hears(life, "Anna came.", Named("Anna", "person"))
    hears(other, "Ben came, Anna too.", Named("Ben", "person"), Named("Anna", "person"))
    assert set(known(life)) == {"Anna"}
    assert known(other) == {"Anna": (None, [], 1), "Ben": (None, [], 1)}
    (one,) = life.get("entities")["items"]
    assert one["entity_id"] in {each["entity_id"] for each in other.get("entities")["items"]}


def test_nobody_speaks_of_them_any_more(life: Life, owner_conn: psycopg.Connection[Any]) -> None:
    rex = Named("Rex", "animal", "dog")
    first = hears(life, "My dog Rex barks.", rex)
    second = hears(life, "My dog Rex sleeps.", rex)
    for event, left in ((first, {"Rex": ("dog", [], 1)}), (second, {})):
        life.person.http.delete(f"/api/v1/sessions/{event.payload['session_id']}")
        assert known(life) == left
    row = owner_conn.execute("select count(*) from entities where owner_id = %s", (life.user_id,)).fetchone()
    assert row == (0,)


def test_erased_with_the_memory(life: Life, bob: Any) -> None:
    hears(life, "Anna came.", Named("Anna", "person"))
    assert bob.http.get(life.place("entities")).status_code == 404
    life.person.http.delete("/api/v1/users/me/memory")
    assert known(life) == {}


def test_entities_come_in_pages(life: Life) -> None:
    hears(life, "Ana, Ben and Cleo came.", *(Named(name, "person") for name in ("Ana", "Ben", "Cleo")))
    page = life.get("entities", limit=2)
    rest = life.get("entities", limit=2, cursor=page["next_cursor"])
    assert {each["name"] for each in [*page["items"], *rest["items"]]} == {"Ana", "Ben", "Cleo"}
    assert rest["next_cursor"] is None


def test_a_name_alone_means_whom_it_was_told_of(life: Life) -> None:
    life.tells("My sister Ana is a nurse. My name is Maya.")
    life.tells("I bought Ana a book.")
    found = [
        (each["kind"], each["name"], each["relation"], each["mention_count"]) for each in life.get("entities")["items"]
    ]
    assert found == [("person", "Ana", "sister", 2)]
