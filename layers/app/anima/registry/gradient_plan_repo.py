"""SQL of plans of recomputation: a row for each layer of a model for which one was made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from anima.kernel import db
from anima.registry.gradient_plan_model import PlannedLayer

PLAN = db.Query(
    PlannedLayer,
    """
    select layer, strategy, saved_bytes, created_at from gradient_checkpoints
    where owner_id = %(owner_id)s and model_id = %(model_id)s
    order by layer
    """,
)

FORGET = db.Command(
    """
    delete from gradient_checkpoints
    where owner_id = %(owner_id)s and model_id = %(model_id)s and layer <> all (%(layers)s::text[])
    """
)

PUT = db.Command(
    """
    insert into gradient_checkpoints (owner_id, model_id, layer, strategy, saved_bytes, created_at)
    select %(owner_id)s, %(model_id)s, p.layer, p.strategy, p.saved_bytes, %(at)s
    from unnest(%(layers)s::text[], %(strategies)s::text[], %(saved)s::bigint[]) as p (layer, strategy, saved_bytes)
    order by p.layer
    on conflict (owner_id, model_id, layer) do update
        set strategy = excluded.strategy, saved_bytes = excluded.saved_bytes, created_at = excluded.created_at
    """
)


def plan(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[PlannedLayer]:
    """What is planned for a model's layers."""
    return tx.fetch(PLAN, owner_id=owner_id, model_id=model_id)


def put(
    tx: db.Transaction,
    owner_id: int,
    model_id: uuid.UUID,
    strategies: Mapping[str, str],
    saved: Sequence[int | None],
    at: datetime,
) -> None:
    """Puts a plan in the place of the one that there is."""
    layers = list(strategies)
    tx.execute(FORGET, owner_id=owner_id, model_id=model_id, layers=layers)
    tx.execute(
        PUT,
        owner_id=owner_id,
        model_id=model_id,
        layers=layers,
        strategies=list(strategies.values()),
        saved=list(saved),
        at=at,
    )
