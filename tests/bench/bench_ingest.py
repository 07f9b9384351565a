"""Ingestion: chunks per second of the whole against the embedder alone and against a peer; memory on a big file.

The whole is what a worker does from the event to the document that can be found: reading, cutting, counting tokens,
embedding, terms, and writing chunks, vectors, postings and the cache. The embedder alone gets all the texts at once,
and so does the peer, which only embeds and stores them: LangChain's PGVector with the same embedder.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench

from anima.kernel import config, db
from anima.kernel.postgres.urls import with_database
from anima.vendors import assets
from anima.vendors.embeddings import embedder

CHUNKS = 320
BIG_BYTES = 200_000_000
MOST_BYTES = 512 << 20
PEER = "langchain-postgres PGVector"
PEER_VERSION = "0.0.19"


def run(bench: Bench) -> None:
    """Speed and memory."""
    sys.path.insert(0, str(ROOT / "tests"))
    assets.ensure_embedder(assets.Lines())
    with place.opened() as here:
        speed(bench, here)
        memory(bench, here)


def speed(bench: Bench, here: place.Place) -> None:
    """The three sides in turn, and the same text a second time."""
    text = corpus(bench)
    if text is None:
        return
    texts = _cut(text)
    model = embedder()
    seconds_again: list[float] = []

    def ours() -> float:
        principal = place.person()
        first = _ingested(principal, text, "context")
        seconds_again.append(_ingested(principal, text, "findings"))
        return len(texts) / first

    def alone() -> float:
        begun = time.perf_counter()
        model.embed(texts)
        return len(texts) / (time.perf_counter() - begun)

    with _peer(bench, here, texts) as peer:
        sides = bench.alternate(anima=ours, alone=alone, peer=lambda: len(texts) / peer())
    bench.figure(
        "chunks_per_second", sides["anima"], "chunks/s", peer=PEER, peer_value=sides["peer"], more_is_better=True
    )
    limit, whole = sides["alone"].median, sides["anima"].median
    bench.figure(
        "embedder_limit", whole, "chunks/s", peer="the embedder alone", peer_value=sides["alone"], more_is_better=True
    )
    bench.figure("share_of_embedder_limit", whole / limit, "", peer="goal", peer_value=0.8, more_is_better=True)
    bench.figure("peer_share_of_embedder_limit", sides["peer"].median / limit, "")
    again = sorted(seconds_again)[len(seconds_again) // 2]
    bench.figure("second_time", again, "s", peer="the first time", peer_value=len(texts) / whole)
    bench.note(
        f"{len(texts)} chunks of about {len(text) // len(texts)} characters, abstracts of SciFact in one document"
    )


def corpus(bench: Bench) -> str | None:
    """Abstracts as one text of about CHUNKS chunks."""
    file = bench.data("scifact.json")
    if file is None:
        return None
    docs = list(json.loads(file.read_text(encoding="utf-8"))["docs"].values())
    return "\n\n".join(docs[: CHUNKS // 2])


def _cut(text: str) -> list[str]:
    """What is embedded of the text."""
    from anima.knowledge import chunker
    from anima.vendors import readers

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "abstracts.txt"
        path.write_text(text, encoding="utf-8")
        items = readers.read(path, readers.medium_of(path, name=path.name))
        blocks = [item for item in items if isinstance(item, readers.Block)]
        return [chunk.indexed for chunk in chunker.chunks(blocks, embedder().count_tokens, "abstracts")]


def _ingested(principal: db.Principal, text: str, purpose: str) -> float:
    """Seconds of a worker for a document that was just brought in."""
    from anima.kernel import delivery
    from anima.knowledge import worker

    owner_id = principal.user_id or 0
    _entered(owner_id, "abstracts", purpose, text.encode())
    event = delivery.claim(["document.queued"])
    assert event is not None
    begun = time.perf_counter()
    worker.handle(delivery.as_sqs(event), raising=True)
    took = time.perf_counter() - begun
    delivery.delivered(event)
    return took


def _entered(owner_id: int, title: str, purpose: str, content: bytes) -> int:
    """A document that waits for its worker, entered behind the limits that hold for people."""
    from anima.kernel import outbox
    from anima.vendors.blobs import blobs

    uri = blobs().put(f"documents/{owner_id}/{title}-{purpose}", content)
    with _owner() as connection:
        row = connection.execute(
            """
            insert into documents (owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri)
            select owner_id, store_id, %s, 'text', encode(sha256(%s), 'hex'), %s, %s from vector_stores
            where owner_id = %s and purpose = %s
            returning document_id
            """,
            [title, uri.encode(), len(content), uri, owner_id, purpose],
        ).fetchone()
    assert row is not None
    document_id = int(str(row[0]))
    with db.transaction(db.Principal(owner_id)) as tx:
        outbox.emit(tx, "document.queued", f"document:{document_id}", owner_id, {"document_id": document_id})
    return document_id


def _owner() -> psycopg.Connection[tuple[object, ...]]:
    url = config.settings().database_url
    assert url is not None
    return psycopg.connect(url.get_secret_value(), autocommit=True)


@contextmanager
def _peer(bench: Bench, here: place.Place, texts: list[str]) -> Iterator[Callable[[], float]]:
    """Seconds of the peer for the same texts, in a process that is ready, on a database of the same server."""
    pinned = ("numpy", "onnxruntime", "tokenizers", "pydantic-settings")
    python = bench.peer(
        "langchain-postgres", f"langchain-postgres=={PEER_VERSION}", *(f"{name}=={version(name)}" for name in pinned)
    )
    with _owner() as connection:
        connection.execute("create database peer")
    url = with_database(here.owner_url, "peer")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        program = str(Path(__file__).with_name("ingest_peer.py"))
        process = subprocess.Popen(
            [
                python,
                program,
                str(ROOT / "layers" / "app"),
                url.replace("postgresql://", "postgresql+psycopg://"),
                file,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **here.environment()},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def seconds() -> float:
            asked.write("\n")
            asked.flush()
            return float(answers.readline())

        try:
            yield seconds
        finally:
            asked.close()
            process.wait()


def memory(bench: Bench, here: place.Place) -> None:
    """The peak of a worker, its readers included, on a text of 200 MB and on one of a hundredth of that."""
    peaks = [_peak(here, n_bytes) for n_bytes in (BIG_BYTES // 100, BIG_BYTES)]
    bench.figure("peak_memory_200_mb_file", peaks[1], "bytes", peer="limit", peer_value=MOST_BYTES)
    bench.figure("peak_memory_2_mb_file", peaks[0], "bytes")
    bench.note("memory: of the worker's process and its readers together, with an embedder that costs nothing")


def _peak(here: place.Place, n_bytes: int) -> int:
    owner_id = place.person().user_id or 0
    document_id = _entered(owner_id, f"big-{n_bytes}", "context", _big(n_bytes))
    program = str(Path(__file__).with_name("big_worker.py"))
    environment = {**os.environ, **here.environment()}
    given = [sys.executable, program, str(owner_id), str(document_id)]
    done = subprocess.run(given, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    with _owner() as connection:
        row = connection.execute("select state from documents where document_id = %s", [document_id]).fetchone()
    if row is None or row[0] != "done":
        raise RuntimeError(f"the big document is {row}")
    return int(done.stdout)


def _big(n_bytes: int) -> bytes:
    """A text of so many bytes, of long words: as few chunks as its size allows."""
    lines: list[str] = []
    size = 0
    while size < n_bytes:
        ship, pier = (len(lines) // 100) % 97, (len(lines) // 70) % 89
        lines.append(
            f"The harbourmasters' observations concerning merchantman-{ship}, which is unloading and provisioning at "
            f"the landing-stage-{pier} notwithstanding.\n"
        )
        size += len(lines[-1])
    return "".join(lines).encode()
