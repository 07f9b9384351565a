"""SQL of taking snapshots in: the avatar that one goes into, which of its ids are which, and how close they are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from anima.kernel import db
from anima.snapshots.snapshot_write_repo import Written


@dataclass(frozen=True, slots=True)
class Changed:
    """How many rows were new, and how many changed what was there."""

    added: int
    changed: int


@dataclass(frozen=True, slots=True)
class Known:
    """The id that something has in snapshots, and the one that it has here."""

    origin_id: uuid.UUID
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Target:
    """An avatar that a snapshot goes into."""

    avatar_id: uuid.UUID
    name: str


# The avatar that came from a snapshot's, or is it; or the one that was named.
TARGET = db.Query(
    Target,
    """
    select a.avatar_id, a.name::text as name from avatars a
    left join snapshot_ids o on o.owner_id = a.owner_id and o.avatar_id = a.avatar_id and o.id = a.avatar_id
    where a.owner_id = %(owner_id)s and case when %(avatar_id)s::uuid is null
        then coalesce(o.origin_id, a.avatar_id) = %(origin_id)s::uuid else a.avatar_id = %(avatar_id)s::uuid end
        and (%(name)s::text is null or a.name = %(name)s::citext)
    order by a.avatar_id limit 1
    """,
)

KNOWN = db.Query(
    Known,
    """
    select o.origin_id, o.id from snapshot_ids o where o.owner_id = %(owner_id)s and o.avatar_id = %(avatar_id)s
    union all
    select e.id, e.id from (
        select f.id from user_facts f where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s
        union all
        select e.id from episodes e where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s
        union all
        select g.gap_id from curiosity_gaps g where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s
        union all
        select h.feeling_id from feelings_history h where h.owner_id = %(owner_id)s and h.avatar_id = %(avatar_id)s
    ) e
    where not exists (
        select from snapshot_ids o
        where o.owner_id = %(owner_id)s and o.avatar_id = %(avatar_id)s and o.id = e.id
    )
    """,
)

REMEMBER = db.Command(
    """
    insert into snapshot_ids (owner_id, avatar_id, origin_id, id)
    select a.owner_id, a.avatar_id, n.origin_id, n.id
    from jsonb_to_recordset(%(rows)s::jsonb) as n (origin_id uuid, id uuid)
    join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    on conflict do nothing
    """
)

ADD_AVATAR = db.Query(
    Written,
    """
    insert into avatars (avatar_id, owner_id, name, bio, personality_name, personality, visibility, model, switches,
        egress, state, created_at, updated_at, remembers_after)
    select %(new_avatar_id)s::uuid, %(owner_id)s, n.name, n.bio, n.personality_name, n.personality, n.visibility,
        n.model, n.switches, n.egress, n.state, n.created_at, n.updated_at, %(until)s::bigint
    from jsonb_to_recordset(%(rows)s::jsonb) as n (name text, bio text, personality_name text, personality jsonb,
        visibility text, model text, switches jsonb, egress jsonb, state jsonb, created_at timestamptz,
        updated_at timestamptz)
    on conflict (owner_id, name) do nothing
    returning avatar_id as id, true as added
    """,
)

CHANGE_AVATAR = db.Query(
    Written,
    """
    update avatars a set bio = n.bio, personality_name = n.personality_name, personality = n.personality,
        visibility = n.visibility, model = n.model, switches = n.switches, egress = n.egress, state = n.state
    from jsonb_to_recordset(%(rows)s::jsonb) as n (bio text, personality_name text, personality jsonb, visibility text,
        model text, switches jsonb, egress jsonb, state jsonb, updated_at timestamptz)
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s and n.updated_at > a.updated_at
        and (a.bio, a.personality_name, a.personality, a.visibility, a.model, a.switches, a.egress, a.state)
            is distinct from
            (n.bio, n.personality_name, n.personality, n.visibility, n.model, n.switches, n.egress, n.state)
    returning a.avatar_id as id, false as added
    """,
)

CURIOSITY = db.Command(
    """
    insert into curiosity_minds (owner_id, avatar_id, searches_a_day)
    select a.owner_id, a.avatar_id, n.searches_a_day
    from jsonb_to_recordset(%(rows)s::jsonb) as n (searches_a_day integer)
    join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    where n.searches_a_day is not null
    on conflict do nothing
    """
)

AFFINITY = db.Query(
    Changed,
    """
    with written as (
        insert into user_affinity as u (user_id, avatar_id, personality_name, affinity_points, current_level,
            total_messages, positive_interactions, negative_interactions, recent_interactions, last_interaction,
            absence_took, level_history)
        select %(owner_id)s, a.avatar_id, n.personality_name, n.affinity_points, n.current_level, n.total_messages,
            n.positive_interactions, n.negative_interactions, n.recent_interactions, n.last_interaction,
            coalesce(n.absence_took, 0), coalesce(n.level_history, '[]')
        from jsonb_to_recordset(%(rows)s::jsonb) as n (personality_name text, affinity_points real, current_level text,
            total_messages integer, positive_interactions integer, negative_interactions integer,
            recent_interactions real, last_interaction timestamptz, absence_took real, level_history jsonb)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        on conflict (user_id, avatar_id, personality_name) do update set
            affinity_points = excluded.affinity_points, current_level = excluded.current_level,
            total_messages = excluded.total_messages, positive_interactions = excluded.positive_interactions,
            negative_interactions = excluded.negative_interactions, recent_interactions = excluded.recent_interactions,
            last_interaction = excluded.last_interaction, absence_took = excluded.absence_took,
            level_history = excluded.level_history
        where excluded.last_interaction > coalesce(u.last_interaction, '-infinity')
        returning xmax = 0 as added
    )
    select count(*) filter (where added)::integer as added, count(*) filter (where not added)::integer as changed
    from written
    """,
)

# Those of a new avatar take the place of the one that was entered when it was made.
DROP_VERSIONS = db.Command(
    """
    delete from avatar_versions v
    where v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s
        and exists (select from jsonb_array_elements(%(rows)s::jsonb))
    """
)

VERSIONS = db.Query(
    Changed,
    """
    with written as (
        insert into avatar_versions (owner_id, avatar_id, version, personality_name, personality, restored_from,
            created_at)
        select a.owner_id, a.avatar_id, n.version, n.personality_name, n.personality, n.restored_from, n.created_at
        from jsonb_to_recordset(%(rows)s::jsonb) as n (version integer, personality_name text, personality jsonb,
            restored_from integer, created_at timestamptz)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        returning version
    )
    select count(*)::integer as added, 0 as changed from written
    """,
)

PICTURE = db.Query(
    Changed,
    """
    with written as (
        insert into avatar_pictures as p (owner_id, avatar_id, mime_type, picture, updated_at)
        select a.owner_id, a.avatar_id, n.mime_type, decode(n.picture, 'base64'), n.updated_at
        from jsonb_to_recordset(%(rows)s::jsonb) as n (mime_type text, picture text, updated_at timestamptz)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        on conflict (owner_id, avatar_id) do update set mime_type = excluded.mime_type, picture = excluded.picture,
            updated_at = excluded.updated_at
        where excluded.updated_at > p.updated_at
        returning xmax = 0 as added
    )
    select count(*) filter (where added)::integer as added, count(*) filter (where not added)::integer as changed
    from written
    """,
)

FEELINGS = db.Query(
    Changed,
    """
    with written as (
        insert into avatar_feelings as f (owner_id, avatar_id, concentrations, baselines, as_of)
        select a.owner_id, a.avatar_id, n.concentrations, n.baselines, n.as_of
        from jsonb_to_recordset(%(rows)s::jsonb) as n (concentrations double precision[],
            baselines double precision[], as_of timestamptz)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        on conflict (owner_id, avatar_id) do update set concentrations = excluded.concentrations,
            baselines = excluded.baselines, as_of = excluded.as_of
        where excluded.as_of > f.as_of
        returning xmax = 0 as added
    )
    select count(*) filter (where added)::integer as added, count(*) filter (where not added)::integer as changed
    from written
    """,
)


def target(
    tx: db.Transaction, owner_id: int, origin_id: uuid.UUID, avatar_id: uuid.UUID | None, name: str | None = None
) -> db.Pending[Target]:
    """The avatar that a snapshot goes into, if it is there: the one with this id, else the one that it is of (and that
    is called so).
    """
    return tx.fetch(TARGET, owner_id=owner_id, origin_id=origin_id, avatar_id=avatar_id, name=name)


def known(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Known]:
    """What an avatar has, by its ids in snapshots; also what it had once, if that came with a snapshot."""
    return tx.fetch(KNOWN, owner_id=owner_id, avatar_id=avatar_id)


def remember(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, made: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Keeps which id something has here, by its id in snapshots."""
    if made:
        rows = [{"origin_id": str(origin), "id": str(local)} for origin, local in made.items()]
        tx.execute(REMEMBER, owner_id=owner_id, avatar_id=avatar_id, rows=db.jsonb(rows))


def add_avatar(
    tx: db.Transaction, owner_id: int, new_avatar_id: uuid.UUID, rows: str, until: int
) -> db.Pending[Written]:
    """A new avatar that remembers nothing of messages up to `until`; no row where its name is taken."""
    return tx.fetch(ADD_AVATAR, owner_id=owner_id, new_avatar_id=new_avatar_id, rows=rows, until=until)


def count(
    tx: db.Transaction, query: db.Query[Changed], owner_id: int, avatar_id: uuid.UUID, rows: str
) -> db.Pending[Changed]:
    """Writes rows of a part that is small; how many were new, and how many changed what was there."""
    return tx.fetch(query, owner_id=owner_id, avatar_id=avatar_id, rows=rows)
