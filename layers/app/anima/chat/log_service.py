"""What is kept of turns, to be read and rated: requests, answers with their citations, feedback."""

from __future__ import annotations

from typing import Any

from anima import personality
from anima.chat import answers_repo, log_repo
from anima.chat.answers_service import RequestNotFound, as_answer
from anima.chat.log_repo import KeptRequest, Rated
from anima.chat.model import Answer
from anima.kernel import db
from anima.kernel.errors import NotFound
from anima.relationships import moves_service as relationships


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
        found = answers_repo.kept_answer(tx, _owner(principal), response_id=response_id)
        citations = answers_repo.kept_citations(tx, _owner(principal), response_id=response_id)
    kept = found.first()
    if kept is None:
        raise ResponseNotFound(response_id=response_id)
    feedback = None if kept.rating is None else {"rating": kept.rating, "comment": kept.comment}
    return as_answer(kept, citations.all()), feedback


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
        if feedback.fresh and whose is not None and whose.switches.get("levels", True):
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
