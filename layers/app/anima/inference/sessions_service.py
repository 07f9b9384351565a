"""Sessions of inference: begun for a model, ended or deleted with all that was measured and cached in them."""

from __future__ import annotations

import uuid

from anima.inference import sessions_repo
from anima.inference.errors import ModelMissing, SessionMissing
from anima.inference.session_model import Session, why_no_sampling
from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput, FieldError
from anima.tensors import service as tensors

__all__ = ["Session", "begin", "delete", "end", "owner_of", "session", "sessions"]


def begin(
    principal: db.Principal,
    model_id: uuid.UUID,
    *,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Session:
    """Begins a session of a registered model. Raises ModelMissing, BadInput."""
    wrong = why_no_sampling(temperature, top_k, top_p)
    if wrong:
        fields = [FieldError(name, accepted) for name, accepted in wrong.items()]
        raise BadInput(reason="no such sampling", fields=fields)
    sampling = (temperature, top_k, top_p)
    with db.transaction(principal) as tx:
        begun = sessions_repo.begin(tx, owner_of(principal), ids.uuid7(), model_id, sampling, clock.now())
    entered = begun.first()
    if entered is None:
        raise ModelMissing(id=model_id)
    return entered


def session(principal: db.Principal, inference_id: uuid.UUID) -> Session:
    """One session. Raises SessionMissing."""
    with db.transaction(principal) as tx:
        found = sessions_repo.one(tx, owner_of(principal), inference_id)
    return _found(found.first(), inference_id)


def sessions(
    principal: db.Principal, cursor: str | None = None, limit: int = 50, *, model_id: uuid.UUID | None = None
) -> pages.Page[Session]:
    """The sessions, newest first; those of one model where it is named. Raises BadInput for a cursor that is none."""
    after = pages.time_and_id(cursor)
    with db.transaction(principal) as tx:
        found = sessions_repo.page(tx, owner_of(principal), model_id, after, limit)
    return pages.page(found.all(), limit, lambda one: (one.created_at.isoformat(), str(one.inference_id)))


def end(principal: db.Principal, inference_id: uuid.UUID) -> Session:
    """Ends a session; one that has ended stays as it is. Raises SessionMissing."""
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        sessions_repo.end(tx, owner_id, inference_id, clock.now())
        found = sessions_repo.one(tx, owner_id, inference_id)
    return _found(found.first(), inference_id)


def delete(principal: db.Principal, inference_id: uuid.UUID) -> None:
    """Deletes a session, its metrics and the keys and values that were kept for it. Raises SessionMissing."""
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        deleted = sessions_repo.delete(tx, owner_id, inference_id).count()
        if not deleted:
            raise SessionMissing(id=inference_id)
        tensors.released(tx, owner_id)


def owner_of(principal: db.Principal) -> int:
    """Whose the state is. What inference keeps always belongs to somebody."""
    assert principal.user_id is not None, "what inference keeps belongs to somebody"
    return principal.user_id


def _found(one: Session | None, inference_id: uuid.UUID) -> Session:
    if one is None:
        raise SessionMissing(id=inference_id)
    return one
