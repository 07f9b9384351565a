"""What is kept of turns, to be read and rated: requests, answers with their citations, feedback."""

from __future__ import annotations

from typing import Any

from anima import personality
from anima.chat import log_repo
from anima.chat.log_repo import KeptAnswer, KeptRequest, Rated
from anima.chat.model import Answer, Citation
from anima.kernel import db
from anima.kernel.errors import NotFound
from anima.relationships import service as relationships


class RequestNotFound(NotFound):
    """There is no request {request_id} of yours."""

    slug = "request-not-found"


class ResponseNotFound(NotFound):
    """There is no response {response_id} of yours."""

    slug = "response-not-found"


def get_request(principal: db.Principal, request_id: int) -> KeptRequest:
    """A request as it was sent, and what came of it. Raises RequestNotFound."""
    with db.transaction(principal) as tx:
        found = log_repo.kept_request(tx, _owner(principal), request_id)
    request = found.first()
    if request is None:
        raise RequestNotFound(request_id=request_id)
    return request


def get_response(principal: db.Principal, response_id: int) -> tuple[Answer, dict[str, Any] | None]:
    """An answer as it was given, and its feedback if there is any. Raises ResponseNotFound."""
    with db.transaction(principal) as tx:
        found = log_repo.kept_answer(tx, _owner(principal), response_id=response_id)
        citations = log_repo.kept_citations(tx, _owner(principal), response_id=response_id)
    kept = found.first()
    if kept is None:
        raise ResponseNotFound(response_id=response_id)
    feedback = None if kept.rating is None else {"rating": kept.rating, "comment": kept.comment}
    return _answer(kept, citations.all()), feedback


def answer_to(principal: db.Principal, request_id: int) -> Answer:
    """The answer to a request. Raises RequestNotFound."""
    with db.transaction(principal) as tx:
        found = log_repo.kept_answer(tx, _owner(principal), request_id=request_id)
        citations = log_repo.kept_citations(tx, _owner(principal), request_id=request_id)
    kept = found.first()
    if kept is None:
        raise RequestNotFound(request_id=request_id)
    return _answer(kept, citations.all())


def rate(principal: db.Principal, response_id: int, rating: int, comment: str | None) -> Rated:
    """Keeps feedback (1-5) on a response; the last one counts, the first one moves affinity.

    Raises ResponseNotFound.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        kept = log_repo.rated(tx, owner_id, response_id, rating, comment)
        avatar = log_repo.rated_avatar(tx, owner_id, response_id)
        feedback, whose = kept.first(), avatar.first()
        if feedback is None:
            raise ResponseNotFound(response_id=response_id)
        if feedback.fresh and whose is not None:
            relationships.after_feedback(
                tx,
                owner_id,
                whose.avatar_id,
                whose.personality_name,
                personality.parse(whose.personality),
                rating=rating,
            )
    return feedback


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "what is kept is somebody's"
    return principal.user_id


def _answer(kept: KeptAnswer, citations: list[Citation]) -> Answer:
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
    )
