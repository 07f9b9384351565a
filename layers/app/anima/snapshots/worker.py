"""What the room does when events come: past conversations and snapshots come in, what is to go is erased."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.watch import watched
from anima.snapshots import transcripts_import_service, transcripts_service

_CLOSED, _ERASED = "account.closed", "memory.erased"
_SNAPSHOT = "snapshot.imported"
TOPICS = frozenset({transcripts_service.TOPIC, _CLOSED, _ERASED, _SNAPSHOT})


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


def _index(event: outbox.Event) -> None:
    """What came with a snapshot is made searchable."""
    from anima.snapshots import snapshot_search_service

    avatar_id = event.payload.get("avatar_id")
    try:
        named = uuid.UUID(str(avatar_id))
    except ValueError:
        wrong = FieldError("payload.avatar_id", "the id of an avatar")
        raise BadInput(reason="the event names no avatar", fields=[wrong]) from None
    snapshot_search_service.index(event.owner, event.owner_id, named)


def act(event: outbox.Event) -> None:
    """Does what one event asks for."""
    if event.topic == _SNAPSHOT:
        _index(event)
        return
    (_erase if event.topic in (_CLOSED, _ERASED) else _import)(event)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; delivered twice, it works once."""
    return delivery.consume(event, watched(act), raising=raising)
