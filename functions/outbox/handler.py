"""On a schedule: what could not be sent when it was committed."""

from typing import Any

from anima.operations import worker


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answers how many events were sent."""
    return worker.deliver(event)
