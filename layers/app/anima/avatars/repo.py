"""SQL of avatars."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from anima.avatars.model import Avatar, Changes, NewAvatar
from anima.kernel import db

# A name that is taken adds nothing, and no row comes back.
ADD = db.Query(
    Avatar,
    """
    insert into avatars (
        avatar_id, owner_id, name, bio, personality_name, personality, model, visibility, switches,
        egress
    )
    values (
        %(avatar_id)s, %(owner_id)s, %(name)s, %(bio)s, %(personality_name)s, %(personality)s, %(model)s,
        %(visibility)s, %(switches)s, %(egress)s
    )
    on conflict (owner_id, name) do nothing
    returning avatar_id, owner_id, name, bio, personality_name, personality, model, visibility, switches,
        egress, created_at, updated_at
    """,
)

AVATAR = db.Query(
    Avatar,
    """
    select a.avatar_id, a.owner_id, a.name, a.bio, a.personality_name, a.personality, a.model, a.visibility,
        a.switches, a.egress, a.created_at, a.updated_at
    from avatars a
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    """,
)

AVATAR_BY_NAME = db.Query(
    Avatar,
    """
    select a.avatar_id, a.owner_id, a.name, a.bio, a.personality_name, a.personality, a.model, a.visibility,
        a.switches, a.egress, a.created_at, a.updated_at
    from avatars a
    where a.owner_id = %(owner_id)s and a.name = %(name)s::citext
    """,
)

# Ids grow with time, so their order is that of making.
AVATARS = db.Query(
    Avatar,
    """
    select a.avatar_id, a.owner_id, a.name, a.bio, a.personality_name, a.personality, a.model, a.visibility,
        a.switches, a.egress, a.created_at, a.updated_at
    from avatars a
    where a.owner_id = %(owner_id)s and (%(after)s::uuid is null or a.avatar_id > %(after)s::uuid)
    order by a.avatar_id
    limit %(limit)s
    """,
)

# A name that another avatar has changes nothing, and no row comes back.
CHANGE = db.Query(
    Avatar,
    """
    update avatars a set
        name = coalesce(%(name)s, a.name),
        bio = coalesce(%(bio)s, a.bio),
        personality_name = coalesce(%(personality_name)s, a.personality_name),
        personality = coalesce(%(personality)s::jsonb, a.personality),
        visibility = coalesce(%(visibility)s, a.visibility),
        switches = a.switches || %(switches)s::jsonb,
        egress = a.egress || %(egress)s::jsonb,
        model = case when %(change_model)s::boolean then %(model)s else a.model end
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s and not exists (
        select from avatars other
        where other.owner_id = %(owner_id)s and other.name = %(name)s::citext
            and other.avatar_id <> a.avatar_id
    )
    returning a.avatar_id, a.owner_id, a.name, a.bio, a.personality_name, a.personality, a.model,
        a.visibility, a.switches, a.egress, a.created_at, a.updated_at
    """,
)

DELETE = db.Command(
    """
    delete from avatars where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)


def add(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    new: NewAvatar,
    personality_name: str,
    personality: Mapping[str, Any],
) -> db.Pending[Avatar]:
    """A new avatar; no row where its name is taken."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        avatar_id=avatar_id,
        name=new.name,
        bio=new.bio,
        personality_name=personality_name,
        personality=db.jsonb(dict(personality)),
        model=new.model,
        visibility=new.visibility,
        switches=db.jsonb(dict(new.switches)),
        egress=db.jsonb(dict(new.egress)),
    )


def avatar(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Avatar]:
    """One avatar, by its id."""
    return tx.fetch(AVATAR, owner_id=owner_id, avatar_id=avatar_id)


def avatar_by_name(tx: db.Transaction, owner_id: int, name: str) -> db.Pending[Avatar]:
    """One avatar, by its name in any case."""
    return tx.fetch(AVATAR_BY_NAME, owner_id=owner_id, name=name)


def avatars(tx: db.Transaction, owner_id: int, after: uuid.UUID | None, limit: int) -> db.Pending[Avatar]:
    """Avatars in the order in which they were made."""
    return tx.fetch(AVATARS, owner_id=owner_id, after=after, limit=limit)


def change(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    changes: Changes,
    personality_name: str | None,
    personality: Mapping[str, Any] | None,
) -> db.Pending[Avatar]:
    """The avatar as changed; no row where it is not there or the name is taken."""
    return tx.fetch(
        CHANGE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        name=changes.name,
        bio=changes.bio,
        personality_name=personality_name,
        personality=None if personality is None else db.jsonb(dict(personality)),
        visibility=changes.visibility,
        switches=db.jsonb(dict(changes.switches)),
        egress=db.jsonb(dict(changes.egress)),
        model=changes.model,
        change_model=changes.change_model,
    )


def delete(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Done:
    """Removes an avatar with all that it remembers."""
    return tx.execute(DELETE, owner_id=owner_id, avatar_id=avatar_id)
