"""What the room does when events come: a queued document is ingested, a summary is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.watch import watched
from anima.knowledge import (
    attached_service,
    digest_service,
    ingest_service,
    outside_worker,
    summarise_service,
    summary_service,
)


def _ingest(event: outbox.Event) -> None:
    document_id = event.payload.get("document_id")
    if not isinstance(document_id, int):
        wrong = FieldError("payload.document_id", "the id of a document")
        raise BadInput(reason="the event names no document", fields=[wrong])
    reading = event.payload.get("reading")
    ingest_service.ingest(event.owner, event.owner_id, document_id, None if reading is None else str(reading))
    digest_service.keep(event.owner, event.owner_id, document_id)


def _summarise(event: outbox.Event) -> None:
    summarise_service.make(event.owner, event.owner_id, int(event.payload["summary_id"]))


def _take_in(event: outbox.Event) -> None:
    attached_service.take_in(event.owner, event.owner_id, [int(each) for each in event.payload["media_ids"]])


_HANDLERS = {
    summary_service.TOPIC: _summarise,
    attached_service.TOPIC: _take_in,
    **dict.fromkeys(outside_worker.TOPICS, outside_worker.act),
}


def act(event: outbox.Event) -> None:
    """Does what one event asks for."""
    _HANDLERS.get(event.topic, _ingest)(event)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; delivered twice, it works once."""
    return delivery.consume(event, watched(act), raising=raising)
