"""Applies the migrations, on the direct URL; answers CloudFormation and makes links for who lost a password."""

from typing import Any

from anima.operations import worker


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers the names of what was applied, or the link."""
    return worker.migrate(event, context.get_remaining_time_in_millis() / 1000)
