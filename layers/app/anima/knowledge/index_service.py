"""Stages embed and index: batches of chunks become vectors, and while the next is embedded the last one is written."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from anima.inference import cache_service
from anima.kernel import db, outbox, terms
from anima.knowledge import chunk_spool, claim_repo, forgetting_service, index_repo
from anima.knowledge.chunker import Chunk
from anima.knowledge.claim_repo import Claimed
from anima.knowledge.errors import Superseded
from anima.knowledge.index_repo import IndexedChunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anima.vendors.embeddings import Embedder

BATCH = 64
WAITING = "vectors.waiting"


def index(
    owner: db.Principal,
    owner_id: int,
    claimed: Claimed,
    model: Embedder,
    chunks: Path,
    total: int,
    language: terms.Language | None,
) -> None:
    """Embeds and writes the chunks that are not there yet; a writer of its own keeps the embedder from waiting.

    With the last batch the document's stage is `index`; one of another engine's store then waits for it.
    Raises Superseded where the document was deleted or taken over.
    """
    done = _resume(owner, owner_id, claimed, chunks, total)
    written: Future[None] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="index") as writer:
        for batch in _batches(chunk_spool.kept(chunks, done)):
            texts = [chunk.indexed for chunk in batch]
            vectors = cache_service.embed(owner, owner_id, model, texts, claimed.document_id)
            if written is not None:
                written.result()
            context = contextvars.copy_context()
            written = writer.submit(context.run, _write, owner, owner_id, claimed, batch, vectors, total, language)
        if written is not None:
            written.result()
    if done == total:
        with db.transaction(owner) as tx:
            _all_written(tx, owner_id, claimed, total)


def remove(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Takes all of a document out of the index, also where its vectors lie in another engine."""
    index_repo.remove(tx, owner_id, document_id)
    forgetting_service.forget(tx, owner_id, document_id)


def _batches(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    while batch := list(islice(chunks, BATCH)):
        yield batch


def _resume(owner: db.Principal, owner_id: int, claimed: Claimed, chunks: Path, total: int) -> int:
    """How many chunks an earlier attempt has written; none of them counts unless the last is the same as now."""
    with db.transaction(owner) as tx:
        held = claim_repo.advance(tx, owner_id, claimed, "chunk", chunks_total=total)
        last = index_repo.last_chunk(tx, owner_id, claimed.document_id).first()
        if held.first() is None:
            raise Superseded
        done = 0
        if last is not None and last.text == _text_of(chunks, last.chunk_index):
            done = last.chunk_index + 1
        elif last is not None:
            remove(tx, owner_id, claimed.document_id)
        claim_repo.advance(tx, owner_id, claimed, "embed", done)
    return done


def _text_of(chunks: Path, index: int) -> str | None:
    """The text of a chunk as it is cut now."""
    return next((chunk.text for chunk in chunk_spool.kept(chunks, index)), None)


def _write(
    owner: db.Principal,
    owner_id: int,
    claimed: Claimed,
    batch: Sequence[Chunk],
    vectors: NDArray[np.float32],
    total: int,
    language: terms.Language | None,
) -> None:
    rows = _indexed(batch, vectors, language)
    done = rows[-1].chunk_index + 1
    with db.transaction(owner) as tx:
        if claim_repo.advance(tx, owner_id, claimed, "embed", done).first() is None:
            raise Superseded
        index_repo.write(tx, owner_id, claimed, rows)
        if done == total:
            _all_written(tx, owner_id, claimed, total)


def _all_written(tx: db.Transaction, owner_id: int, claimed: Claimed, total: int) -> None:
    """What remains: to count the whole and let it be found, or to wait for the engine that has the vectors."""
    claim_repo.advance(tx, owner_id, claimed, "index", total)
    if claimed.outside:
        outbox.emit(tx, WAITING, f"document:{claimed.document_id}", owner_id, {"document_id": claimed.document_id})


def _indexed(
    batch: Sequence[Chunk], vectors: NDArray[np.float32], language: terms.Language | None
) -> list[IndexedChunk]:
    numbers = f"[{','.join(['%.9g'] * vectors.shape[1])}]"  # nine digits give a float32 back to the bit
    return [
        IndexedChunk(
            chunk_index=chunk.index,
            text=chunk.text,
            token_count=chunk.token_count,
            location=json.dumps(chunk.location),
            vector=numbers % tuple(vector.tolist()),
            terms=terms.counts(chunk.indexed, language),
        )
        for chunk, vector in zip(batch, vectors, strict=True)
    ]
