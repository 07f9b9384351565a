"""One call of a tool, from its arguments to its result: permitted, entered, run within its time, and ended in the log.

Whatever a tool does, its caller gets a result. A call that was approved is made once: killed in the middle of it, it
is said to be interrupted and not made again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from anima.kernel import clock, db, secrets, telemetry
from anima.kernel.errors import AnimaError
from anima.plugins import arguments as reading
from anima.plugins import builtin, turn_repo
from anima.plugins.model import OfferedTool, ToolResult
from anima.plugins.outcome import Job, Outcome, plain
from anima.plugins.turn_repo import Begun, CallRow

_GRACE_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.2
_LEAST_SECONDS = 0.05
_MEDIA_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class _Call:
    principal: db.Principal
    avatar_id: uuid.UUID
    tool: OfferedTool
    arguments: dict[str, Any]
    session_id: int | None
    request_id: int | None
    deadline: float
    cited: int
    private: bool
    invocation_id: int | None

    @property
    def owner_id(self) -> int:
        assert self.principal.user_id is not None, "a call is somebody's"
        return self.principal.user_id


def call(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    tool: OfferedTool,
    arguments: str | Mapping[str, Any],
    *,
    session_id: int | None,
    request_id: int | None,
    deadline: float,
    cited: int = 0,
    private: bool = False,
    invocation_id: int | None = None,
) -> ToolResult:
    """Calls a tool, and says what came of it; raises nothing for what a tool does, only DatabaseUnavailable.

    `deadline` is a moment of time.monotonic(); the tool's own time ends it sooner. `cited`: how many passages have a
    number already. With the `invocation_id` of a call that was approved that one is made, once. Of a private session
    nothing is written but how many calls there were.
    """
    refused = refusal(tool, arguments)
    if refused is None and tool.approval == "ask" and invocation_id is None:
        refused = _refused("This has to be approved first.", "needs-approval")
    if refused is not None:
        _count(tool, refused)
        return refused
    given = reading.read(arguments, tool.parameters)
    one = _Call(*(principal, avatar_id, tool, given, session_id, request_id, deadline, cited, private), invocation_id)
    begun, earlier = _begun(one)
    if earlier is not None:
        return earlier
    result = _refused("This is not permitted any more.", "not-permitted") if begun is None else _made(one, begun)
    _count(tool, result)
    return result


def refusal(tool: OfferedTool, arguments: str | Mapping[str, Any]) -> ToolResult | None:
    """Why a call cannot be made as it was written; None if it can."""
    try:
        reading.read(arguments, tool.parameters)
    except reading.BadArguments as error:
        return _refused(plain(error.detail, 1000), error.slug)
    return None


def result_of(row: CallRow) -> ToolResult:
    """The result of a call that has ended, from the log."""
    told = row.response or {}
    return ToolResult(
        ok=row.state == "done",
        text=str(told.get("text", "")),
        error=row.error,
        media=tuple(told.get("media", ())),
        latency_ms=row.latency_ms or 0.0,
        invocation_id=row.invocation_id,
    )


def _begun(one: _Call) -> tuple[Begun | None, ToolResult | None]:
    """The call entered as running; or the result that it has had."""
    named: dict[str, Any] = {"plugin_id": one.tool.plugin_id, "tool": one.tool.tool, "digest": one.tool.digest}
    common = {**named, "default_on": builtin.DEFAULT_ON, "at": clock.now()}
    with db.transaction(one.principal) as tx:
        if one.invocation_id is None:
            ids: dict[str, Any] = {"session_id": one.session_id, "request_id": one.request_id}
            kept: dict[str, Any] = {"request": one.arguments, "kept": not one.private}
            found = turn_repo.begin(tx, one.owner_id, one.avatar_id, **ids, **kept, **common)
        else:
            found = turn_repo.claim(tx, one.owner_id, one.avatar_id, one.invocation_id, **common)
    begun = found.first()
    if one.invocation_id is None or (begun is not None and begun.invocation_id is not None):
        return begun, None
    return None, _earlier(one)


def _earlier(one: _Call) -> ToolResult:
    """What became of a call that was taken up before; waited for while it may still be running."""
    assert one.invocation_id is not None, "it was approved under a number"
    while True:
        with db.transaction(one.principal) as tx:
            found = turn_repo.call(tx, one.owner_id, one.invocation_id)
        row = found.first()
        if row is None:
            return _refused("There is no such call.", "unknown-call")
        if row.state in ("done", "failed", "denied"):
            return result_of(row)
        if row.state != "running":
            return _not_taken(one, row)
        if clock.now() - row.invoked_at > timedelta(seconds=one.tool.timeout + _GRACE_SECONDS):
            return _ended(one, row.invocation_id, _refused("It was interrupted, and is not made again.", "interrupted"))
        if time.monotonic() + _LOOK_EVERY_SECONDS > one.deadline:
            return _refused("It is still running.", "busy")
        time.sleep(_LOOK_EVERY_SECONDS)


def _not_taken(one: _Call, row: CallRow) -> ToolResult:
    """A call that waits still, or is not what was approved, or is not permitted any more."""
    if row.state == "waiting":
        return _refused("This has to be approved first.", "needs-approval")
    if row.digest != one.tool.digest or row.tool != one.tool.tool:
        return _ended(one, row.invocation_id, _refused("The tool has changed since it was approved.", "changed"))
    return _ended(one, row.invocation_id, _refused("This is not permitted any more.", "not-permitted"))


def _made(one: _Call, begun: Begun) -> ToolResult:
    """Runs the tool outside of any transaction, and notes how it ended."""
    started = time.monotonic()
    try:
        outcome = _run(one, begun, started)
        media = _stored(one.principal, outcome)
    except AnimaError as error:
        outcome, media = Outcome(error.detail, error.slug), ()
    except Exception as error:  # a runner that fails is a tool that failed
        telemetry.error("plugins.failed", error, plugin=begun.name, tool=one.tool.tool)
        outcome, media = Outcome("The tool failed.", "failed"), ()
    took = round((time.monotonic() - started) * 1000, 3)
    text = plain(outcome.text)
    result = ToolResult(
        outcome.error is None, text, outcome.error, media, took, begun.invocation_id, tuple(outcome.hits)
    )
    return _ended(one, begun.invocation_id, result)


def _run(one: _Call, begun: Begun, started: float) -> Outcome:
    until = min(one.deadline, started + one.tool.timeout)
    if until - started < _LEAST_SECONDS:
        return Outcome("There is no time left for it.", "timeout")
    secret = secrets.decrypt(begun.secret) if begun.secret else None
    job = Job(
        one.principal,
        one.tool.plugin_id,
        begun.name,
        one.tool.tool,
        one.tool.digest,
        one.arguments,
        begun.config,
        secret,
        begun.private_allowed,
        one.cited,
        until,
        one.private,
    )
    outcome: Outcome = builtin.load(builtin.RUNNERS[begun.kind])(job)
    return outcome


def _stored(principal: db.Principal, outcome: Outcome) -> tuple[int, ...]:
    """The files of an outcome, stored as media. Raises UnknownMedium, TooLarge."""
    if not outcome.media:
        return ()
    keep = builtin.load("anima.conversations.media_service:store")
    return tuple(keep(principal, data, limit=_MEDIA_BYTES).media_id for data in outcome.media)


def _ended(one: _Call, invocation_id: int | None, result: ToolResult) -> ToolResult:
    """Writes how a call ended; of a private session nothing stays."""
    if invocation_id is None:
        return result
    response = {"text": result.text, "media": list(result.media)}
    how: dict[str, Any] = {"response": response, "error": result.error, "latency_ms": result.latency_ms}
    with db.transaction(one.principal) as tx:
        if one.private:
            turn_repo.drop(tx, one.owner_id, invocation_id)
        else:
            turn_repo.end(tx, one.owner_id, invocation_id, state="done" if result.ok else "failed", **how)
    return result


def _refused(text: str, error: str) -> ToolResult:
    return ToolResult(False, text, error)


def _count(tool: OfferedTool, result: ToolResult) -> None:
    """Counts a call; tools of others under one name, so that labels stay few."""
    own = tool.plugin if tool.plugin in builtin.TOOLS else "other"
    telemetry.count("plugins.calls", plugin=own, outcome="ok" if result.ok else result.error or "failed")
    if result.latency_ms:
        telemetry.observe("plugins.latency", result.latency_ms, plugin=own)
