"""One document at a time, one import of past conversations, one erasure or one collection, from their queue."""

from typing import Any

from anima.kernel import delivery, remaining
from anima.kernel.outbox import Event
from anima.kernel.watch import watched
from anima.knowledge import worker as documents
from anima.operations import worker as operations
from anima.snapshots import worker as past
from anima.tensors import worker as tensors

operations.wire()


def _act(event: Event) -> None:
    if event.topic in tensors.TOPICS:
        tensors.act(event)
        return
    (past if event.topic in past.TOPICS else documents).act(event)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again."""
    with remaining.within(context):
        return delivery.consume(event, watched(_act))
