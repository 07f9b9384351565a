"""SQL of who works at a document: claiming it, saying how far it is, ending it, and queuing it again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from anima.kernel import db

MAX_ATTEMPTS = 3
SILENCE = timedelta(seconds=90)
"""A worker that has written nothing for so long is taken for dead; what comes before then comes twice."""
PATIENCE = timedelta(hours=2)
"""A reader job that has said nothing for so long may be given up by a person."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document that a worker has taken; `claims` tells it from every other claim of the same.

    `storage_uri` and `content_sha256` are null until a document of an address was fetched.
    """

    document_id: int
    store_id: int
    provider: str
    embedding_model: str
    dimension: int
    title: str
    doc_type: str
    uri: str | None
    name: str | None
    mime_type: str | None
    content_sha256: str | None
    storage_uri: str | None
    parsed_uri: str | None
    size_bytes: int
    attempts: int
    claims: int

    @property
    def outside(self) -> bool:
        """Whether its vectors lie in another engine."""
        return self.provider != "pgvector"


@dataclass(frozen=True, slots=True)
class Unread:
    """The parts of a document that nothing could read, each with `what` and `reason`."""

    unread: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Queued:
    """A document that waits again; `avatar_id` is whom it was brought to, where it is past conversations."""

    document_id: int
    avatar_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Held:
    """The document whose row is locked."""

    document_id: int


# A reader job that is at it, and an engine that is waited for, are nobody's silence.
GIVE_UP = db.Query(
    Held,
    """
    update documents d set state = 'failed', stage = 'failed', reason = coalesce(d.reason, %(reason)s)
    from vector_stores s
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('queued', 'running')
        and s.store_id = d.store_id and d.stage <> 'read' and (d.stage <> 'index' or s.provider = 'pgvector')
        and d.attempts >= %(max_attempts)s + (d.parsed_uri is not null)::int
        and (d.state = 'queued' or d.updated_at <= now() - %(silence)s::interval)
    returning d.document_id
    """,
)

AT_WORK = db.Query(
    Held,
    """
    select d.document_id from documents d join vector_stores s on s.store_id = d.store_id
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state = 'running'
        and d.stage <> 'read' and (d.stage <> 'index' or s.provider = 'pgvector')
    """,
)

CLAIM = db.Query(
    Claimed,
    """
    update documents d set state = 'running', stage = 'parse', attempts = d.attempts + 1, claims = d.claims + 1,
        unit = null, units_done = 0, units_total = null, unread = '[]', stage_started_at = clock_timestamp(),
        stage_from = 0
    from vector_stores s
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('queued', 'running')
        and s.store_id = d.store_id and s.deleted_at is null
        and (d.stage <> 'read' or %(is_read)s) and (d.stage <> 'index' or s.provider = 'pgvector')
        and d.attempts < %(max_attempts)s + (d.parsed_uri is not null)::int
        and not exists (select from transcripts t where t.owner_id = d.owner_id and t.document_id = d.document_id)
    returning d.document_id, d.store_id, s.provider, s.embedding_model, s.dimension, d.title, d.doc_type, d.uri, d.name,
        d.mime_type, d.content_sha256, d.storage_uri, d.parsed_uri, d.size_bytes, d.attempts, d.claims
    """,
)

AT_READER = db.Query(
    Claimed,
    """
    select d.document_id, d.store_id, s.provider, s.embedding_model, s.dimension, d.title, d.doc_type, d.uri, d.name,
        d.mime_type, d.content_sha256, d.storage_uri, d.parsed_uri, d.size_bytes, d.attempts, d.claims
    from documents d join vector_stores s on s.store_id = d.store_id
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state = 'running' and d.stage = 'read'
    """,
)

THERE = db.Query(
    Held,
    "select document_id from documents where owner_id = %(owner_id)s and document_id = %(document_id)s",
)

ADVANCE = db.Query(
    Held,
    """
    update documents set
        stage_started_at = case when stage = %(stage)s then stage_started_at else clock_timestamp() end,
        stage_from = case when stage = %(stage)s then stage_from else coalesce(%(chunks_done)s, 0) end,
        stage = %(stage)s,
        unit = coalesce(%(unit)s, unit),
        units_done = coalesce(%(units_done)s, units_done),
        units_total = coalesce(%(units_total)s, units_total),
        chunks_done = coalesce(%(chunks_done)s, chunks_done),
        chunks_total = coalesce(%(chunks_total)s, chunks_total),
        language = coalesce(%(language)s, language)
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

READ = db.Query(
    Held,
    """
    update documents set unread = %(unread)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

HAND_OVER = db.Query(
    Held,
    """
    update documents set stage = 'read', stage_started_at = clock_timestamp(), reason = null,
        parsed_uri = %(parsed_uri)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

FINISH = db.Query(
    Held,
    """
    update documents d set
        state = 'done', stage = 'done', reason = %(reason)s,
        token_count = (
            select coalesce(sum(c.token_count), 0) from chunks c
            where c.owner_id = d.owner_id and c.document_id = d.document_id
        )
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state = 'running'
        and (d.claims = %(claims)s or %(claims)s::int is null and d.stage = 'index')
    returning d.document_id
    """,
)

END = db.Query(
    Held,
    """
    update documents set state = %(state)s, stage = %(state)s, reason = %(reason)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running'
        and (claims = %(claims)s or %(claims)s::int is null and stage = 'index')
    returning document_id
    """,
)

UNREAD = db.Query(
    Unread, "select unread from documents where owner_id = %(owner_id)s and document_id = %(document_id)s"
)

QUEUE = db.Query(
    Queued,
    """
    update documents d set state = 'queued', stage = 'queued', attempts = 0, reason = null
    from vector_stores s
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and s.store_id = d.store_id
        and (d.state in ('failed', 'unsearchable') or d.state in ('queued', 'running')
            and (d.stage <> 'index' or s.provider = 'pgvector')
            and d.updated_at <= now()
                - case when d.stage = 'read' then %(patience)s::interval else %(silence)s::interval end)
    returning d.document_id,
        (select t.avatar_id from transcripts t where t.owner_id = d.owner_id and t.document_id = d.document_id)
            as avatar_id
    """,
)


def give_up(tx: db.Transaction, owner_id: int, document_id: int, reason: str) -> db.Pending[Held]:
    """Ends a document that has had all its attempts, and whose last worker is silent."""
    return tx.fetch(
        GIVE_UP,
        owner_id=owner_id,
        document_id=document_id,
        reason=reason,
        max_attempts=MAX_ATTEMPTS,
        silence=SILENCE,
    )


def at_work(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Held]:
    """The document, where some worker has it."""
    return tx.fetch(AT_WORK, owner_id=owner_id, document_id=document_id)


def claim(tx: db.Transaction, owner_id: int, document_id: int, is_read: bool) -> db.Pending[Claimed]:
    """Takes a document that waits, or one whose worker died; counts the attempt.

    One that a reader job has is taken only where that says that it ended (`is_read`).
    """
    return tx.fetch(CLAIM, owner_id=owner_id, document_id=document_id, is_read=is_read, max_attempts=MAX_ATTEMPTS)


def at_reader(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Claimed]:
    """The document as it was claimed, where it was left to a reader job."""
    return tx.fetch(AT_READER, owner_id=owner_id, document_id=document_id)


def there(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Held]:
    """The document, where it was not deleted."""
    return tx.fetch(THERE, owner_id=owner_id, document_id=document_id)


def advance(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    stage: str,
    chunks_done: int | None = None,
    chunks_total: int | None = None,
    *,
    unit: str | None = None,
    units_done: int | None = None,
    units_total: int | None = None,
    language: str | None = None,
) -> db.Pending[Held]:
    """Says how far a claimed document is; no row where the claim no longer holds."""
    return tx.fetch(
        ADVANCE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        stage=stage,
        chunks_done=chunks_done,
        chunks_total=chunks_total,
        unit=unit,
        units_done=units_done,
        units_total=units_total,
        language=language,
    )


def read(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    unread: Sequence[Mapping[str, Any]],
) -> db.Pending[Held]:
    """Says what came of the reading: the parts that nothing could read, in short."""
    return tx.fetch(
        READ,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        unread=db.jsonb(list(unread)),
    )


def hand_over(tx: db.Transaction, owner_id: int, claimed: Claimed, parsed_uri: str) -> db.Pending[Held]:
    """Leaves a claimed document to a reader job, which will write what it read to `parsed_uri`."""
    return tx.fetch(
        HAND_OVER, owner_id=owner_id, document_id=claimed.document_id, claims=claimed.claims, parsed_uri=parsed_uri
    )


def finish(
    tx: db.Transaction, owner_id: int, document_id: int, claims: int | None, reason: str | None
) -> db.Pending[Held]:
    """Ends a document whose chunks are all there: from now on it is found.

    `claims` is null where it waits for an engine; `reason` says what of it could not be read.
    """
    return tx.fetch(FINISH, owner_id=owner_id, document_id=document_id, claims=claims, reason=reason)


def unread(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Unread]:
    """What nothing could read of a document."""
    return tx.fetch(UNREAD, owner_id=owner_id, document_id=document_id)


def end(
    tx: db.Transaction,
    owner_id: int,
    document_id: int,
    claims: int | None,
    state: str,
    reason: str,
) -> db.Pending[Held]:
    """Ends the attempt in another state than done; `claims` is null where the document waits for an engine."""
    return tx.fetch(
        END,
        owner_id=owner_id,
        document_id=document_id,
        claims=claims,
        state=state,
        reason=reason,
    )


def queue(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Queued]:
    """Queues a document again that failed, could not be read, or has been left by its worker; no row for any other."""
    return tx.fetch(QUEUE, owner_id=owner_id, document_id=document_id, silence=SILENCE, patience=PATIENCE)
