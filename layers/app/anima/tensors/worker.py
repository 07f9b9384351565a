"""What the room does when events come: what nobody needs any more is collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.watch import watched
from anima.tensors import collect_service
from anima.tensors.writing_service import TOPIC

TOPICS = frozenset({TOPIC})


def act(event: outbox.Event) -> None:
    """Collects what is free of the owner's, and looks again later where something waits for its grace."""
    collect_service.collect(event.owner)
    collect_service.again_if_needed(event.owner)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; delivered twice, it works once."""
    return delivery.consume(event, watched(act), raising=raising)
