"""What follows a turn, from its queue."""

from typing import Any

from anima.chat import worker
from anima.kernel import remaining
from anima.operations import worker as operations

operations.wire()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again."""
    with remaining.within(context):
        return worker.handle(event)
