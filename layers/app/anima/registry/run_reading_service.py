"""Training runs as they are looked at."""

from __future__ import annotations

import uuid

from anima.kernel import db, pages
from anima.kernel.pages import Page
from anima.registry import run_repo as repo
from anima.registry.run_errors import RunNotFound
from anima.registry.run_model import Progress, Session
from anima.registry.service import owner


def sessions(
    principal: db.Principal,
    cursor: str | None = None,
    limit: int = 50,
    *,
    model_id: uuid.UUID | None = None,
    status: str | None = None,
) -> Page[Session]:
    """Runs, the newest first: all, those of a model, those in a status. Raises BadInput for an unknown cursor."""
    place = pages.time_and_id(cursor)
    before, before_id = place if place is not None else (None, None)
    with db.transaction(principal) as tx:
        found = repo.page(
            tx,
            owner(principal),
            model_id=model_id,
            status=status,
            before=before,
            before_id=before_id,
            limit=limit + 1,
        )
    return pages.page(found.all(), limit, lambda one: [one.created_at.isoformat(), str(one.session_id)])


def session(principal: db.Principal, session_id: uuid.UUID) -> Session:
    """A run. Raises RunNotFound."""
    with db.transaction(principal) as tx:
        found = repo.session(tx, owner(principal), session_id)
    one = found.first()
    if one is None:
        raise RunNotFound(session_id=session_id)
    return one


def progress(principal: db.Principal, session_id: uuid.UUID) -> Progress:
    """How far a run has come, with its checkpoints. Raises RunNotFound."""
    with db.transaction(principal) as tx:
        found = repo.progress(tx, owner(principal), session_id)
    one = found.first()
    if one is None:
        raise RunNotFound(session_id=session_id)
    return one
