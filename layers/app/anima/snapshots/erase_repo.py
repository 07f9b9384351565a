"""SQL of erasing: what was written down of memory, and everything of somebody, a batch at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest document there is."""

    document_id: int


@dataclass(frozen=True, slots=True)
class Written:
    """A document in which something of memory was written down."""

    document_id: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session."""

    session_id: int


@dataclass(frozen=True, slots=True)
class Files:
    """Where files of a row lay that was deleted."""

    storage_uri: str | None
    parsed_uri: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows a batch deleted."""

    n: int


@dataclass(frozen=True, slots=True)
class Outside:
    """A store on another engine."""

    store_id: int


NEWEST = db.Query(
    Newest,
    "select coalesce(max(document_id), 0) as document_id from documents where owner_id = %(owner_id)s",
)

# Of an avatar, or of all: what it found out until then; of all, also summaries of sessions of which nothing was said
# since memory was erased.
WRITTEN = db.Query(
    Written,
    """
    select d.document_id from documents d
    left join session_digests g on g.owner_id = d.owner_id and g.document_id = d.document_id
    left join sessions s on s.user_id = g.owner_id and s.session_id = g.session_id
    left join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    where d.owner_id = %(owner_id)s and (
        d.metadata ->> 'kind' = 'finding' and d.document_id <= %(until)s
            and (%(avatar_id)s::uuid is null or d.metadata ->> 'avatar_id' = %(avatar_id)s::uuid::text)
        or d.metadata ->> 'kind' = 'session' and %(avatar_id)s::uuid is null and case when g.message_id is null
            then d.document_id <= %(until)s else g.message_id <= coalesce(a.remembers_after, 0) end
    )
    order by d.document_id
    """,
)

FORGET_MIND = db.Command(
    """
    with gaps as (delete from curiosity_gaps where owner_id = %(owner_id)s),
        felt as (delete from feelings_history where owner_id = %(owner_id)s),
        feelings as (delete from avatar_feelings where owner_id = %(owner_id)s)
    delete from sleeps where owner_id = %(owner_id)s and state <> 'asleep'
    """
)

SESSIONS = db.Query(
    SessionRow,
    """
    select session_id from sessions where user_id = %(owner_id)s and avatar_id = %(avatar_id)s
    order by session_id limit 100
    """,
)

TRANSCRIPTS = db.Query(
    Written,
    """
    select document_id from transcripts where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    order by document_id
    """,
)

MESSAGES = db.Query(
    Batch,
    """
    with gone as (
        delete from messages where owner_id = %(owner_id)s and message_id = any (array(
            select message_id from messages where owner_id = %(owner_id)s order by message_id desc limit 5000
        ))
        returning message_id
    )
    select count(*)::integer as n from gone
    """,
)

DOCUMENTS = db.Query(
    Files,
    """
    delete from documents where owner_id = %(owner_id)s and document_id = any (array(
        select document_id from documents where owner_id = %(owner_id)s order by document_id desc limit 50
    ))
    returning storage_uri, parsed_uri
    """,
)

MEDIA = db.Query(
    Files,
    """
    delete from media where owner_id = %(owner_id)s and media_id = any (array(
        select media_id from media where owner_id = %(owner_id)s order by media_id limit 200
    ))
    returning storage_uri, null::text as parsed_uri
    """,
)

UPLOADS = db.Query(
    Files,
    """
    delete from uploads where owner_id = %(owner_id)s and upload_id = any (array(
        select upload_id from uploads where owner_id = %(owner_id)s order by upload_id limit 200
    ))
    returning storage_uri, null::text as parsed_uri
    """,
)

REQUESTS = db.Query(
    Batch,
    """
    with gone as (
        delete from llm_requests where owner_id = %(owner_id)s and request_id = any (array(
            select request_id from llm_requests where owner_id = %(owner_id)s order by request_id limit 2000
        ))
        returning request_id
    )
    select count(*)::integer as n from gone
    """,
)

# What is left goes with these, or with the account itself.
REST = db.Command(
    """
    with sessions_gone as (delete from sessions where user_id = %(owner_id)s),
    avatars_gone as (delete from avatars where owner_id = %(owner_id)s),
    entities_gone as (delete from entities where owner_id = %(owner_id)s),
    searches_gone as (delete from retrieval_logs where owner_id = %(owner_id)s),
    vectors_gone as (delete from activation_cache where owner_id = %(owner_id)s),
    keys_gone as (delete from idempotency_keys where owner_id = %(owner_id)s),
    connections_gone as (delete from socket_connections where owner_id = %(owner_id)s),
    prompts_gone as (delete from prompts where owner_id = %(owner_id)s),
    variants_gone as (delete from experiment_assignments where user_id = %(owner_id)s),
    calls_gone as (delete from plugin_invocations where owner_id = %(owner_id)s),
    spend_gone as (delete from llm_spend where owner_id = %(owner_id)s),
    budgets_gone as (delete from llm_budgets where owner_id = %(owner_id)s),
    plugins_gone as (delete from plugins where owner_id = %(owner_id)s),
    words_gone as (delete from lexicon where owner_id = %(owner_id)s),
    counts_gone as (delete from corpora where owner_id = %(owner_id)s),
    style_gone as (delete from style_profiles where owner_id = %(owner_id)s),
    care_gone as (delete from safety_people where owner_id = %(owner_id)s),
    events_gone as (
        update outbox set payload = '{}', last_error = null, delivered_at = coalesce(delivered_at, now())
        where owner_id = %(owner_id)s and topic not in ('account.closed', 'store.deleted')
    )
    delete from vector_stores where owner_id = %(owner_id)s and provider = 'pgvector'
    """
)

# What they were called goes at once.
CLOSE_OUTSIDE = db.Query(
    Outside,
    """
    update vector_stores set deleted_at = now(), store_name = 'deleted-' || store_id
    where owner_id = %(owner_id)s and provider <> 'pgvector' and deleted_at is null
    returning store_id
    """,
)

OUTSIDE = db.Query(
    Outside,
    "select store_id from vector_stores where owner_id = %(owner_id)s and provider <> 'pgvector' order by store_id",
)


def newest(tx: db.Transaction, owner_id: int) -> db.Pending[Newest]:
    """The newest document of somebody."""
    return tx.fetch(NEWEST, owner_id=owner_id)


def written(tx: db.Transaction, owner_id: int, until: int, avatar_id: uuid.UUID | None) -> db.Pending[Written]:
    """Documents, up to this one, in which was written down what was remembered."""
    return tx.fetch(WRITTEN, owner_id=owner_id, until=until, avatar_id=avatar_id)


def forget_mind(tx: db.Transaction, owner_id: int) -> None:
    """Removes what avatars would like to know, and how they slept."""
    tx.execute(FORGET_MIND, owner_id=owner_id)


def sessions(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[SessionRow]:
    """Some sessions with an avatar."""
    return tx.fetch(SESSIONS, owner_id=owner_id, avatar_id=avatar_id)


def transcripts(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Written]:
    """Documents that brought past conversations to an avatar."""
    return tx.fetch(TRANSCRIPTS, owner_id=owner_id, avatar_id=avatar_id)


def messages(tx: db.Transaction, owner_id: int) -> db.Pending[Batch]:
    """Removes some messages with all that rests on them."""
    return tx.fetch(MESSAGES, owner_id=owner_id)


def requests(tx: db.Transaction, owner_id: int) -> db.Pending[Batch]:
    """Removes some requests with their answers."""
    return tx.fetch(REQUESTS, owner_id=owner_id)


def documents(tx: db.Transaction, owner_id: int) -> db.Pending[Files]:
    """Removes some documents; the rows say where their files lie."""
    return tx.fetch(DOCUMENTS, owner_id=owner_id)


def media(tx: db.Transaction, owner_id: int) -> db.Pending[Files]:
    """Removes some media; the rows say where their files lie."""
    return tx.fetch(MEDIA, owner_id=owner_id)


def uploads(tx: db.Transaction, owner_id: int) -> db.Pending[Files]:
    """Removes some uploads; the rows say where their files lie."""
    return tx.fetch(UPLOADS, owner_id=owner_id)


def rest(tx: db.Transaction, owner_id: int) -> None:
    """Removes all that is left but the account, its events, and stores on other engines."""
    tx.execute(REST, owner_id=owner_id)


def close_outside(tx: db.Transaction, owner_id: int) -> db.Pending[Outside]:
    """Marks stores on other engines as deleted; those that were not."""
    return tx.fetch(CLOSE_OUTSIDE, owner_id=owner_id)


def outside(tx: db.Transaction, owner_id: int) -> db.Pending[Outside]:
    """Stores on other engines that are there yet."""
    return tx.fetch(OUTSIDE, owner_id=owner_id)
