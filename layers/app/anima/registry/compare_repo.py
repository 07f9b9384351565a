"""SQL of comparison: the tensors of a model or of a checkpoint."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from anima.kernel import db
from anima.registry.compare_model import Entry

OF_MODEL = db.Query(
    Entry,
    """
    select 'weight' as role, name, tensor_id from model_weights
    where owner_id = %(owner_id)s and model_id = %(model_id)s
    """,
)

OF_CHECKPOINT = db.Query(
    Entry,
    """
    select role, name, tensor_id from checkpoint_tensors
    where owner_id = %(owner_id)s and checkpoint_id = %(checkpoint_id)s and role = any (%(roles)s::text[])
    """,
)


def of_model(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[Entry]:
    """The weights of a model."""
    return tx.fetch(OF_MODEL, owner_id=owner_id, model_id=model_id)


def of_checkpoint(
    tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID, roles: Sequence[str]
) -> db.Pending[Entry]:
    """The tensors of a checkpoint that play these roles."""
    return tx.fetch(OF_CHECKPOINT, owner_id=owner_id, checkpoint_id=checkpoint_id, roles=list(roles))
