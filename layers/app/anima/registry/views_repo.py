"""SQL of what the views and functions of the model database say of a model."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many parameters a model has, and how many of them are trained."""

    total: int
    trainable: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A row of v_model_architecture."""

    name: str
    version: int
    status: str
    family: str | None
    layer_count: int
    attention_layers: int
    head_count: int
    weight_count: int
    parameter_count: int
    n_bytes: int


PARAMETERS = db.Query(Parameters, "select total, trainable from calculate_model_parameters(%(model_id)s)")

ARCHITECTURE = db.Query(
    Architecture,
    """
    select name, version, status, family, layer_count, attention_layers, head_count, weight_count, parameter_count,
        n_bytes
    from v_model_architecture where owner_id = %(owner_id)s and model_id = %(model_id)s
    """,
)


def parameters(tx: db.Transaction, model_id: uuid.UUID) -> db.Pending[Parameters]:
    """What calculate_model_parameters says."""
    return tx.fetch(PARAMETERS, model_id=model_id)


def architecture(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[Architecture]:
    """What v_model_architecture says."""
    return tx.fetch(ARCHITECTURE, owner_id=owner_id, model_id=model_id)
