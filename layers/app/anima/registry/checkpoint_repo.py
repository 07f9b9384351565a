"""SQL of checkpoints as they are read: their rows, their tensors, what an optimiser kept of each parameter."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from anima.kernel import db
from anima.registry.checkpoint_model import Checkpoint, Held

_COLUMNS: LiteralString = """
    select c.checkpoint_id, c.session_id, c.model_id, c.parent_id, c.kind, c.step, c.epoch, c.metrics, c.is_best,
        c.n_bytes, c.new_bytes, c.created_at
    from model_checkpoints c
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of a checkpoint, in order."""

    role: str
    name: str
    position: int
    tensor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class State:
    """What a checkpoint holds besides tensors."""

    checkpoint_id: uuid.UUID
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OptimizerRow:
    """What an optimiser keeps of one parameter."""

    parameter: str
    momentum_tensor_id: uuid.UUID | None
    variance_tensor_id: uuid.UUID | None
    hyperparameters: dict[str, Any]
    step: int


ONE = db.Query(Checkpoint, _COLUMNS + "where c.owner_id = %(owner_id)s and c.checkpoint_id = %(checkpoint_id)s")

AT_STEP = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    where c.owner_id = %(owner_id)s and c.session_id = %(session_id)s and c.step = %(step)s and c.kind = %(kind)s
    """,
)

BROUGHT = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    where c.owner_id = %(owner_id)s and c.model_id = %(model_id)s and c.session_id is null and c.step = %(step)s
        and c.kind = 'weights'
    order by c.created_at limit 1
    """,
)

LATEST = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    where c.owner_id = %(owner_id)s and c.session_id = %(session_id)s and c.kind = 'full'
    order by c.step desc limit 1
    """,
)

PAGE = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    where c.owner_id = %(owner_id)s and (%(session_id)s::uuid is null or c.session_id = %(session_id)s)
        and (%(model_id)s::uuid is null or c.model_id = %(model_id)s)
        and (%(before)s::timestamptz is null or (c.created_at, c.checkpoint_id) < (%(before)s, %(before_id)s::uuid))
    order by c.created_at desc, c.checkpoint_id desc
    limit %(limit)s
    """,
)

# Metrics hold numbers, and NaN and infinities as the words that are read as such here; NaN is never the best.
BEST = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    cross join lateral (
        select case when jsonb_typeof(c.metrics -> %(metric)s) in ('number', 'string')
            then (c.metrics ->> %(metric)s)::double precision end as value
    ) m
    where c.owner_id = %(owner_id)s and (%(session_id)s::uuid is null or c.session_id = %(session_id)s)
        and (%(model_id)s::uuid is null or c.model_id = %(model_id)s) and m.value <> 'NaN'
    order by case %(mode)s when 'highest' then -m.value else m.value end, c.created_at, c.checkpoint_id
    limit 1
    """,
)

MARKED = db.Query(
    Checkpoint,
    _COLUMNS
    + """
    where c.owner_id = %(owner_id)s and (%(session_id)s::uuid is null or c.session_id = %(session_id)s)
        and (%(model_id)s::uuid is null or c.model_id = %(model_id)s) and c.is_best
    order by c.created_at desc, c.checkpoint_id desc
    limit 1
    """,
)

HELD = db.Query(
    Held,
    """
    select checkpoint_id, kind, step, is_best, metrics from model_checkpoints
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    order by step, checkpoint_id
    """,
)

ENTRIES = db.Query(
    Entry,
    """
    select role, name, position, tensor_id from checkpoint_tensors
    where owner_id = %(owner_id)s and checkpoint_id = %(checkpoint_id)s
    order by position, role, name
    """,
)

STATE = db.Query(
    State,
    """
    select checkpoint_id, state from model_checkpoints
    where owner_id = %(owner_id)s and checkpoint_id = %(checkpoint_id)s
    """,
)

OPTIMIZER = db.Query(
    OptimizerRow,
    """
    select parameter, momentum_tensor_id, variance_tensor_id, hyperparameters, step from optimizer_state
    where owner_id = %(owner_id)s and checkpoint_id = %(checkpoint_id)s
    order by parameter
    """,
)


def one(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> db.Pending[Checkpoint]:
    """The checkpoint of an id."""
    return tx.fetch(ONE, owner_id=owner_id, checkpoint_id=checkpoint_id)


def at_step(tx: db.Transaction, owner_id: int, session_id: uuid.UUID, step: int, kind: str) -> db.Pending[Checkpoint]:
    """The checkpoint of a run of this kind at this step."""
    return tx.fetch(AT_STEP, owner_id=owner_id, session_id=session_id, step=step, kind=kind)


def brought(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, step: int) -> db.Pending[Checkpoint]:
    """The weights of a model at a step that are of no run."""
    return tx.fetch(BROUGHT, owner_id=owner_id, model_id=model_id, step=step)


def latest(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Checkpoint]:
    """The furthest checkpoint of a run from which it can go on."""
    return tx.fetch(LATEST, owner_id=owner_id, session_id=session_id)


def page(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: uuid.UUID | None,
    model_id: uuid.UUID | None,
    before: datetime | None,
    before_id: uuid.UUID | None,
    limit: int,
) -> db.Pending[Checkpoint]:
    """Checkpoints of a run or of a model, the newest first, after that of a cursor."""
    asked = {"session_id": session_id, "model_id": model_id, "before": before, "before_id": before_id, "limit": limit}
    return tx.fetch(PAGE, owner_id=owner_id, **asked)


def best(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: uuid.UUID | None,
    model_id: uuid.UUID | None,
    metric: str,
    mode: str,
) -> db.Pending[Checkpoint]:
    """That of a run or model whose metric is lowest or highest; the earliest of equals."""
    return tx.fetch(BEST, owner_id=owner_id, session_id=session_id, model_id=model_id, metric=metric, mode=mode)


def marked(
    tx: db.Transaction, owner_id: int, *, session_id: uuid.UUID | None, model_id: uuid.UUID | None
) -> db.Pending[Checkpoint]:
    """That of a run or model which carries the mark of the best, of the newest run first."""
    return tx.fetch(MARKED, owner_id=owner_id, session_id=session_id, model_id=model_id)


def held(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Held]:
    """All checkpoints of a run, in order of steps, as the rules of keeping see them."""
    return tx.fetch(HELD, owner_id=owner_id, session_id=session_id)


def entries(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> db.Pending[Entry]:
    """The tensors of a checkpoint, in order."""
    return tx.fetch(ENTRIES, owner_id=owner_id, checkpoint_id=checkpoint_id)


def state(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> db.Pending[State]:
    """What a checkpoint holds besides tensors."""
    return tx.fetch(STATE, owner_id=owner_id, checkpoint_id=checkpoint_id)


def optimizer(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> db.Pending[OptimizerRow]:
    """What the optimiser kept of each parameter at a checkpoint."""
    return tx.fetch(OPTIMIZER, owner_id=owner_id, checkpoint_id=checkpoint_id)
