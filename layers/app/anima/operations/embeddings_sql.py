"""SQL of a move to another embedding model: what there is to embed anew, and the switch. Run as the owner.

What is embedded anew waits beside what serves: a second row of a passage, a second column of a memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class Source:
    """Something that has vectors.

    `left` counts what has none of the next model, `take` answers (id, title, headings, text) of some of it behind
    an id, `put` keeps the vectors under their ids.
    """

    name: str
    left: LiteralString
    take: LiteralString
    put: LiteralString


def _passages(name: str, prefix: LiteralString, own: LiteralString) -> Source:
    """The passages of own stores (`own` are the columns of the owner), or of shared ones, which have none."""
    owner = f", {own}" if own else ""
    same_owner = f"and n.{own} = e.{own}" if own else ""
    of_document = f"and d.{own} = e.{own}" if own else ""
    of_chunk = f"c.{own} = e.{own} and " if own else ""
    missing = f"""
        from {prefix}embeddings e
        join vector_stores s on s.store_id = e.store_id
        join {prefix}chunks c on {of_chunk} c.chunk_id = case when e.entity_type = 'chunk' then e.entity_id::bigint end
        join {prefix}documents d on d.document_id = c.document_id {of_document}
        where s.next_model = %(model)s and e.embedding_model = s.embedding_model
            and not exists (
                select from {prefix}embeddings n
                where n.store_id = e.store_id {same_owner} and n.embedding_model = %(model)s
                    and n.external_id = e.external_id
            )
    """
    return Source(
        name,
        left=f"select count(*) {missing}",
        take=f"""
            select e.embedding_id, d.title, c.location ->> 'heading', c.text {missing}
                and e.embedding_id > %(after)s
            order by e.embedding_id limit %(most)s
        """,
        put=f"""
            insert into {prefix}embeddings
                (store_id, entity_type, entity_id, external_id, embedding_model, vector {owner})
            select e.store_id, e.entity_type, e.entity_id, e.external_id, %(model)s, n.vector::vector
                {f", e.{own}" if own else ""}
            from unnest(%(ids)s::bigint[], %(vectors)s::text[]) as n (id, vector)
            join {prefix}embeddings e on e.embedding_id = n.id
            on conflict do nothing
        """,  # noqa: S608 (names of tables and columns, from this file)
    )


def _memories(name: str, table: LiteralString, key: LiteralString, cast: LiteralString, text: LiteralString) -> Source:
    """What is remembered, in one of its tables."""
    missing = f"""
        from {table} where embedding is not null and embedding_model is distinct from %(model)s
            and next_model is distinct from %(model)s
    """
    return Source(
        name,
        left=f"select count(*) {missing}",
        take=f"""
            select {key}, {text} {missing} and (%(after)s::{cast} is null or {key} > %(after)s::{cast})
            order by {key} limit %(most)s
        """,
        put=f"""
            update {table} t set next_embedding = n.vector::vector, next_model = %(model)s
            from unnest(%(ids)s::{cast}[], %(vectors)s::text[]) as n (id, vector) where t.{key} = n.id
        """,  # noqa: S608 (names of tables and columns, from this file)
    )


SOURCES = (
    _passages("passages", "", "owner_id"),
    _passages("shared passages", "shared_", ""),
    _memories("messages", "message_embeddings", "message_id", "bigint", "null, null, content"),
    _memories("facts", "user_facts", "id", "uuid", "key, null, value"),
    _memories("episodes", "episodes", "id", "uuid", "title, null, summary"),
)

SERVING: LiteralString = """
select coalesce(
    (select value ->> 'name' from settings where key = 'embedding_model'),
    (select embedding_model from vector_stores where purpose = 'context' group by 1 order by count(*) desc limit 1)
)
"""

MOVING: LiteralString = "select next_model from vector_stores where next_model is not null limit 1"

# Avatars that keep some category from a provider.
KEPT_FROM: LiteralString = """
    select count(distinct a.avatar_id) from avatars a cross join lateral jsonb_each(a.egress) e (category, rule)
    where e.rule <> '"any"' and not (jsonb_typeof(e.rule) = 'array' and e.rule ? %(provider)s)
"""

BEGIN: LiteralString = """
update vector_stores set next_model = %(model)s, next_dimension = %(dimension)s
where embedding_model <> %(model)s and next_model is distinct from %(model)s and provider = 'pgvector'
"""

# Whoever reads goes on; whoever writes waits for the switch, and is then told by the trigger which model it is.
CLOSE: LiteralString = """
lock table vector_stores, embeddings, shared_embeddings, message_embeddings, user_facts, episodes
in share row exclusive mode
"""

SWITCH: tuple[LiteralString, ...] = (
    """
    update vector_stores set embedding_model = next_model, dimension = next_dimension, next_model = null,
        next_dimension = null
    where next_model = %(model)s
    """,
    """
    update message_embeddings set embedding = next_embedding, embedding_model = next_model, next_embedding = null,
        next_model = null
    where next_model = %(model)s
    """,
    """
    update user_facts set embedding = next_embedding, embedding_model = next_model, next_embedding = null,
        next_model = null
    where next_model = %(model)s
    """,
    """
    update episodes set embedding = next_embedding, embedding_model = next_model, next_embedding = null,
        next_model = null
    where next_model = %(model)s
    """,
    """
    insert into settings (key, value)
    values ('embedding_model', jsonb_build_object('name', %(model)s::text, 'dimension', %(dimension)s::integer))
    on conflict (key) do update set value = excluded.value
    """,
)

# Some at a time, for nobody waits for it. What has no text here (no chunk) cannot be made anew, and stays.
CLEAN: tuple[LiteralString, ...] = (
    """
    delete from embeddings where embedding_id = any (array(
        select e.embedding_id from embeddings e join vector_stores s using (store_id)
        where e.entity_type = 'chunk' and e.embedding_model <> s.embedding_model
            and e.embedding_model is distinct from s.next_model
        limit %(most)s
    ))
    """,
    """
    delete from shared_embeddings where embedding_id = any (array(
        select e.embedding_id from shared_embeddings e join vector_stores s using (store_id)
        where e.entity_type = 'chunk' and e.embedding_model <> s.embedding_model
            and e.embedding_model is distinct from s.next_model
        limit %(most)s
    ))
    """,
)

ABANDON: tuple[LiteralString, ...] = (
    "update vector_stores set next_model = null, next_dimension = null where next_model is not null",
    "update message_embeddings set next_embedding = null, next_model = null where next_model is not null",
    "update user_facts set next_embedding = null, next_model = null where next_model is not null",
    "update episodes set next_embedding = null, next_model = null where next_model is not null",
)

COUNTED: LiteralString = """
select embedding_model, count(*) from (
    select embedding_model from embeddings
    union all select embedding_model from shared_embeddings
    union all select embedding_model from message_embeddings
    union all select embedding_model from user_facts where embedding is not null
    union all select embedding_model from episodes where embedding is not null
) held group by embedding_model
"""
