"""Facts in two times: when they held, and when they were known; told in any order, by many messages at once."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anima.kernel import db
from anima.memory import reflect_service, remember_service
from anima.memory.facts_model import Found, Named
from anima.memory.remember_service import Heard, Vectors
from fixtures.life import Life

pytestmark = pytest.mark.usefixtures("fast_embedder")


def day(number: int) -> datetime:
    return datetime(2025, 3, 1, 12, tzinfo=UTC) + timedelta(days=number)


def keep(life: Life, message_id: int, *found: Found, names: tuple[Named, ...] = (), **more: Any) -> Any:
    """Writes what a message says, as others do who found it in another way."""
    heard = [Heard(message_id, found, names)]
    with db.transaction(life.person.principal) as tx:
        return remember_service.keep(
            tx, life.user_id, life.avatar_id, heard, remember_service.embedded(None, heard), **more
        )


def test_what_was_known_at_a_moment(life: Life) -> None:
    life.tells("I live in Lisbon.", on=day(1))
    life.tells("I moved to Oslo.", on=day(20))
    assert [fact["value"] for fact in life.facts(at=day(10).isoformat())] == ["Lisbon"]
    assert [fact["value"] for fact in life.facts(at=day(30).isoformat())] == ["Oslo"]
    assert life.facts(at=day(0).isoformat()) == []


def test_an_old_message_that_comes_late_is_history_with_its_dates(life: Life) -> None:
    life.tells("I live in Oslo.", on=day(20))
    life.tells("I live in Lisbon.", on=day(1))
    assert life.known()["home"] == "Oslo"
    past = next(fact for fact in life.facts(history=True) if fact["value"] == "Lisbon")
    assert [datetime.fromisoformat(past[name]) for name in ("learned_at", "ended_at", "true_until")] == [
        day(1),
        day(20),
        day(20),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_messages_come_in_any_order(life: Life, seed: int) -> None:
    told = [
        (1, "I live in Lisbon. I hate olives."),
        (3, "I no longer live in Lisbon."),
        (5, "I live in Rome. I love olives."),
        (7, "I moved to Oslo."),
        (9, "I live in Rome."),
    ]
    random.Random(seed).shuffle(told)  # noqa: S311
    for number, text in told:
        life.tells(text, on=day(number))
    homes = sorted(
        (fact["learned_at"], fact["value"], fact["ended_at"])
        for fact in life.facts(history=True)
        if fact["key"] == "home"
    )
    dates = [day(number).isoformat().replace("+00:00", "Z") for number in (1, 3, 5, 7, 9)]
    assert homes == [
        (dates[0], "Lisbon", dates[1]),
        (dates[2], "Rome", dates[3]),
        (dates[3], "Oslo", dates[4]),
        (dates[4], "Rome", None),
    ]
    assert set(life.known()) == {"home", "likes:olives"}


def test_many_messages_at_once_are_as_if_told_one_by_one(life: Life, owner_conn: psycopg.Connection[Any]) -> None:
    texts = ["I live in Lisbon. I hate olives.", "I passed my exam!", "I moved to Oslo.", "Honestly, I hate olives!"]
    events = [life.says(text, on=day(number)) for number, text in enumerate(texts)]
    message_ids = [event.payload[name] for event in events for name in ("message_id", "response_message_id")]
    with db.transaction(life.person.principal) as tx:
        said = reflect_service.said_of(tx, life.user_id, life.avatar_id, message_ids)
    now = day(400)
    written = reflect_service.reflect_on(life.person.principal, said.all(), origin="imported", recalled_at=now)
    assert (len(written.facts), len(written.episodes), written.messages) == (3, 2, 8)
    facts = {fact["key"]: fact for fact in life.facts(history=True) if fact["is_active"]}
    assert facts["home"]["value"] == "Oslo"
    assert (facts["dislikes:olives"]["mention_count"], facts["dislikes:olives"]["origin"]) == (2, "imported")
    episode = owner_conn.execute(
        'select "timestamp", last_recalled, times_recalled, origin, array_length(context_messages, 1) from episodes'
        " where user_id = %s and title like '%%exam%%'",
        (life.user_id,),
    ).fetchone()
    assert episode == (day(1), now, 1, "imported", 2)
    again = reflect_service.reflect_on(life.person.principal, said.all(), origin="imported")
    assert (again.facts, again.episodes) == ([], [])
    assert {fact["key"]: fact["mention_count"] for fact in life.facts()} == {"home": 1, "dislikes:olives": 2}


def test_a_fact_with_its_history_and_every_message_that_said_so(life: Life) -> None:
    first = life.tells("I live in Lisbon.", on=day(1))
    life.tells("Well, I live in Lisbon.", on=day(2))
    life.tells("I moved to Oslo.", on=day(3))
    fact = next(each for each in life.facts() if each["key"] == "home")
    whole = life.get("facts", fact["id"])
    assert [each["value"] for each in whole["history"]] == ["Lisbon"]
    assert [(each["evidence"], each["date"][:10]) for each in whole["mentions"]] == [
        ("I moved to Oslo", "2025-03-04"),
        ("I live in Lisbon", "2025-03-03"),
        ("I live in Lisbon", "2025-03-02"),
    ]
    assert whole["mentions"][-1]["message_id"] == first.payload["message_id"]
    assert life.person.http.get(life.place("facts", life.avatar_id)).status_code == 404


def test_facts_are_looked_for_by_what_stands_in_them(life: Life) -> None:
    life.tells("I love jazz. I love chess.")
    assert [fact["value"] for fact in life.facts(q="Jaz")] == ["jazz"]
    assert (life.facts(q="%"), life.facts(q="j_zz")) == ([], [])


def test_it_was_so_as_long_as_it_was_said(life: Life) -> None:
    words = "I lived in Lyon until 2019 and in Nice since then"
    message_id = life.says(words, on=day(1)).payload["message_id"]
    nineteen = datetime(2019, 1, 1, tzinfo=UTC)
    keep(
        life,
        message_id,
        Found("home", "location", "Lyon", "I lived in Lyon until 2019", True, true_until=nineteen),
        Found("home", "location", "Nice", "in Nice since then", True, true_from=nineteen),
    )
    facts = {fact["key"]: fact for fact in life.facts()}
    assert facts["home"]["value"] == "Nice"
    assert facts["home"]["true_from"] == "2019-01-01T00:00:00Z"
    assert facts["lived_in:lyon"]["true_until"] == "2019-01-01T00:00:00Z"


def test_only_what_stands_in_a_persons_own_words_is_written(life: Life) -> None:
    event = life.says("I like tea.", "You live in Paris.", on=day(1))
    own, answer = event.payload["message_id"], event.payload["response_message_id"]
    tea = Found("likes:tea", "preferences", "tea", "i like  TEA", True)
    made_up = [
        (own, Found("home", "location", "Paris", "I live in Paris", True)),
        (own, Found("home", "location", "Paris", " ", True)),
        (answer, Found("home", "location", "Paris", "You live in Paris", True)),
    ]
    for message_id, found in made_up:
        assert keep(life, message_id, found).refused == {"not_own_words": 1}
    assert keep(life, own, tea).refused == {}
    assert life.known() == {"likes:tea": "tea"}


def test_the_same_in_other_words_is_one_fact(life: Life) -> None:
    said = ["I play chess on Sundays", "Playing chess calms me", "Checkers is what I like"]
    ids = [life.says(text, on=day(number)).payload["message_id"] for number, text in enumerate(said)]
    chess, playing, checkers = (
        Found("hobby:chess", "interests", "chess", said[0], True),
        Found("hobby:playing-chess", "interests", "playing chess", said[1], True),
        Found("hobby:checkers", "interests", "checkers", said[2], True),
    )
    near = [1.0, *[0.0] * 383]
    texts = remember_service.texts([chess, playing, checkers])
    vectors = Vectors(
        "a-model", {texts[0]: near, texts[1]: [0.95, 0.312, *[0.0] * 382], texts[2]: [0.9, 0.436, *[0.0] * 382]}
    )
    for message_id, found in zip(ids, (chess, playing, checkers), strict=True):
        with db.transaction(life.person.principal) as tx:
            remember_service.keep(tx, life.user_id, life.avatar_id, [Heard(message_id, [found])], vectors)
    assert {fact["key"]: fact["mention_count"] for fact in life.facts()} == {"hobby:chess": 2, "hobby:checkers": 1}


def test_related_episodes_name_each_other(life: Life) -> None:
    life.tells("I passed my driving exam today!")
    life.tells("Today I passed my driving exam!")
    life.tells("My grandmother died last week.")
    items = life.get("episodes")["items"]
    by_title = {each["title"]: each for each in items}
    exams = [each for title, each in by_title.items() if "exam" in title]
    assert [each["related_episodes"] for each in exams] == [[exams[1]["id"]], [exams[0]["id"]]]
    loss = next(each for title, each in by_title.items() if "grandmother" in title)
    assert loss["related_episodes"] == []
    assert 0 < loss["strength"] <= 1
    assert life.get("episodes", loss["id"]) == loss


def test_of_each_pair_of_periods_one_ends_where_the_other_begins(life: Life) -> None:
    for number, place in enumerate(["Lisbon", "Oslo", "Rome", "Lisbon"]):
        life.tells(f"I live in {place}.", on=day(9 - number))
    line = sorted(life.facts(history=True), key=lambda fact: fact["learned_at"])
    assert [fact["value"] for fact in line] == ["Lisbon", "Rome", "Oslo", "Lisbon"]
    for before, after in itertools.pairwise(line):
        assert before["ended_at"] == after["learned_at"] == before["true_until"]
        assert before["superseded_by"] == after["id"]


_TOLD = st.lists(
    st.tuples(
        st.sampled_from(["home", "likes", "dislikes"]),
        st.sampled_from(["Lisbon", "Oslo", "Rome"]),
        st.sampled_from(["plain", "guess", "change", "gone"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TOLD, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing_that_is_stored(
    life: Life, owner_conn: psycopg.Connection[Any], told: list[tuple[str, str, str]], chance: Any
) -> None:
    found = []
    for number, (kind, value, how) in enumerate(told):
        key = kind if kind == "home" else f"{kind}:{value.lower()}"
        category = "location" if kind == "home" else "preferences"
        one = Found(key, category, value, value, how != "guess", gone=how == "gone", changed=how == "change")
        found.append((number, value, one))
    lives = [Life(life.person, owner_conn) for _ in range(2)]
    chance.shuffle(shuffled := list(found))
    for each, order in zip(lives, (found, shuffled), strict=True):
        said = {number: each.says(f"{value}!", on=day(number)).payload["message_id"] for number, value, _ in found}
        for number, _, one in order:
            keep(each, said[number], one)
    assert _stored(lives[0], owner_conn) == _stored(lives[1], owner_conn)


def _stored(life: Life, owner: psycopg.Connection[Any]) -> list[Any]:
    return owner.execute(
        """
        select u.key, u.value, u.status, u.mention_count, u.is_active, u.learned_at, u.ended_at, u.true_until, s.value
        from user_facts u left join user_facts s on s.id = u.superseded_by
        where u.avatar_id = %s order by u.key, u.learned_at, u.value::text, u.ended_at
        """,
        (life.avatar_id,),
    ).fetchall()


def test_a_date_that_is_emptied_is_cleared_and_one_that_is_absent_stays(life: Life) -> None:
    life.tells("I live in Oslo.", on=day(1))
    (fact,) = life.facts()
    place = f"/api/v1/avatars/{life.avatar_id}/facts/{fact['id']}"

    def patched(**given: Any) -> tuple[str | None, str | None]:
        answer = life.person.http.patch(place, json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()["true_from"], answer.json()["true_until"]

    since, until = "2024-03-01T00:00:00Z", "2025-03-01T00:00:00Z"
    assert patched(true_from=since, true_until=until) == (since, until)
    assert patched(tags=["home"]) == (since, until)
    assert patched(true_until=None) == (since, None)
    assert patched(true_from=None, true_until=until) == (None, until)
    assert patched(value="Bergen", true_from=None, true_until=None) == (None, None)
    again = life.person.http.patch(place, json={"true_from": None})
    assert "Anima-Change" not in again.headers


def test_a_cleared_date_can_be_brought_back(life: Life) -> None:
    life.tells("I live in Oslo.", on=day(1))
    (fact,) = life.facts()
    home = f"/api/v1/avatars/{life.avatar_id}"
    since = "2024-03-01T00:00:00Z"
    life.person.http.patch(f"{home}/facts/{fact['id']}", json={"true_from": since})
    cleared = life.person.http.patch(f"{home}/facts/{fact['id']}", json={"true_from": None})
    assert cleared.json()["true_from"] is None
    undone = life.person.http.post(f"{home}/memories/changes/{cleared.headers['Anima-Change']}/undo")
    assert undone.status_code == 200, undone.text
    assert life.facts()[0]["true_from"] == since
