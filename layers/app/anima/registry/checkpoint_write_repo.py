"""SQL of checkpoints as they are entered, marked and deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.registry.checkpoint_model import Checkpoint, OptimizerEntry


@dataclass(frozen=True, slots=True)
class Removed:
    """A checkpoint that was deleted."""

    checkpoint_id: uuid.UUID
    session_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Locked:
    """A run whose checkpoints nobody else changes now."""

    session_id: uuid.UUID


ADD = db.Command(
    """
    insert into model_checkpoints (
        checkpoint_id, owner_id, session_id, model_id, parent_id, kind, step, epoch, metrics, state, is_best, n_bytes,
        new_bytes, created_at
    )
    values (
        %(checkpoint_id)s, %(owner_id)s, %(session_id)s, %(model_id)s,
        (
            select p.checkpoint_id from model_checkpoints p
            where p.owner_id = %(owner_id)s and p.checkpoint_id = %(parent_id)s::uuid
            for key share
        ),
        %(kind)s, %(step)s, %(epoch)s, %(metrics)s, %(state)s, %(is_best)s, %(n_bytes)s, %(new_bytes)s,
        %(created_at)s
    )
    """
)

ADD_ENTRIES = db.Command(
    """
    insert into checkpoint_tensors (owner_id, checkpoint_id, name, role, position, tensor_id)
    select %(owner_id)s, %(checkpoint_id)s, e.name, e.role, e.position, e.tensor_id
    from unnest(%(names)s::text[], %(roles)s::text[], %(positions)s::int[], %(tensor_ids)s::uuid[])
        as e (name, role, position, tensor_id)
    """
)

ADD_OPTIMIZER = db.Command(
    """
    insert into optimizer_state (
        owner_id, checkpoint_id, session_id, parameter, momentum_tensor_id, variance_tensor_id, hyperparameters, step
    )
    select %(owner_id)s, %(checkpoint_id)s, %(session_id)s, e.parameter, e.momentum, e.variance, e.hyperparameters,
        e.step
    from unnest(
        %(parameters)s::text[], %(momenta)s::uuid[], %(variances)s::uuid[], %(hyperparameters)s::jsonb[],
        %(steps)s::bigint[]
    ) as e (parameter, momentum, variance, hyperparameters, step)
    """
)

# One command that takes the mark from the other would meet the index in the middle: two, in one transaction.
UNMARK = db.Command(
    """
    update model_checkpoints set is_best = false
    where owner_id = %(owner_id)s and session_id = %(session_id)s and is_best and checkpoint_id <> %(checkpoint_id)s
    """
)

MARK = db.Command(
    """
    update model_checkpoints set is_best = true
    where owner_id = %(owner_id)s and checkpoint_id = %(checkpoint_id)s
    """
)

LOCK_RUN = db.Query(
    Locked,
    """
    select s.session_id from training_sessions s
    where s.owner_id = %(owner_id)s and s.session_id = %(session_id)s
    for update
    """,
)

REMOVE = db.Query(
    Removed,
    """
    delete from model_checkpoints
    where owner_id = %(owner_id)s and checkpoint_id = any (%(checkpoint_ids)s::uuid[])
    returning checkpoint_id, session_id
    """,
)


def add(
    tx: db.Transaction,
    owner_id: int,
    made: Checkpoint,
    metrics: Mapping[str, Any],
    state: Mapping[str, Any],
    tensors: Sequence[tuple[str, str, uuid.UUID]],
) -> None:
    """Enters a checkpoint with its tensors (role, name, tensor), in their order."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        checkpoint_id=made.checkpoint_id,
        session_id=made.session_id,
        model_id=made.model_id,
        parent_id=made.parent_id,
        kind=made.kind,
        step=made.step,
        epoch=made.epoch,
        metrics=db.jsonb(dict(metrics)),
        state=db.jsonb(dict(state)),
        is_best=made.is_best,
        n_bytes=made.n_bytes,
        new_bytes=made.new_bytes,
        created_at=made.created_at,
    )
    tx.execute(
        ADD_ENTRIES,
        owner_id=owner_id,
        checkpoint_id=made.checkpoint_id,
        roles=[role for role, _, _ in tensors],
        names=[name for _, name, _ in tensors],
        positions=list(range(len(tensors))),
        tensor_ids=[tensor_id for _, _, tensor_id in tensors],
    )


def add_optimizer(
    tx: db.Transaction,
    owner_id: int,
    checkpoint_id: uuid.UUID,
    session_id: uuid.UUID,
    kept: Sequence[OptimizerEntry],
    tensors: Mapping[str, uuid.UUID],
) -> None:
    """Enters what an optimiser keeps of each parameter; `tensors` are those of the checkpoint by name."""
    tx.execute(
        ADD_OPTIMIZER,
        owner_id=owner_id,
        checkpoint_id=checkpoint_id,
        session_id=session_id,
        parameters=[each.parameter for each in kept],
        momenta=[tensors.get(each.momentum or "") for each in kept],
        variances=[tensors.get(each.variance or "") for each in kept],
        hyperparameters=[db.jsonb(each.hyperparameters) for each in kept],
        steps=[each.step for each in kept],
    )


def unmark(tx: db.Transaction, owner_id: int, session_id: uuid.UUID, checkpoint_id: uuid.UUID) -> None:
    """Takes the mark of the best from whichever checkpoint of the run has it but this."""
    tx.execute(UNMARK, owner_id=owner_id, session_id=session_id, checkpoint_id=checkpoint_id)


def mark(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> db.Done:
    """Marks a checkpoint as the best; the other one's mark was taken before. No row where it is gone."""
    return tx.execute(MARK, owner_id=owner_id, checkpoint_id=checkpoint_id)


def lock_run(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Locked]:
    """Keeps a run to this transaction until it ends: a save of it waits."""
    return tx.fetch(LOCK_RUN, owner_id=owner_id, session_id=session_id)


def remove(tx: db.Transaction, owner_id: int, checkpoint_ids: Sequence[uuid.UUID]) -> db.Pending[Removed]:
    """Deletes checkpoints; their tensors stay until they are collected."""
    return tx.fetch(REMOVE, owner_id=owner_id, checkpoint_ids=list(checkpoint_ids))
