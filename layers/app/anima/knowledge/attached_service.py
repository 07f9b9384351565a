"""Makes documents of the files that came along with messages, so that they are found later."""

from __future__ import annotations

from collections.abc import Sequence

from anima.conversations import media_service
from anima.conversations.media_model import Attached
from anima.kernel import db, outbox
from anima.knowledge import intake_repo, intake_service
from anima.knowledge.intake_repo import NewRow

TOPIC = "media.attached"
_PURPOSE = "context"
_KINDS = {"text/markdown": "markdown", "text/html": "html", "text/csv": "csv", "text/plain": "text"}


def take_in(owner: db.Principal, owner_id: int, media_ids: Sequence[int]) -> None:
    """Enters and queues a document for each medium whose content is not there yet; done twice, it works once.

    Media of private sessions are left alone, and so are those that were deleted meanwhile.
    """
    with db.transaction(owner) as tx:
        media = media_service.attached(tx, owner_id, media_ids).all()
        hashes, purposes = [medium.checksum_sha256 for medium in media], [_PURPOSE] * len(media)
        places = intake_repo.places(tx, owner_id, hashes, [None] * len(media), purposes).all()
        rows = [
            _row(place.store_id, medium)
            for medium, place in zip(media, places, strict=True)
            if place.store_id is not None and place.document_id is None
        ]
        for entered in intake_repo.add(tx, owner_id, rows).all() if rows else []:
            payload = {"document_id": entered.document_id}
            outbox.emit(tx, intake_service.TOPIC, f"document:{entered.document_id}", owner_id, payload)


def _row(store_id: int, medium: Attached) -> NewRow:
    doc_type = medium.media_type
    if doc_type == "text":
        doc_type = _KINDS.get(medium.mime_type, "unknown")
    return NewRow(
        store_id=store_id,
        title=medium.name or f"{medium.media_type} of message {medium.message_id}",
        source_uri=None,
        uri=None,
        name=medium.name,
        doc_type=doc_type,
        mime_type=medium.mime_type,
        content_sha256=medium.checksum_sha256,
        size_bytes=medium.size_bytes,
        storage_uri=medium.storage_uri,
        metadata={"message_id": medium.message_id},
    )
