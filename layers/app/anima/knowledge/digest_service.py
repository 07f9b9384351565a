"""Keeps the sentences that stand for a document when it has been read, so that a turn need not read all of it."""

from __future__ import annotations

from anima.kernel import db
from anima.kernel.terms import Language
from anima.knowledge import digest_write_repo, extractive, overview

_MOST_CHUNKS = 400


def keep(owner: db.Principal, owner_id: int, document_id: int) -> None:
    """Makes the digest of a document that was read; done twice, it is the same. One that failed has no chunks."""
    with db.transaction(owner) as tx:
        found = digest_write_repo.sample(tx, owner_id, document_id, _MOST_CHUNKS)
    chunks = found.all()
    if not chunks:
        return
    language: Language | None = chunks[0].language if chunks[0].language in ("en", "fr") else None  # type: ignore[assignment]
    sentences = extractive.sentences((one.chunk_id, one.text) for one in chunks)
    best = extractive.choose(sentences, overview.MOST, title=chunks[0].title, language=language)
    ranks = {one.order: rank for rank, one in enumerate(best)}
    kept = [(one.chunk_id, ranks[one.order], one.text) for one in extractive.in_order(best)]
    with db.transaction(owner) as tx:
        digest_write_repo.keep(tx, owner_id, document_id, kept)
