"""What follows when vectors wait for another engine, must be forgotten there, or a store was deleted."""

from __future__ import annotations

from anima.kernel import outbox
from anima.kernel.errors import BadInput, FieldError
from anima.knowledge import (
    digest_service,
    forgetting_service,
    outside_writing_service,
    stores_check_service,
    stores_removal_service,
)

TOPICS = (outside_writing_service.WAITING, forgetting_service.GONE, stores_removal_service.TOPIC)


def act(event: outbox.Event) -> None:
    """Does what an event of these topics asks for; delivered twice, it works once."""
    document_id, store_id = event.payload.get("document_id"), event.payload.get("store_id")
    if isinstance(document_id, int):
        outside_writing_service.write_document(event.owner, event.owner_id, document_id)
        digest_service.keep(event.owner, event.owner_id, document_id)
    elif not isinstance(store_id, int):
        wrong = FieldError("payload", "the id of a document or of a store")
        raise BadInput(reason="the event names neither document nor store", fields=[wrong])
    elif event.topic == stores_removal_service.TOPIC:
        stores_removal_service.remove(event.owner, event.owner_id, store_id)
    else:
        outside_writing_service.sweep(event.owner, event.owner_id, store_id)
        stores_check_service.fill_here(event.owner, event.owner_id, store_id)
