"""The answer to a request as it was stored; a turn whose call comes again is answered with it."""

from __future__ import annotations

from anima.chat import answers_repo
from anima.chat.answers_repo import KeptAnswer
from anima.chat.model import Answer, Citation
from anima.kernel import db
from anima.kernel.errors import NotFound


class RequestNotFound(NotFound):
    """There is no request {request_id} of yours."""

    slug = "request-not-found"


def answer_to(principal: db.Principal, request_id: int) -> Answer:
    """The answer to a request. Raises RequestNotFound."""
    owner_id = principal.user_id
    assert owner_id is not None, "what is kept is somebody's"
    with db.transaction(principal) as tx:
        found = answers_repo.kept_answer(tx, owner_id, request_id=request_id)
        citations = answers_repo.kept_citations(tx, owner_id, request_id=request_id)
    kept = found.first()
    if kept is None:
        raise RequestNotFound(request_id=request_id)
    return as_answer(kept, citations.all())


def as_answer(kept: KeptAnswer, citations: list[Citation]) -> Answer:
    """An answer as it was given, put together from what is stored."""
    return Answer(
        session_id=kept.session_id,
        message_id=kept.message_id,
        parent_message_id=kept.parent_message_id,
        response_id=kept.response_id,
        request_id=kept.request_id,
        content=kept.content["text"],
        finish=kept.content.get("finish", "stop"),
        citations=citations,
        memories=kept.memories,
        affect=kept.affect,
        model={"provider": kept.provider, "name": kept.model_name},
        usage=kept.usage,
        timings=kept.timings,
        created_at=kept.created_at,
        media_refs=kept.content.get("media_refs", []),
        egress=kept.content.get("egress"),
        safety=kept.content.get("safety"),
    )
