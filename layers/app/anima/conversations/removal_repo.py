"""SQL that removes a session with all that was said in it and all that was logged of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that came along."""

    media_id: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Where a file lies that is removed."""

    storage_uri: str


# Files that came along in a private session.
PRIVATE_MEDIA = db.Query(
    Kept,
    """
    select distinct k.media_id
    from sessions s
    join messages m on m.owner_id = s.user_id and m.session_id = s.session_id
    join message_media k on k.owner_id = m.owner_id and k.message_id = m.message_id
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s and s.private
    """,
)

# What was looked for in a session, and what keys of idempotency tell of it; a sealed answer may tell of anything.
DELETE_TRACES = db.Command(
    """
    with looked as (
        delete from retrieval_logs l
        using llm_requests q
        where q.owner_id = %(owner_id)s and q.session_id = %(session_id)s
            and l.owner_id = q.owner_id and l.request_id = q.request_id
    )
    delete from idempotency_keys k
    where k.owner_id = %(owner_id)s and (
        k.response ->> 'session_id' = %(session_id)s::bigint::text
        or k.response ? 'sealed'
        or k.response ->> 'request_id' in (
            select q.request_id::text from llm_requests q
            where q.owner_id = %(owner_id)s and q.session_id = %(session_id)s
        )
    )
    """
)

# Only what nothing else refers to.
DELETE_MEDIA = db.Query(
    Removed,
    """
    delete from media f
    where f.owner_id = %(owner_id)s and f.media_id = any(%(media_ids)s::bigint[])
        and not exists (select from message_media k where k.owner_id = f.owner_id and k.media_id = f.media_id)
        and not exists (select from documents d where d.owner_id = f.owner_id and d.media_id = f.media_id)
        and not exists (select from uploads u where u.owner_id = f.owner_id and u.media_id = f.media_id)
    returning f.storage_uri
    """,
)

DELETE_SESSION = db.Command(
    """
    delete from sessions where user_id = %(owner_id)s and session_id = %(session_id)s
    """
)


def private_media(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Kept]:
    """The files that came along in a session, where it is private."""
    return tx.fetch(PRIVATE_MEDIA, owner_id=owner_id, session_id=session_id)


def delete_traces(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """Removes what logs of searches and keys of idempotency hold of a session."""
    tx.execute(DELETE_TRACES, owner_id=owner_id, session_id=session_id)


def delete_media(tx: db.Transaction, owner_id: int, media_ids: Sequence[int]) -> db.Pending[Removed]:
    """Removes those of the files to which nothing refers, and says where they lie."""
    return tx.fetch(DELETE_MEDIA, owner_id=owner_id, media_ids=list(media_ids))


def delete_session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Done:
    """Removes a session with all that was said in it."""
    return tx.execute(DELETE_SESSION, owner_id=owner_id, session_id=session_id)
