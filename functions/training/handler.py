"""Jobs of training: what the API asked for, from its queue; the steps of their state machine; their schedule."""

import json
from typing import Any

from anima.kernel import remaining
from anima.operations import worker as operations
from anima.training import worker

operations.wire()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers the records that failed, so that only they come again, or what a step of the machine came to."""
    with remaining.within(context):
        if "Records" in event:
            return worker.handle(event)
        return _ended(event) if event.get("task") == "ended" else worker.step(event)


def _ended(event: dict[str, Any]) -> dict[str, Any]:
    """An execution did not come to its own end: its job is told, and gives back what it holds."""
    job = json.loads(event["input"])
    fault = {"Error": f"States.{event['status']}", "Cause": "the execution that looked after it was ended"}
    worker.step({"task": "failed", **job, "fault": fault, "final": True})
    return worker.step({"task": "release", **job})
