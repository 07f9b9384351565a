"""Training runs for who trains: begun or gone on with, measured, saved while training goes on, resumed bit for bit.

run = begin(principal, "tiny", configuration={"learning_rate": 1e-3}, session_id=known)
resumed = run.resume(model, optimizer)
for step in range(resumed.step + 1 if resumed else 1, 1001):
    run.log(step, loss=train(model, optimizer))
    if step % 100 == 0:
        run.save(model, optimizer, step=step, data_position=step)
run.finish()
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from anima.kernel import clock, db, ids
from anima.kernel.errors import NotFound
from anima.registry import run_repo as repo
from anima.registry import service
from anima.registry.checkpoint_model import Keep
from anima.registry.errors import WrongStatus
from anima.registry.kept_json import kept_json
from anima.registry.model import Reference
from anima.registry.run_errors import RunNotFound
from anima.registry.run_handles import Resumed, Saving
from anima.registry.run_model import Compression
from anima.registry.run_remote_service import checked_epochs, checked_name
from anima.registry.run_training_service import Run

__all__ = ["Keep", "Resumed", "Run", "Saving", "attach", "begin"]


def begin(
    principal: db.Principal,
    name: str,
    *,
    model_id: Reference | None = None,
    configuration: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    total_epochs: float | None = None,
    session_id: uuid.UUID | None = None,
    keep: Keep | None = None,
    compression: Compression = "delta",
) -> Run:
    """Begins a run; one of this `session_id` that is there already is taken over, so that a script can be run again.

    The model, where one is given (an id, "name", "name@3"), is in training from now on, unless it is deployed.
    Checkpoints are deltas to the one before, without loss (`compression`), and all are kept (`keep`). Raises NotFound,
    BadInput.
    """
    owner_id, writer = service.owner(principal), uuid.uuid4()
    known = session_id or ids.uuid7()
    model = service.get(principal, model_id).model_id if model_id is not None else None
    with db.transaction(principal) as tx:
        added = repo.add(
            tx,
            owner_id,
            known,
            checked_name(name),
            model_id=model,
            configuration=kept_json("configuration", configuration or {}),
            dataset=kept_json("dataset", dataset or {}),
            total_epochs=checked_epochs(total_epochs),
            status="running",
            writer=writer,
            at=clock.now(),
        )
    if added.first() is None:
        return attach(principal, known, keep=keep, compression=compression)
    _in_training(principal, model)
    return Run(principal, known, model, writer, keep or Keep(), compression)


def attach(
    principal: db.Principal, session_id: uuid.UUID, *, keep: Keep | None = None, compression: Compression = "delta"
) -> Run:
    """Takes a run over: whoever wrote to it before cannot any more (RunTakenOver there). Raises RunNotFound."""
    writer = uuid.uuid4()
    with db.transaction(principal) as tx:
        taken = repo.take(tx, service.owner(principal), session_id, writer, clock.now())
    one = taken.first()
    if one is None:
        raise RunNotFound(session_id=session_id)
    _in_training(principal, one.model_id)
    return Run(principal, session_id, one.model_id, writer, keep or Keep(), compression)


def _in_training(principal: db.Principal, model_id: uuid.UUID | None) -> None:
    """One that is deployed stays so: what is trained from it becomes a version of its own."""
    if model_id is None:
        return
    try:
        service.set_status(principal, model_id, "training")
    except (WrongStatus, NotFound):
        return
