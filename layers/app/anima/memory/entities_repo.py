"""SQL of entities: those that names may mean, and which messages an avatar heard of them in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from anima.kernel import db
from anima.memory.entities_model import Entity, HeardOf
from anima.memory.facts_model import folded

CANDIDATES = db.Query(
    Entity,
    """
    select entity_id, kind, name, aliases, relation, folded
    from entities
    where owner_id = %(owner_id)s and (
        folded = any(%(names)s::text[]) or lower(aliases::text)::text[] && %(names)s::text[]
        or lower(relation) = any(%(relations)s::text[])
        or string_to_array(folded, ' ') && %(parts)s::text[]
    )
    order by entity_id
    """,
)

KEEP = db.Command(
    """
    insert into entities as e (entity_id, owner_id, kind, name, folded, aliases, relation, first_seen, last_seen)
    select n.entity_id, %(owner_id)s, n.kind, n.name, n.folded, n.aliases, n.relation, n.seen, n.seen
    from jsonb_to_recordset(%(entities)s::jsonb) as n (entity_id uuid, kind text, name text, folded text,
        aliases text[], relation text, seen timestamptz)
    on conflict (entity_id) do update set kind = excluded.kind, name = excluded.name, folded = excluded.folded,
        aliases = excluded.aliases, relation = excluded.relation
    where e.owner_id = %(owner_id)s
    """
)

MENTION = db.Command(
    """
    insert into entity_mentions (owner_id, avatar_id, entity_id, message_id)
    select %(owner_id)s, %(avatar_id)s, n.entity_id, n.message_id
    from unnest(%(entity_ids)s::uuid[], %(message_ids)s::bigint[]) as n (entity_id, message_id)
    on conflict do nothing
    """
)

COUNT = db.Command(
    """
    update entities e set mention_count = greatest(c.mentions, 1), first_seen = c.first_seen, last_seen = c.last_seen
    from (
        select m.entity_id, count(*)::integer as mentions, min(s.created_at) as first_seen,
            max(s.created_at) as last_seen
        from entity_mentions m
        join messages s on s.owner_id = m.owner_id and s.message_id = m.message_id
        where m.owner_id = %(owner_id)s and m.entity_id = any(%(entity_ids)s::uuid[])
        group by m.entity_id
    ) c
    where e.owner_id = %(owner_id)s and e.entity_id = c.entity_id
    """
)

HEARD_OF = db.Query(
    HeardOf,
    """
    select e.entity_id, e.kind, e.name, e.aliases, e.relation, count(*)::integer as mention_count,
        min(s.created_at) as first_seen, max(s.created_at) as last_seen
    from entities e
    join entity_mentions m on m.owner_id = e.owner_id and m.entity_id = e.entity_id
    join messages s on s.owner_id = m.owner_id and s.message_id = m.message_id
    where e.owner_id = %(owner_id)s and m.owner_id = %(owner_id)s and m.avatar_id = %(avatar_id)s
        and (%(kind)s::text is null or e.kind = %(kind)s)
        and (%(before)s::uuid is null or e.entity_id < %(before)s)
    group by e.entity_id
    order by e.entity_id desc
    limit %(limit)s
    """,
)


def candidates(tx: db.Transaction, owner_id: int, names: Sequence[str], relations: Sequence[str]) -> db.Pending[Entity]:
    """The entities that these names may mean, or that stand in these relations."""
    called = sorted({folded(name) for name in names})
    parts = sorted({part for name in called for part in name.split()})
    return tx.fetch(
        CANDIDATES,
        owner_id=owner_id,
        names=called,
        relations=sorted({folded(each) for each in relations}),
        parts=parts,
    )


def keep(tx: db.Transaction, owner_id: int, entities: Sequence[Entity], seen: Sequence[str]) -> None:
    """Stores entities that are new or of which more is known; `seen` is when each was first spoken of."""
    if not entities:
        return
    rows = [
        {
            "entity_id": str(each.entity_id),
            "kind": each.kind,
            "name": each.name,
            "folded": each.folded,
            "aliases": each.aliases,
            "relation": each.relation and each.relation[:60],
            "seen": at,
        }
        for each, at in zip(entities, seen, strict=True)
    ]
    tx.execute(KEEP, owner_id=owner_id, entities=json.dumps(rows))


def mention(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, pairs: Sequence[tuple[uuid.UUID, int]]) -> None:
    """Notes in which messages an avatar heard of which entities, and counts anew."""
    if pairs:
        entity_ids, message_ids = (list(each) for each in zip(*sorted(set(pairs)), strict=True))
        tx.execute(MENTION, owner_id=owner_id, avatar_id=avatar_id, entity_ids=entity_ids, message_ids=message_ids)
        tx.execute(COUNT, owner_id=owner_id, entity_ids=entity_ids)


def heard_of(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    kind: str | None,
    before: uuid.UUID | None,
    limit: int,
) -> db.Pending[HeardOf]:
    """A page of the entities that an avatar has heard of, newest first."""
    return tx.fetch(HEARD_OF, owner_id=owner_id, avatar_id=avatar_id, kind=kind, before=before, limit=limit)
