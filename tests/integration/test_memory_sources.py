"""A memory lives as long as what told it: messages go, memory is erased, workers meet, and nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima.kernel import db
from anima.memory import index_repo, reflect_service, remember_service
from fixtures.life import Life

pytestmark = pytest.mark.usefixtures("fast_embedder")
Owner = psycopg.Connection[Any]


def day(number: int) -> datetime:
    return datetime(2025, 3, 1, 12, tzinfo=UTC) + timedelta(days=number)


def deletes(life: Life, event: Any) -> None:
    """Deletes the session of a turn, as its owner does."""
    answer = life.person.http.delete(f"/api/v1/sessions/{event.payload['session_id']}")
    assert answer.status_code == 204, answer.text


def test_a_fact_goes_with_the_last_message_that_said_so(life: Life) -> None:
    first = life.tells("I hate olives. I passed my exam!")
    second = life.tells("Honestly, I hate olives!")
    deletes(life, first)
    (fact,) = life.facts()
    assert (fact["mention_count"], fact["source"]["message_id"]) == (1, second.payload["message_id"])
    assert fact["source"]["session_id"] == second.payload["session_id"]
    assert life.count("episodes") == 0
    deletes(life, second)
    assert life.facts(history=True) == []


def test_what_a_deleted_word_had_superseded_holds_again(life: Life) -> None:
    life.tells("I live in Lisbon.", on=day(1))
    oslo = life.tells("I moved to Oslo.", on=day(5))
    rome = life.tells("I moved to Rome.", on=day(9))
    deletes(life, oslo)
    lisbon, now = sorted(life.facts(history=True), key=lambda fact: fact["learned_at"])
    assert (lisbon["value"], lisbon["ended_at"], lisbon["superseded_by"]) == ("Lisbon", now["learned_at"], now["id"])
    deletes(life, rome)
    (fact,) = life.facts(history=True)
    assert (fact["value"], fact["is_active"], fact["ended_at"], fact["true_until"]) == ("Lisbon", True, None, None)
    life.tells("I moved to Bergen.", on=day(12))
    assert [each["value"] for each in life.facts()] == ["Bergen"]


def test_a_deleted_denial_denies_no_more(life: Life) -> None:
    life.tells("I live in Berlin.", on=day(1))
    denial = life.tells("I no longer live in Berlin.", on=day(2))
    assert life.known() == {}
    deletes(life, denial)
    assert life.known() == {"home": "Berlin"}


@pytest.mark.parametrize("change", [{"value": "capers"}, {"confirmed": True}])
def test_what_its_owner_settled_needs_no_message(life: Life, change: dict[str, Any]) -> None:
    event = life.tells("I hate olives.")
    (fact,) = life.facts()
    assert life.person.http.patch(life.place("facts", fact["id"]), json=change).status_code == 200
    deletes(life, event)
    assert [each["id"] for each in life.facts(history=True)] == [fact["id"]]


def test_a_pinned_episode_outlives_its_messages(life: Life) -> None:
    event = life.tells("I passed my exam!")
    (episode,) = life.get("episodes")["items"]
    life.person.http.patch(life.place("episodes", episode["id"]), json={"pinned": True})
    deletes(life, event)
    (kept,) = life.get("episodes")["items"]
    assert kept["source"] == {"message_ids": [], "session_id": None}


def test_erased_while_it_is_reflected_on_nothing_is_left(life: Life) -> None:
    life.tells("I live in Lisbon.")
    event = life.says("I hate olives. I passed my exam! Our boat means the world to me.")

    def erase(_message: str, _model: str | None) -> None:
        assert life.person.http.delete("/api/v1/users/me/memory").status_code == 200

    reflect_service.reflect(event, erase)
    assert (life.facts(history=True), life.count("episodes"), life.count("message_embeddings")) == ([], 0, 0)
    life.tells("I love jazz.")
    assert life.known() == {"likes:jazz": "jazz"}


def test_an_erasure_waits_for_a_reflection_that_writes(life: Life, owner_conn: Owner) -> None:
    event = life.says("I hate olives. I passed my exam!")
    erased: list[Any] = []
    eraser = threading.Thread(target=lambda: erased.append(life.person.http.delete("/api/v1/users/me/memory").json()))
    with db.transaction(life.person.principal) as tx:
        said = reflect_service.said_of(
            tx, life.user_id, life.avatar_id, [event.payload["message_id"], event.payload["response_message_id"]]
        ).all()
    prepared = reflect_service.prepare(said)
    with db.transaction(life.person.principal) as tx:
        reflect_service.write(tx, life.user_id, prepared)
        eraser.start()
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while owner_conn.execute(waiting).fetchone() == (0,):
            assert eraser.is_alive()
    eraser.join()
    assert erased == [{"facts": 1, "episodes": 1, "messages": 2}]
    assert (life.facts(history=True), life.count("episodes"), life.count("message_postings")) == ([], 0, 0)


def test_a_session_that_is_deleted_meanwhile_waits_and_then_takes_its_facts_along(
    life: Life, owner_conn: Owner
) -> None:
    first = life.tells("I live in Lisbon. I hate olives.", on=day(1))
    event = life.says("I moved to Oslo. Honestly, I hate olives!", on=day(2))
    with db.transaction(life.person.principal) as tx:
        said = reflect_service.said_of(tx, life.user_id, life.avatar_id, [event.payload["message_id"]]).all()
    prepared = reflect_service.prepare(said)
    deleting = threading.Thread(target=lambda: deletes(life, first))
    with db.transaction(life.person.principal) as tx:
        reflect_service.write(tx, life.user_id, prepared)
        deleting.start()
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while owner_conn.execute(waiting).fetchone() == (0,):
            assert deleting.is_alive()
    deleting.join()
    facts = {fact["key"]: (fact["value"], fact["mention_count"]) for fact in life.facts(history=True)}
    assert facts == {"home": ("Oslo", 1), "dislikes:olives": ("olives", 1)}


def test_deleted_while_it_is_reflected_on_nothing_is_left(life: Life) -> None:
    event = life.says("My sister Anna and I hate olives. I passed my exam! Our boat means the world to me.")
    reflect_service.reflect(event, lambda _message, _model: deletes(life, event))
    assert (life.facts(), life.count("episodes"), life.count("message_embeddings")) == ([], 0, 0)


def test_made_private_meanwhile_it_is_not_kept(life: Life, owner_conn: Owner) -> None:
    event = life.says("I hate olives. Our boat means the world to me.")

    def hide(_message: str, _model: str | None) -> None:
        owner_conn.execute("update sessions set private = true where session_id = %s", (event.payload["session_id"],))

    reflect_service.reflect(event, hide)
    assert (life.facts(), life.count("message_embeddings")) == ([], 0)


def _at_once(*works: Callable[[], object]) -> list[BaseException]:
    failures: list[BaseException] = []
    together = threading.Barrier(len(works), timeout=20)

    def run(work: Callable[[], object]) -> None:
        together.wait()
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_workers_on_different_turns_lose_nothing(life: Life) -> None:
    texts = ["I live in Lisbon.", "I moved to Oslo.", "I hate olives.", "I like olives now.", "I hate olives again."]
    events = [life.says(text, on=day(number)) for number, text in enumerate(texts)]
    failures = _at_once(*(lambda event=event: reflect_service.reflect(event, None) for event in events))
    assert failures == []
    assert life.known()["home"] == "Oslo"
    assert sum(each["key"].endswith("olives") for each in life.facts()) == 1
    assert life.count("message_embeddings") == 10


def test_one_batch_twice_at_once_is_written_once(life: Life) -> None:
    events = [life.says(text) for text in ("I hate olives.", "I live in Oslo.", "Honestly, I hate olives!")]
    with db.transaction(life.person.principal) as tx:
        said = reflect_service.said_of(
            tx, life.user_id, life.avatar_id, [event.payload["message_id"] for event in events]
        ).all()
    failures = _at_once(*[lambda: reflect_service.reflect_on(life.person.principal, said)] * 2)
    assert failures == []
    assert {each["key"]: each["mention_count"] for each in life.facts()} == {"dislikes:olives": 2, "home": 1}


def test_a_correction_and_a_reflection_at_once_leave_one_fact(life: Life) -> None:
    life.tells("I live in Lisbon.")
    (fact,) = life.facts()
    event = life.says("I moved to Oslo.")
    failures = _at_once(
        lambda: life.person.http.patch(life.place("facts", fact["id"]), json={"value": "Porto"}),
        lambda: reflect_service.reflect(event, None),
    )
    assert failures == []
    assert len([each for each in life.facts() if each["key"] == "home"]) == 1


def test_a_worker_killed_while_writing_leaves_nothing(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.tells("I live in Lisbon.")
    event = life.says("I moved to Oslo. I passed my exam!")
    with monkeypatch.context() as patch:

        def die(*_args: Any, **_options: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(index_repo, "add", die)
        with pytest.raises(KeyboardInterrupt):
            reflect_service.reflect(event, None)
    assert (life.known(), life.count("episodes")) == ({"home": "Lisbon"}, 0)
    reflect_service.reflect(event, None)
    assert (life.known(), life.count("episodes")) == ({"home": "Oslo"}, 1)


def test_a_stranger_writes_nothing_of_mine(life: Life, bob: Any) -> None:
    message_id = life.says("I hate olives.").payload["message_id"]
    found = reflect_service.rules.facts("I hate olives.")
    heard = [remember_service.Heard(message_id, found)]
    with db.transaction(bob.principal) as tx:
        kept = remember_service.keep(tx, bob.user_id, life.avatar_id, heard, remember_service.embedded(None, heard))
    assert (kept.there, life.facts()) == (set(), [])
