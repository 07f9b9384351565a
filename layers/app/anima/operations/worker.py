"""Events that keep a deployment going: what waits in the outbox is sent, the schema is brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import outbox
from anima.kernel.errors import BadInput
from anima.kernel.outbox import Event


def _send(event: Event) -> None:
    from anima.vendors import queues

    queues.send(event.topic, event.key, outbox.as_sqs(event)["Records"][0]["body"])


def deliver(_event: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Sends what is due of the outbox to the queues of its topics, and closes turns that were cut.

    Answers how many of each there were.
    """
    from anima.chat import service as chat

    sent = 0
    while outbox.deliver_one(_send):
        sent += 1
    return {"sent": sent, "closed": chat.close_cut()}


def migrate(event: Mapping[str, Any]) -> dict[str, Any]:
    """Applies migrations: `{"phase": "pre" | "post" | null, "dry_run": bool}`. Raises BadInput for anything else."""
    from anima.operations import database

    unknown = set(event) - {"phase", "dry_run"}
    if unknown or not isinstance(event.get("dry_run", False), bool):
        raise BadInput(reason="the event has phase (pre, post or null) and dry_run (true or false), both optional")
    dry_run = event.get("dry_run", False)
    return {"dry_run": dry_run, "migrations": database.migrate(event.get("phase"), dry_run=dry_run)}
