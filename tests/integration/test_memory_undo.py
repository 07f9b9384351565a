"""What a person changed of their memory can be undone for a day; after it, or at once if they wish, it is gone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima.kernel import clock
from anima.kernel.outbox import Event
from anima.memory import changes_service
from fixtures.life import Life

pytestmark = pytest.mark.usefixtures("fast_embedder")
Owner = psycopg.Connection[Any]


def changes(life: Life, method: str, noun: str, item_id: str, **body: Any) -> str:
    """Corrects or forgets something; answers the change."""
    sent = {"json": body} if method == "patch" else {"params": body}
    answer = getattr(life.person.http, method)(life.place(noun, item_id), **sent)
    assert answer.status_code in {200, 204}, answer.text
    return str(answer.headers["Anima-Change"])


def undo(life: Life, change_id: str) -> Any:
    return life.person.http.post(life.place("memories/changes", f"{change_id}/undo"))


def everything(life: Life, owner: Owner) -> list[Any]:
    """All that is stored of somebody's memory."""
    tables = {
        "user_facts": "user_id",
        "fact_mentions": "owner_id",
        "episodes": "user_id",
        "message_embeddings": "user_id",
        "message_postings": "user_id",
    }
    found = []
    for table, column in tables.items():
        left = "'id'" if table == "message_embeddings" else "'nothing'"
        rows = owner.execute(
            f"select to_jsonb(t) - {left} from {table} t where {column} = %s order by (to_jsonb(t) - {left})::text",
            (life.user_id,),
        ).fetchall()
        found.append((table, rows))
    return found


def test_a_forgotten_fact_comes_back_whole(life: Life, owner_conn: Owner) -> None:
    life.tells("I live in Lisbon.")
    life.tells("I moved to Oslo and I'm so happy!")
    life.tells("I love jazz.")
    before = everything(life, owner_conn)
    fact = next(each for each in life.facts() if each["key"] == "home")
    change_id = changes(life, "delete", "facts", fact["id"])
    assert set(life.known()) == {"likes:jazz"}
    assert life.get("episodes")["items"] == []
    assert not [each for each in life.recalls("Oslo Lisbon") if "Oslo" in each.text or "Lisbon" in each.text]
    (listed,) = life.get("memories/changes")["items"]
    assert (listed["change_id"], listed["action"], listed["title"]) == (change_id, "forget", "The user lives in Oslo.")
    answer = undo(life, change_id)
    assert answer.json() == {"kind": "fact", "item_id": fact["id"]}
    assert everything(life, owner_conn) == before
    assert life.recalls("Where do I live?")[0].text == "The user lives in Oslo."
    assert undo(life, change_id).status_code == 409
    assert owner_conn.execute("select before from memory_changes where change_id = %s", (change_id,)).fetchone() == (
        {},
    )


@pytest.mark.parametrize(
    "body", [{"value": "capers"}, {"confirmed": True}, {"pinned": True}, {"key": "likes"}, {"tags": ["food"]}]
)
def test_a_corrected_fact_is_as_it_was(life: Life, owner_conn: Owner, body: dict[str, Any]) -> None:
    life.tells("I love capers. I hate olives.")
    before = everything(life, owner_conn)
    olives = next(each for each in life.facts() if each["key"] == "dislikes:olives")
    change_id = changes(life, "patch", "facts", olives["id"], **body)
    assert everything(life, owner_conn) != before
    assert undo(life, change_id).status_code == 200
    assert everything(life, owner_conn) == before


@pytest.mark.parametrize(
    ("body", "action"), [({"value": "capers"}, "correct"), ({"confirmed": True}, "confirm"), ({"pinned": True}, "pin")]
)
def test_each_change_says_what_it_was(life: Life, body: dict[str, Any], action: str) -> None:
    life.tells("I hate olives.")
    (fact,) = life.facts()
    changes(life, "patch", "facts", fact["id"], **body)
    assert [each["action"] for each in life.get("memories/changes")["items"]] == [action]


def test_what_changes_nothing_is_no_change(life: Life) -> None:
    life.tells("I hate olives.")
    (fact,) = life.facts()
    answer = life.person.http.patch(life.place("facts", fact["id"]), json={"value": "Olives", "pinned": False})
    assert answer.status_code == 200
    assert "Anima-Change" not in answer.headers
    assert life.get("memories/changes")["items"] == []


def test_a_key_that_is_none_and_times_that_cannot_be_are_refused(life: Life) -> None:
    life.tells("I hate olives.")
    (fact,) = life.facts()
    place = life.place("facts", fact["id"])
    assert life.person.http.patch(place, json={"key": "shoe:size"}).status_code == 422
    backwards = {"true_from": "2024-01-01T00:00:00Z", "true_until": "2023-01-01T00:00:00Z"}
    assert life.person.http.patch(place, json=backwards).status_code == 422
    forwards = {"true_from": "2023-01-01T00:00:00Z", "true_until": "2024-01-01T00:00:00Z"}
    answer = life.person.http.patch(place, json=forwards)
    assert {name: answer.json()[name] for name in forwards} == forwards
    life.tells("I hate olives.")
    assert {name: life.facts()[0][name] for name in forwards} == forwards


def test_what_was_changed_since_is_not_undone(life: Life) -> None:
    life.tells("I live in Lisbon.")
    (fact,) = life.facts()
    change_id = changes(life, "delete", "facts", fact["id"])
    life.tells("I live in Oslo.")
    answer = undo(life, change_id)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "not-undoable")
    assert life.known() == {"home": "Oslo"}


def test_an_episode_is_forgotten_and_comes_back(life: Life, owner_conn: Owner) -> None:
    life.tells("I passed my exam!")
    before = everything(life, owner_conn)
    (episode,) = life.get("episodes")["items"]
    forgotten = changes(life, "delete", "episodes", episode["id"])
    assert (life.get("episodes")["items"], life.recalls("exam")) == ([], [])
    assert undo(life, forgotten).status_code == 200
    assert everything(life, owner_conn) == before
    renamed = changes(life, "patch", "episodes", episode["id"], title="The exam", importance=1)
    assert life.get("episodes", episode["id"])["origin"] == "corrected"
    assert undo(life, renamed).status_code == 200
    assert everything(life, owner_conn) == before


def test_after_a_day_it_is_gone(life: Life, owner_conn: Owner, drain_outbox: Any) -> None:
    life.tells("I hate olives.")
    (fact,) = life.facts()
    change_id = changes(life, "delete", "facts", fact["id"])
    row = owner_conn.execute(
        "select event_id, next_attempt_at - created_at > interval '23 hours', payload from outbox"
        " where owner_id = %s and topic = %s",
        (life.user_id, changes_service.EXPIRED),
    ).fetchone()
    assert row is not None
    assert row[1:] == (True, {"change_id": change_id})
    with clock.use(clock.SimulatedClock(datetime.now(UTC) + timedelta(hours=25))):
        assert undo(life, change_id).status_code == 409
        assert life.get("memories/changes")["items"] == []
        changes_service.expire(Event(row[0], changes_service.EXPIRED, "k", life.user_id, row[2], 1))
    assert owner_conn.execute(
        "select count(*) from memory_changes where owner_id = %s", (life.user_id,)
    ).fetchone() == (0,)
    assert undo(life, change_id).status_code == 404


def test_forgotten_now_it_is_nowhere(life: Life, owner_conn: Owner) -> None:
    life.tells("I hate olives.")
    (fact,) = life.facts()
    changes(life, "patch", "facts", fact["id"], value="capers")
    answer = life.person.http.delete(life.place("facts", fact["id"]), params={"now": True})
    assert (answer.status_code, "Anima-Change" in answer.headers) == (204, False)
    left = "select count(*) from memory_changes where owner_id = %s and before::text ~ 'olives|capers'"
    assert owner_conn.execute(left, (life.user_id,)).fetchone() == (0,)
    assert life.facts(history=True) == []
    assert [each.text for each in life.recalls("olives capers")] == ["I see."]


def test_a_message_stays_out_of_recall_while_anything_it_told_is_forgotten(life: Life) -> None:
    life.tells("I hate olives. I love jazz.")
    facts = {each["key"]: each["id"] for each in life.facts()}
    olives = changes(life, "delete", "facts", facts["dislikes:olives"])
    jazz = changes(life, "delete", "facts", facts["likes:jazz"])

    def said() -> list[Any]:
        return [
            each for each in life.recalls("olives jazz") if each.kind == "message" and each.source.speaker == "user"
        ]

    assert undo(life, olives).status_code == 200
    assert said() == []
    assert undo(life, jazz).status_code == 200
    assert len(said()) == 1
    assert set(life.known()) == {"dislikes:olives", "likes:jazz"}


def test_what_told_it_being_deleted_meanwhile_it_does_not_come_back(life: Life, owner_conn: Owner) -> None:
    event = life.tells("I hate olives. I passed my exam!")
    life.tells("I live in Oslo.")
    fact = next(each for each in life.facts() if each["key"] == "dislikes:olives")
    change_id = changes(life, "delete", "facts", fact["id"])
    life.person.http.delete(f"/api/v1/sessions/{event.payload['session_id']}")
    assert undo(life, change_id).status_code == 404
    left = "select count(*) from memory_changes where owner_id = %s"
    assert owner_conn.execute(left, (life.user_id,)).fetchone() == (0,)
    assert set(life.known()) == {"home"}
    assert not [each for each in life.recalls("olives exam") if "olives" in each.text]


def test_the_journal_is_erased_with_the_memory(life: Life, owner_conn: Owner) -> None:
    life.tells("I hate olives.")
    change_id = changes(life, "delete", "facts", life.facts()[0]["id"])
    life.person.http.delete("/api/v1/users/me/memory")
    assert undo(life, change_id).status_code == 404


def test_nobody_else_undoes_it(life: Life, bob: Any) -> None:
    life.tells("I hate olives.")
    change_id = changes(life, "delete", "facts", life.facts()[0]["id"])
    place = life.place("memories/changes", f"{change_id}/undo")
    assert bob.http.post(place).status_code == 404
    assert bob.http.get(life.place("memories/changes")).status_code == 404
    theirs = Life(bob, life._owner)
    assert bob.http.post(theirs.place("memories/changes", f"{change_id}/undo")).status_code == 404
    assert life.person.http.post(life.place("memories/changes", f"{uuid.uuid4()}/undo")).status_code == 404
    assert undo(life, change_id).status_code == 200
