"""One document at a time, from its queue."""

from typing import Any

from anima.knowledge import worker
from anima.operations import worker as operations

operations.wire()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again."""
    return worker.handle(event)
