"""Tensors as a list shows them: those of a model by its weights, one by its id, those of a checkpoint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor, and how it is stored; `checksum` in hexadecimal digits, `position` among those of its list."""

    position: int
    tensor_id: uuid.UUID
    name: str
    dtype: str
    shape: list[int]
    n_bytes: int
    storage: str
    compression: str
    checksum: str
    created_at: datetime


ONE = db.Query(
    Stored,
    """
    select 0 as position, tensor_id, name, dtype, shape, n_bytes, storage, compression,
        encode(checksum, 'hex') as checksum, created_at
    from tensor_metadata where owner_id = %(owner_id)s and tensor_id = %(tensor_id)s
    """,
)

OF_MODEL = db.Query(
    Stored,
    """
    select w.position, t.tensor_id, t.name, t.dtype, t.shape, t.n_bytes, t.storage, t.compression,
        encode(t.checksum, 'hex') as checksum, t.created_at
    from model_weights w join tensor_metadata t on t.owner_id = w.owner_id and t.tensor_id = w.tensor_id
    where w.owner_id = %(owner_id)s and w.model_id = %(model_id)s and w.position > %(after)s
    order by w.position
    limit %(most)s
    """,
)


def one(tx: db.Transaction, owner_id: int, tensor_id: uuid.UUID) -> db.Pending[Stored]:
    """A tensor."""
    return tx.fetch(ONE, owner_id=owner_id, tensor_id=tensor_id)


def of_model(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: int, most: int) -> db.Pending[Stored]:
    """Tensors of a model's weights, behind a position."""
    return tx.fetch(OF_MODEL, owner_id=owner_id, model_id=model_id, after=after, most=most)
