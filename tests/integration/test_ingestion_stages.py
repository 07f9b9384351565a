"""What people see of an ingestion: its stages with counts and time left, what could not be read, trying again; and the
reader job that takes over what a function cannot read.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from anima.kernel import config, delivery, outbox
from anima.knowledge import claim_repo, worker
from anima.vendors import embeddings, job_backends, readers
from anima.vendors.blobs import blobs
from anima.vendors.readers import Block, Place, Progress, Unread
from fixtures.api import Person
from fixtures.models import HashingEmbedder

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
LONG = "".join(f"Sentence number {number} tells of the lake and of boat {number % 50}.\n\n" for number in range(3_000))


def pdf(*pages: str) -> bytes:
    """Pages of text; one without any is packed in a way that nobody knows."""
    made = io.BytesIO()
    canvas = Canvas(made, pageCompression=1)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    first, *others = made.getvalue().split(b"/FlateDecode")
    marks = [b"/FlateDecode" if page else b"/WhatDecoder" for page in pages]
    return first + b"".join(mark + other for mark, other in zip(marks, others, strict=True))


def photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(made, "PNG")
    return made.getvalue()


def send(person: Person, name: str, content: bytes) -> int:
    answer = person.http.post("/api/v1/documents", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def see(person: Person, document_id: int) -> dict[str, Any]:
    answer = person.http.get(f"/api/v1/documents/{document_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def retry(person: Person, document_id: int) -> int:
    return int(person.http.post(f"/api/v1/documents/{document_id}/retry").status_code)


class Seen(HashingEmbedder):
    """Looks at the document each time that it counts or embeds."""

    def __init__(self, look: Callable[[], dict[str, Any]]) -> None:
        self._look = look
        self.counting: list[dict[str, Any]] = []
        self.embedding: list[dict[str, Any]] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.counting.append(self._look())
        return super().count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedding.append(self._look())
        return super().embed(texts)


def test_a_document_is_seen_to_pass_its_stages(alice: Person, drain_outbox: Drain) -> None:
    document_id = send(alice, "long.txt", LONG.encode())
    assert [see(alice, document_id)[key] for key in ("state", "stage")] == ["queued", "queued"]
    looking = Seen(lambda: see(alice, document_id))
    with embeddings.use(looking):
        drain_outbox()
    assert {(seen["state"], seen["stage"]) for seen in looking.counting} == {("running", "chunk")}
    assert {(seen["state"], seen["stage"]) for seen in looking.embedding} == {("running", "embed")}
    done = [seen["chunks_done"] for seen in looking.embedding]
    total = see(alice, document_id)["chunks_total"]
    assert done == sorted(done)
    assert done[0] == 0
    assert 0 < done[-1] < total
    assert {seen["chunks_total"] for seen in looking.embedding} == {total}
    assert looking.embedding[0]["seconds_left"] is None, "nobody knows yet"
    assert looking.embedding[-1]["seconds_left"] > 0
    ended = see(alice, document_id)
    assert (ended["state"], ended["stage"], ended["chunks_done"], ended["seconds_left"]) == (
        "done",
        "done",
        total,
        None,
    )


def test_pages_are_counted_and_one_that_cannot_be_read_is_named(
    alice: Person, drain_outbox: Drain, fast_embedder: object
) -> None:
    document_id = send(alice, "guide.pdf", pdf("The lighthouse was built in 1887.", "", "The keeper is called Ines."))
    drain_outbox()
    found = see(alice, document_id)
    assert (found["state"], found["unit"], found["units_done"], found["units_total"]) == ("done", "pages", 3, 3)
    assert [part["what"] for part in found["unread"]] == ["page 2"]
    assert found["reason"].startswith("page 2 could not be read: ")
    assert found["unread"][0]["reason"] in found["reason"]
    texts = [item["text"] for item in alice.http.get(f"/api/v1/documents/{document_id}/chunks").json()["items"]]
    assert any("Ines" in text for text in texts)


def test_a_document_of_which_nothing_could_be_read_is_unsearchable_and_says_what(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, fast_embedder: object
) -> None:
    document_id = send(alice, "damaged.pdf", pdf("", ""))
    drain_outbox()
    found = see(alice, document_id)
    assert (found["state"], found["chunks_total"]) == ("unsearchable", None)
    assert "2 pages could not be read" in found["reason"]
    assert [part["what"] for part in found["unread"]] == ["page 1", "page 2"]


def test_a_document_that_failed_is_tried_again(alice: Person, bob: Person, drain_outbox: Drain) -> None:
    document_id = send(alice, "note.txt", b"The ferry leaves at nine.")
    folder = config.settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    (file,) = [path for path in folder.rglob("*") if path.is_file()]
    away = Path(f"{file}-away")
    file.rename(away)
    with embeddings.use(HashingEmbedder()):
        drain_outbox()
        assert see(alice, document_id)["state"] == "failed"
        away.rename(file)
        assert retry(bob, document_id) == 404
        assert retry(alice, document_id) == 202
        found = see(alice, document_id)
        assert (found["state"], found["reason"], found["attempts"]) == ("queued", None, 0)
        assert retry(alice, document_id) == 409, "it waits already"
        drain_outbox()
        assert see(alice, document_id)["state"] == "done"
        assert retry(alice, document_id) == 409
        assert drain_outbox() == []


def test_a_document_whose_worker_is_silent_is_tried_again_and_the_silent_one_writes_no_more(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = send(alice, "long.txt", LONG.encode())

    class Slow(HashingEmbedder):
        """A person loses patience while its second batch is embedded; another worker does all of it meanwhile."""

        batches = 0

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            Slow.batches += 1
            if Slow.batches == 2:
                assert retry(alice, document_id) == 409
                with monkeypatch.context() as patch:
                    patch.setattr(claim_repo, "SILENCE", timedelta(0))
                    assert retry(alice, document_id) == 202
                event = outbox.Event(
                    uuid.uuid4(), "document.queued", "x", alice.user_id, {"document_id": document_id}, 1
                )
                worker.handle(delivery.as_sqs(event), raising=True)
                assert see(alice, document_id)["state"] == "done"
            return super().embed(texts)

    with embeddings.use(Slow()):
        drain_outbox()
    found = see(alice, document_id)
    assert (found["state"], found["attempts"]) == ("done", 1)
    count = "select count(*), count(distinct chunk_index) from chunks where document_id = %s"
    assert owner_conn.execute(count, [document_id]).fetchone() == (found["chunks_total"],) * 2


class Job:
    """A reader job that does what a test says: outside the house, so it is known by what it was started with."""

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None

    def start(self, name: str, configuration: Any) -> None:
        if self.error is not None:
            raise self.error
        self.started.append((name, dict(configuration)))

    def write(self, *items: readers.Item, refused: str = "") -> None:
        """Writes what it read where it was told to."""
        lines = [readers.to_json(item) for item in items]
        blobs().put(self.started[-1][1]["into"], "".join(f"{line}\n" for line in [*lines, refused] if line).encode())


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    """A reader job is configured."""
    made = Job()
    monkeypatch.setenv("ANIMA_READER_JOB", "arn:aws:states:eu-west-1:123456789012:stateMachine:readers")
    monkeypatch.setattr(job_backends, "backend", lambda _: made)
    config.settings.cache_clear()
    yield made
    monkeypatch.undo()
    config.settings.cache_clear()


def ended(person: Person, document_id: int, reading: str) -> None:
    """The job's event comes, twice as any event may."""
    payload = {"document_id": document_id, "reading": reading}
    event = outbox.Event(uuid.uuid4(), "document.queued", f"document:{document_id}", person.user_id, payload, 1)
    for _ in range(2):
        worker.handle(delivery.as_sqs(event), raising=True)


def parsed(person: Person) -> list[Path]:
    folder = config.settings().data_dir / "blobs" / "parsed" / str(person.user_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_image_is_left_to_the_reader_job_and_goes_on_from_what_that_wrote(
    alice: Person, drain_outbox: Drain, job: Job, fast_embedder: object
) -> None:
    document_id = send(alice, "photo.png", photo())
    event = delivery.claim()
    assert event is not None
    for _ in range(2):
        worker.handle(delivery.as_sqs(event), raising=True)
    delivery.delivered(event)
    assert [see(alice, document_id)[key] for key in ("state", "stage")] == ["running", "read"]
    assert len({name for name, _ in job.started}) == 1, "started again under the same name, which starts nothing"
    assert job.started[0][1]["kind"] == "image"
    assert blobs().get(job.started[0][1]["uri"]) == photo()
    assert retry(alice, document_id) == 409

    job.write(
        Progress(1, 2, "pages"),
        Block("The sign says that Ines rents boats.", place=Place(page=1)),
        Unread("page 2", "no text was found in it"),
        Progress(2, 2, "pages"),
    )
    ended(alice, document_id, "done")
    found = see(alice, document_id)
    assert (found["state"], found["unit"], found["units_done"]) == ("done", "pages", 2)
    assert found["reason"] == "page 2 could not be read: no text was found in it"
    (chunk,) = alice.http.get(f"/api/v1/documents/{document_id}/chunks").json()["items"]
    assert ("Ines" in chunk["text"], chunk["location"]["page"]) == (True, 1)

    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert parsed(alice) == []


def test_a_pdf_of_which_a_page_could_not_be_read_is_left_to_the_job_too(
    alice: Person, drain_outbox: Drain, job: Job, fast_embedder: object
) -> None:
    whole = send(alice, "text.pdf", pdf("All text.", "And more of it."))
    damaged = send(alice, "damaged.pdf", pdf("Some text.", ""))
    drain_outbox()
    assert (see(alice, whole)["state"], see(alice, damaged)["stage"]) == ("done", "read")
    assert [given["document_id"] for _, given in job.started] == [damaged]


@pytest.mark.parametrize(
    ("reading", "refused", "state", "reason"),
    [
        ("failed", None, "failed", "without a result"),
        ("done", '{"refused": "unknown-medium", "reason": "no words are heard in it"}', "unsearchable", "no words"),
        ("done", '{"refused": "unreadable-document", "reason": "the image is damaged"}', "failed", "damaged"),
    ],
)
def test_a_job_that_read_nothing_says_so(
    alice: Person,
    drain_outbox: Drain,
    job: Job,
    fast_embedder: object,
    reading: str,
    refused: str | None,
    state: str,
    reason: str,
) -> None:
    document_id = send(alice, "photo.png", photo())
    drain_outbox()
    if refused is not None:
        job.write(refused=refused)
    ended(alice, document_id, reading)
    found = see(alice, document_id)
    assert found["state"] == state
    assert reason in found["reason"]
    assert retry(alice, document_id) == 202
    drain_outbox()
    assert see(alice, document_id)["stage"] == "read"
    assert len({name for name, _ in job.started}) == 2, "another attempt is another job"
    job.write(Block("This time it is legible."))
    ended(alice, document_id, "done")
    assert see(alice, document_id)["state"] == "done"


def test_a_job_that_cannot_be_started_is_started_by_the_next_delivery(
    alice: Person, drain_outbox: Drain, job: Job, owner_conn: Connection, fast_embedder: object
) -> None:
    document_id = send(alice, "photo.png", photo())
    job.error = job_backends.JobsUnavailable(what="The job", reason="throttled")
    with pytest.raises(job_backends.JobsUnavailable):
        drain_outbox()
    assert see(alice, document_id)["state"] == "queued"
    job.error = None
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    drain_outbox()
    assert (see(alice, document_id)["stage"], len(job.started)) == ("read", 1)


def test_what_a_job_wrote_for_a_document_that_was_deleted_goes(
    alice: Person, drain_outbox: Drain, job: Job, fast_embedder: object
) -> None:
    document_id = send(alice, "photo.png", photo())
    drain_outbox()
    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    job.write(Block("Too late."))
    assert len(parsed(alice)) == 1
    ended(alice, document_id, "done")
    assert parsed(alice) == []
