"""What the room does when events come: a queued document is ingested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.watch import watched
from anima.knowledge import ingest_service


def _handle(event: outbox.Event) -> None:
    document_id = event.payload.get("document_id")
    if not isinstance(document_id, int):
        wrong = FieldError("payload.document_id", "the id of a document")
        raise BadInput(reason="the event names no document", fields=[wrong])
    ingest_service.ingest(event.owner, event.owner_id, document_id)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Ingests the documents of an SQS event; delivered twice, it works once."""
    return delivery.consume(event, watched(_handle), raising=raising)
