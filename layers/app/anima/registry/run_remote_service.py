"""Runs as rows: for who trains elsewhere and sends what is measured, and for who stops or deletes one from outside."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import Any, get_args

from anima.kernel import clock, db, ids
from anima.kernel.errors import BadInput, FieldError
from anima.registry import run_repo as repo
from anima.registry import service
from anima.registry.kept_json import kept_json
from anima.registry.naming import is_text
from anima.registry.run_errors import RunNotFound, RunOver
from anima.registry.run_model import ENDED, Session, Status
from anima.registry.run_reading_service import session
from anima.tensors import service as tensors


def begin(
    principal: db.Principal,
    name: str,
    model_id: uuid.UUID | None = None,
    configuration: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    total_epochs: float | None = None,
) -> Session:
    """Enters a run that nobody trains yet (`pending`). Raises NotFound for an unknown model, BadInput."""
    if model_id is not None:
        service.get(principal, model_id)
    session_id = ids.uuid7()
    with db.transaction(principal) as tx:
        repo.add(
            tx,
            service.owner(principal),
            session_id,
            checked_name(name),
            model_id=model_id,
            configuration=kept_json("configuration", configuration or {}),
            dataset=kept_json("dataset", dataset or {}),
            total_epochs=checked_epochs(total_epochs),
            status="pending",
            writer=None,
            at=clock.now(),
        )
    return session(principal, session_id)


def checked_name(name: str) -> str:
    """The name of a run. Raises BadInput."""
    if not 1 <= len(name) <= 200 or not is_text(name):
        raise BadInput(reason="the name of a run", fields=[FieldError("name", "1 to 200 letters")])
    return name


def checked_epochs(total_epochs: float | None) -> float | None:
    """How many epochs a run is to have. Raises BadInput."""
    if total_epochs is not None and not 0 < total_epochs < math.inf:
        raise BadInput(reason="the epochs of a run", fields=[FieldError("total_epochs", "a number above 0")])
    return total_epochs


def change(principal: db.Principal, session_id: uuid.UUID, status: Status, error: str | None = None) -> Session:
    """Sets the status of a run that has not ended; said again, nothing changes. Who trains it hears so when it writes.

    Raises RunNotFound, RunOver, BadInput.
    """
    if status not in get_args(Status):
        raise BadInput(reason="an unknown status", fields=[FieldError("status", ", ".join(get_args(Status)))])
    if error is not None and not is_text(error):
        raise BadInput(reason="the error", fields=[FieldError("error", "text")])
    owner_id = service.owner(principal)
    with db.transaction(principal) as tx:
        held = repo.locked(tx, owner_id, session_id).first()
        if held is None:
            raise RunNotFound(session_id=session_id)
        if held.status in ENDED and status != held.status:
            raise RunOver(session_id=session_id, status=held.status)
        if held.status != status:
            repo.change(tx, owner_id, session_id, status, error, clock.now())
    return session(principal, session_id)


def delete(principal: db.Principal, session_id: uuid.UUID) -> None:
    """Deletes a run with its metrics and checkpoints; who trains it cannot go on. Raises RunNotFound."""
    owner_id = service.owner(principal)
    with db.transaction(principal) as tx:
        if not repo.remove(tx, owner_id, session_id).count():
            raise RunNotFound(session_id=session_id)
        tensors.released(tx, owner_id)
