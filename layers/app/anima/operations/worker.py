"""Events that keep a deployment going: what waits in the outbox is sent, the schema is brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from anima.kernel import delivery, telemetry, watch
from anima.kernel.errors import BadInput, DatabaseUnavailable, FieldError
from anima.operations import maintenance, wake

_MOST = 1_000
"""Sent by one call, so that it ends before it is ended; what is left has a wake armed at once."""


def wire() -> None:
    """Lets a worker that is a function of its own send what it commits."""
    wake.wire()


def deliver(event: Mapping[str, Any] | None = None) -> dict[str, int]:
    """What a wake does: sends what is due of the outbox, closes turns that were cut, and keeps the database in order.

    Arms the next wake only if something is left, or if the database cannot be reached. Answers how much of each.
    Raises BadInput for an event that is no schedule's.
    """
    failures = _failures(event or {})
    watch.start()
    try:
        with watch.work("wake"):
            return _look()
    except DatabaseUnavailable as error:
        telemetry.error("wake.failed", error, failures=failures + 1)
        if not wake.again(failures + 1):
            raise
        return {"sent": 0, "closed": 0}


def _look() -> dict[str, int]:
    from anima.chat import cut_service as turns

    sent = wake.deliver(_MOST)
    closed = turns.close_cut()
    left = [due for due in (delivery.next_due(), turns.next_cut()) if due is not None]
    if left:
        wake.arm(min(left))
    maintenance.run_if_due()  # last: it may take longer than this call may
    return {"sent": sent, "closed": closed}


def _failures(event: Mapping[str, Any]) -> int:
    """How often the wake before this one could not do its work. A schedule made by hand says nothing of it."""
    scheduled = isinstance(event, Mapping) and (not event or event.get("source") == "aws.scheduler")
    if scheduled:
        return 0
    told = event.get("wake") if isinstance(event, Mapping) and set(event) == {"wake"} else None
    failures = told.get("failures", 0) if isinstance(told, Mapping) else None
    if type(failures) is not int or failures < 0:
        wrong = FieldError("wake.failures", "a number, not negative")
        raise BadInput(reason='a schedule\'s event is expected: {"wake": {"failures": 0}}', fields=[wrong])
    return failures


def migrate(event: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
    """Applies migrations: `{"phase": "pre" | "post" | null, "code": url | "none" | null, "dry_run": bool}`.

    Also answers CloudFormation's events, within `seconds`, `{"link_for": …, "base_url": …}`, and `{"maintain": true}`,
    which makes the indexes of large stores. Raises BadInput for anything else; CodeUnknown and CodeBehind where a post
    migration would come before the code.
    """
    from anima.operations import database, nearest_indexes, schema, setup

    if setup.is_custom(event):
        return setup.answer(event, seconds)
    if isinstance(event, Mapping) and "link_for" in event:
        return setup.link(event)
    if isinstance(event, Mapping) and event == {"maintain": True}:
        return asdict(nearest_indexes.keep(setup.know_owner()))
    phase, code, dry_run = _asked(event)
    url = setup.know_owner()
    known = None if phase == "pre" else schema.known_to_the_code(code, url, dry_run=dry_run)
    return {"dry_run": dry_run, "migrations": database.migrate(phase, dry_run=dry_run, code=known)}


def _asked(event: object) -> tuple[str | None, str | None, bool]:
    """Phase, code and dry_run of an event that asks for migrations; all are optional."""
    given: Mapping[str, Any] = event if isinstance(event, Mapping) else {"": event}
    phase, code, dry_run = given.get("phase"), given.get("code"), given.get("dry_run", False)
    wrong = [FieldError(str(name), "not known") for name in given if name not in {"phase", "code", "dry_run"}]
    if phase not in (None, "pre", "post"):
        wrong.append(FieldError("phase", "pre, post or null"))
    if not isinstance(code, str | None):
        wrong.append(FieldError("code", "where the deployed code answers, or none"))
    if not isinstance(dry_run, bool):
        wrong.append(FieldError("dry_run", "true or false"))
    if wrong:
        raise BadInput(reason="the event has phase, code and dry_run, all optional, and nothing else", fields=wrong)
    return phase, code, dry_run
