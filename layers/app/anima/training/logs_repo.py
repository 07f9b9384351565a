"""SQL of what jobs wrote: the last lines of each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from anima.kernel import db
from anima.training.model import Line

APPEND = db.Command(
    """
    insert into job_logs (owner_id, job_id, seq, at, line)
    select %(owner_id)s, %(job_id)s, n.last + l.place, %(at)s, l.line
    from unnest(%(lines)s::text[]) with ordinality as l (line, place),
        (
            select coalesce(max(seq), 0) as last from job_logs where owner_id = %(owner_id)s and job_id = %(job_id)s
        ) as n
    where exists (select from training_jobs where owner_id = %(owner_id)s and job_id = %(job_id)s)
    on conflict do nothing
    """
)

CUT = db.Command(
    """
    delete from job_logs
    where owner_id = %(owner_id)s and job_id = %(job_id)s and seq <= (
        select max(seq) from job_logs where owner_id = %(owner_id)s and job_id = %(job_id)s
    ) - %(most)s::bigint
    """
)

PAGE = db.Query(
    Line,
    """
    select seq, at, line from job_logs
    where owner_id = %(owner_id)s and job_id = %(job_id)s and seq > %(after)s
    order by seq limit %(limit)s
    """,
)

LAST = db.Query(
    Line,
    """
    select seq, at, line from job_logs where owner_id = %(owner_id)s and job_id = %(job_id)s order by seq desc limit 1
    """,
)


def append(tx: db.Transaction, owner_id: int, job_id: uuid.UUID, lines: Sequence[str], at: datetime, most: int) -> None:
    """Adds lines, and drops the oldest but so many."""
    tx.execute(APPEND, owner_id=owner_id, job_id=job_id, lines=list(lines), at=at)
    tx.execute(CUT, owner_id=owner_id, job_id=job_id, most=most)


def page(tx: db.Transaction, owner_id: int, job_id: uuid.UUID, after: int, limit: int) -> db.Pending[Line]:
    """Lines after a number, in their order."""
    return tx.fetch(PAGE, owner_id=owner_id, job_id=job_id, after=after, limit=limit)


def last(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Line]:
    """The line that came last."""
    return tx.fetch(LAST, owner_id=owner_id, job_id=job_id)
