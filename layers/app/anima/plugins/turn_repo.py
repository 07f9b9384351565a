"""SQL of the tools of a turn: what is offered, and each call from its beginning to its end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.plugins.model import Kind, State


@dataclass(frozen=True, slots=True)
class EnabledRow:
    """A plugin that an avatar may use, with what is permitted of it by tool."""

    plugin_id: int
    name: str
    kind: Kind
    config: dict[str, Any]
    tools: list[dict[str, Any]]
    permissions: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a call needs of its plugin; `invocation_id` is null where nothing is written, or nothing was to be begun."""

    kind: Kind
    name: str
    config: dict[str, Any]
    secret: bytes | None
    private_allowed: bool
    invocation_id: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that waits for an approval."""

    invocation_id: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with all that a decision about it needs."""

    invocation_id: int
    avatar_id: uuid.UUID | None
    session_id: int | None
    request_id: int | None
    plugin_id: int | None
    plugin: str
    tool: str
    digest: str
    state: State
    request: dict[str, Any]
    response: dict[str, Any] | None
    error: str | None
    latency_ms: float | None
    invoked_at: datetime


ENABLED = db.Query(
    EnabledRow,
    """
    select p.plugin_id, p.name, p.kind, p.config, p.tools, coalesce(t.permissions, '{}') as permissions
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
        and coalesce(w.enabled, p.kind = 'builtin' and p.name = any(%(default_on)s::text[]))
    order by p.plugin_id
    """,
)

# What was offered may have been taken away since: it is looked at again, and entered only if it is still permitted.
BEGIN = db.Query(
    Begun,
    """
    with permitted as (
        select p.* from plugins p
        left join plugin_permissions w on w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
            and w.plugin_id = p.plugin_id and w.tool = ''
        left join plugin_permissions t on t.owner_id = %(owner_id)s and t.avatar_id = %(avatar_id)s
            and t.plugin_id = p.plugin_id and t.tool = %(tool)s
        where p.plugin_id = %(plugin_id)s and (p.owner_id = %(owner_id)s or p.owner_id is null) and p.enabled
            and coalesce(w.enabled, p.kind = 'builtin' and p.name = any(%(default_on)s::text[]))
            and coalesce(t.enabled, true)
    ), begun as (
        insert into plugin_invocations (
            owner_id, avatar_id, session_id, request_id, plugin_id, plugin, tool, digest, state, request, invoked_at
        )
        select %(owner_id)s, %(avatar_id)s, %(session_id)s, %(request_id)s, plugin_id, name, %(tool)s, %(digest)s,
            'running', %(request)s, %(at)s
        from permitted where %(kept)s
        returning invocation_id
    )
    select kind, name, config, secret, private_allowed, (select invocation_id from begun) as invocation_id
    from permitted
    """,
)

CLAIM = db.Query(
    Begun,
    """
    with permitted as (
        select p.* from plugins p
        left join plugin_permissions w on w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
            and w.plugin_id = p.plugin_id and w.tool = ''
        left join plugin_permissions t on t.owner_id = %(owner_id)s and t.avatar_id = %(avatar_id)s
            and t.plugin_id = p.plugin_id and t.tool = %(tool)s
        where p.plugin_id = %(plugin_id)s and (p.owner_id = %(owner_id)s or p.owner_id is null) and p.enabled
            and coalesce(w.enabled, p.kind = 'builtin' and p.name = any(%(default_on)s::text[]))
            and coalesce(t.enabled, true)
    ), claimed as (
        update plugin_invocations i set state = 'running', invoked_at = %(at)s
        from permitted
        where i.owner_id = %(owner_id)s and i.invocation_id = %(invocation_id)s and i.state = 'approved'
            and i.plugin_id = permitted.plugin_id and i.digest = %(digest)s
        returning i.invocation_id
    )
    select kind, name, config, secret, private_allowed, (select invocation_id from claimed) as invocation_id
    from permitted
    """,
)

END = db.Command(
    """
    update plugin_invocations set state = %(state)s, response = %(response)s, error = %(error)s,
        latency_ms = %(latency_ms)s
    where owner_id = %(owner_id)s and invocation_id = %(invocation_id)s and state in ('waiting', 'approved', 'running')
    """
)

DROP = db.Command(
    """
    delete from plugin_invocations where owner_id = %(owner_id)s and invocation_id = %(invocation_id)s
    """
)

ASK = db.Query(
    Asked,
    """
    insert into plugin_invocations (
        owner_id, avatar_id, session_id, request_id, plugin_id, plugin, tool, digest, state, request, invoked_at
    )
    values (%(owner_id)s, %(avatar_id)s, %(session_id)s, %(request_id)s, %(plugin_id)s, %(plugin)s, %(tool)s,
        %(digest)s, 'waiting', %(request)s, %(at)s)
    returning invocation_id
    """,
)

CALL = db.Query(
    CallRow,
    """
    select invocation_id, avatar_id, session_id, request_id, plugin_id, plugin, tool, digest, state, request, response,
        error, latency_ms, invoked_at
    from plugin_invocations where owner_id = %(owner_id)s and invocation_id = %(invocation_id)s
    """,
)

DECIDE = db.Command(
    """
    update plugin_invocations set state = %(state)s, error = %(error)s, decided_at = %(at)s
    where owner_id = %(owner_id)s and invocation_id = %(invocation_id)s and state = 'waiting'
    """
)

WAITING = db.Query(
    CallRow,
    """
    select invocation_id, avatar_id, session_id, request_id, plugin_id, plugin, tool, digest, state, request, response,
        error, latency_ms, invoked_at
    from plugin_invocations
    where owner_id = %(owner_id)s and state in ('waiting', 'approved')
        and request_id = %(request_id)s
    order by invocation_id
    limit 100
    """,
)

ALLOW = db.Command(
    """
    insert into plugin_permissions (owner_id, avatar_id, plugin_id, tool, always, digest)
    values (%(owner_id)s, %(avatar_id)s, %(plugin_id)s, %(tool)s, %(always)s, %(digest)s)
    on conflict (owner_id, avatar_id, plugin_id, tool) do update set always = excluded.always, digest = excluded.digest
    """
)


def enabled(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, default_on: Sequence[str]
) -> db.Pending[EnabledRow]:
    """The plugins that an avatar may use."""
    return tx.fetch(ENABLED, owner_id=owner_id, avatar_id=avatar_id, default_on=list(default_on))


def begin(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    plugin_id: int,
    tool: str,
    digest: str,
    session_id: int | None,
    request_id: int | None,
    request: Mapping[str, Any],
    kept: bool,
    default_on: Sequence[str],
    at: datetime,
) -> db.Pending[Begun]:
    """Enters a call as running, if it is permitted; nothing where it is not. Only what is `kept` is written."""
    ids = {"plugin_id": plugin_id, "session_id": session_id, "request_id": request_id}
    said = {"tool": tool, "digest": digest, "request": db.jsonb(dict(request))}
    on = list(default_on)
    return tx.fetch(BEGIN, owner_id=owner_id, avatar_id=avatar_id, **ids, **said, kept=kept, default_on=on, at=at)


def claim(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    invocation_id: int,
    *,
    plugin_id: int,
    tool: str,
    digest: str,
    default_on: Sequence[str],
    at: datetime,
) -> db.Pending[Begun]:
    """Takes up a call that was approved, once; without `invocation_id` where it was taken up before."""
    ids = {"invocation_id": invocation_id, "plugin_id": plugin_id}
    on = list(default_on)
    return tx.fetch(
        CLAIM, owner_id=owner_id, avatar_id=avatar_id, **ids, tool=tool, digest=digest, default_on=on, at=at
    )


def end(
    tx: db.Transaction,
    owner_id: int,
    invocation_id: int,
    *,
    state: State,
    response: Mapping[str, Any] | None,
    error: str | None,
    latency_ms: float | None,
) -> None:
    """How a call ended; what has ended before stays as it is."""
    told = None if response is None else db.jsonb(dict(response))
    how = {"state": state, "response": told, "error": error, "latency_ms": latency_ms}
    tx.execute(END, owner_id=owner_id, invocation_id=invocation_id, **how)


def drop(tx: db.Transaction, owner_id: int, invocation_id: int) -> None:
    """Forgets a call."""
    tx.execute(DROP, owner_id=owner_id, invocation_id=invocation_id)


def ask(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    plugin_id: int,
    plugin: str,
    tool: str,
    digest: str,
    session_id: int | None,
    request_id: int | None,
    request: Mapping[str, Any],
    at: datetime,
) -> db.Pending[Asked]:
    """Enters a call that waits."""
    ids = {"plugin_id": plugin_id, "session_id": session_id, "request_id": request_id}
    said = {"plugin": plugin, "tool": tool, "digest": digest, "request": db.jsonb(dict(request))}
    return tx.fetch(ASK, owner_id=owner_id, avatar_id=avatar_id, **ids, **said, at=at)


def call(tx: db.Transaction, owner_id: int, invocation_id: int) -> db.Pending[CallRow]:
    """One call."""
    return tx.fetch(CALL, owner_id=owner_id, invocation_id=invocation_id)


def decide(
    tx: db.Transaction, owner_id: int, invocation_id: int, state: State, error: str | None, at: datetime
) -> db.Done:
    """What was decided about a call that waits."""
    return tx.execute(DECIDE, owner_id=owner_id, invocation_id=invocation_id, state=state, error=error, at=at)


def waiting(tx: db.Transaction, owner_id: int, request_id: int) -> db.Pending[CallRow]:
    """The calls of a turn that wait, or were approved and not made yet; oldest first."""
    return tx.fetch(WAITING, owner_id=owner_id, request_id=request_id)


def allow(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    plugin_id: int,
    tool: str,
    always: bool,
    digest: str,
) -> None:
    """Allows a tool once for all, or asks about it again."""
    ids = {"avatar_id": avatar_id, "plugin_id": plugin_id}
    tx.execute(ALLOW, owner_id=owner_id, **ids, tool=tool, always=always, digest=digest)
