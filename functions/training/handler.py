"""Jobs of training: what the API asked for, from its queue; the steps of their state machine; their schedule."""

from typing import Any

from anima.kernel import remaining
from anima.operations import worker as operations
from anima.training import worker

operations.wire()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again, or what a step of the machine came to."""
    with remaining.within(context):
        return worker.handle(event) if "Records" in event else worker.step(event)
