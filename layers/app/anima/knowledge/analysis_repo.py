"""SQL of analyses: the document that was written under a key, and those that were written of a session."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Written:
    """A document of the purpose analysis."""

    document_id: int


UNDER_KEY = db.Query(
    Written,
    """
    select d.document_id
    from documents d
    join vector_stores s on s.store_id = d.store_id and s.purpose = 'analysis'
    where d.owner_id = %(owner_id)s and d.source_uri = %(source_uri)s
    order by d.document_id desc
    """,
)

OF_SESSION = db.Query(
    Written,
    """
    select d.document_id
    from documents d
    join vector_stores s on s.store_id = d.store_id and s.purpose = 'analysis'
    where d.owner_id = %(owner_id)s
        and d.metadata @> jsonb_build_object('kind', 'session', 'session_id', %(session_id)s::bigint)
    """,
)


def under_key(tx: db.Transaction, owner_id: int, source_uri: str) -> db.Pending[Written]:
    """What was written under a key, the newest first."""
    return tx.fetch(UNDER_KEY, owner_id=owner_id, source_uri=source_uri)


def of_session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Written]:
    """What was written of a session."""
    return tx.fetch(OF_SESSION, owner_id=owner_id, session_id=session_id)
