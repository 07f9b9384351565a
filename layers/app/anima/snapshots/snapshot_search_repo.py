"""SQL of making searchable what came with a snapshot: what has no vector yet, and its vectors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Bare:
    """A message that is to be found, and is not yet."""

    message_id: int
    session_id: int
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BareFact:
    """A fact without vector."""

    id: uuid.UUID
    key: str
    value: Any
    evidence: str


@dataclass(frozen=True, slots=True)
class BareEpisode:
    """An episode without vector."""

    id: uuid.UUID
    title: str
    summary: str


MESSAGES = db.Query(
    Bare,
    """
    select m.message_id, m.session_id, m.content, m.created_at
    from message_postings p
    join messages m on m.owner_id = p.user_id and m.message_id = p.message_id
    where p.user_id = %(owner_id)s and p.avatar_id = %(avatar_id)s and p.term = '' and not exists (
        select from message_embeddings e where e.user_id = p.user_id and e.message_id = p.message_id
    )
    order by m.message_id limit %(most)s::integer
    """,
)

FACTS = db.Query(
    BareFact,
    """
    select f.id, f.key, f.value, f.evidence from user_facts f
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and f.embedding is null
    order by f.is_active desc, f.id limit %(most)s::integer
    """,
)

EPISODES = db.Query(
    BareEpisode,
    """
    select e.id, e.title, e.summary from episodes e
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and e.embedding is null
    order by e.id limit %(most)s::integer
    """,
)

# Only where it still says the same: what was changed meanwhile has a vector of its own.
CLOTHE_FACTS = db.Command(
    """
    update user_facts f set terms = string_to_array(n.terms, ' '), embedding = n.vector::vector,
        embedding_model = %(embedding_model)s
    from unnest(%(fact_ids)s::uuid[], %(term_lists)s::text[], %(vectors)s::text[]) as n (id, terms, vector)
    where f.user_id = %(owner_id)s and f.id = n.id and f.embedding is null
    """
)

CLOTHE_EPISODES = db.Command(
    """
    update episodes e set terms = string_to_array(n.terms, ' '), embedding = n.vector::vector,
        embedding_model = %(embedding_model)s
    from unnest(%(episode_ids)s::uuid[], %(term_lists)s::text[], %(vectors)s::text[]) as n (id, terms, vector)
    where e.user_id = %(owner_id)s and e.id = n.id and e.embedding is null
    """
)


def messages(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, most: int) -> db.Pending[Bare]:
    """Some messages that are to be found, and are not yet."""
    return tx.fetch(MESSAGES, owner_id=owner_id, avatar_id=avatar_id, most=most)


def facts(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, most: int) -> db.Pending[BareFact]:
    """Some facts without vector, those that hold first."""
    return tx.fetch(FACTS, owner_id=owner_id, avatar_id=avatar_id, most=most)


def episodes(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, most: int) -> db.Pending[BareEpisode]:
    """Some episodes without vector."""
    return tx.fetch(EPISODES, owner_id=owner_id, avatar_id=avatar_id, most=most)


def clothe_facts(
    tx: db.Transaction,
    owner_id: int,
    fact_ids: Sequence[uuid.UUID],
    term_lists: Sequence[Sequence[str]],
    vectors: Sequence[Sequence[float]],
    embedding_model: str,
) -> None:
    """Gives facts their terms and vectors."""
    tx.execute(
        CLOTHE_FACTS,
        owner_id=owner_id,
        fact_ids=list(fact_ids),
        term_lists=[" ".join(terms) for terms in term_lists],
        vectors=[db.vector_text(vector) for vector in vectors],
        embedding_model=embedding_model,
    )


def clothe_episodes(
    tx: db.Transaction,
    owner_id: int,
    episode_ids: Sequence[uuid.UUID],
    term_lists: Sequence[Sequence[str]],
    vectors: Sequence[Sequence[float]],
    embedding_model: str,
) -> None:
    """Gives episodes their terms and vectors."""
    tx.execute(
        CLOTHE_EPISODES,
        owner_id=owner_id,
        episode_ids=list(episode_ids),
        term_lists=[" ".join(terms) for terms in term_lists],
        vectors=[db.vector_text(vector) for vector in vectors],
        embedding_model=embedding_model,
    )
