"""SQL of lineage: ancestors, descendants and runs of a model."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db
from anima.registry.lineage_model import Kin, KinRun


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    found: int


# What a derivation says of single weights stays out.
ANCESTORS = db.Query(
    Kin,
    """
    with recursive up (model_id, parent_id, generation) as (
        select model_id, parent_id, 0 from models where owner_id = %(owner_id)s and model_id = %(model_id)s
        union all
        select m.model_id, m.parent_id, up.generation - 1
        from up join models m on m.owner_id = %(owner_id)s and m.model_id = up.parent_id
        where up.generation > -%(most)s::integer
    )
    select m.model_id, m.name, m.version, m.status, m.parent_id, m.derivation - 'tensors' - 'kept' as derivation,
        up.generation, m.created_at
    from up join models m on m.owner_id = %(owner_id)s and m.model_id = up.model_id
    where up.generation < 0
    order by up.generation desc
    """,
)

DESCENDANTS = db.Query(
    Kin,
    """
    with recursive down (model_id, generation) as (
        select model_id, 0 from models where owner_id = %(owner_id)s and model_id = %(model_id)s
        union all
        select m.model_id, down.generation + 1
        from down join models m on m.owner_id = %(owner_id)s and m.parent_id = down.model_id
    )
    select m.model_id, m.name, m.version, m.status, m.parent_id, m.derivation - 'tensors' - 'kept' as derivation,
        down.generation, m.created_at
    from down join models m on m.owner_id = %(owner_id)s and m.model_id = down.model_id
    where down.generation > 0
    order by down.generation, m.created_at, m.model_id
    limit %(most)s
    """,
)

RUNS = db.Query(
    KinRun,
    """
    select s.session_id as run_id, s.name, s.status, s.step, s.started_at, s.ended_at, (
        select count(*) from model_checkpoints c where c.owner_id = s.owner_id and c.session_id = s.session_id
    ) as checkpoints
    from training_sessions s
    where s.owner_id = %(owner_id)s and (s.model_id = %(model_id)s or s.session_id::text = (
        select m.derivation ->> 'session_id' from models m where m.owner_id = %(owner_id)s and m.model_id = %(model_id)s
    ))
    order by s.created_at, s.session_id
    limit %(most)s
    """,
)

CHECKPOINTS = db.Query(
    Count,
    """
    select count(*) as found from model_checkpoints where owner_id = %(owner_id)s and model_id = %(model_id)s
    """,
)


def ancestors(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, most: int) -> db.Pending[Kin]:
    """What a model came from, the nearest first."""
    return tx.fetch(ANCESTORS, owner_id=owner_id, model_id=model_id, most=most)


def descendants(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, most: int) -> db.Pending[Kin]:
    """What came from a model, its children first."""
    return tx.fetch(DESCENDANTS, owner_id=owner_id, model_id=model_id, most=most)


def runs(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, most: int) -> db.Pending[KinRun]:
    """The runs that went on from a model, and the one that it came from."""
    return tx.fetch(RUNS, owner_id=owner_id, model_id=model_id, most=most)


def checkpoints(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[Count]:
    """How many checkpoints a model has."""
    return tx.fetch(CHECKPOINTS, owner_id=owner_id, model_id=model_id)
