"""SQL of recorded attention patterns."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.inference.attention_model import Input, Pattern
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Known:
    """A model, and the session that was named, where there is such a one of it."""

    model_id: uuid.UUID
    inference_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A pattern that was deleted."""

    pattern_id: uuid.UUID


KNOWN = db.Query(
    Known,
    """
    select m.model_id, s.session_id as inference_id
    from models m
    left join inference_sessions s
        on s.owner_id = m.owner_id and s.model_id = m.model_id and s.session_id = %(inference_id)s
    where m.owner_id = %(owner_id)s and m.model_id = %(model_id)s
    for key share of m
    """,
)

# Recorded again, it is the latest that counts.
ADD = db.Query(
    Pattern,
    """
    insert into attention_patterns as p (
        pattern_id, owner_id, session_id, model_id, layer, head, tensor_id, tokens, input_hash, created_at
    )
    select n.pattern_id, m.owner_id, s.session_id, m.model_id, n.layer, n.head, t.tensor_id, %(tokens)s::text[],
        %(input_hash)s, %(at)s
    from models m
    cross join unnest(
        %(new_patterns)s::uuid[], %(layers)s::integer[], %(heads)s::integer[], %(tensor_ids)s::uuid[]
    ) n (pattern_id, layer, head, tensor_id)
    join tensor_metadata t on t.owner_id = m.owner_id and t.tensor_id = n.tensor_id
    left join inference_sessions s
        on s.owner_id = m.owner_id and s.model_id = m.model_id and s.session_id = %(inference_id)s
    where m.owner_id = %(owner_id)s and m.model_id = %(model_id)s
    order by n.layer, n.head
    on conflict (owner_id, model_id, input_hash, layer, head) do update
        set tensor_id = excluded.tensor_id, session_id = excluded.session_id, created_at = excluded.created_at
    returning p.pattern_id, p.session_id as inference_id, p.model_id, p.layer, p.head, p.tokens,
        encode(p.input_hash, 'hex') as input_hash, p.tensor_id, p.created_at
    """,
)

# By input, then by layer and head.
PAGE = db.Query(
    Pattern,
    """
    select p.pattern_id, p.session_id as inference_id, p.model_id, p.layer, p.head, p.tokens,
        encode(p.input_hash, 'hex') as input_hash, p.tensor_id, p.created_at
    from attention_patterns p
    where p.owner_id = %(owner_id)s and p.model_id = %(model_id)s
        and (%(input_hash)s::bytea is null or p.input_hash = %(input_hash)s)
        and (%(layer)s::integer is null or p.layer = %(layer)s)
        and (%(head)s::integer is null or p.head = %(head)s)
        and (%(after_input)s::bytea is null
            or (p.input_hash, p.layer, p.head) > (%(after_input)s, %(after_layer)s::integer, %(after_head)s::integer))
    order by p.input_hash, p.layer, p.head
    limit %(limit)s
    """,
)

ONE = db.Query(
    Pattern,
    """
    select p.pattern_id, p.session_id as inference_id, p.model_id, p.layer, p.head, p.tokens,
        encode(p.input_hash, 'hex') as input_hash, p.tensor_id, p.created_at
    from attention_patterns p where p.owner_id = %(owner_id)s and p.pattern_id = %(pattern_id)s
    """,
)

INPUTS = db.Query(
    Input,
    """
    with inputs as (
        select p.input_hash, count(distinct p.layer) as layers, count(*) as heads, max(p.created_at) as created_at,
            min(p.pattern_id::text)::uuid as some_pattern
        from attention_patterns p
        where p.owner_id = %(owner_id)s and p.model_id = %(model_id)s
            and (%(after_input)s::bytea is null or p.input_hash > %(after_input)s)
        group by p.input_hash order by p.input_hash limit %(limit)s
    )
    select encode(i.input_hash, 'hex') as input_hash, p.tokens, i.layers, i.heads, i.created_at
    from inputs i join attention_patterns p on p.owner_id = %(owner_id)s and p.pattern_id = i.some_pattern
    order by i.input_hash
    """,
)

FORGET = db.Query(
    Gone,
    """
    delete from attention_patterns p
    where p.owner_id = %(owner_id)s and p.model_id = %(model_id)s
        and (%(input_hash)s::bytea is null or p.input_hash = %(input_hash)s)
    returning p.pattern_id
    """,
)


@dataclass(frozen=True, slots=True)
class New:
    """Patterns of one input that are entered: layer, head and tensor of each."""

    input_hash: bytes
    tokens: Sequence[str]
    new_patterns: Sequence[uuid.UUID]
    places: Sequence[tuple[int, int]]
    tensor_ids: Sequence[uuid.UUID]


def known(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, inference_id: uuid.UUID | None) -> db.Pending[Known]:
    """A model, which stays until the transaction ends, and a session of it; no row where there is no such model."""
    return tx.fetch(KNOWN, owner_id=owner_id, model_id=model_id, inference_id=inference_id)


def add(
    tx: db.Transaction,
    owner_id: int,
    model_id: uuid.UUID,
    inference_id: uuid.UUID | None,
    new: New,
    at: datetime,
) -> db.Pending[Pattern]:
    """Enters the patterns of an input."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        model_id=model_id,
        inference_id=inference_id,
        input_hash=new.input_hash,
        tokens=list(new.tokens),
        new_patterns=list(new.new_patterns),
        layers=[layer for layer, _ in new.places],
        heads=[head for _, head in new.places],
        tensor_ids=list(new.tensor_ids),
        at=at,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patterns of a model: those of an input, a layer, a head; behind a place in the list."""

    input_hash: bytes | None = None
    layer: int | None = None
    head: int | None = None
    after: tuple[bytes, int, int] | None = None


def page(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, wanted: Wanted, limit: int) -> db.Pending[Pattern]:
    """Patterns of a model, one more than `limit`."""
    after_input, after_layer, after_head = wanted.after or (None, None, None)
    return tx.fetch(
        PAGE,
        owner_id=owner_id,
        model_id=model_id,
        input_hash=wanted.input_hash,
        layer=wanted.layer,
        head=wanted.head,
        after_input=after_input,
        after_layer=after_layer,
        after_head=after_head,
        limit=limit + 1,
    )


def one(tx: db.Transaction, owner_id: int, pattern_id: uuid.UUID) -> db.Pending[Pattern]:
    """A pattern."""
    return tx.fetch(ONE, owner_id=owner_id, pattern_id=pattern_id)


def inputs(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: bytes | None, limit: int
) -> db.Pending[Input]:
    """The inputs of a model whose patterns were recorded, one more than `limit`."""
    return tx.fetch(INPUTS, owner_id=owner_id, model_id=model_id, after_input=after, limit=limit + 1)


def forget(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, input_hash: bytes | None) -> db.Pending[Gone]:
    """Deletes the patterns of an input, or all of a model."""
    return tx.fetch(FORGET, owner_id=owner_id, model_id=model_id, input_hash=input_hash)
