"""Ingests one document: read, cut, embed, index; in batches, each committed, so that it can go on where it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence

from anima.kernel import db, telemetry, terms
from anima.kernel.errors import AnimaError
from anima.knowledge import chunker, index_repo, parsers
from anima.knowledge.chunker import Chunk
from anima.knowledge.errors import AtWork, EmptyDocument, Superseded, UnknownMedium, Unreadable, WrongDimension
from anima.knowledge.index_repo import Claimed, IndexedChunk
from anima.vendors.blobs import BlobMissing, blobs
from anima.vendors.embeddings import embedder

BATCH = 64
_HOPELESS = (Unreadable, EmptyDocument, WrongDimension, BlobMissing)
_KILLED = "reading it stopped the worker each time"


def ingest(owner: db.Principal, owner_id: int, document_id: int) -> None:
    """Brings a queued document to its end. A document that is done, gone or another worker's is left alone.

    What is wrong with the document ends it at once, with a reason; any other error is raised, so that it is
    tried again, and ends it at the last attempt.
    """
    claimed = _claim(owner, owner_id, document_id)
    if claimed is None:
        return
    try:
        _index(owner, owner_id, claimed)
    except Superseded:
        telemetry.info("document.superseded", document_id=document_id)
    except UnknownMedium as error:
        _end(owner, owner_id, claimed, "unsearchable", error.detail)
    except _HOPELESS as error:
        _end(owner, owner_id, claimed, "failed", error.detail)
    except Exception as error:
        reason = error.detail if isinstance(error, AnimaError) else f"an error of kind {type(error).__name__}"
        last = claimed.attempts >= index_repo.MAX_ATTEMPTS
        _end(owner, owner_id, claimed, "failed" if last else "queued", reason)
        if not last:
            raise
        telemetry.error("document.failed", error, document_id=document_id)


def _claim(owner: db.Principal, owner_id: int, document_id: int) -> Claimed | None:
    """Counts the attempt before any work is done: a document that kills its worker has only so many.

    Raises AtWork where the last of them may still be under way.
    """
    with db.transaction(owner) as tx:
        given_up = index_repo.give_up(tx, owner_id, document_id, _KILLED)
        claimed = index_repo.claim(tx, owner_id, document_id)
        if given_up.first() is not None:
            index_repo.remove(tx, owner_id, document_id)
        at_work = index_repo.at_work(tx, owner_id, document_id)
    if claimed.first() is None and at_work.first() is not None:
        raise AtWork
    return claimed.first()


def _end(owner: db.Principal, owner_id: int, claimed: Claimed, state: str, reason: str) -> None:
    """Ends the attempt; where no other follows, what it left in the index goes with it."""
    with db.transaction(owner) as tx:
        ended = index_repo.end(tx, owner_id, claimed, state, reason).first()
        if ended is not None and state != "queued":
            index_repo.remove(tx, owner_id, claimed.document_id)


def _index(owner: db.Principal, owner_id: int, claimed: Claimed) -> None:
    model = embedder()
    if model.dimension != claimed.dimension:
        raise WrongDimension(wanted=claimed.dimension, embedder=model.name, got=model.dimension)
    data = blobs().get(claimed.storage_uri)
    parsed = parsers.parse(data, claimed.doc_type)
    _advance(owner, owner_id, claimed, "chunk")
    chunks = chunker.chunks(parsed, model.count_tokens, claimed.title)
    language = terms.language_of(parsed.text)
    done = _resume(owner, owner_id, claimed, chunks)
    for start in range(done, len(chunks), BATCH):
        batch = chunks[start : start + BATCH]
        _write(owner, owner_id, claimed, model.name, _indexed(batch, language))
    with db.transaction(owner) as tx:
        if index_repo.finish(tx, owner_id, claimed, language).first() is None:
            raise Superseded


def _advance(owner: db.Principal, owner_id: int, claimed: Claimed, stage: str) -> None:
    with db.transaction(owner) as tx:
        if index_repo.advance(tx, owner_id, claimed, stage).first() is None:
            raise Superseded


def _resume(owner: db.Principal, owner_id: int, claimed: Claimed, chunks: Sequence[Chunk]) -> int:
    """How many chunks an earlier attempt has written; none of them counts unless the last is the same as now."""
    with db.transaction(owner) as tx:
        held = index_repo.advance(tx, owner_id, claimed, "embed", chunks_total=len(chunks))
        last = index_repo.last_chunk(tx, owner_id, claimed.document_id).first()
        if held.first() is None:
            raise Superseded
        done = 0
        if last is not None and last.chunk_index < len(chunks) and chunks[last.chunk_index].text == last.text:
            done = last.chunk_index + 1
        elif last is not None:
            index_repo.remove(tx, owner_id, claimed.document_id)
        index_repo.advance(tx, owner_id, claimed, "embed", done)
    return done


def _indexed(batch: Sequence[Chunk], language: terms.Language | None) -> list[IndexedChunk]:
    vectors = embedder().embed([chunk.indexed for chunk in batch])
    return [
        IndexedChunk(
            chunk_index=chunk.index,
            text=chunk.text,
            token_count=chunk.token_count,
            location=json.dumps(chunk.location),
            vector=db.vector_text(vector.tolist()),
            terms=terms.counts(chunk.indexed, language),
        )
        for chunk, vector in zip(batch, vectors, strict=True)
    ]


def _write(owner: db.Principal, owner_id: int, claimed: Claimed, model: str, batch: Sequence[IndexedChunk]) -> None:
    with db.transaction(owner) as tx:
        done = batch[-1].chunk_index + 1
        if index_repo.advance(tx, owner_id, claimed, "embed", done).first() is None:
            raise Superseded
        index_repo.write(tx, owner_id, claimed, model, batch)
