"""What came of a run becomes a version of a model: its best checkpoint, else its last, under the name of the job."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from anima.kernel import db
from anima.kernel.errors import AnimaError, Unavailable
from anima.registry import checkpoint_service
from anima.registry import service as models
from anima.registry.checkpoint_model import Checkpoint
from anima.training import jobs_service, repo


@dataclass(frozen=True, slots=True)
class Registered:
    """The version that was made, or why none was."""

    model_id: uuid.UUID | None
    said: dict[str, Any] = field(default_factory=dict)


def register(principal: db.Principal, job_id: uuid.UUID) -> Registered:
    """Promotes the checkpoint of a job, once; a job without one keeps its result alone. Raises JobNotFound.

    What refuses the checkpoint is said, not raised; what cannot be reached is raised, so that it is tried again.
    """
    one = jobs_service.get(principal, job_id)
    if one.model_id is not None:
        return Registered(one.model_id)
    if one.run_id is None:
        return Registered(None)
    try:
        chosen = _chosen(principal, one.run_id)
        if chosen is None:
            return Registered(None, {"registration": "the run has no checkpoint with weights"})
        model_id = (
            _known(principal, one.name, chosen)
            or checkpoint_service.promote(principal, chosen.checkpoint_id, one.name).model_id
        )
    except Unavailable:
        raise
    except AnimaError as error:
        return Registered(None, {"registration": error.detail[:500]})
    with db.transaction(principal) as tx:
        repo.add_result(tx, one.owner_id, job_id, {"checkpoint_id": str(chosen.checkpoint_id)}, model_id)
    return Registered(model_id, {"checkpoint_id": str(chosen.checkpoint_id)})


def _chosen(principal: db.Principal, run_id: uuid.UUID) -> Checkpoint | None:
    best = checkpoint_service.best(principal, session_id=run_id)
    if best is not None:
        return best
    found = checkpoint_service.checkpoints(principal, session_id=run_id, limit=20).items
    return next((one for one in found if one.kind in ("full", "weights")), None)


def _known(principal: db.Principal, name: str, chosen: Checkpoint) -> uuid.UUID | None:
    """The version that this checkpoint became already, by somebody who was cut off then."""
    made = models.models(principal, name=name, limit=50).items
    wanted = str(chosen.checkpoint_id)
    return next((one.model_id for one in made if one.derivation.get("checkpoint_id") == wanted), None)
