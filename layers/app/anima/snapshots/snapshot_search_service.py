"""Makes searchable what came with a snapshot: vectors are in none, and are made here, a batch at a time.

What is left to do is what has no vector; so a worker that is killed is followed by one that goes on where it ended.
"""

from __future__ import annotations

import time
import uuid

from anima.inference import cache_service
from anima.kernel import db, telemetry
from anima.memory import index_service, remember_service
from anima.memory.indexing import episode_text, fact_terms, fact_text, text_terms
from anima.snapshots import snapshot_import_service
from anima.snapshots import snapshot_search_repo as repo
from anima.vendors.embeddings import Embedder, embedder

SLICE_SECONDS = 150.0
"""So long one delivery works; what is left is done by the next."""
_BATCH = 64


def index(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID) -> None:
    """Gives facts, episodes and messages of an avatar the vectors that they lack; what they say of most first."""
    deadline = time.monotonic() + SLICE_SECONDS
    with db.transaction(owner) as tx:
        model = embedder(index_service.serving(tx))
    done = 0
    for step in (_facts, _episodes, _messages):
        while count := step(owner, owner_id, avatar_id, model):
            done += count
            if time.monotonic() > deadline:
                with db.transaction(owner) as tx:
                    snapshot_import_service.queue(tx, owner_id, avatar_id)
                return
    telemetry.info("snapshot.searchable", rows=done)


def _facts(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID, model: Embedder) -> int:
    with db.transaction(owner) as tx:
        rows = repo.facts(tx, owner_id, avatar_id, _BATCH).all()
    if rows:
        vectors = cache_service.embed(owner, owner_id, model, [fact_text(one.key, one.value) for one in rows]).tolist()
        terms = [fact_terms(one.key, one.value, one.evidence) for one in rows]
        with db.transaction(owner) as tx:
            remember_service.lock(tx, owner_id)
            repo.clothe_facts(tx, owner_id, [one.id for one in rows], terms, vectors, model.name)
    return len(rows)


def _episodes(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID, model: Embedder) -> int:
    with db.transaction(owner) as tx:
        rows = repo.episodes(tx, owner_id, avatar_id, _BATCH).all()
    if rows:
        texts = [episode_text(one.title, one.summary) for one in rows]
        vectors = cache_service.embed(owner, owner_id, model, texts).tolist()
        with db.transaction(owner) as tx:
            remember_service.lock(tx, owner_id)
            ids, terms = [one.id for one in rows], [text_terms(text) for text in texts]
            repo.clothe_episodes(tx, owner_id, ids, terms, vectors, model.name)
    return len(rows)


def _messages(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID, model: Embedder) -> int:
    """The place that was kept for each goes, and its words come."""
    with db.transaction(owner) as tx:
        rows = repo.messages(tx, owner_id, avatar_id, _BATCH).all()
    if rows:
        vectors = cache_service.embed(owner, owner_id, model, [one.content for one in rows]).tolist()
        written = [
            index_service.Written(one.message_id, one.session_id, one.content, one.created_at, vector)
            for one, vector in zip(rows, vectors, strict=True)
        ]
        with db.transaction(owner) as tx:
            remember_service.lock(tx, owner_id)
            index_service.complete(tx, owner_id, avatar_id, written, model.name)
    return len(rows)
