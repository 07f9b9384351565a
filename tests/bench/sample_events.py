"""The sample events of `events/`, made out to somebody of this database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from scripts.venvs import ROOT
from tests.emulator import runtime

EVENTS = ROOT / "events"


def read(name: str) -> dict[str, Any]:
    """The event in `events/<name>.json`."""
    event: dict[str, Any] = runtime.read_event(EVENTS / f"{name}.json")
    return event


def with_key(event: dict[str, Any], key: str) -> dict[str, Any]:
    """The same, from who has this key."""
    others = {name: value for name, value in event["headers"].items() if name.lower() != "authorization"}
    return {**event, "headers": {**others, "authorization": f"Bearer {key}"}}


def with_payload(event: dict[str, Any], owner_id: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a queue, a new one about something of this owner's."""
    record = event["Records"][0]
    new = {"event_id": str(uuid.uuid4()), "owner_id": owner_id, "payload": dict(payload)}
    return {"Records": [{**record, "body": json.dumps({**json.loads(record["body"]), **new})}]}
