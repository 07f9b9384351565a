"""SQL of conclusions: the document that was written under a key, and those that were written of something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Written:
    """A document that the system has written."""

    document_id: int


UNDER_KEY = db.Query(
    Written,
    """
    select d.document_id
    from documents d
    join vector_stores s on s.store_id = d.store_id and s.purpose = %(purpose)s
    where d.owner_id = %(owner_id)s and d.source_uri = %(source_uri)s
    order by d.document_id desc
    """,
)

ABOUT = db.Query(
    Written,
    """
    select d.document_id
    from documents d
    join vector_stores s on s.store_id = d.store_id and s.purpose = %(purpose)s
    where d.owner_id = %(owner_id)s and d.metadata @> %(about)s
    """,
)


def under_key(tx: db.Transaction, owner_id: int, purpose: str, source_uri: str) -> db.Pending[Written]:
    """What was written under a key, the newest first."""
    return tx.fetch(UNDER_KEY, owner_id=owner_id, purpose=purpose, source_uri=source_uri)


def about(tx: db.Transaction, owner_id: int, purpose: str, told: Mapping[str, Any]) -> db.Pending[Written]:
    """What was written whose metadata hold this."""
    return tx.fetch(ABOUT, owner_id=owner_id, purpose=purpose, about=db.jsonb(dict(told)))
