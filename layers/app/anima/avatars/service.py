"""Rules of avatars: whom a user makes, finds, changes and removes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from anima import personality as personalities
from anima.avatars import repo
from anima.avatars.model import (
    ANYBODY,
    CATEGORIES,
    LOCAL,
    MAX_BIO_CHARS,
    MAX_NAME_CHARS,
    SWITCHES,
    VISIBILITIES,
    Avatar,
    Changes,
    NewAvatar,
    Rule,
)
from anima.kernel import db, idempotency, ids, pages
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound
from anima.vendors import embeddings

__all__ = ["Avatar", "Changes", "NewAvatar", "create", "delete", "find", "get", "list_avatars", "patch"]


BeforeDelete = Callable[[db.Transaction, int, uuid.UUID], None]
"""Gets the transaction, the owner and the avatar that goes."""

_providers: Callable[[], list[str]] | None = None
_before_delete: list[BeforeDelete] = []


def know_providers(providers: Callable[[], list[str]]) -> None:
    """Tells which providers of models there are here, so that egress can name them; whoever composes the app does."""
    global _providers
    _providers = providers


class AvatarNotFound(NotFound):
    """There is no avatar {avatar} of yours."""

    slug = "avatar-not-found"


class NameTaken(Conflict):
    """You have an avatar named {name} already; take another name."""

    slug = "name-taken"


class SeenByEmbedder(Conflict):
    """{provider} makes the embeddings of this installation and so reads all that is said, {category} too. Let it read
    that, or move to an embedding model that runs here (`anima embeddings migrate`).
    """

    slug = "seen-by-embedder"


class BadAvatar(BadInput):
    """The avatar is not valid: {reason}."""

    slug = "bad-avatar"


def create(
    principal: db.Principal,
    new: NewAvatar,
    key: idempotency.Key | None = None,
    also: Callable[[db.Transaction, Avatar], None] | None = None,
) -> Avatar:
    """Makes an avatar, and in the same transaction what belongs to it (`also`).

    Raises BadAvatar, InvalidPersonality, UnknownPersonality, NameTaken.
    """
    owner_id = _owner(principal)
    new = replace(new, name=_checked_name(new.name))
    _check(new.bio, new.visibility, new.switches, new.egress)
    name, personality = _resolved(new.personality)
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        kept = idempotency.settled(tx, owner_id, key, entered)
        if kept is not None:
            return _from_json(kept)
        avatar = repo.add(tx, owner_id, ids.uuid7(), new, name, personality).first()
        if avatar is None:
            raise NameTaken(name=new.name, fields=[FieldError("name", "a name that is not taken")])
        if also is not None:
            also(tx, avatar)
        idempotency.finish(tx, owner_id, key, _as_json(avatar))
    return avatar


def list_avatars(principal: db.Principal, *, cursor: str | None, limit: int) -> pages.Page[Avatar]:
    """The user's avatars in the order in which they were made."""
    after = _position(cursor)
    with db.transaction(principal) as tx:
        found = repo.avatars(tx, _owner(principal), after, limit + 1)
    return pages.page(found.all(), limit, lambda one: (str(one.avatar_id),))


def get(principal: db.Principal, avatar_id: uuid.UUID) -> Avatar:
    """One avatar. Raises AvatarNotFound."""
    with db.transaction(principal) as tx:
        found = repo.avatar(tx, _owner(principal), avatar_id)
    return _found(found.first(), avatar_id)


def find(principal: db.Principal, name_or_id: str) -> Avatar:
    """One avatar by its id, or by its name in any case. Raises AvatarNotFound."""
    avatar_id = _as_uuid(name_or_id)
    with db.transaction(principal) as tx:
        by_id = repo.avatar(tx, _owner(principal), avatar_id) if avatar_id else None
        by_name = repo.avatar_by_name(tx, _owner(principal), name_or_id)
    return _found((by_id.first() if by_id else None) or by_name.first(), name_or_id)


def patch(principal: db.Principal, avatar_id: uuid.UUID, changes: Changes) -> Avatar:
    """Changes an avatar. Raises AvatarNotFound, BadAvatar, InvalidPersonality, NameTaken."""
    if changes.name is not None:
        changes = replace(changes, name=_checked_name(changes.name))
    _check(changes.bio or "", changes.visibility or VISIBILITIES[0], changes.switches, changes.egress)
    name, personality = (None, None) if changes.personality is None else _resolved(changes.personality)
    with db.transaction(principal) as tx:
        before = repo.avatar(tx, _owner(principal), avatar_id)
        changed = repo.change(tx, _owner(principal), avatar_id, changes, name, personality)
    _found(before.first(), avatar_id)
    avatar = changed.first()
    if avatar is None:
        raise NameTaken(name=changes.name, fields=[FieldError("name", "a name that is not taken")])
    return avatar


def check_egress(egress: Mapping[str, Rule]) -> None:
    """Whether an avatar that comes from elsewhere can be kept from those that it is to be kept from. Raises
    SeenByEmbedder.
    """
    _check_embedder(egress)


def before_delete(act: BeforeDelete) -> None:
    """Has `act` called in the transaction that removes an avatar, before it; whoever composes the app says so."""
    if act not in _before_delete:
        _before_delete.append(act)


def delete(principal: db.Principal, avatar_id: uuid.UUID) -> None:
    """Removes an avatar and all that it remembers; what was said stays. Raises AvatarNotFound."""
    with db.transaction(principal) as tx:
        for act in _before_delete:
            act(tx, _owner(principal), avatar_id)
        if not repo.delete(tx, _owner(principal), avatar_id).count():
            raise AvatarNotFound(avatar=avatar_id)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "avatars belong to somebody"
    return principal.user_id


def _found(avatar: Avatar | None, asked: object) -> Avatar:
    if avatar is None:
        raise AvatarNotFound(avatar=str(asked)[:MAX_NAME_CHARS])
    return avatar


def _resolved(personality: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The personality's JSON, checked, and its name, by which affinity is kept."""
    data = personalities.load_ready(personality) if isinstance(personality, str) else personality
    try:
        parsed = personalities.parse(data)
    except personalities.InvalidPersonality as error:
        fields = [FieldError(f"personality.{one.path}", one.message) for one in error.fields]
        raise personalities.InvalidPersonality(reason=error.values["reason"], fields=fields) from None
    return parsed.persona.name.strip().casefold(), data


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
        wrong = FieldError("name", f"1 to {MAX_NAME_CHARS} printable characters")
        raise BadAvatar(reason="its name is empty, too long or not printable", fields=[wrong])
    return name


def _check(bio: str, visibility: str, switches: Mapping[str, bool], egress: Mapping[str, Rule]) -> None:
    wrong = [
        FieldError(f"switches.{name}", f"true or false, for one of {', '.join(SWITCHES)}")
        for name, value in switches.items()
        if name not in SWITCHES or not isinstance(value, bool)
    ]
    wrong += [told for category, rule in egress.items() if (told := _wrong_rule(category, rule)) is not None]
    if len(bio) > MAX_BIO_CHARS:
        wrong.append(FieldError("bio", f"at most {MAX_BIO_CHARS} characters"))
    if visibility not in VISIBILITIES:
        wrong.append(FieldError("visibility", f"one of {', '.join(VISIBILITIES)}"))
    if wrong:
        raise BadAvatar(reason=f"{wrong[0].path}: {wrong[0].message}", fields=wrong)
    _check_embedder(egress)


def _check_embedder(egress: Mapping[str, Rule]) -> None:
    """Nothing can be kept from who embeds it; a rule that says so would promise too much."""
    reader = embeddings.provider() if egress else None
    for category, rule in egress.items():
        if reader is not None and rule != ANYBODY and reader not in rule:
            wrong = FieldError(f"egress.{category}", f'"{ANYBODY}", or a list with "{reader}"')
            raise SeenByEmbedder(provider=reader, category=category, fields=[wrong])


def _wrong_rule(category: str, rule: object) -> FieldError | None:
    """What is wrong with who may read a category, if anything."""
    where = f"egress.{category}"
    if category not in CATEGORIES:
        return FieldError(where, f"an unknown category; those of memory are {', '.join(CATEGORIES)}")
    if rule in (LOCAL, ANYBODY):
        return None
    if not isinstance(rule, list) or not rule or not all(isinstance(one, str) for one in rule):
        return FieldError(where, f'"{LOCAL}", "{ANYBODY}", or a list of providers such as ["openai"]')
    known = {LOCAL, *(_providers() if _providers is not None else ())}
    if strangers := [one for one in rule if one not in known]:
        return FieldError(where, f"unknown provider {strangers[0]}; known here are {', '.join(sorted(known))}")
    return None


def _as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _position(cursor: str | None) -> uuid.UUID | None:
    decoded = pages.decode(cursor, 1)
    after = decoded and _as_uuid(str(decoded[0]))
    if decoded and after is None:
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong])
    return after or None


def _as_json(avatar: Avatar) -> dict[str, Any]:
    times = {"created_at": avatar.created_at.isoformat(), "updated_at": avatar.updated_at.isoformat()}
    return {**asdict(avatar), "avatar_id": str(avatar.avatar_id), **times}


def _from_json(kept: dict[str, Any]) -> Avatar:
    times = {name: datetime.fromisoformat(kept[name]) for name in ("created_at", "updated_at")}
    return Avatar(**{"egress": {}, **kept, "avatar_id": uuid.UUID(kept["avatar_id"]), **times})
