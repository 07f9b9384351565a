"""An account is closed and everything of it is erased: looked for in every table, file, engine and cache."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from anima import personality
from anima.gateway import service as gateway
from anima.identity import closing_service
from anima.identity import service as identity
from anima.kernel import db, delivery
from anima.kernel.config import settings
from anima.knowledge import outside_service
from anima.memory import reflect_service
from anima.operations import maintenance
from anima.operations.deliverer import workers
from anima.snapshots import erase_models_repo, erase_repo
from anima.vendors.blobs import blobs
from anima.vendors.cache import cache
from anima.vendors.packs import packs
from anima.vendors.packs.folder import FolderPacks
from fixtures.api import PASSWORD, Person
from fixtures.engines import Engine
from fixtures.life import Life
from fixtures.models import HashingEmbedder
from fixtures.pinecone_double import PineconeDouble
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, say
from tenancy import two_people

Connection = psycopg.Connection[Any]
API = "/api/v1"
TOPICS = ["account.closed", "store.deleted", "vectors.gone", "vectors.waiting", "document.queued"]
pytestmark = pytest.mark.usefixtures("fast_embedder")

# Every word of a table, of partitions through their parents.
_WORDS = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""


def deliver(owner: Connection, *, waiting: bool = True) -> int:
    """Has the work of erasing done, also what is to be tried again later."""
    handled = 0
    for _ in range(50):
        if waiting:
            owner.execute(
                "update outbox set next_attempt_at = now() where topic = any (%s) and delivered_at is null", [TOPICS]
            )
            owner.execute("update vector_stores set retry_at = null")
        event = delivery.claim(TOPICS)
        if event is None:
            break
        workers()[event.topic](delivery.as_sqs(event), raising=True)
        delivery.delivered(event)
        handled += 1
    return handled


def close(person: Person, password: str = PASSWORD) -> Any:
    return person.http.request("DELETE", f"{API}/users/me", json={"password": password})


def mark_of(person: Person) -> str:
    return f"the-own-words-of-{person.username}"


def owns_everything(owner: Connection, person: Person, engine: Engine | None = None) -> None:
    """Gives somebody files, documents on the engine, cached values, and a row in every table."""
    mark = mark_of(person)
    owner.execute("delete from user_roles where user_id = %s", [person.user_id])
    two_people.seed(owner, person.user_id, mark, personality.load_ready("luna"))
    # On engines that can be asked; and nobody takes up what is only there to be found.
    owner.execute(
        "update vector_stores set provider = 'qdrant', endpoint_url = 'local' "
        "where owner_id = %s and provider <> 'pgvector'",
        [person.user_id],
    )
    owner.execute("update outbox set topic = 'turn.finished' where owner_id = %s", [person.user_id])
    if engine is not None:
        engine.make(person, f"papers of {person.username}")
    for purpose in ("context", *(() if engine is None else ("semantic",))):
        answer = person.http.post(f"{API}/documents", json={"text": f"{mark} {purpose} papers", "purpose": purpose})
        assert answer.status_code == 202, answer.text
    deliver(owner)
    sent = person.http.post(f"{API}/media", files={"file": ("a.txt", f"{mark} in a file".encode())})
    assert sent.status_code == 201, sent.text
    blobs().put(f"parsed/{person.user_id}/1", mark.encode())
    blobs().put(f"transcripts/{person.user_id}/export/1", mark.encode())
    writer = packs().writer(person.user_id, uuid.uuid4())
    writer.append(memoryview(mark.encode()))
    writer.seal()
    packs().writer(person.user_id, uuid.uuid4()).append(memoryview(mark.encode()))  # by somebody who was killed
    cache().put(person.user_id, "question", mark, b"vector")


def rows(owner: Connection, person: Person) -> dict[str, int]:
    """How many rows somebody has, by table."""
    found = two_people.digests(owner, person.user_id)
    return {table: count for table, (count, _) in found.items() if count}


def written_in(owner: Connection, mark: str) -> set[str]:
    """Every table, whoever owns its rows, in which some words stand."""
    tables = [row[0] for row in owner.execute(_WORDS).fetchall()]
    parts = [
        f"select '{table}' where exists (select from {table} t where strpos(t::text, %(mark)s) > 0)" for table in tables
    ]
    return {row[0] for row in owner.execute(" union all ".join(parts), {"mark": mark}).fetchall()}  # type: ignore[call-overload]


def files_of(person: Person) -> list[str]:
    """Files that are somebody's by their place or by their words."""
    return [
        str(path.relative_to(folder))
        for folder in (settings().data_dir / "blobs", settings().data_dir / "tensors")
        for path in folder.rglob("*")
        if path.is_file()
        and (str(person.user_id) in path.relative_to(folder).parts[:2] or mark_of(person).encode() in path.read_bytes())
    ]


@pytest.fixture
def two(alice: Person, bob: Person, owner_conn: Connection, private_engines: None) -> Iterator[tuple[Person, Person]]:
    """Two people; whatever is left of them goes with the test."""
    yield alice, bob
    owner_conn.execute("delete from users where user_id = any (%s)", [[alice.user_id, bob.user_id]])
    owner_conn.execute("delete from erasures where subject_id = any (%s)", [[alice.user_id, bob.user_id]])


@pytest.mark.parametrize("engine", ["qdrant", "milvus"], indirect=True)
def test_nothing_is_left_anywhere_and_another_person_keeps_all(
    two: tuple[Person, Person], engine: Engine, owner_conn: Connection
) -> None:
    alice, bob = two
    for person in two:
        owns_everything(owner_conn, person, engine)
    tables = two_people.tenant_tables(owner_conn)
    assert set(rows(owner_conn, alice)) == set(tables), "somebody who is erased has something in every table"
    assert len(files_of(alice)) >= 7
    assert engine.points() == 2
    others, files = two_people.digests(owner_conn, bob.user_id), files_of(bob)

    answer = close(alice)
    assert (answer.status_code, answer.json()) == (202, {"state": "erasing"})
    assert alice.http.get(f"{API}/users/me").status_code == 401, "keys die at once"
    assert rows(owner_conn, alice).keys().isdisjoint({"api_keys", "refresh_tokens", "sign_in_links", "user_roles"})
    with pytest.raises(identity.WrongCredentials):
        identity.sign_in(alice.username, PASSWORD)

    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}
    assert written_in(owner_conn, mark_of(alice)) == set()
    assert written_in(owner_conn, alice.username) == set()
    assert files_of(alice) == []
    assert cache().get(alice.user_id, "question", mark_of(alice)) is None
    assert engine.points() == 1
    assert two_people.digests(owner_conn, bob.user_id) == others
    assert files_of(bob) == files
    assert cache().get(bob.user_id, "question", mark_of(bob)) == b"vector"
    assert bob.http.get(f"{API}/users/me").status_code == 200


def test_it_takes_the_password_again(two: tuple[Person, Person], owner_conn: Connection) -> None:
    alice, _ = two
    before = two_people.digests(owner_conn, alice.user_id)
    assert close(alice, "another password").status_code == 401
    assert alice.http.request("DELETE", f"{API}/users/me").status_code == 422
    assert two_people.digests(owner_conn, alice.user_id) == before
    assert alice.http.get(f"{API}/users/me").status_code == 200


def test_the_name_is_free_at_once_and_links_of_admins_let_nobody_in(
    two: tuple[Person, Person], admin: Person, owner_conn: Connection
) -> None:
    alice, _ = two
    closing_service.close(alice.principal, PASSWORD)
    again = admin.http.post(f"{API}/users", json={"username": alice.username, "password": "another password"})
    assert again.status_code == 201, again.text
    link = identity.make_link(admin.principal, alice.user_id, "http://localhost")
    tokens = identity.use_link(link.url.partition("#")[2], "some other password")
    entered = admin.http.get(f"{API}/users/me", headers={"Authorization": f"Bearer {tokens.access_token}"})
    assert entered.status_code == 401
    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}
    owner_conn.execute("delete from users where user_id = %s", [again.json()["user_id"]])


def test_the_last_admin_stays(clone: Callable[[str], Any], quick_passwords: None) -> None:
    with clone(f"closing_{uuid.uuid4().hex[:12]}").use():
        first = identity.first_user("root", ["admin"], PASSWORD)
        assert first is not None
        root = db.Principal(first[0].user_id, frozenset({"admin"}))
        with pytest.raises(closing_service.LastAdmin):
            closing_service.close(root, PASSWORD)
        assert identity.me(root).username == "root"
        identity.create_user(root, identity.NewUser("other", PASSWORD, roles=("admin",)))
        closing_service.close(root, PASSWORD)
        assert identity.user_id_of("root") is None


@pytest.mark.parametrize("mortal_engine", ["pinecone"], indirect=True)
def test_an_engine_that_is_gone_holds_nothing_else_up(
    two: tuple[Person, Person], mortal_engine: Engine, owner_conn: Connection
) -> None:
    alice, _ = two
    owns_everything(owner_conn, alice, mortal_engine)
    assert mortal_engine.points() == 1
    double = mortal_engine.double
    assert isinstance(double, PineconeDouble)
    double.kill()
    assert close(alice).status_code == 202
    for _ in range(3):
        deliver(owner_conn)
    left = rows(owner_conn, alice)
    # A budget that an admin imposed goes with the account, which is there until the engine has answered.
    assert left.keys() == {"users", "vector_stores", "outside_vectors", "outbox", "llm_budgets"}
    assert left["vector_stores"] == 1
    assert files_of(alice) == []
    assert written_in(owner_conn, alice.username) == set()

    double.revive()
    deliver(owner_conn)
    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}
    assert mortal_engine.points() == 0


class Killed(BaseException):
    """The process ends here."""


STEPS = [
    (erase_repo, "close_outside"),
    (erase_repo, "messages"),
    (erase_repo, "documents"),
    (erase_models_repo, "batch"),
    (erase_repo, "rest"),
    (FolderPacks, "delete_owner"),
    (closing_service, "sweep"),
    (outside_service, "dropped"),
    (closing_service, "erase"),
]


@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("engine", ["qdrant"], indirect=True)
def test_cut_off_anywhere_it_goes_on(
    two: tuple[Person, Person],
    engine: Engine,
    owner_conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    step: str,
) -> None:
    alice, _ = two
    owns_everything(owner_conn, alice, engine)
    close(alice)
    real, cut = getattr(place, step), []

    def dies(*given: Any) -> Any:
        done = real(*given)
        if not cut:
            cut.append(step)
            raise Killed
        return done

    monkeypatch.setattr(place, step, dies)
    with pytest.raises(Killed):
        deliver(owner_conn)
    assert cut == [step]
    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}
    assert files_of(alice) == []
    assert engine.points() == 0


def test_what_was_cut_off_for_good_is_taken_up_the_next_day(two: tuple[Person, Person], owner_conn: Connection) -> None:
    alice, _ = two
    owns_everything(owner_conn, alice)
    close(alice)
    owner_conn.execute("update outbox set dead_at = now() where owner_id = %s", [alice.user_id])
    assert deliver(owner_conn) == 0
    owner_conn.execute("update erasures set asked_at = now() - interval '2 hours'")
    maintenance.run()
    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}

    # A worker that outlived the account puts a file down; a day later somebody looks once more.
    blobs().put(f"documents/{alice.user_id}/late", mark_of(alice).encode())
    owner_conn.execute("update erasures set erased_at = now() - interval '2 days'")
    maintenance.run()
    assert files_of(alice) == []
    left = owner_conn.execute("select count(*) from erasures where subject_id = %s", [alice.user_id]).fetchone()
    assert left == (0,)


def test_what_is_reflected_on_meanwhile_leaves_nothing(
    life: Life, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = life.says("I hate olives. I passed my exam!")
    real = reflect_service.prepare

    def then_all_goes(*given: Any, **more: Any) -> Any:
        prepared = real(*given, **more)
        assert close(life.person).status_code == 202
        deliver(owner_conn)
        return prepared

    monkeypatch.setattr(reflect_service, "prepare", then_all_goes)
    with suppress(psycopg.Error):  # it may fail, and comes again for nobody
        reflect_service.reflect(event)
    assert rows(owner_conn, life.person) == {}


def bring_document(person: Person) -> None:
    answer = person.http.post(f"{API}/documents", json={"text": mark_of(person), "purpose": "context"})
    assert answer.status_code == 202, answer.text


def bring_conversations(person: Person) -> None:
    turns = [{"session": n, "date": "2024-05-08", "speaker": "me", "text": f"I hate olives {n}."} for n in range(3)]
    place = f"{API}/avatars/{make_avatar(person)}/transcripts"
    answer = person.http.post(place, json={"turns": turns, "me": "me"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("bring", "topic"), [(bring_document, "document.queued"), (bring_conversations, "transcript.queued")]
)
def test_what_a_worker_is_embedding_meanwhile_leaves_nothing(
    two: tuple[Person, Person],
    owner_conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
    bring: Callable[[Person], None],
    topic: str,
) -> None:
    alice, _ = two
    bring(alice)
    [event] = delivery.claim_some(1, [topic], alice.user_id)
    real, closed = HashingEmbedder.embed, []

    def and_all_goes(self: HashingEmbedder, texts: Any) -> Any:
        if not closed:
            closed.append(close(alice).status_code)
            deliver(owner_conn)
        return real(self, texts)

    monkeypatch.setattr(HashingEmbedder, "embed", and_all_goes)
    with suppress(Exception):  # it may fail: what it works on is gone
        workers()[event.topic](delivery.as_sqs(event), raising=True)
    assert closed == [202]
    assert rows(owner_conn, alice) == {}
    assert files_of(alice) == []


def test_a_turn_that_is_being_answered_meanwhile_leaves_nothing(
    two: tuple[Person, Person], talking: StubLLM, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = two
    make_avatar(alice)
    real, closed = gateway.stream, []

    def and_all_goes(*given: Any, **more: Any) -> Iterator[Any]:
        answer = real(*given, **more)
        first = next(answer)
        closed.append(close(alice).status_code)
        deliver(owner_conn)
        yield first
        yield from answer

    monkeypatch.setattr(gateway, "stream", and_all_goes)
    with suppress(psycopg.Error):
        assert not say(alice, "I hate olives.").is_success
    assert closed == [202]
    deliver(owner_conn)
    assert rows(owner_conn, alice) == {}


def test_what_is_brought_meanwhile_leaves_nothing(two: tuple[Person, Person], owner_conn: Connection) -> None:
    alice, _ = two
    answer = alice.http.post(f"{API}/documents", json={"text": mark_of(alice), "purpose": "context"})
    assert answer.status_code == 202
    waiting = delivery.claim_some(1, ["document.queued"], alice.user_id)
    assert close(alice).status_code == 202
    deliver(owner_conn)
    for event in waiting:  # it was on its way to a worker already
        workers()[event.topic](delivery.as_sqs(event), raising=True)
    assert rows(owner_conn, alice) == {}
    assert files_of(alice) == []


def test_an_account_that_was_not_closed_is_not_erased(two: tuple[Person, Person], owner_conn: Connection) -> None:
    _, bob = two
    assert not closing_service.erase(db.Principal(bob.user_id, login="worker"))
    assert "users" in rows(owner_conn, bob)


def test_every_table_of_somebody_goes_with_the_account(owner_conn: Connection) -> None:
    """By a chain of references that each delete what refers; so that no late writer leaves a row either."""
    tables = two_people.tenant_tables(owner_conn)
    gone, before = {"users"}, 0
    chains = owner_conn.execute(
        "select c.conrelid::regclass::text, c.confrelid::regclass::text from pg_constraint c "
        "where c.contype = 'f' and c.confdeltype = 'c' and c.conparentid = 0"
    ).fetchall()
    while len(gone) > before:
        before = len(gone)
        gone |= {table for table, parent in chains if parent in gone}
    assert set(tables) - gone == set()
