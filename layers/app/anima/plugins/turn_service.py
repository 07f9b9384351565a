"""What a turn gets from here: the tools that its avatar may use, calls of them, and calls that wait for an approval.

Light to load: what a tool is made of is loaded when it is called.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anima.kernel import clock, db
from anima.kernel.config import settings
from anima.kernel.errors import Conflict, NotFound, Unauthenticated
from anima.plugins import arguments as reading
from anima.plugins import builtin, offers, turn_repo
from anima.plugins.calls_service import call, refusal, result_of
from anima.plugins.model import DecidedCall, OfferedTool, State, ToolResult, WaitingCall
from anima.plugins.offers import Enabled
from anima.plugins.turn_repo import Asked, CallRow, EnabledRow

__all__ = ["allow", "ask", "begin_tools", "call", "decide", "find", "recognised", "refusal", "waiting"]


class CallNotFound(NotFound):
    """There is no call {invocation_id} of yours that waits or waited for an approval."""

    slug = "call-not-found"


class DecidedOtherwise(Conflict):
    """This call is {state} already."""

    slug = "decided-otherwise"


@dataclass(slots=True)
class PendingTools:
    """The tools of an avatar on their way."""

    _pending: db.Pending[EnabledRow]
    _tools: list[OfferedTool] | None = None

    def tools(self) -> list[OfferedTool]:
        """What may be used now; to be read after the transaction."""
        if self._tools is None:
            rows = (
                Enabled(row.plugin_id, row.name, row.kind, row.config, row.tools, row.permissions)
                for row in self._pending.all()
            )
            self._tools = offers.offered(rows, without=_not_ready())
        return self._tools


@dataclass(slots=True)
class PendingCall:
    """A call that was entered and waits."""

    _pending: db.Pending[Asked]

    @property
    def invocation_id(self) -> int:
        """Its number; to be read after the transaction."""
        return self._pending.one().invocation_id


@dataclass(slots=True)
class PendingCalls:
    """Calls that wait, on their way."""

    _pending: db.Pending[CallRow]

    def calls(self) -> list[WaitingCall]:
        """In the order in which they came; to be read after the transaction."""
        return [
            WaitingCall(row.invocation_id, row.plugin, row.tool, row.request, row.state) for row in self._pending.all()
        ]


def begin_tools(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> PendingTools:
    """Asks in the turn's pipeline for what an avatar may use, and waits for nothing."""
    return PendingTools(turn_repo.enabled(tx, owner_id, avatar_id, builtin.DEFAULT_ON))


def recognised(question: str) -> tuple[str, dict[str, Any]] | None:
    """The tool that a message plainly asks for, by its name, with its arguments; for models that call none."""
    found: tuple[str, dict[str, Any]] | None = builtin.load("anima.plugins.recognition:recognised")(question)
    return found


def find(tools: Iterable[OfferedTool], name: str) -> OfferedTool | None:
    """The tool that a model calls by this name, if there is one."""
    return next((one for one in tools if one.name == name), None)


def ask(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    tool: OfferedTool,
    arguments: str | Mapping[str, Any],
    *,
    session_id: int | None,
    request_id: int | None,
) -> PendingCall:
    """Enters a call that waits for an approval. Raises BadArguments: see `refusal` before."""
    asked = turn_repo.ask(
        tx,
        owner_id,
        avatar_id,
        plugin_id=tool.plugin_id,
        plugin=tool.plugin,
        tool=tool.tool,
        digest=tool.digest,
        session_id=session_id,
        request_id=request_id,
        request=reading.read(arguments, tool.parameters),
        at=clock.now(),
    )
    return PendingCall(asked)


def decide(principal: db.Principal, invocation_id: int, approve: bool, always: bool = False) -> DecidedCall:
    """Says what becomes of a call that waits. Told the same again it answers the same, with the result if there is one.

    `always` allows the tool as it is now once for all. A tool that has changed since it was asked about is not called:
    that call has failed. Raises CallNotFound, DecidedOtherwise.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        row = turn_repo.call(tx, owner_id, invocation_id).first()
        if row is None:
            raise CallNotFound(what="call", id=invocation_id, invocation_id=invocation_id)
        tool = _still(tx, owner_id, row)
        state: State = "denied" if not approve else "approved" if tool else "failed"
        if row.state == "waiting":
            error = {"denied": "denied", "failed": "changed"}.get(state)
            turn_repo.decide(tx, owner_id, invocation_id, state, error, clock.now())
            if tool and row.avatar_id and approve and always:
                allow(tx, owner_id, row.avatar_id, tool, True)
            row = turn_repo.call(tx, owner_id, invocation_id).one()
    if (row.state == "denied") is approve and row.state != "failed":
        raise DecidedOtherwise(state=row.state)
    result = _told(row) if row.state in ("done", "failed", "denied") else None
    ids = (row.avatar_id, row.session_id, row.request_id)
    return DecidedCall(row.invocation_id, row.state, *ids, tool, row.request, result)


def waiting(tx: db.Transaction, owner_id: int, request_id: int) -> PendingCalls:
    """The calls of a turn that wait for an approval, or got one and are not made yet."""
    return PendingCalls(turn_repo.waiting(tx, owner_id, request_id))


def allow(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, tool: OfferedTool, always: bool) -> None:
    """Allows a tool, as it is now, once for all; or has it asked about again."""
    plugin_id, own, digest = tool.plugin_id, tool.tool, tool.digest
    turn_repo.allow(tx, owner_id, avatar_id, plugin_id=plugin_id, tool=own, always=always, digest=digest)


def _still(tx: db.Transaction, owner_id: int, row: CallRow) -> OfferedTool | None:
    """The tool of a call, if it may be used still and is what it was."""
    if row.avatar_id is None:
        return None
    tools = begin_tools(tx, owner_id, row.avatar_id).tools()
    same = (one for one in tools if (one.plugin_id, one.tool, one.digest) == (row.plugin_id, row.tool, row.digest))
    return next(same, None)


def _told(row: CallRow) -> ToolResult:
    result = result_of(row)
    said = {
        "denied": "The person did not allow this call.",
        "changed": "The tool has changed, or is not there any more.",
    }
    return result if result.text or result.error not in said else replace(result, text=said[result.error])


def _not_ready() -> tuple[str, ...]:
    """Built-in tools for which something is missing here."""
    return () if settings().image_model else ("make_picture",)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id
