"""SQL of summaries: what is asked, what was done of it, and the chunks that they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.knowledge.summary_model import Piece, Size, Subject, Summary


@dataclass(frozen=True, slots=True)
class Made:
    """A summary that a statement has written."""

    summary_id: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A summary that a worker has taken on; `attempts` tells it from another worker's try."""

    summary_id: int
    document_id: int
    instruction: str | None
    sentences: int
    mode: str
    model: str | None
    attempts: int
    parts_done: int
    usage: dict[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a part."""

    level: int
    part: int
    result: dict[str, Any]


SUBJECT = db.Query(
    Subject,
    """
    select document_id, title, source_uri, state, language from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    """,
)

SIZES = db.Query(
    Size,
    """
    select chunk_index, octet_length(text) as size from chunks
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    order by chunk_index
    """,
)

PIECES = db.Query(
    Piece,
    """
    select chunk_id, chunk_index, text, location from chunks
    where owner_id = %(owner_id)s and document_id = %(document_id)s
        and chunk_index >= %(first_index)s and chunk_index < %(end_index)s
    order by chunk_index
    """,
)

ADD = db.Query(
    Made,
    """
    insert into summaries (owner_id, document_id, instruction, sentences, mode, model, parts_total, estimate)
    select d.owner_id, d.document_id, %(instruction)s, %(sentences)s, %(how)s, %(model)s, %(parts_total)s,
        %(estimate)s::jsonb
    from documents d
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s
    returning summary_id
    """,
)

SUMMARY = db.Query(
    Summary,
    """
    select s.summary_id, s.document_id, d.title, s.instruction, s.sentences, s.mode, s.model, s.state, s.parts_done,
        s.parts_total, s.estimate, s.text, s.citations, s.usage, s.reason, s.created_at, s.updated_at
    from summaries s
    join documents d on d.owner_id = s.owner_id and d.document_id = s.document_id
    where s.owner_id = %(owner_id)s and s.summary_id = %(summary_id)s
    """,
)

SUMMARIES = db.Query(
    Summary,
    """
    select s.summary_id, s.document_id, d.title, s.instruction, s.sentences, s.mode, s.model, s.state, s.parts_done,
        s.parts_total, s.estimate, s.text, s.citations, s.usage, s.reason, s.created_at, s.updated_at
    from summaries s
    join documents d on d.owner_id = s.owner_id and d.document_id = s.document_id
    where s.owner_id = %(owner_id)s and s.document_id = %(document_id)s
        and (%(before)s::bigint is null or s.summary_id < %(before)s)
    order by s.summary_id desc
    limit %(limit)s
    """,
)

# What runs is cancelled and kept, what has ended is removed.
CANCEL = db.Query(
    Made,
    """
    update summaries set state = 'cancelled', reason = 'it was cancelled'
    where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state in ('queued', 'running')
    returning summary_id
    """,
)

DELETE = db.Query(
    Made,
    """
    delete from summaries
    where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state in ('done', 'failed', 'cancelled')
    returning summary_id
    """,
)

# A part that was done gives a further attempt: only one that kills its worker each time is given up.
CLAIM = db.Query(
    Claimed,
    """
    update summaries set
        attempts = attempts + 1,
        state = case when attempts < parts_done + %(most_attempts)s::integer then 'running' else 'failed' end,
        reason = case when attempts < parts_done + %(most_attempts)s::integer then null else %(reason)s::text end
    where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state in ('queued', 'running')
    returning summary_id, document_id, instruction, sentences, mode, model, attempts, parts_done, usage, state
    """,
)

RESULTS = db.Query(
    Result,
    """
    select level, part, result from summary_parts
    where owner_id = %(owner_id)s and summary_id = %(summary_id)s
    order by level, part
    """,
)

KEEP_PART = db.Query(
    Made,
    """
    with mine as (
        update summaries set parts_done = parts_done + 1, usage = %(usage)s::jsonb
        where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state = 'running'
            and attempts = %(attempts)s
        returning owner_id, summary_id
    ), kept as (
        insert into summary_parts (owner_id, summary_id, level, part, result)
        select owner_id, summary_id, %(level)s, %(part)s, %(result)s::jsonb from mine
        on conflict (owner_id, summary_id, level, part) do update set result = excluded.result
    )
    select summary_id from mine
    """,
)

FINISH = db.Query(
    Made,
    """
    with ended as (
        update summaries set
            state = 'done', parts_done = parts_total, text = %(text)s, citations = %(citations)s::jsonb,
            usage = %(usage)s::jsonb, reason = null
        where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state = 'running'
            and attempts = %(attempts)s
        returning summary_id
    ), cleared as (
        delete from summary_parts p using ended
        where p.owner_id = %(owner_id)s and p.summary_id = ended.summary_id
    )
    select summary_id from ended
    """,
)

END = db.Query(
    Made,
    """
    update summaries set state = %(ended)s, reason = %(reason)s
    where owner_id = %(owner_id)s and summary_id = %(summary_id)s and state = 'running' and attempts = %(attempts)s
    returning summary_id
    """,
)


def subject(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Subject]:
    """The document that is to be read."""
    return tx.fetch(SUBJECT, owner_id=owner_id, document_id=document_id)


def sizes(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Size]:
    """How long each chunk of a document is, in order."""
    return tx.fetch(SIZES, owner_id=owner_id, document_id=document_id)


def pieces(tx: db.Transaction, owner_id: int, document_id: int, first: int, end: int) -> db.Pending[Piece]:
    """The chunks of a document from an index to before another."""
    return tx.fetch(PIECES, owner_id=owner_id, document_id=document_id, first_index=first, end_index=end)


def add(
    tx: db.Transaction,
    owner_id: int,
    document_id: int,
    *,
    instruction: str | None,
    sentences: int,
    mode: str,
    model: str | None,
    parts_total: int,
    estimate: dict[str, Any],
) -> db.Pending[Made]:
    """Enters a summary that is to be made."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        document_id=document_id,
        instruction=instruction,
        sentences=sentences,
        how=mode,
        model=model,
        parts_total=parts_total,
        estimate=db.jsonb(estimate),
    )


def summary(tx: db.Transaction, owner_id: int, summary_id: int) -> db.Pending[Summary]:
    """One summary."""
    return tx.fetch(SUMMARY, owner_id=owner_id, summary_id=summary_id)


def summaries(
    tx: db.Transaction, owner_id: int, document_id: int, limit: int, before: int | None
) -> db.Pending[Summary]:
    """The summaries of a document, newest first."""
    return tx.fetch(SUMMARIES, owner_id=owner_id, document_id=document_id, limit=limit, before=before)


def cancel(tx: db.Transaction, owner_id: int, summary_id: int) -> db.Pending[Made]:
    """Cancels what is not ended."""
    return tx.fetch(CANCEL, owner_id=owner_id, summary_id=summary_id)


def delete(tx: db.Transaction, owner_id: int, summary_id: int) -> db.Pending[Made]:
    """Removes what is ended."""
    return tx.fetch(DELETE, owner_id=owner_id, summary_id=summary_id)


def claim(tx: db.Transaction, owner_id: int, summary_id: int, most_attempts: int, reason: str) -> db.Pending[Claimed]:
    """Takes a summary on, or gives it up with a reason after so many attempts that came to nothing."""
    return tx.fetch(CLAIM, owner_id=owner_id, summary_id=summary_id, most_attempts=most_attempts, reason=reason)


def results(tx: db.Transaction, owner_id: int, summary_id: int) -> db.Pending[Result]:
    """What was done of a summary."""
    return tx.fetch(RESULTS, owner_id=owner_id, summary_id=summary_id)


def keep_part(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    level: int,
    part: int,
    result: dict[str, Any],
    usage: dict[str, Any],
) -> db.Pending[Made]:
    """Keeps what came of a part; no row where the summary was cancelled or taken over."""
    return tx.fetch(
        KEEP_PART,
        owner_id=owner_id,
        summary_id=claimed.summary_id,
        attempts=claimed.attempts,
        level=level,
        part=part,
        result=db.jsonb(result),
        usage=db.jsonb(usage),
    )


def finish(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    text: str,
    citations: list[dict[str, Any]],
    usage: dict[str, Any],
) -> db.Pending[Made]:
    """Ends a summary with its text."""
    return tx.fetch(
        FINISH,
        owner_id=owner_id,
        summary_id=claimed.summary_id,
        attempts=claimed.attempts,
        text=text,
        citations=db.jsonb(citations),
        usage=db.jsonb(usage),
    )


def end(tx: db.Transaction, owner_id: int, claimed: Claimed, state: str, reason: str | None) -> db.Pending[Made]:
    """Ends an attempt without a text."""
    return tx.fetch(
        END, owner_id=owner_id, summary_id=claimed.summary_id, attempts=claimed.attempts, ended=state, reason=reason
    )
