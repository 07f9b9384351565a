"""SQL of importing past conversations: who works at it, how far it is, and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db
from anima.snapshots.transcripts_model import MAX_ATTEMPTS, Claimed

SILENCE = timedelta(seconds=90)
"""A worker that has written nothing for so long is taken for dead."""


@dataclass(frozen=True, slots=True)
class Held:
    """The document whose row is locked."""

    document_id: int


# One that gets on keeps its attempts at none; so a file of years is never given up for its length.
CLAIM = db.Query(
    Claimed,
    """
    update documents d set state = 'running', stage = 'parse', attempts = d.attempts + 1, claims = d.claims + 1,
        unit = null, units_done = 0, units_total = null, chunks_done = 0, chunks_total = null, reason = null,
        stage_started_at = clock_timestamp(), stage_from = 0
    from transcripts t
    left join avatars a on a.owner_id = t.owner_id and a.avatar_id = t.avatar_id
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('queued', 'running')
        and t.owner_id = d.owner_id and t.document_id = d.document_id and d.attempts < %(max_attempts)s
    returning d.document_id, t.avatar_id, a.name::text as avatar, coalesce(a.switches, '{}') as switches, a.model,
        d.title, d.name, d.storage_uri, d.content_sha256, t.me,
        t.names, t.proposals, d.created_at, d.attempts, d.claims
    """,
)

GIVE_UP = db.Query(
    Held,
    """
    update documents d set state = 'failed', stage = 'failed', reason = coalesce(d.reason, %(reason)s)
    from transcripts t
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('queued', 'running')
        and t.owner_id = d.owner_id and t.document_id = d.document_id and d.attempts >= %(max_attempts)s
        and (d.state = 'queued' or d.updated_at <= now() - %(silence)s::interval)
    returning d.document_id
    """,
)

AT_WORK = db.Query(
    Held,
    """
    select d.document_id from documents d join transcripts t using (owner_id, document_id)
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state = 'running'
    """,
)

# What is counted in turns comes when all of the file is read.
# Whoever writes what was said holds the row: a deletion waits for him, and he sees one that came before.
ADVANCE = db.Query(
    Held,
    """
    update documents set
        stage_started_at = case when stage = %(stage)s then stage_started_at else clock_timestamp() end,
        stage_from = case when stage = %(stage)s then stage_from else coalesce(%(done)s, 0) end,
        stage = %(stage)s,
        unit = coalesce(%(unit)s, unit),
        units_done = case when %(unit)s::text is null then coalesce(units_total, units_done) else %(done)s end,
        units_total = case when %(unit)s::text is null then units_total else %(total)s end,
        chunks_done = case when %(unit)s::text is null then coalesce(%(done)s, chunks_done) else chunks_done end,
        chunks_total = case when %(unit)s::text is null then coalesce(%(total)s, chunks_total) else chunks_total end,
        attempts = case when %(got_on)s then 0 else attempts end
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

END = db.Query(
    Held,
    """
    update documents set state = %(state)s, stage = %(state)s, reason = %(reason)s,
        attempts = case when %(got_on)s then 0 else attempts end
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

NOTE = db.Command(
    """
    with noted as (
        update transcripts set origin = %(origin)s, counts = %(counts)s
        where owner_id = %(owner_id)s and document_id = %(document_id)s
    )
    update documents set metadata = metadata || jsonb_build_object('origin', %(origin)s::text, 'counts', %(counts)s,
        'speakers', %(speakers)s::jsonb, 'me', %(me)s::text[], 'note', %(note)s::text)
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    """
)

REMOVE = db.Command(
    """
    delete from sessions s using transcript_sessions t
    where t.owner_id = %(owner_id)s and t.document_id = %(document_id)s
        and s.user_id = t.owner_id and s.session_id = t.session_id
    """
)

NAME_CONTENT = db.Query(
    Held,
    """
    update documents d set content_sha256 = %(content_sha256)s
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.claims = %(claims)s
        and not exists (
            select from documents o where o.owner_id = d.owner_id and o.store_id = d.store_id
                and o.content_sha256 = %(content_sha256)s and o.document_id <> d.document_id
        )
    returning d.document_id
    """,
)


def claim(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Claimed]:
    """Takes an import that waits, or whose worker died; counts the attempt."""
    return tx.fetch(CLAIM, owner_id=owner_id, document_id=document_id, max_attempts=MAX_ATTEMPTS)


def give_up(tx: db.Transaction, owner_id: int, document_id: int, reason: str) -> db.Pending[Held]:
    """Ends an import that has had all its attempts, and whose last worker is silent."""
    return tx.fetch(
        GIVE_UP,
        owner_id=owner_id,
        document_id=document_id,
        reason=reason,
        max_attempts=MAX_ATTEMPTS,
        silence=SILENCE,
    )


def at_work(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Held]:
    """The import, where some worker has it."""
    return tx.fetch(AT_WORK, owner_id=owner_id, document_id=document_id)


def advance(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    stage: str,
    done: int | None = None,
    total: int | None = None,
    *,
    unit: str | None = None,
    got_on: bool = False,
) -> db.Pending[Held]:
    """Says how far a claimed import is (in `unit`, else in turns); no row where the claim no longer holds."""
    return tx.fetch(
        ADVANCE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        stage=stage,
        done=done,
        total=total,
        unit=unit,
        got_on=got_on,
    )


def end(
    tx: db.Transaction, owner_id: int, claimed: Claimed, state: str, reason: str | None, *, got_on: bool = False
) -> db.Pending[Held]:
    """Ends the attempt in a state."""
    return tx.fetch(
        END,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        state=state,
        reason=reason,
        got_on=got_on,
    )


def note(
    tx: db.Transaction,
    owner_id: int,
    document_id: int,
    *,
    origin: str,
    counts: Mapping[str, int],
    speakers: Sequence[Mapping[str, object]],
    me: Sequence[str],
    told: str | None,
) -> None:
    """Keeps what was found while it was read; `told` is what the owner should know of it."""
    tx.execute(
        NOTE,
        owner_id=owner_id,
        document_id=document_id,
        origin=origin,
        counts=db.jsonb(dict(counts)),
        speakers=db.jsonb([dict(each) for each in speakers]),
        me=list(me) or None,
        note=told,
    )


def remove(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Deletes every session that a document has brought, and so all that was taken from them."""
    tx.execute(REMOVE, owner_id=owner_id, document_id=document_id)


def name_content(tx: db.Transaction, owner_id: int, claimed: Claimed, content_sha256: str) -> db.Pending[Held]:
    """Enters the hash of a content that was not known before it was fetched; no row where the same is there."""
    return tx.fetch(
        NAME_CONTENT,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        content_sha256=content_sha256,
    )
