"""What can happen to a document on its way into the index: bad files, errors, kills, deliveries that come twice."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from pypdf import PdfWriter
from reportlab.pdfgen.canvas import Canvas

from anima.kernel import config, delivery, outbox
from anima.kernel.errors import Unavailable
from anima.knowledge import claim_repo, worker
from anima.vendors import embeddings
from fixtures.api import Person
from fixtures.killed import surroundings
from fixtures.models import HashingEmbedder

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
LONG = "".join(f"Sentence number {number} tells of the lake and of boat {number}.\n\n" for number in range(4_000))
COUNTS = {
    "chunks": "select count(*), count(distinct chunk_index) from chunks where owner_id = %s",
    "embeddings": "select count(*) from embeddings where owner_id = %s",
    "postings": "select count(*), sum(tf) from postings where owner_id = %s",
    "lexicon": "select count(*), sum(df) from lexicon where owner_id = %s",
    "corpora": "select n, total_len from corpora where owner_id = %s",
}


def pdf(*pages: str, password: str = "") -> bytes:
    made = io.BytesIO()
    canvas = Canvas(made)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    if not password:
        return made.getvalue()
    writer = PdfWriter(clone_from=io.BytesIO(made.getvalue()))
    writer.encrypt(password)
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def send_file(person: Person, name: str, content: bytes) -> int:
    answer = person.http.post("/api/v1/documents", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/documents/{document_id}").json()
    return found


def texts(person: Person, query: str) -> list[str]:
    answer = person.http.post("/api/v1/search", json={"query": query}).json()
    return [hit["text"] for hit in answer["hits"]]


def counted(connection: Connection, person: Person) -> dict[str, Any]:
    return {name: connection.execute(query, [person.user_id]).fetchone() for name, query in COUNTS.items()}


class Failing(HashingEmbedder):
    """Embeds some batches, then fails."""

    def __init__(self, batches: int, error: Exception) -> None:
        self._left = batches
        self._error = error

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._left == 0:
            raise self._error
        self._left -= 1
        return super().embed(texts)


def test_a_pdf_is_cited_by_its_page(alice: Person, drain_outbox: Drain, fast_embedder: object) -> None:
    document_id = send_file(alice, "guide.pdf", pdf("The lighthouse was built in 1887.", "The keeper is called Ines."))
    drain_outbox()
    assert (state(alice, document_id)["state"], state(alice, document_id)["doc_type"]) == ("done", "pdf")
    chunks = alice.http.get(f"/api/v1/documents/{document_id}/chunks").json()["items"]
    assert [chunk["location"]["page"] for chunk in chunks] == [1, 2]
    assert "Ines" in texts(alice, "keeper")[0]


@pytest.mark.parametrize(
    ("name", "content", "ends", "reason"),
    [
        ("fake.pdf", b"this is no PDF", "failed", "is none"),
        ("broken.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20, "failed", "damaged"),
        ("cut.pdf", pdf("A page.")[:400], "failed", "damaged"),
        ("locked.pdf", pdf("A secret.", password="sesame"), "failed", "password"),
        ("scan.pdf", pdf(""), "unsearchable", "without text"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(200), "unsearchable", "an image"),
        ("data.bin", bytes(range(256)) * 10, "unsearchable", "binary"),
        ("empty.html", b"<html><body><script>only()</script></body></html>", "failed", "empty"),
        ("deep.html", b"<html>" + b"<div>" * 6_000, "failed", "nested"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    alice: Person,
    drain_outbox: Drain,
    owner_conn: Connection,
    fast_embedder: object,
    name: str,
    content: bytes,
    ends: str,
    reason: str,
) -> None:
    document_id = send_file(alice, name, content)
    drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["stage"], found["attempts"]) == (ends, ends, 1)
    assert reason in found["reason"]
    assert counted(owner_conn, alice)["chunks"] == (0, 0)


def test_a_poison_document_fails_after_three_attempts_and_holds_nobody_up(
    alice: Person, bob: Person, owner_conn: Connection
) -> None:
    poison = send_file(alice, "poison.txt", LONG.encode())
    with embeddings.use(Failing(1, Unavailable(what="The embedder"))):
        route = _route()
        for attempt in range(1, 4):
            assert delivery.deliver_one(route)
            found = state(alice, poison)
            assert (found["attempts"], found["state"]) == (attempt, "failed" if attempt == 3 else "queued")
            assert found["reason"] == "The embedder cannot be reached at the moment; try again."
            assert texts_by_words(alice, "lake") == []
            owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
        assert not delivery.deliver_one(route)
    assert_empty(owner_conn, alice)
    with embeddings.use(HashingEmbedder()):
        good = send_file(bob, "good.txt", b"The other one is fine.")
        assert delivery.deliver_one(_route())
        assert state(bob, good)["state"] == "done"
        assert send_file(alice, "poison.txt", LONG.encode()) == poison
        assert (state(alice, poison)["state"], state(alice, poison)["attempts"]) == ("queued", 0)
        assert delivery.deliver_one(_route())
        assert state(alice, poison)["state"] == "done"


def texts_by_words(person: Person, query: str) -> list[str]:
    answer = person.http.post("/api/v1/search", json={"query": query, "mode": "words"}).json()
    return [hit["text"] for hit in answer["hits"]]


def _route() -> Callable[[outbox.Event], None]:
    def route(event: outbox.Event) -> None:
        worker.handle(delivery.as_sqs(event), raising=True)

    return route


def test_an_attempt_goes_on_where_the_one_before_ended(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    document_id = send_file(alice, "long.txt", LONG.encode())
    with embeddings.use(Failing(3, RuntimeError("out of luck"))), pytest.raises(RuntimeError):
        drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["chunks_done"]) == ("queued", 192)
    assert "RuntimeError" in found["reason"]
    assert "luck" not in found["reason"]
    first = owner_conn.execute("select min(chunk_id) from chunks where owner_id = %s", [alice.user_id]).fetchone()
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    with embeddings.use(HashingEmbedder()):
        drain_outbox()
        found = state(alice, document_id)
        assert (found["state"], found["attempts"], found["reason"]) == ("done", 2, None)
        assert found["chunks_done"] == found["chunks_total"]
        kept = owner_conn.execute("select min(chunk_id) from chunks where owner_id = %s", [alice.user_id]).fetchone()
        assert kept == first
        assert_whole(owner_conn, alice, found["chunks_total"])


def test_what_an_attempt_left_that_is_cut_otherwise_now_is_replaced(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    document_id = send_file(alice, "long.txt", LONG.encode())
    with embeddings.use(Failing(1, RuntimeError())), pytest.raises(RuntimeError):
        drain_outbox()
    owner_conn.execute("update chunks set text = 'cut by an older version' where owner_id = %s", [alice.user_id])
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    with embeddings.use(HashingEmbedder()):
        drain_outbox()
        found = state(alice, document_id)
        assert found["state"] == "done"
        assert_whole(owner_conn, alice, found["chunks_total"])
        assert all("older" not in text for text in texts(alice, "boat 7 of an older version"))


def assert_whole(connection: Connection, person: Person, chunks: int) -> None:
    """The index of somebody with this one document has every part of it once."""
    found = counted(connection, person)
    assert found["chunks"] == (chunks, chunks)
    assert found["embeddings"] == (chunks,)
    postings, occurrences = found["postings"]
    assert found["lexicon"][1] == postings
    assert found["corpora"] == (chunks, occurrences)


def assert_empty(connection: Connection, person: Person) -> None:
    """Nothing of anything is in somebody's index."""
    found = counted(connection, person)
    assert (found["chunks"], found["embeddings"], found["lexicon"]) == ((0, 0), (0,), (0, None))
    assert found["corpora"] in ((0, 0), None)


def test_a_document_whose_file_was_lost_is_mended_by_sending_it_again(
    alice: Person, drain_outbox: Drain, fast_embedder: object
) -> None:
    document_id = send_file(alice, "note.txt", b"The ferry leaves at nine.")
    folder = config.settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    drain_outbox()
    assert (state(alice, document_id)["state"], state(alice, document_id)["attempts"]) == ("failed", 1)
    assert "no longer there" in state(alice, document_id)["reason"]
    for _ in range(2):
        assert send_file(alice, "note.txt", b"The ferry leaves at nine.") == document_id
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_delivery_that_comes_again_does_nothing(alice: Person, owner_conn: Connection, fast_embedder: object) -> None:
    document_id = send_file(alice, "note.txt", b"The ferry leaves at nine.")
    event = delivery.claim()
    assert event is not None
    for _ in range(3):
        assert worker.handle(delivery.as_sqs(event)) == {"batchItemFailures": []}
    delivery.delivered(event)
    assert (state(alice, document_id)["state"], state(alice, document_id)["attempts"]) == ("done", 1)
    assert_whole(owner_conn, alice, 1)


def test_a_document_deleted_meanwhile_leaves_nothing(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    class Deleting(HashingEmbedder):
        """Deletes the document while its second batch is embedded."""

        batches = 0

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.batches += 1
            if self.batches == 2:
                assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
            return super().embed(texts)

    document_id = send_file(alice, "long.txt", LONG.encode())
    embedder = Deleting()
    with embeddings.use(embedder):
        drain_outbox()
    assert embedder.batches <= 3, "what was under way when it was seen, and no more"
    assert_empty(owner_conn, alice)
    assert drain_outbox() == []


KILLED = """
import json, os, signal, sys
sys.path.insert(0, {tests!r})
from fixtures.models import HashingEmbedder
from anima.knowledge import worker
from anima.vendors import embeddings

class Dying(HashingEmbedder):
    left = {batches}
    def embed(self, texts):
        if Dying.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        Dying.left -= 1
        return super().embed(texts)

with embeddings.use(Dying()):
    worker.handle(json.loads(sys.argv[1]))
"""


def killed(event: outbox.Event, batches: int) -> None:
    """Hands an event to a worker in a process of its own, which is killed while it embeds."""
    program = KILLED.format(tests=str(Path(__file__).parents[1]), batches=batches)
    body = json.dumps(delivery.as_sqs(event))
    done = subprocess.run([sys.executable, "-c", program, body], env=surroundings(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(alice: Person, owner_conn: Connection) -> None:
    document_id = send_file(alice, "long.txt", LONG.encode())
    event = delivery.claim()
    assert event is not None
    killed(event, batches=2)
    found = state(alice, document_id)
    assert (found["state"], found["stage"], found["attempts"]) == ("running", "embed", 1)
    assert found["chunks_done"] in (64, 128), "the last batch may have been on its way"
    with embeddings.use(HashingEmbedder()):
        assert texts(alice, "boat 7") == []
        worker.handle(delivery.as_sqs(event), raising=True)
        delivery.delivered(event)
        found = state(alice, document_id)
        assert (found["state"], found["attempts"]) == ("done", 2)
        assert_whole(owner_conn, alice, found["chunks_total"])
        assert "boat 7." in texts_by_words(alice, "boat 7")[0]


def test_a_document_that_kills_its_worker_each_time_fails(
    alice: Person, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = send_file(alice, "deadly.txt", LONG.encode())
    event = delivery.claim()
    assert event is not None
    for batches in (1, 0, 0):
        killed(event, batches)
    worker.handle(delivery.as_sqs(event), raising=True)  # the last one may be alive for all one knows
    delivery.delivered(event)
    assert state(alice, document_id)["state"] == "running"
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    monkeypatch.setattr(claim_repo, "SILENCE", timedelta(0))
    later = delivery.claim()  # what the delivery has left behind: the document cannot be forgotten
    assert later is not None
    worker.handle(delivery.as_sqs(later), raising=True)
    delivery.delivered(later)
    found = state(alice, document_id)
    assert (found["state"], found["attempts"]) == ("failed", 3)
    assert "stopped the worker" in found["reason"]
    assert_empty(owner_conn, alice)


def test_an_event_that_comes_again_while_it_is_handled_fails_no_document(alice: Person, owner_conn: Connection) -> None:
    document_id = send_file(alice, "long.txt", LONG[:40_000].encode())
    event = delivery.claim()
    assert event is not None
    body = delivery.as_sqs(event)
    answers: list[dict[str, Any]] = []

    class Doubled(HashingEmbedder):
        """Has the event come again while the document is embedded, and again within that."""

        deliveries = 0

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if Doubled.deliveries < 3:
                Doubled.deliveries += 1
                answers.append(worker.handle(body))
            return super().embed(texts)

    with embeddings.use(Doubled()):
        answers.append(worker.handle(body))
    assert answers == 4 * [{"batchItemFailures": []}], "the fourth has an event of its own look again later"
    query = "select count(*) from outbox where owner_id = %s and key like 'again:%%' and next_attempt_at > now()"
    assert owner_conn.execute(query, [alice.user_id]).fetchone() == (1,)
    found = state(alice, document_id)
    assert (found["state"], found["reason"]) == ("done", None)
    assert_whole(owner_conn, alice, found["chunks_total"])


def test_two_workers_at_one_store_do_not_block_each_other(
    alice: Person, owner_conn: Connection, fast_embedder: object
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(8):
        send_file(
            alice, f"{number}.txt", f"Page {number}. ".encode() + LONG[number * 900 : number * 900 + 40_000].encode()
        )
    with ThreadPoolExecutor(4) as pool:
        delivered = list(pool.map(lambda _: delivery.deliver_one(_route()), range(8)))
    while delivery.deliver_one(_route()):
        pass
    assert any(delivered)
    listed = alice.http.get("/api/v1/documents").json()["items"]
    assert {(each["state"], each["attempts"]) for each in listed} == {("done", 1)}
    chunks = sum(each["chunks_total"] for each in listed)
    found = counted(owner_conn, alice)
    assert found["chunks"][0] == found["corpora"][0] == chunks
    assert found["lexicon"][1] == found["postings"][0]


def test_an_event_that_names_no_document_is_refused() -> None:
    import uuid

    event = outbox.Event(uuid.uuid4(), "document.queued", "document:0", 1, {}, 1)
    answer = worker.handle(delivery.as_sqs(event))
    assert answer == {"batchItemFailures": [{"itemIdentifier": str(event.event_id)}]}
