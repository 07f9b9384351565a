"""A worker that is killed at any moment of an ingestion: nothing is lost, doubled or left behind."""

from __future__ import annotations

import errno
import io
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
import pytest
from numpy.typing import NDArray
from reportlab.pdfgen.canvas import Canvas

from anima.kernel import config, delivery, outbox
from anima.kernel.errors import AnimaError
from anima.knowledge import chunk_spool, worker
from anima.vendors import embeddings
from anima.vendors.blobs import spool
from fixtures import agreement
from fixtures.api import Person
from fixtures.hostile_web import Web, said
from fixtures.killed import AGAIN, ONCE, run
from fixtures.models import HashingEmbedder

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
LINES = "".join(f"Line {number} tells of boat {number % 40} in the harbour.\n\n" for number in range(2_400))

WORKER = """
from anima.knowledge import claim_repo, worker
"""
PATIENT = """
claim_repo.MAX_ATTEMPTS = 99
"""


def guide() -> bytes:
    """A PDF, which is read by a process of its own."""
    made = io.BytesIO()
    canvas = Canvas(made)
    for page in range(1, 6):
        canvas.drawString(72, 720, f"Page {page} tells of boat {page} in the harbour.")
        canvas.showPage()
    canvas.save()
    return made.getvalue()


FILES = {"guide.pdf": guide(), "boats.txt": LINES.encode()}


def send(person: Person, name: str) -> tuple[int, outbox.Event]:
    answer = person.http.post("/api/v1/documents", files={"file": (name, FILES[name])})
    assert answer.status_code == 202, answer.text
    event = delivery.claim()
    assert event is not None
    return int(answer.json()["document_id"]), event


def alive(mark: Path) -> list[psutil.Process]:
    """The processes that a worker with this mark has left."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(mark) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def spools() -> list[Path]:
    folder = config.settings().data_dir / "spool"
    return list(folder.iterdir()) if folder.is_dir() else []


def row(connection: Connection, document_id: int) -> Any:
    query = "select state, stage, attempts, chunks_done, chunks_total, reason from documents where document_id = %s"
    return connection.execute(query, [document_id]).fetchone()


def index(connection: Connection, document_id: int) -> dict[str, Any]:
    """The index of a document and of its owner, with what must agree."""
    queries = {
        "texts": "select array_agg(text order by chunk_index) from chunks where document_id = %(id)s",
        "places": "select array_agg(chunk_index order by chunk_index) from chunks where document_id = %(id)s",
        "vectors": """
            select array_agg(e.vector::text order by c.chunk_index) from chunks c
            join embeddings e on e.owner_id = c.owner_id and e.entity_id = c.chunk_id::text
            where c.document_id = %(id)s
        """,
        "postings": """
            select array_agg((c.chunk_index, p.term, p.tf, p.dl)::text order by c.chunk_index, p.term)
            from chunks c join postings p on p.owner_id = c.owner_id and p.chunk_id = c.chunk_id
            where c.document_id = %(id)s
        """,
        "lexicon": """
            select array_agg((l.term, l.df)::text order by l.term) from lexicon l
            where l.owner_id = (select owner_id from documents where document_id = %(id)s)
        """,
        "corpus": """
            select array_agg((n, total_len)::text) from corpora
            where owner_id = (select owner_id from documents where document_id = %(id)s)
        """,
        "orphans": """
            select array_agg(e.entity_id) from embeddings e
            where e.owner_id = (select owner_id from documents where document_id = %(id)s)
                and not exists (select from chunks c where c.owner_id = e.owner_id and c.chunk_id::text = e.entity_id)
        """,
    }
    return {name: connection.execute(query, {"id": document_id}).fetchone()[0] for name, query in queries.items()}


@pytest.fixture(scope="module")
def untouched() -> dict[str, Any]:
    """The indexes of the files where nothing went wrong, filled by the first test that needs them."""
    return {}


def expected(untouched: dict[str, Any], name: str, bob: Person, connection: Connection) -> dict[str, Any]:
    if name not in untouched:
        document_id, event = send(bob, name)
        with embeddings.use(HashingEmbedder()):
            worker.handle(delivery.as_sqs(event), raising=True)
        delivery.delivered(event)
        untouched[name] = index(connection, document_id)
    found: dict[str, Any] = untouched[name]
    return found


KILLS = [
    ("parse", "guide.pdf", "anima.vendors.readers.to_json", 2),
    ("parse", "boats.txt", "anima.knowledge.claim_repo.read", 1),
    ("chunk", "boats.txt", "embedder.count_tokens", 2),
    ("chunk", "boats.txt", "anima.knowledge.index_repo.last_chunk", 1),
    ("embed", "boats.txt", "embedder.embed", 2),
    ("embed", "boats.txt", "anima.inference.cache_repo.keep", 2),
    ("embed", "boats.txt", "anima.knowledge.index_repo.write", 2),
    ("index", "boats.txt", "anima.knowledge.claim_repo.finish", 1),
]


@pytest.mark.parametrize(("stage", "name", "at", "calls"), KILLS, ids=lambda value: str(value).rpartition(".")[2])
def test_a_worker_killed_in_a_stage_loses_doubles_and_leaves_nothing(
    alice: Person,
    bob: Person,
    owner_conn: Connection,
    untouched: dict[str, Any],
    tmp_path: Path,
    stage: str,
    name: str,
    at: str,
    calls: int,
) -> None:
    wanted = expected(untouched, name, bob, owner_conn)
    document_id, event = send(alice, name)
    done = run(event, WORKER + ONCE, tmp_path, at=at, calls=calls)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert row(owner_conn, document_id)[:3] == ("running", stage, 1)
    assert len(spools()) == (stage != "index"), "a killed worker cannot tidy up"

    with embeddings.use(HashingEmbedder()):
        worker.handle(delivery.as_sqs(event), raising=True)
        worker.handle(delivery.as_sqs(event), raising=True)  # delivered once more
    delivery.delivered(event)
    chunks = len(wanted["texts"])
    assert row(owner_conn, document_id) == ("done", "done", 2, chunks, chunks, None)
    assert index(owner_conn, document_id) == wanted
    assert spools() == []
    assert _gone(tmp_path)
    blobs = config.settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    assert len([path for path in blobs.rglob("*") if path.is_file()]) == 1

    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert not blobs.exists()
    for table in ("chunks", "embeddings", "postings", "lexicon", "activation_cache"):
        count = owner_conn.execute(f"select count(*) from {table} where owner_id = %s", [alice.user_id]).fetchone()
        assert count == (0,), table


def _gone(mark: Path) -> bool:
    """Whether the processes that read for a killed worker have ended; they notice within moments."""
    deadline = time.monotonic() + 20
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(mark)


@pytest.mark.parametrize(
    "at", ["anima.vendors.web.fetch", "anima.knowledge.fetch_repo.twin", "anima.knowledge.fetch_repo.enter"]
)
def test_a_worker_killed_while_it_fetches_leaves_nothing(
    alice: Person, owner_conn: Connection, web: Web, tmp_path: Path, at: str
) -> None:
    web.paths["/boats.txt"] = said(b"Boat 7 lies in the harbour.", "Content-Type: text/plain")
    answer = alice.http.post("/api/v1/documents", json={"uri": web.url("/boats.txt")})
    assert answer.status_code == 202, answer.text
    document_id, event = int(answer.json()["document_id"]), delivery.claim()
    assert event is not None
    done = run(event, WORKER + ONCE, tmp_path, at=at, calls=1)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert row(owner_conn, document_id)[:2] == ("running", "fetch")
    with embeddings.use(HashingEmbedder()):
        worker.handle(delivery.as_sqs(event), raising=True)
    delivery.delivered(event)
    assert row(owner_conn, document_id)[:5] == ("done", "done", 2, 1, 1)
    assert spools() == []
    blobs = config.settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    assert len([path for path in blobs.rglob("*") if path.is_file()]) == 1
    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert not blobs.exists()


def test_workers_killed_at_each_of_their_transactions_come_through(
    alice: Person, bob: Person, owner_conn: Connection, untouched: dict[str, Any], tmp_path: Path
) -> None:
    wanted = expected(untouched, "boats.txt", bob, owner_conn)
    document_id, event = send(alice, "boats.txt")
    done = run(event, WORKER + PATIENT + AGAIN, tmp_path, first=1, last=60)
    delivery.delivered(event)
    *deaths, end = done.stdout.split()
    assert (set(deaths), end) == ({str(-signal.SIGKILL)}, "0"), done.stderr
    assert len(deaths) > 8
    state, stage, attempts, *_ = row(owner_conn, document_id)
    assert (state, stage) == ("done", "done")
    assert 6 < attempts <= len(deaths), "some died before they had claimed it"
    assert index(owner_conn, document_id) == wanted
    assert spools() == []


def test_folders_of_workers_that_live_are_left_alone() -> None:
    with spool.workplace() as first:
        (first / "blocks").write_text("mine")
        with spool.workplace() as second:
            assert (first / "blocks").read_text() == "mine"
            assert first != second
        assert not second.exists()
    assert not first.exists()


def disk_full(patch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(chunk_spool, "keep", full)


def no_folder(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spool, "_FOLDER", "a-file")
    (config.settings().data_dir / "a-file").write_text("no folder")


@pytest.mark.parametrize(("fault", "reason"), [(disk_full, "no room"), (no_folder, "FileExistsError")])
def test_a_document_outlives_what_is_wrong_with_its_machine(
    alice: Person,
    bob: Person,
    owner_conn: Connection,
    untouched: dict[str, Any],
    fault: Callable[[pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    wanted = expected(untouched, "boats.txt", bob, owner_conn)
    document_id, event = send(alice, "boats.txt")
    with pytest.MonkeyPatch.context() as patch, embeddings.use(HashingEmbedder()):
        fault(patch)
        for _ in range(2):
            with pytest.raises((AnimaError, OSError)):
                worker.handle(delivery.as_sqs(event), raising=True)
        worker.handle(delivery.as_sqs(event), raising=True)  # the last attempt is told, not raised
    delivery.delivered(event)
    state, _, attempts, *_, told = row(owner_conn, document_id)
    assert (state, attempts) == ("failed", 3)
    assert reason in told
    assert alice.http.post(f"/api/v1/documents/{document_id}/retry").status_code == 202
    again = delivery.claim()
    assert again is not None
    with embeddings.use(HashingEmbedder()):
        worker.handle(delivery.as_sqs(again), raising=True)
    delivery.delivered(again)
    assert row(owner_conn, document_id)[0] == "done"
    assert index(owner_conn, document_id) == wanted
    assert spools() == []
    assert agreement.disagreements(owner_conn, alice.user_id) == {}


def test_a_database_that_ends_all_connections_again_and_again_loses_and_doubles_nothing(
    alice: Person, bob: Person, owner_conn: Connection, untouched: dict[str, Any]
) -> None:
    class Cut(HashingEmbedder):
        """All connections of the house are ended while it embeds the first batches."""

        left = 2

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if Cut.left:
                Cut.left -= 1
                owner_conn.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where datname = current_database() and usename in ('anima_app', 'anima_worker')"
                )
            return super().embed(texts)

    wanted = expected(untouched, "boats.txt", bob, owner_conn)
    document_id, event = send(alice, "boats.txt")
    with embeddings.use(Cut()):
        for _ in range(3):
            with suppress(AnimaError):
                worker.handle(delivery.as_sqs(event), raising=True)
    delivery.delivered(event)
    assert Cut.left == 0
    assert row(owner_conn, document_id)[0] == "done"
    assert index(owner_conn, document_id) == wanted
    assert spools() == []
