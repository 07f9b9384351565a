"""What each avatar may use, said by its person; and the log of what it has used."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from anima.kernel import clock, db, pages
from anima.kernel.errors import BadInput, FieldError, NotFound, Unauthenticated
from anima.plugins import builtin, catalogue_repo, catalogue_service, offers
from anima.plugins.catalogue_repo import OfAvatar
from anima.plugins.model import Approval, Invocation, Kind, State

_STALE = timedelta(minutes=2)


class AvatarNotFound(NotFound):
    """There is no avatar {avatar} of yours."""

    slug = "avatar-not-found"


@dataclass(frozen=True, slots=True)
class PermittedTool:
    """A tool, whether the avatar may use it, and whether each call is asked about."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    enabled: bool
    approval: Approval
    always: bool


@dataclass(frozen=True, slots=True)
class Permitted:
    """A plugin, and what an avatar may use of it."""

    plugin_id: int
    name: str
    kind: Kind
    description: str
    enabled: bool
    tools: list[PermittedTool]


@dataclass(frozen=True, slots=True)
class Wish:
    """What an avatar is to be permitted of a plugin; None and what is not named: as it is.

    `tools` by name: `enabled`, and `always` (allowed once for all, as the tool is now).
    """

    plugin_id: int
    enabled: bool | None = None
    tools: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)


def of_avatar(principal: db.Principal, avatar_id: uuid.UUID) -> list[Permitted]:
    """Every plugin that there is for a person, with what this avatar may use of it. Raises AvatarNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        avatar = catalogue_repo.avatar(tx, owner_id, avatar_id)
        found = catalogue_repo.of_avatar(tx, owner_id, avatar_id, builtin.DEFAULT_ON)
    if avatar.first() is None:
        raise AvatarNotFound(what="avatar", id=avatar_id, avatar=avatar_id)
    return [_permitted(row) for row in found.all()]


def permit(principal: db.Principal, avatar_id: uuid.UUID, wishes: Sequence[Wish]) -> list[Permitted]:
    """Says what an avatar may use, all of it or nothing. Raises AvatarNotFound, PluginNotFound, BadInput."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        avatar = catalogue_repo.avatar(tx, owner_id, avatar_id)
        rows = {row.plugin_id: row for row in catalogue_repo.of_avatar(tx, owner_id, avatar_id, ()).all()}
        if avatar.first() is None:
            raise AvatarNotFound(what="avatar", id=avatar_id, avatar=avatar_id)
        for wish in wishes:
            row = rows.get(wish.plugin_id)
            if row is None:
                raise catalogue_service.PluginNotFound(what="plugin", id=wish.plugin_id, plugin_id=wish.plugin_id)
            _store(tx, owner_id, avatar_id, row, wish)
    return of_avatar(principal, avatar_id)


def invocations(
    principal: db.Principal,
    limit: int,
    cursor: str | None,
    *,
    plugin_id: int | None = None,
    avatar_id: uuid.UUID | None = None,
    state: State | None = None,
) -> pages.Page[Invocation]:
    """A person's calls, the newest first. Raises BadInput for a cursor that is none."""
    before = catalogue_service.row_number(cursor)
    which: dict[str, Any] = {"plugin_id": plugin_id, "avatar_id": avatar_id, "state": state, "before": before}
    with db.transaction(principal) as tx:
        found = catalogue_repo.invocations(tx, _owner(principal), **which, stale=clock.now() - _STALE, limit=limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.invocation_id])


def _permitted(row: OfAvatar) -> Permitted:
    tools = []
    for spec in offers.specs(row.kind, row.name, row.tools):
        permission = row.permissions.get(spec.name, {})
        mark = offers.digest(row.plugin_id, spec)
        always = bool(permission.get("always")) and permission.get("digest") == mark
        asked = offers.approval(row.kind, spec, permission, mark)
        on = permission.get("enabled") is not False
        tools.append(PermittedTool(spec.name, spec.description, spec.parameters, on, asked, always))
    described = builtin.DESCRIPTIONS.get(row.name, "") if row.kind == "builtin" else ""
    return Permitted(row.plugin_id, row.name, row.kind, described, row.enabled, tools)


def _store(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, row: OfAvatar, wish: Wish) -> None:
    if wish.enabled is not None:
        catalogue_repo.permit(
            tx, owner_id, avatar_id, row.plugin_id, "", enabled=wish.enabled, always=None, digest=None
        )
    known = {spec.name: spec for spec in offers.specs(row.kind, row.name, row.tools)}
    for name, said in wish.tools.items():
        if name not in known:
            wrong = FieldError("tools", f"names of {', '.join(known)}"[:300])
            raise BadInput(reason=f"{row.name} has no tool of this name", fields=[wrong])
        digest = offers.digest(row.plugin_id, known[name]) if said.get("always") is not None else None
        how: dict[str, Any] = {"enabled": said.get("enabled"), "always": said.get("always"), "digest": digest}
        catalogue_repo.permit(tx, owner_id, avatar_id, row.plugin_id, name, **how)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id
