"""Summaries of whole documents, and answers to questions about all of one: asked for, looked at, cancelled."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.gateway.service import NoModel
from anima.kernel import db, idempotency, outbox
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound, Unauthenticated
from anima.kernel.pages import Page, decode, page
from anima.knowledge import summary_plan, summary_repo
from anima.knowledge.summary_model import Estimate, Size, Summary, Wish

TOPIC = "summary.wanted"


class DocumentNotReady(Conflict):
    """The document is {state}: it can be summed up when it is done."""

    slug = "document-not-ready"


class TooLongForOnePiece(BadInput):
    """The document is more than {model} can read at once; take map_reduce, or leave the mode to us."""

    slug = "too-long-for-one-piece"


class NeedsModel(BadInput):
    """There is no language model that could read the document; only extractive summaries can be made."""

    slug = "needs-model"


def estimate(principal: db.Principal, wish: Wish) -> Estimate:
    """What a summary would cost; nothing is done. Raises what `request` raises."""
    sizes = _looked_at(principal, wish)
    model = _model(wish)
    return _estimated(wish, sizes, model)


def request(principal: db.Principal, wish: Wish, key: idempotency.Key | None = None) -> Summary:
    """Enters a summary and has it made.

    Raises NotFound, DocumentNotReady, TooLongForOnePiece, NeedsModel, UnknownModel.
    """
    owner_id = _owner(principal)
    sizes = _looked_at(principal, wish)
    model = _model(wish)
    cost = _estimated(wish, sizes, model)
    planned = summary_plan.parts(cost.mode, sizes, model)
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        answer = idempotency.settled(tx, owner_id, key, entered)
        if answer is None:
            made = summary_repo.add(
                tx,
                owner_id,
                wish.document_id,
                instruction=wish.instruction,
                sentences=wish.sentences,
                mode=cost.mode,
                model=cost.model,
                parts_total=len(planned),
                estimate=asdict(cost),
            ).first()
            if made is None:
                raise NotFound(what="document", id=wish.document_id)
            announce(tx, owner_id, made.summary_id)
            answer = {"summary_id": made.summary_id}
            idempotency.finish(tx, owner_id, key, answer)
    return get(principal, answer["summary_id"])


def announce(tx: db.Transaction, owner_id: int, summary_id: int, not_before: datetime | None = None) -> None:
    """Has a worker go on with a summary."""
    payload = {"summary_id": summary_id}
    outbox.emit(tx, TOPIC, f"summary:{summary_id}", owner_id, payload, not_before=not_before)


def get(principal: db.Principal, summary_id: int) -> Summary:
    """A summary and how far it is. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = summary_repo.summary(tx, _owner(principal), summary_id)
    if (summary := found.first()) is None:
        raise NotFound(what="summary", id=summary_id)
    return summary


def list_of(principal: db.Principal, document_id: int, limit: int, cursor: str | None) -> Page[Summary]:
    """The summaries of a document, newest first. Raises NotFound."""
    position = decode(cursor, 1)
    if position is not None and type(position[0]) is not int:
        raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])
    before = None if position is None else position[0]
    with db.transaction(principal) as tx:
        document = summary_repo.subject(tx, _owner(principal), document_id)
        found = summary_repo.summaries(tx, _owner(principal), document_id, limit + 1, before)
    if document.first() is None:
        raise NotFound(what="document", id=document_id)
    return page(found.all(), limit, lambda one: [one.summary_id])


def cancel(principal: db.Principal, summary_id: int) -> None:
    """Cancels a summary that is being made, and removes one that has ended. Raises NotFound."""
    with db.transaction(principal) as tx:
        cancelled = summary_repo.cancel(tx, _owner(principal), summary_id).first()
        if cancelled is None and summary_repo.delete(tx, _owner(principal), summary_id).first() is None:
            raise NotFound(what="summary", id=summary_id)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


def _looked_at(principal: db.Principal, wish: Wish) -> list[Size]:
    with db.transaction(principal) as tx:
        found = summary_repo.subject(tx, _owner(principal), wish.document_id)
        sizes = summary_repo.sizes(tx, _owner(principal), wish.document_id)
    if (subject := found.first()) is None:
        raise NotFound(what="document", id=wish.document_id)
    if subject.state != "done":
        raise DocumentNotReady(state=subject.state)
    return sizes.all()


def _model(wish: Wish) -> Model | None:
    """The model that reads; none where none is configured or none is wanted."""
    if wish.mode == "extractive":
        return None
    try:
        return gateway.choose(wish.model, None)
    except NoModel:
        if wish.mode != "auto":
            wrong = FieldError("mode", "auto or extractive")
            raise NeedsModel(fields=[wrong]) from None
        return None


def _estimated(wish: Wish, sizes: list[Size], model: Model | None) -> Estimate:
    mode = summary_plan.mode(wish.mode, sizes, model)
    if mode == "one_piece" and model is not None and not summary_plan.fits(sizes, model):
        raise TooLongForOnePiece(model=model.id, fields=[FieldError("mode", "auto, map_reduce or extractive")])
    return summary_plan.estimate(mode, sizes, model)
