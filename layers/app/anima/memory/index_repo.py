"""SQL of the index over what was said: embeddings and postings of messages, and their erasure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Said:
    """A message to reflect on, with what its session and avatar say about remembering it.

    `embedding_model` is the one that everything was moved to, if it ever was.
    """

    message_id: int
    session_id: int
    role: str
    own: bool
    content: str
    created_at: datetime
    private: bool
    avatar_id: uuid.UUID
    avatar_name: str
    model: str | None
    switches: dict[str, Any]
    egress: dict[str, Any]
    kept: list[str] | None
    embedding_model: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message about to be indexed: its vector, and how often each term occurs."""

    message_id: int
    content: str
    created_at: datetime
    vector: Sequence[float]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """An avatar of the owner, and the names of those who talk there."""

    avatar_id: uuid.UUID
    names: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A message that the index of words has a place for."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased."""

    facts: int
    episodes: int
    messages: int


@dataclass(frozen=True, slots=True)
class Serving:
    """The embedding model that everything was moved to."""

    name: str


SERVING = db.Query(Serving, "select value ->> 'name' as name from settings where key = 'embedding_model'")

SAID = db.Query(
    Said,
    """
    select m.message_id, m.session_id, m.role,
        m.role = 'user' and m.author_id is not distinct from m.owner_id as own,
        m.content, m.created_at, s.private, a.avatar_id, a.name::text as avatar_name, a.model,
        a.switches, a.egress, m.metadata -> 'kept' as kept,
        (select value ->> 'name' from settings where key = 'embedding_model') as embedding_model
    from messages m
    join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id
    join avatars a on a.owner_id = m.owner_id and a.avatar_id = %(avatar_id)s
    where m.owner_id = %(owner_id)s and m.message_id = any(%(message_ids)s::bigint[])
        and not exists (
            select from idempotency_keys k where k.owner_id = %(owner_id)s and k.key = %(key)s
        )
    order by m.message_id
    """,
)

KNOWN = db.Query(
    Known,
    """
    select a.avatar_id, array_remove(array[a.name::text, u.username::text, u.full_name], null) as names
    from avatars a
    join users u on u.user_id = a.owner_id
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    """,
)

ADD_EMBEDDINGS = db.Command(
    """
    insert into message_embeddings (message_id, user_id, session_id, avatar_id, content, embedding, embedding_model,
        created_at)
    select n.message_id, %(owner_id)s, %(session_id)s, %(avatar_id)s, n.content, n.vector::vector, %(embedding_model)s,
        n.created_at
    from unnest(%(message_ids)s::bigint[], %(contents)s::text[], %(vectors)s::text[], %(times)s::timestamptz[])
        as n (message_id, content, vector, created_at)
    join messages m on m.owner_id = %(owner_id)s and m.message_id = n.message_id
    on conflict (message_id) do nothing
    """
)

ADD_POSTINGS = db.Command(
    """
    insert into message_postings (user_id, avatar_id, term, message_id, tf, dl)
    select %(owner_id)s, %(avatar_id)s, n.term, n.message_id, n.tf, n.dl
    from unnest(%(terms)s::text[], %(message_ids)s::bigint[], %(tfs)s::smallint[], %(dls)s::integer[])
        as n (term, message_id, tf, dl)
    on conflict do nothing
    """
)

PLACES = db.Query(
    Place,
    """
    select message_id from message_postings
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and term = ''
        and message_id = any(%(message_ids)s::bigint[])
    """,
)

UNINDEX_EMBEDDINGS = db.Command(
    """
    delete from message_embeddings
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and message_id = any(%(message_ids)s::bigint[])
    """
)

UNINDEX_POSTINGS = db.Command(
    """
    delete from message_postings
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and message_id = any(%(message_ids)s::bigint[])
    """
)

# Nothing that was said up to now is remembered again; a reflection under way finds that when it comes to write.
ERASE = db.Query(
    Erased,
    """
    with facts as (delete from user_facts where user_id = %(owner_id)s returning id),
    lived as (delete from episodes where user_id = %(owner_id)s returning id),
    said as (delete from message_embeddings where user_id = %(owner_id)s returning message_id),
    worded as (delete from message_postings where user_id = %(owner_id)s returning message_id),
    named as (delete from entities where owner_id = %(owner_id)s),
    undoable as (delete from memory_changes where owner_id = %(owner_id)s),
    until_now as (
        update avatars set remembers_after = coalesce(
            (select max(message_id) from messages where owner_id = %(owner_id)s), remembers_after
        )
        where owner_id = %(owner_id)s
    )
    select (select count(*) from facts)::integer as facts, (select count(*) from lived)::integer as episodes,
        (select count(*) from (select message_id from said union select message_id from worded) m)::integer as messages
    """,
)


def serving(tx: db.Transaction) -> db.Pending[Serving]:
    """The model that everything was moved to, if it ever was."""
    return tx.fetch(SERVING)


def said(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int], key: str
) -> db.Pending[Said]:
    """The messages, oldest first; none where they are gone or the work of `key` was done."""
    return tx.fetch(SAID, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids), key=key)


def known(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Known]:
    """The avatar, if it is this owner's."""
    return tx.fetch(KNOWN, owner_id=owner_id, avatar_id=avatar_id)


def add(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    entries: Sequence[Entry],
    *,
    session_id: int,
    embedding_model: str,
) -> None:
    """Makes messages of one session findable by meaning and by words."""
    if not entries:
        return
    tx.execute(
        ADD_EMBEDDINGS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        session_id=session_id,
        message_ids=[entry.message_id for entry in entries],
        contents=[entry.content for entry in entries],
        vectors=[db.vector_text(entry.vector) for entry in entries],
        times=[entry.created_at for entry in entries],
        embedding_model=embedding_model,
    )
    postings = [
        (term, entry.message_id, min(count, 32_767), sum(entry.counts.values()))
        for entry in entries
        for term, count in [("", 1), *sorted(entry.counts.items())]
    ]
    terms, message_ids, tfs, dls = zip(*postings, strict=True)
    tx.execute(
        ADD_POSTINGS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        terms=list(terms),
        message_ids=list(message_ids),
        tfs=list(tfs),
        dls=list(dls),
    )


def places(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]) -> db.Pending[Place]:
    """Those of the messages that the index of words has a place for."""
    return tx.fetch(PLACES, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))


def unindex(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]) -> None:
    """Makes messages unfindable; they stay in their sessions."""
    if message_ids:
        for command in (UNINDEX_EMBEDDINGS, UNINDEX_POSTINGS):
            tx.execute(command, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))


def erase(tx: db.Transaction, owner_id: int) -> db.Pending[Erased]:
    """Deletes every fact, every episode and the whole index of an owner."""
    return tx.fetch(ERASE, owner_id=owner_id)
