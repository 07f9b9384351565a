"""SQL of the catalogue of plugins, of what avatars are permitted, and of the log of calls."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.plugins.model import Invocation, Kind, Plugin


@dataclass(frozen=True, slots=True)
class Entered:
    """A plugin that was entered."""

    plugin_id: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a plugin keeps for itself."""

    secret: bytes | None


@dataclass(frozen=True, slots=True)
class OfAvatar:
    """A plugin, with what an avatar is permitted of it."""

    plugin_id: int
    name: str
    kind: Kind
    shared: bool
    config: dict[str, Any]
    tools: list[dict[str, Any]]
    enabled: bool
    permissions: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AvatarRow:
    """An avatar that is there."""

    avatar_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Removed:
    """A row that was removed."""

    plugin_id: int


PLUGINS = db.Query(
    Plugin,
    """
    select plugin_id, owner_id is null as shared, name, version, kind, enabled, config,
        secret is not null as has_secret, private_allowed, tools, checked_at, reason, created_at
    from plugins
    where (owner_id = %(owner_id)s or owner_id is null) and plugin_id > %(after)s
    order by plugin_id
    limit %(limit)s
    """,
)

PLUGIN = db.Query(
    Plugin,
    """
    select plugin_id, owner_id is null as shared, name, version, kind, enabled, config,
        secret is not null as has_secret, private_allowed, tools, checked_at, reason, created_at
    from plugins
    where (owner_id = %(owner_id)s or owner_id is null) and plugin_id = %(plugin_id)s
    """,
)

BY_NAME = db.Query(
    Plugin,
    """
    select plugin_id, owner_id is null as shared, name, version, kind, enabled, config,
        secret is not null as has_secret, private_allowed, tools, checked_at, reason, created_at
    from plugins
    where (owner_id = %(owner_id)s or owner_id is null) and name = %(name)s
    order by plugin_id desc
    """,
)

SECRET = db.Query(
    Kept,
    """
    select secret from plugins where (owner_id = %(owner_id)s or owner_id is null) and plugin_id = %(plugin_id)s
    """,
)

ADD = db.Query(
    Entered,
    """
    insert into plugins (owner_id, name, version, kind, config, secret, private_allowed, tools, checked_at)
    values (%(owner_id)s, %(name)s, %(version)s, %(kind)s, %(config)s, %(secret)s, %(private_allowed)s, %(tools)s,
        %(at)s)
    on conflict (owner_id, name, version) do nothing
    returning plugin_id
    """,
)

CHANGE = db.Query(
    Entered,
    """
    update plugins set enabled = coalesce(%(enabled)s, enabled), config = coalesce(%(config)s, config),
        secret = coalesce(%(secret)s, secret)
    where (owner_id = %(owner_id)s or owner_id is null and %(owner_id)s::bigint is null) and plugin_id = %(plugin_id)s
    returning plugin_id
    """,
)

LOOKED = db.Query(
    Entered,
    """
    update plugins set tools = coalesce(%(tools)s, tools), version = coalesce(%(version)s, version),
        reason = %(reason)s, checked_at = %(at)s
    where (owner_id = %(owner_id)s or owner_id is null and %(owner_id)s::bigint is null) and plugin_id = %(plugin_id)s
    returning plugin_id
    """,
)

REMOVE = db.Query(
    Removed,
    """
    delete from plugins
    where (owner_id = %(owner_id)s or owner_id is null and %(owner_id)s::bigint is null) and plugin_id = %(plugin_id)s
        and kind <> 'builtin'
    returning plugin_id
    """,
)

OF_AVATAR = db.Query(
    OfAvatar,
    """
    select p.plugin_id, p.name, p.kind, p.owner_id is null as shared, p.config, p.tools,
        coalesce(w.enabled, p.kind = 'builtin' and p.name = any(%(default_on)s::text[])) as enabled,
        coalesce(t.permissions, '{}') as permissions
    from plugins p
    left join plugin_permissions w on w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
        and w.plugin_id = p.plugin_id and w.tool = ''
    left join lateral (
        select jsonb_object_agg(o.tool, jsonb_build_object(
            'enabled', o.enabled, 'always', o.always, 'digest', o.digest)) as permissions
        from plugin_permissions o
        where o.owner_id = %(owner_id)s and o.avatar_id = %(avatar_id)s and o.plugin_id = p.plugin_id and o.tool <> ''
    ) t on true
    where (p.owner_id = %(owner_id)s or p.owner_id is null) and p.enabled
    order by p.plugin_id
    """,
)

AVATAR = db.Query(
    AvatarRow,
    """
    select avatar_id from avatars where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """,
)

PERMIT = db.Command(
    """
    insert into plugin_permissions (owner_id, avatar_id, plugin_id, tool, enabled, always, digest)
    values (%(owner_id)s, %(avatar_id)s, %(plugin_id)s, %(tool)s, %(enabled)s, coalesce(%(always)s, false), %(digest)s)
    on conflict (owner_id, avatar_id, plugin_id, tool) do update set
        enabled = coalesce(excluded.enabled, plugin_permissions.enabled),
        always = coalesce(%(always)s, plugin_permissions.always),
        digest = coalesce(excluded.digest, plugin_permissions.digest)
    """
)

INVOCATIONS = db.Query(
    Invocation,
    """
    select invocation_id, avatar_id, session_id, request_id, plugin_id, plugin, tool,
        case when state = 'running' and invoked_at < %(stale)s then 'failed' else state end as state, request, response,
        case when state = 'running' and invoked_at < %(stale)s then 'interrupted' else error end as error,
        latency_ms, invoked_at, decided_at
    from plugin_invocations
    where owner_id = %(owner_id)s and (%(plugin_id)s::bigint is null or plugin_id = %(plugin_id)s)
        and (%(avatar_id)s::uuid is null or avatar_id = %(avatar_id)s)
        and (%(state)s::text is null or state = %(state)s)
        and (%(before)s::bigint is null or invocation_id < %(before)s)
    order by invocation_id desc
    limit %(limit)s
    """,
)


def plugins(tx: db.Transaction, owner_id: int | None, after: int, limit: int) -> db.Pending[Plugin]:
    """The catalogue as somebody sees it: what is everybody's, and their own."""
    return tx.fetch(PLUGINS, owner_id=owner_id, after=after, limit=limit)


def plugin(tx: db.Transaction, owner_id: int | None, plugin_id: int) -> db.Pending[Plugin]:
    """One row of it."""
    return tx.fetch(PLUGIN, owner_id=owner_id, plugin_id=plugin_id)


def by_name(tx: db.Transaction, owner_id: int | None, name: str) -> db.Pending[Plugin]:
    """Those of a name, the newest first."""
    return tx.fetch(BY_NAME, owner_id=owner_id, name=name)


def secret(tx: db.Transaction, owner_id: int | None, plugin_id: int) -> db.Pending[Kept]:
    """The token that a plugin is asked with."""
    return tx.fetch(SECRET, owner_id=owner_id, plugin_id=plugin_id)


def add(
    tx: db.Transaction,
    owner_id: int | None,
    *,
    name: str,
    version: str,
    kind: Kind,
    config: Mapping[str, Any],
    secret: bytes | None,
    private_allowed: bool,
    tools: Sequence[Mapping[str, Any]],
    at: datetime,
) -> db.Pending[Entered]:
    """Enters a plugin; nothing where one of this name and version is there."""
    said = {"name": name, "version": version, "kind": kind, "config": db.jsonb(dict(config)), "secret": secret}
    shown = db.jsonb([dict(one) for one in tools])
    return tx.fetch(ADD, owner_id=owner_id, **said, private_allowed=private_allowed, tools=shown, at=at)


def change(
    tx: db.Transaction,
    owner_id: int | None,
    plugin_id: int,
    enabled: bool | None,
    config: Mapping[str, Any] | None,
    secret: bytes | None,
) -> db.Pending[Entered]:
    """Changes what is given; the rest stays."""
    told = None if config is None else db.jsonb(dict(config))
    return tx.fetch(CHANGE, owner_id=owner_id, plugin_id=plugin_id, enabled=enabled, config=told, secret=secret)


def looked(
    tx: db.Transaction,
    owner_id: int | None,
    plugin_id: int,
    *,
    tools: Sequence[Mapping[str, Any]] | None,
    version: str | None,
    reason: str | None,
    at: datetime,
) -> db.Pending[Entered]:
    """What was found when a plugin was looked at again, or why nothing was."""
    shown = None if tools is None else db.jsonb([dict(one) for one in tools])
    found = {"tools": shown, "version": version, "reason": reason}
    return tx.fetch(LOOKED, owner_id=owner_id, plugin_id=plugin_id, **found, at=at)


def remove(tx: db.Transaction, owner_id: int | None, plugin_id: int) -> db.Pending[Removed]:
    """Removes a plugin with its permissions; what is built in stays."""
    return tx.fetch(REMOVE, owner_id=owner_id, plugin_id=plugin_id)


def of_avatar(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, default_on: Sequence[str]
) -> db.Pending[OfAvatar]:
    """All plugins, with what an avatar is permitted of them."""
    return tx.fetch(OF_AVATAR, owner_id=owner_id, avatar_id=avatar_id, default_on=list(default_on))


def avatar(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[AvatarRow]:
    """The avatar, if it is this owner's."""
    return tx.fetch(AVATAR, owner_id=owner_id, avatar_id=avatar_id)


def permit(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    plugin_id: int,
    tool: str,
    *,
    enabled: bool | None,
    always: bool | None,
    digest: str | None,
) -> None:
    """Permits or forbids a plugin (`tool` empty) or a tool of it; what is null stays."""
    what = {"plugin_id": plugin_id, "tool": tool, "enabled": enabled, "always": always, "digest": digest}
    tx.execute(PERMIT, owner_id=owner_id, avatar_id=avatar_id, **what)


def invocations(
    tx: db.Transaction,
    owner_id: int,
    *,
    plugin_id: int | None,
    avatar_id: uuid.UUID | None,
    state: str | None,
    before: int | None,
    stale: datetime,
    limit: int,
) -> db.Pending[Invocation]:
    """Calls, the newest first; one that runs since before `stale` was interrupted."""
    where = {"plugin_id": plugin_id, "avatar_id": avatar_id, "state": state, "before": before}
    return tx.fetch(INVOCATIONS, owner_id=owner_id, **where, stale=stale, limit=limit)
