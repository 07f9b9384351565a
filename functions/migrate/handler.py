"""Applies the migrations, on the direct URL."""

from typing import Any

from anima.operations import worker


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers the names of what was applied."""
    return worker.migrate(event)
