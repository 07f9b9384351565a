"""Ingests one document: read, cut, embed, index; in batches, each committed, so that it can go on where it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from anima.kernel import clock, db, outbox, telemetry, terms
from anima.kernel.errors import AnimaError, Conflict, NotFound, Unauthenticated
from anima.knowledge import chunk_spool, chunker, claim_repo, fetch_service, index_service, reading_service
from anima.knowledge.chunker import Chunk
from anima.knowledge.claim_repo import Claimed
from anima.knowledge.errors import EmptyDocument, NothingRead, ReaderFailed, Superseded, WrongDimension
from anima.vendors.blobs import BlobMissing, spool
from anima.vendors.embeddings import embedder
from anima.vendors.readers import UnknownMedium, Unreadable

TOPIC = "document.queued"
_PAST = "transcript.queued"
"""Past conversations are documents that another room takes in."""
_UNSEARCHABLE = (UnknownMedium, NothingRead)
_HOPELESS = (Unreadable, EmptyDocument, WrongDimension, BlobMissing, ReaderFailed, *fetch_service.HOPELESS)
_KILLED = "reading it stopped the worker each time"
_PULSE_SECONDS = 1.0


def ingest(owner: db.Principal, owner_id: int, document_id: int, reading: str | None = None) -> None:
    """Brings a queued document to its end. A document that is done, gone or another worker's is left alone.

    What is wrong with the document ends it at once, with a reason; any other error is raised, so that it is
    tried again, and ends it at the last attempt. `reading` is what a reader job says of its end.
    """
    fetch_service.refresh(owner, owner_id, document_id)
    claimed = _claim(owner, owner_id, document_id, reading is not None)
    if claimed is None:
        reading_service.look_after(owner, owner_id, document_id, reading)
        return
    try:
        _work(owner, owner_id, claimed, reading)
    except Superseded:
        telemetry.info("document.superseded", document_id=document_id)
    except _UNSEARCHABLE as error:
        _end(owner, owner_id, claimed, "unsearchable", error.detail)
    except _HOPELESS as error:
        _end(owner, owner_id, claimed, "failed", error.detail)
    except Exception as error:
        reason = error.detail if isinstance(error, AnimaError) else f"an error of kind {type(error).__name__}"
        last = claimed.attempts >= claim_repo.MAX_ATTEMPTS + (claimed.parsed_uri is not None)
        _end(owner, owner_id, claimed, "failed" if last else "queued", reason)
        if not last:
            raise
        telemetry.error("document.failed", error, document_id=document_id)


def _claim(owner: db.Principal, owner_id: int, document_id: int, is_read: bool) -> Claimed | None:
    """Counts the attempt before any work is done: a document that kills its worker has only so many.

    Where the last of them may still be under way, somebody looks again when it would be taken for dead.
    """
    with db.transaction(owner) as tx:
        given_up = claim_repo.give_up(tx, owner_id, document_id, _KILLED)
        claimed = claim_repo.claim(tx, owner_id, document_id, is_read)
        if given_up.first() is not None:
            index_service.remove(tx, owner_id, document_id)
        at_work = claim_repo.at_work(tx, owner_id, document_id)
        if claimed.first() is None and at_work.first() is not None:
            _look_again(tx, owner_id, document_id, claim_repo.SILENCE)
    return claimed.first()


def _look_again(tx: db.Transaction, owner_id: int, document_id: int, later: timedelta) -> None:
    """By an event of its own: that which was delivered now may have used up its deliveries on workers that died."""
    payload = {"document_id": document_id}
    outbox.emit(tx, TOPIC, f"again:document:{document_id}", owner_id, payload, not_before=clock.now() + later)


def _end(owner: db.Principal, owner_id: int, claimed: Claimed, state: str, reason: str) -> None:
    """Ends the attempt; where no other follows, what it left in the index goes with it."""
    with db.transaction(owner) as tx:
        ended = claim_repo.end(tx, owner_id, claimed.document_id, claimed.claims, state, reason).first()
        if ended is not None and state != "queued":
            index_service.remove(tx, owner_id, claimed.document_id)


def _work(owner: db.Principal, owner_id: int, claimed: Claimed, reading: str | None) -> None:
    model = embedder(claimed.embedding_model)
    if model.dimension != claimed.dimension:
        raise WrongDimension(wanted=claimed.dimension, embedder=model.name, got=model.dimension)
    with spool.workplace() as work:
        is_read = reading is not None and claimed.parsed_uri is not None
        brought = claimed if is_read else fetch_service.brought(owner, owner_id, claimed, work / "source")
        if brought is None:
            return
        found = reading_service.read(owner, owner_id, brought, work, reading)
        if found is None:
            return
        language = terms.language_of(found.head)
        cut = chunker.chunks(reading_service.blocks(found), model.count_tokens, brought.title)
        total = _chunk(owner, owner_id, claimed, cut, work / "chunks", language)
        if total == 0:
            raise EmptyDocument
        found.path.unlink()
        index_service.index(owner, owner_id, claimed, model, work / "chunks", total, language)
    if not claimed.outside:
        _finish(owner, owner_id, claimed, reading_service.reason_of(found.all_unread()))


def _chunk(
    owner: db.Principal, owner_id: int, claimed: Claimed, cut: Iterator[Chunk], path: Path, language: str | None
) -> int:
    """Keeps the chunks on disk, so that their number is known before the first is embedded."""
    _say(owner, owner_id, claimed, language)
    total, told = 0, time.monotonic()
    for number in chunk_spool.keep(path, cut):
        total = number
        if time.monotonic() - told > _PULSE_SECONDS:
            told = time.monotonic()
            _say(owner, owner_id, claimed, language)
    return total


def _say(owner: db.Principal, owner_id: int, claimed: Claimed, language: str | None) -> None:
    with db.transaction(owner) as tx:
        held = claim_repo.advance(tx, owner_id, claimed, "chunk", language=language)
    if held.first() is None:
        raise Superseded


def _finish(owner: db.Principal, owner_id: int, claimed: Claimed, reason: str | None) -> None:
    with db.transaction(owner) as tx:
        ended = claim_repo.finish(tx, owner_id, claimed.document_id, claimed.claims, reason)
    if ended.first() is None:
        raise Superseded


def finish_outside(tx: db.Transaction, owner_id: int, document_id: int) -> bool:
    """Ends a document whose engine has its vectors now, in the caller's transaction; False where it waits for none."""
    found = claim_repo.unread(tx, owner_id, document_id).first()
    reason = reading_service.reason_of(found.unread) if found is not None else None
    return claim_repo.finish(tx, owner_id, document_id, None, reason).first() is not None


def fail_outside(owner: db.Principal, owner_id: int, document_id: int, reason: str) -> None:
    """Ends a document that its engine will never take, and takes it out of the index."""
    with db.transaction(owner) as tx:
        if claim_repo.end(tx, owner_id, document_id, None, "failed", reason).first() is not None:
            index_service.remove(tx, owner_id, document_id)


def retry(principal: db.Principal, document_id: int) -> None:
    """Queues a document again that failed, that nothing could read, or whose worker is silent.

    Raises NotFound, and Conflict for one that is done or under way.
    """
    owner_id = principal.user_id
    if owner_id is None:
        raise Unauthenticated(reason="this is for users")
    with db.transaction(principal) as tx:
        there = claim_repo.there(tx, owner_id, document_id)
        queued = claim_repo.queue(tx, owner_id, document_id)
        if (again := queued.first()) is not None:
            past = again.avatar_id is not None
            topic, key = (_PAST, f"transcripts:{again.avatar_id}") if past else (TOPIC, f"document:{document_id}")
            outbox.emit(tx, topic, key, owner_id, {"document_id": document_id})
    if there.first() is None:
        raise NotFound(what="document", id=document_id)
    if queued.first() is None:
        raise Conflict(reason="the document is done, or somebody is at it")
