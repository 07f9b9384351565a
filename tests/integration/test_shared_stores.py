"""An admin publishes a store: then everybody finds it, cites it and opens it; and before and after nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from anima.kernel import db, outbox
from anima.kernel.errors import Forbidden
from anima.knowledge import publish_service
from fixtures.api import MakeUser, Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
NOTICE = "The notice period of the Heron contract is three months."
LAKE = "The lake freezes in January. Fishermen cut holes into the ice."


@pytest.fixture(autouse=True)
def nothing_is_shared(fast_embedder: object, owner_conn: Connection) -> Iterator[None]:
    """What a test publishes goes with it: all others would find it."""
    yield
    owner_conn.execute("delete from vector_stores where owner_id is null")


def store_of(person: Person, purpose: str = "context") -> int:
    items = person.http.get("/api/v1/vector-stores").json()["items"]
    return next(int(one["store_id"]) for one in items if one["purpose"] == purpose)


def bring(person: Person, drain: Drain, *texts: str) -> list[int]:
    """Documents of a person's, ready to be found."""
    ids = [
        int(
            person.http.post("/api/v1/documents", json={"title": f"{text[:20]}.txt", "text": text}).json()[
                "document_id"
            ]
        )
        for text in texts
    ]
    drain()
    return ids


def publish(person: Person, store_id: int | None = None, **body: Any) -> dict[str, Any]:
    place = store_id or store_of(person)
    answer = person.http.post(f"/api/v1/vector-stores/{place}/publish", json=body or None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def search(person: Person, query: str, **more: Any) -> dict[str, Any]:
    answer = person.http.post("/api/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def texts(person: Person, query: str, **more: Any) -> list[str]:
    return [hit["text"] for hit in search(person, query, **more)["hits"]]


def left(owner: Connection) -> dict[str, int]:
    """How many rows there are in each shared table."""
    counted = {}
    for name in ("stores", "documents", "chunks", "embeddings", "postings", "lexicon", "corpora", "citations"):
        row = owner.execute(f"select count(*) from shared_{name}").fetchone()  # type: ignore[arg-type]
        assert row is not None
        counted[name] = row[0]
    return counted


class TestFinding:
    def test_nobody_finds_an_admins_store_before_it_is_published_and_everybody_after(
        self, admin: Person, alice: Person, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, NOTICE, LAKE)
        assert texts(alice, "What is the notice period of the Heron contract?") == []
        made = publish(admin, store_name="handbook")
        assert (made["store_name"], made["purpose"], made["documents"], made["chunks"]) == ("handbook", "context", 2, 2)
        for mode in ("hybrid", "words", "vector"):
            assert NOTICE in texts(alice, "the notice period of the Heron contract", mode=mode)
        assert search(alice, "Heron contract", purpose="findings")["hits"] == []

    def test_ones_own_and_what_is_shared_are_found_side_by_side(
        self, admin: Person, alice: Person, bob: Person, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, NOTICE)
        mine = "The notice period of the Falcon contract is one month."
        bring(alice, drain_outbox, mine)
        publish(admin)
        assert {NOTICE, mine} <= set(texts(alice, "notice period of the contract"))
        assert mine not in texts(bob, "notice period of the contract")

    def test_a_word_spelled_wrong_is_found_in_the_shared_vocabulary(
        self, admin: Person, alice: Person, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, "Marguerite is the name of the rowing boat.")
        publish(admin)
        assert texts(alice, "Margarite", mode="words") == ["Marguerite is the name of the rowing boat."]

    def test_the_plan_tells_how_each_store_is_searched(self, admin: Person, alice: Person, drain_outbox: Drain) -> None:
        bring(admin, drain_outbox, NOTICE)
        made = publish(admin, store_name="handbook")
        answer = search(alice, "Heron contract", explain=True)
        assert f"store {store_of(alice)} (context): read whole" in answer["plan"]
        assert f"store {made['store_id']} (handbook): read whole" in answer["plan"]
        assert not [line for line in answer["plan"] if "Seq Scan" in line or "rows=" in line]
        assert search(alice, "Heron contract")["plan"] is None

    def test_who_published_finds_each_passage_once(self, admin: Person, drain_outbox: Drain) -> None:
        bring(admin, drain_outbox, NOTICE, LAKE)
        publish(admin)
        found = search(admin, "notice period of the Heron contract")["hits"]
        ids = [hit["chunk_id"] for hit in found]
        assert len(ids) == len(set(ids))

    def test_a_search_of_it_is_logged_and_its_passages_are_opened(
        self, admin: Person, alice: Person, bob: Person, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, NOTICE)
        publish(admin)
        answer = search(alice, "the notice period of the Heron contract")
        hit = answer["hits"][0]
        logged = alice.http.get(f"/api/v1/retrievals/{answer['retrieval_id']}").json()
        assert hit["chunk_id"] in logged["result_ids"]
        opened = alice.http.get(f"/api/v1/chunks/{hit['chunk_id']}").json()
        assert (opened["text"], opened["document_id"]) == (NOTICE, hit["document_id"])
        assert bob.http.get(f"/api/v1/retrievals/{answer['retrieval_id']}").status_code == 404

    def test_a_turn_cites_it_and_the_citation_is_kept(
        self, admin: Person, alice: Person, drain_outbox: Drain, talking: StubLLM
    ) -> None:
        bring(admin, drain_outbox, NOTICE)
        publish(admin)
        talking.script("The notice period is three months.")
        question = "What does the Heron contract say about the notice period?"
        answer = said(alice, question, avatar_id=make_avatar(alice))
        (citation,) = answer["citations"]
        assert (citation["quote"], citation["title"]) == (NOTICE, f"{NOTICE[:20]}.txt")
        assert alice.http.get(f"/api/v1/responses/{answer['response_id']}").json()["citations"] == [citation]
        assert alice.http.get(f"/api/v1/chunks/{citation['chunk_id']}").json()["text"] == NOTICE
        messages = alice.http.get(f"/api/v1/sessions/{answer['session_id']}/messages").json()["items"]
        assert [one["citations"] for one in messages if one["role"] == "assistant"] == [1]
        assert admin.http.get(f"/api/v1/responses/{answer['response_id']}").status_code == 404


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a store does whose chunks are not copied by one statement."""
    monkeypatch.setattr(publish_service, "_CHUNKS", 1)
    monkeypatch.setattr(publish_service, "_VECTORS", 1)


@pytest.mark.usefixtures("small_steps")
class TestPublishing:
    def test_only_an_admin_publishes_and_only_what_is_his_own(
        self, admin: Person, alice: Person, make_user: MakeUser, owner_conn: Connection, drain_outbox: Drain
    ) -> None:
        bring(alice, drain_outbox, LAKE)
        mine, other = store_of(alice), make_user("admin", "viewer")
        refused = alice.http.post(f"/api/v1/vector-stores/{mine}/publish")
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "admin-only")
        for person in (admin, other):
            assert person.http.post(f"/api/v1/vector-stores/{mine}/publish").status_code == 404
        assert set(left(owner_conn).values()) == {0}

    def test_who_is_no_admin_any_more_is_refused_by_the_database(
        self, admin: Person, owner_conn: Connection, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, LAKE)
        owner_conn.execute("delete from user_roles where user_id = %s", [admin.user_id])
        with pytest.raises(Forbidden):
            publish_service.publish(db.Principal(admin.user_id, frozenset({"admin"})), store_of(admin))
        assert set(left(owner_conn).values()) == {0}

    def test_the_login_of_the_app_writes_shared_rows_for_no_one_but_an_admin(
        self, alice: Person, admin: Person, database: Any, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, NOTICE)
        shared_id = publish(admin)["store_id"]
        with psycopg.connect(database.app_url, autocommit=True) as app:
            app.execute("select set_config('anima.user_id', %s, false)", [str(alice.user_id)])
            assert app.execute("select text from shared_chunks").fetchall() == [(NOTICE,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("insert into shared_corpora (store_id, n, total_len) values (%s, 1, 1)", [store_of(alice)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(
                    """
                    insert into vector_stores (store_name, embedding_model, dimension, purpose)
                    values ('x', 'x', 3, 'x')
                    """
                )
            changed = "update shared_chunks set text = 'nothing'"
            assert app.execute(changed).rowcount == 0
            assert app.execute("delete from shared_documents").rowcount == 0
            assert app.execute("delete from vector_stores where store_id = %s", [shared_id]).rowcount == 0
            app.execute("select set_config('anima.user_id', '', false)")
            assert app.execute("select text from shared_chunks").fetchall() == []

    def test_again_the_copy_becomes_what_the_store_is_and_what_stayed_keeps_its_citations(
        self, admin: Person, alice: Person, drain_outbox: Drain, talking: StubLLM, owner_conn: Connection
    ) -> None:
        _notice, lake = bring(admin, drain_outbox, NOTICE, LAKE)
        first = publish(admin)
        talking.script("The notice period is three months.")
        question = "What does the Heron contract say about the notice period?"
        answer = said(alice, question, avatar_id=make_avatar(alice))
        admin.http.delete(f"/api/v1/documents/{lake}")
        bread = "The baker Thibault sells bread from six in the morning."
        bring(admin, drain_outbox, bread)
        assert texts(alice, "baker Thibault", mode="words") == []
        again = publish(admin)
        assert (again["store_id"], again["documents"], again["chunks"]) == (first["store_id"], 2, 2)
        assert texts(alice, "baker Thibault", mode="words") == [bread]
        assert LAKE not in texts(alice, "the lake freezes in January")
        kept = alice.http.get(f"/api/v1/responses/{answer['response_id']}").json()["citations"]
        assert kept == answer["citations"]
        words = owner_conn.execute("select term from shared_lexicon where term like 'fisherm%'").fetchall()
        assert words == []

    def test_the_counts_are_those_of_the_store(
        self, admin: Person, owner_conn: Connection, drain_outbox: Drain
    ) -> None:
        bring(admin, drain_outbox, NOTICE, LAKE)
        publish(admin)
        for table, order in (("lexicon", "term, df"), ("corpora", "n, total_len")):
            own = owner_conn.execute(
                f"select {order} from {table} where owner_id = %s order by 1",  # type: ignore[arg-type]
                [admin.user_id],
            )
            shared = owner_conn.execute(f"select {order} from shared_{table} order by 1")  # type: ignore[arg-type]
            assert own.fetchall() == shared.fetchall() != []

    def test_a_document_that_is_not_done_stays_out(
        self, admin: Person, owner_conn: Connection, drain_outbox: Drain
    ) -> None:
        _notice, lake = bring(admin, drain_outbox, NOTICE, LAKE)
        owner_conn.execute("update documents set state = 'running' where document_id = %s", [lake])
        assert publish(admin)["documents"] == 1
        assert owner_conn.execute("select count(*) from shared_chunks").fetchone() == (1,)

    def test_a_name_is_taken_once(self, admin: Person, make_user: MakeUser, drain_outbox: Drain) -> None:
        other = make_user("admin", "viewer")
        publish(admin, store_name="handbook")
        place = store_of(other)
        taken = other.http.post(f"/api/v1/vector-stores/{place}/publish", json={"store_name": "handbook"})
        assert taken.status_code == 409
        assert publish(other, store_name="manual")["store_name"] == "manual"

    def test_what_lies_on_another_engine_cannot_be_published(self, admin: Person, owner_conn: Connection) -> None:
        place = store_of(admin)
        owner_conn.execute("update vector_stores set provider = 'qdrant' where store_id = %s", [place])
        answer = admin.http.post(f"/api/v1/vector-stores/{place}/publish")
        assert (answer.status_code, "qdrant" in answer.json()["detail"]) == (422, True)


@pytest.mark.usefixtures("small_steps")
class TestWithdrawing:
    @pytest.mark.parametrize("by", ["own", "shared"])
    def test_nothing_of_it_stays_and_nobody_finds_it(
        self, admin: Person, alice: Person, drain_outbox: Drain, owner_conn: Connection, by: str, talking: StubLLM
    ) -> None:
        bring(admin, drain_outbox, NOTICE)
        made = publish(admin)
        talking.script("The notice period is three months.")
        question = "What does the Heron contract say about the notice period?"
        answer = said(alice, question, avatar_id=make_avatar(alice))
        place = made["store_id"] if by == "shared" else store_of(admin)
        assert alice.http.delete(f"/api/v1/vector-stores/{place}/publish").status_code == 403
        assert admin.http.delete(f"/api/v1/vector-stores/{place}/publish").status_code == 204
        assert set(left(owner_conn).values()) == {0}
        assert texts(alice, "notice period of the Heron contract") == []
        assert alice.http.get(f"/api/v1/responses/{answer['response_id']}").json()["citations"] == []
        assert NOTICE in texts(admin, "notice period of the Heron contract")
        assert admin.http.delete(f"/api/v1/vector-stores/{place}/publish").status_code == 404

    def test_it_stays_where_its_origin_goes(self, admin: Person, alice: Person, drain_outbox: Drain) -> None:
        (notice,) = bring(admin, drain_outbox, NOTICE)
        publish(admin)
        assert admin.http.delete(f"/api/v1/documents/{notice}").status_code == 204
        assert NOTICE in texts(alice, "notice period of the Heron contract")
