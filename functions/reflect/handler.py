"""What follows a turn, from its queue."""

from typing import Any

from anima.chat import worker
from anima.operations import worker as operations

operations.wire()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again."""
    return worker.handle(event)
