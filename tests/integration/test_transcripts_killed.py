"""A worker that is killed at any moment of an import: nothing is lost, doubled or left behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.kernel import config, delivery, outbox
from anima.snapshots import transcripts_repo, worker
from fixtures import exports
from fixtures.api import Person
from fixtures.killed import AGAIN, run

pytestmark = pytest.mark.usefixtures("fast_embedder")

Connection = psycopg.Connection[Any]

WORKER = """
from anima.memory import reflect_service
from anima.snapshots import transcripts_import_service, transcripts_repo, transcripts_turns_service, worker
from anima.vendors.readers.transcripts import __main__ as apart
from anima.vendors.readers.transcripts.apart import Summary

def read_here(wanted):
    asked = {name: getattr(wanted, name) for name in ("path", "into", "name", "title", "me", "names", "avatar")}
    yield Summary(**apart._read({**asked, "now": wanted.now.isoformat()}, lambda done, total: None))

transcripts_import_service.readers.read_apart = read_here
transcripts_turns_service.SESSION_TURNS = transcripts_turns_service._LOAD_TURNS = 3
reflect_service.ask_model = lambda message, model: None
transcripts_repo.MAX_ATTEMPTS = {attempts!r}
"""


def bring(person: Person, talks: Any) -> tuple[int, outbox.Event]:
    avatar_id = avatars.create(person.principal, NewAvatar(name="Luna"), None).avatar_id
    answer = person.http.post(f"/api/v1/avatars/{avatar_id}/transcripts", json=talks)
    assert answer.status_code == 202, answer.text
    event = delivery.claim(["transcript.queued"])
    assert event is not None
    return int(answer.json()["document_id"]), event


def killed(event: outbox.Event, mark: Path, *, attempts: int = 99, first: int = 1, last: int = 90) -> list[int]:
    """How each process ended that a program hands the event to."""
    done = run(event, WORKER + AGAIN, mark, attempts=attempts, first=first, last=last)
    assert done.stdout, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return [int(line) for line in done.stdout.split()]


def kept(connection: Connection, person: Person) -> list[Any]:
    """Everything that there is of an import, without the ids that differ each time."""
    queries = (
        """
        select s.title, m.role, m.content, m.created_at, m.metadata ->> 'turn_id', p.content, e.content
        from messages m join sessions s using (session_id)
        left join messages p on p.message_id = m.parent_message_id
        left join message_embeddings e on e.message_id = m.message_id
        where m.owner_id = %s order by m.created_at, m.content
        """,
        "select term, count(*) from message_postings where user_id = %s group by term order by term",
        "select key, value, mention_count, is_active, learned_at from user_facts where user_id = %s order by 1, 2",
        'select title, summary, "timestamp" from episodes where user_id = %s order by title',
        "select turns, is_read from transcript_sessions where owner_id = %s order by session_id",
    )
    return [connection.execute(query, [person.user_id]).fetchall() for query in queries]


TALKS = exports.chatgpt(
    ["I live in Oslo", "Fine.", "My sister is called Ada", "I see.", "I hate olives", "Noted.", "I have a dog", "Oh."],
    ["I passed my exam today, I am so happy", "Congratulations!"],
    ["I work as a baker", "Good.", "I live in Bergen now", "Since when?"],
)


def test_a_worker_that_is_killed_at_each_transaction_loses_and_doubles_nothing(
    alice: Person, bob: Person, owner_conn: Connection, tmp_path: Path
) -> None:
    _, undisturbed = bring(bob, TALKS)
    assert killed(undisturbed, tmp_path, first=1_000, last=1_001) == [0]
    document_id, event = bring(alice, TALKS)
    codes = killed(event, tmp_path)
    assert codes[-1] == 0
    assert len(codes) > 10
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert kept(owner_conn, alice) == kept(owner_conn, bob)
    state = "select state, stage, chunks_done, chunks_total from documents where document_id = %s"
    assert owner_conn.execute(state, [document_id]).fetchone() == ("done", "done", 7, 7)
    assert len(kept(owner_conn, alice)[0]) == 14
    spool = config.settings().data_dir / "spool"
    worker.handle(delivery.as_sqs(event))
    assert [one for one in spool.iterdir() if list(one.iterdir())] == []


def test_one_that_gets_nowhere_is_given_up_and_nothing_of_it_stays(
    alice: Person, owner_conn: Connection, tmp_path: Path, drain_outbox: Any
) -> None:
    document_id, event = bring(alice, TALKS)
    codes = [killed(event, tmp_path, attempts=3, first=2, last=3) for _ in range(3)]
    assert codes == [[-signal.SIGKILL]] * 3
    silent = "update documents set updated_at = now() - %s where document_id = %s"
    owner_conn.execute("alter table documents disable trigger documents_updated")
    owner_conn.execute(silent, [transcripts_repo.SILENCE * 2, document_id])
    owner_conn.execute("alter table documents enable trigger documents_updated")
    worker.handle(delivery.as_sqs(event), raising=True)
    state = "select state, reason from documents where document_id = %s"
    found = owner_conn.execute(state, [document_id]).fetchone()
    assert found == ("failed", "reading it stopped the worker each time")
    assert kept(owner_conn, alice) == [[], [], [], [], []]
    delivery.delivered(event)
    answer = alice.http.post(f"/api/v1/documents/{document_id}/retry")
    assert answer.status_code == 202, answer.text
    drain_outbox()
    assert owner_conn.execute(state, [document_id]).fetchone() == ("done", None)
    assert len(kept(owner_conn, alice)[0]) == 14
