"""What is kept of turns, to be read and rated: requests, answers with their citations, feedback."""

from __future__ import annotations

from typing import Any

from anima import personality
from anima.chat import answers_repo, log_repo
from anima.chat.answers_service import RequestNotFound, as_answer
from anima.chat.log_repo import KeptRequest, Rated, RatedAvatar
from anima.chat.model import Answer
from anima.gateway import experiments_service as experiments
from anima.gateway import experiments_watch
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
    """Keeps feedback (1-5) on a response. The last one counts: what an earlier one moved of the affinity is undone.

    Raises ResponseNotFound.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        kept = log_repo.rated(tx, owner_id, response_id, rating, comment)
        avatar = log_repo.rated_avatar(tx, owner_id, response_id)
        tried = experiments.rated(tx, owner_id, response_id)
        feedback, whose = kept.first(), avatar.first()
        if feedback is None:
            raise ResponseNotFound(response_id=response_id)
        if whose is not None and whose.switches.get("levels", True):
            _relate(tx, owner_id, feedback, whose)
    if (experiment := tried.first()) is not None:
        experiments_watch.consider(principal, experiment.exp_id)
    return feedback


def _relate(tx: db.Transaction, owner_id: int, feedback: Rated, whose: RatedAvatar) -> None:
    """Moves the affinity: by the first rating of an answer, or by one that is another than what was counted of it.

    Where the avatar has become somebody else since, what was counted stays.
    """
    counted = feedback.counted or {}
    another = not feedback.fresh and counted.get("personality") != whose.personality_name
    if another or counted.get("rating") == feedback.rating:
        return
    moved = relationships.after_feedback(
        tx,
        owner_id,
        whose.avatar_id,
        whose.personality_name,
        personality.parse(whose.personality),
        rating=feedback.rating,
        instead_of=relationships.Counted(counted["rating"], counted["points"]) if counted else None,
    )
    kept = {"personality": whose.personality_name, "rating": feedback.rating, "points": moved.by}
    log_repo.count(tx, owner_id, feedback.response_id, kept)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "what is kept is somebody's"
    return principal.user_id
