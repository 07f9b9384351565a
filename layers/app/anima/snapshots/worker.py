"""What the room does when events come: past conversations are imported, and what is to go is erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.watch import watched
from anima.snapshots import transcripts_import_service, transcripts_service

_CLOSED, _ERASED = "account.closed", "memory.erased"
TOPICS = frozenset({transcripts_service.TOPIC, _CLOSED, _ERASED})


def _import(event: outbox.Event) -> None:
    document_id = event.payload.get("document_id")
    if not isinstance(document_id, int):
        wrong = FieldError("payload.document_id", "the id of a document")
        raise BadInput(reason="the event names no document", fields=[wrong])
    transcripts_import_service.import_transcript(event.owner, event.owner_id, document_id)


def _erase(event: outbox.Event) -> None:
    """Erasing reaches into many rooms: they are loaded for it alone."""
    from anima.snapshots import erase_account_service, erase_service

    (erase_account_service.erase if event.topic == _CLOSED else erase_service.follow)(event)


def act(event: outbox.Event) -> None:
    """Does what one event asks for."""
    (_erase if event.topic in (_CLOSED, _ERASED) else _import)(event)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; delivered twice, it works once."""
    return delivery.consume(event, watched(act), raising=raising)
