"""SQL of facts: what holds, its history, what supersedes what; sets of rows at a time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.facts_model import Again, Fact, Found, Held


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact about to be stored, with what it is found by."""

    id: uuid.UUID
    found: Found
    confidence: float
    terms: Sequence[str]
    embedding: Sequence[float]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Something that was forgotten, and the message that it came from."""

    id: uuid.UUID
    message_id: int | None


FACTS = db.Query(
    Fact,
    """
    select id, avatar_id, session_id, category, key, value, confidence, status, evidence, source_message_id,
        first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by
    from user_facts
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and (%(category)s::text is null or category = %(category)s)
        and (%(history)s::boolean or is_active)
        and (%(before)s::uuid is null or id < %(before)s)
    order by id desc
    limit %(limit)s
    """,
)

FACT = db.Query(
    Fact,
    """
    select id, avatar_id, session_id, category, key, value, confidence, status, evidence, source_message_id,
        first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by
    from user_facts
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(fact_id)s
    for update
    """,
)

HELD = db.Query(
    Held,
    """
    select id, key, value, status, source_message_id
    from user_facts
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and is_active and key = any(%(keys)s::text[])
    order by id
    for update
    """,
)

END = db.Command(
    """
    update user_facts set is_active = false, last_updated = %(at)s
    where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[])
    """
)

ADD = db.Command(
    """
    insert into user_facts (id, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, last_updated, terms, embedding, embedding_model)
    select n.id, %(owner_id)s, %(avatar_id)s, %(session_id)s::bigint, n.category, n.key, n.value::jsonb, n.confidence,
        n.status, n.evidence,
        %(message_id)s::bigint, %(at)s, %(at)s, string_to_array(n.terms, ' '), n.embedding::vector,
        %(embedding_model)s
    from unnest(%(ids)s::uuid[], %(categories)s::text[], %(keys)s::text[], %(values)s::text[], %(confidences)s::real[],
        %(statuses)s::text[], %(evidences)s::text[], %(term_lists)s::text[], %(vectors)s::text[])
        as n (id, category, key, value, confidence, status, evidence, terms, embedding)
    """
)

SUPERSEDE = db.Command(
    """
    update user_facts u set superseded_by = s.new_id
    from unnest(%(old_ids)s::uuid[], %(new_ids)s::uuid[]) as s (old_id, new_id)
    where u.user_id = %(owner_id)s and u.id = s.old_id
    """
)

SAID_AGAIN = db.Command(
    """
    update user_facts u set
        mention_count = mention_count + 1,
        last_updated = %(at)s,
        status = case when a.confirmed then 'confirmed' else u.status end,
        confidence = least(1, u.confidence + (1 - u.confidence) / 2)
    from unnest(%(fact_ids)s::uuid[], %(confirmed)s::boolean[]) as a (id, confirmed)
    where u.user_id = %(owner_id)s and u.id = a.id
    """
)

# What it was stays as history, under an id of its own.
KEEP_OLD = db.Command(
    """
    insert into user_facts (id, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by)
    select %(new_id)s, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, %(at)s, mention_count, tags, context, false, id
    from user_facts
    where user_id = %(owner_id)s and id = %(fact_id)s
    """
)

END_OTHERS = db.Command(
    """
    update user_facts set is_active = false, superseded_by = %(fact_id)s, last_updated = %(at)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and is_active and key = any(%(keys)s::text[])
        and id <> %(fact_id)s
    """
)

CORRECT = db.Query(
    Fact,
    """
    update user_facts set key = %(key)s, value = %(value)s, confidence = %(confidence)s, status = %(status)s,
        evidence = %(evidence)s,
        source_message_id = %(message_id)s, tags = %(tags)s::text[], context = %(context)s, last_updated = %(at)s,
        terms = %(terms)s::text[], embedding = %(vector)s::vector, embedding_model = %(embedding_model)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(fact_id)s
    returning id, avatar_id, session_id, category, key, value, confidence, status, evidence, source_message_id,
        first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by
    """,
)

FORGET = db.Query(
    Forgotten,
    """
    with recursive line as (
        select id, source_message_id from user_facts
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(fact_id)s
        union
        select u.id, u.source_message_id from user_facts u join line on u.superseded_by = line.id
        where u.user_id = %(owner_id)s
    )
    delete from user_facts u using line
    where u.user_id = %(owner_id)s and u.id = line.id
    returning u.id, u.source_message_id as message_id
    """,
)


def facts(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    category: str | None,
    history: bool,
    before: uuid.UUID | None,
    limit: int,
) -> db.Pending[Fact]:
    """A page of facts, newest first; with `history` also those that hold no more."""
    return tx.fetch(
        FACTS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        category=category,
        history=history,
        before=before,
        limit=limit,
    )


def fact(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> db.Pending[Fact]:
    """One fact, kept from changing until the transaction ends."""
    return tx.fetch(FACT, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id)


def held(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, keys: Sequence[str]) -> db.Pending[Held]:
    """The facts that hold under these keys, kept from changing until the transaction ends."""
    return tx.fetch(HELD, owner_id=owner_id, avatar_id=avatar_id, keys=list(keys))


def end(tx: db.Transaction, owner_id: int, fact_ids: Sequence[uuid.UUID], at: datetime) -> None:
    """Facts that hold no more; they stay as history."""
    if fact_ids:
        tx.execute(END, owner_id=owner_id, fact_ids=list(fact_ids), at=at)


def add(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    new: Sequence[NewFact],
    *,
    session_id: int,
    message_id: int,
    embedding_model: str,
    at: datetime,
) -> None:
    """Stores new facts of one message."""
    if not new:
        return
    tx.execute(
        ADD,
        owner_id=owner_id,
        avatar_id=avatar_id,
        session_id=session_id,
        message_id=message_id,
        at=at,
        ids=[each.id for each in new],
        categories=[each.found.category for each in new],
        keys=[each.found.key for each in new],
        values=[json.dumps(each.found.value) for each in new],
        confidences=[each.confidence for each in new],
        statuses=["confirmed" if each.found.confirmed else "unconfirmed" for each in new],
        evidences=[each.found.evidence for each in new],
        term_lists=[" ".join(each.terms) for each in new],
        vectors=[db.vector_text(each.embedding) for each in new],
        embedding_model=embedding_model,
    )


def supersede(tx: db.Transaction, owner_id: int, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Notes which fact took the place of which: (old, new)."""
    if pairs:
        old_ids, new_ids = zip(*pairs, strict=True)
        tx.execute(SUPERSEDE, owner_id=owner_id, old_ids=list(old_ids), new_ids=list(new_ids))


def said_again(tx: db.Transaction, owner_id: int, again: Sequence[Again], at: datetime) -> None:
    """Counts a mention of facts, and confirms those that it confirms."""
    if again:
        tx.execute(
            SAID_AGAIN,
            owner_id=owner_id,
            at=at,
            fact_ids=[each.id for each in again],
            confirmed=[each.confirmed for each in again],
        )


def correct(
    tx: db.Transaction,
    owner_id: int,
    fact: Fact,
    *,
    terms: Sequence[str],
    vector: Sequence[float],
    embedding_model: str,
) -> db.Pending[Fact]:
    """Gives a fact the key, value, status and description that `fact` has."""
    return tx.fetch(
        CORRECT,
        owner_id=owner_id,
        avatar_id=fact.avatar_id,
        fact_id=fact.id,
        key=fact.key,
        value=db.jsonb(fact.value),
        confidence=fact.confidence,
        status=fact.status,
        evidence=fact.evidence,
        message_id=fact.source_message_id,
        tags=fact.tags,
        context=fact.context,
        at=fact.last_updated,
        terms=list(terms),
        vector=db.vector_text(vector),
        embedding_model=embedding_model,
    )


def keep_old(tx: db.Transaction, owner_id: int, fact_id: uuid.UUID, new_id: uuid.UUID, at: datetime) -> None:
    """Copies a fact, as it is, into the history."""
    tx.execute(KEEP_OLD, owner_id=owner_id, fact_id=fact_id, new_id=new_id, at=at)


def end_others(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID, keys: Sequence[str], at: datetime
) -> None:
    """Ends what cannot hold beside a fact: what stands under these keys."""
    tx.execute(END_OTHERS, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id, keys=list(keys), at=at)


def forget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> db.Pending[Forgotten]:
    """Deletes a fact and its history; answers what went."""
    return tx.fetch(FORGET, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id)
