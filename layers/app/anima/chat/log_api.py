"""What is kept of turns, over HTTP: requests as they were sent, answers as they were given, feedback."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from anima.chat import log_service
from anima.chat.api import ANSWER, AnswerView
from anima.kernel import http

router = APIRouter(tags=["chat"])

PathId = Annotated[int, Path(gt=0, le=2**63 - 1)]


class ResponseView(AnswerView):
    """An answer as it was given, with its feedback."""

    feedback: dict[str, Any] | None


class RequestView(BaseModel):
    """A request as it was sent to a model."""

    request_id: int
    session_id: int | None
    message_id: int | None
    response_id: int | None
    retrieval_ids: list[int]
    purpose: str
    state: str = Field(description="pending, completed, failed or interrupted")
    provider: str | None
    model_name: str | None
    prompt_json: Any
    parameters: dict[str, Any]
    token_estimate: int | None
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


class FeedbackBody(http.Body):
    """How good an answer was."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rating": 5, "comment": "Spot on."}]})

    rating: int = Field(ge=1, le=5, description="1 (bad) to 5 (good)")
    comment: str | None = Field(None, max_length=4000)


class FeedbackView(BaseModel):
    """Feedback that was kept."""

    feedback_id: int
    response_id: int
    rating: int
    comment: str | None
    created_at: datetime


_REQUEST: dict[str, Any] = {
    "request_id": 8,
    "session_id": 9001,
    "message_id": 41,
    "response_id": 7,
    "retrieval_ids": [3],
    "purpose": "turn",
    "state": "completed",
    "provider": "local",
    "model_name": "qwen2.5-coder-1.5b-instruct",
    "prompt_json": [{"role": "system", "content": "You are Luna."}],
    "parameters": {"temperature": 0.3, "gate": "known"},
    "token_estimate": 1104,
    "error": None,
    "created_at": "2026-11-21T09:14:58Z",
    "finished_at": "2026-11-21T09:15:00Z",
}
_FEEDBACK = {
    "feedback_id": 1,
    "response_id": 7,
    "rating": 5,
    "comment": "Spot on.",
    "created_at": "2026-11-21T09:16:00Z",
}


@router.get(
    "/requests/{request_id}",
    summary="A request as it was sent",
    responses={**http.example(_REQUEST), **http.problems(404)},
)
def get_request(request_id: PathId, caller: http.Caller) -> RequestView:
    """What was sent to the model, its parameters, and what came of it."""
    return RequestView(**asdict(log_service.get_request(caller, request_id)))


@router.get(
    "/responses/{response_id}",
    summary="An answer as it was given",
    responses={**http.example({**ANSWER, "feedback": {"rating": 5, "comment": None}}), **http.problems(404)},
)
def get_response(response_id: PathId, caller: http.Caller) -> ResponseView:
    """The answer with citations, memories, usage, timings and feedback."""
    answer, feedback = log_service.get_response(caller, response_id)
    return ResponseView(**asdict(answer), feedback=feedback)


@router.post(
    "/responses/{response_id}/feedback",
    summary="Rate an answer",
    responses={**http.example(_FEEDBACK), **http.problems(404)},
)
def rate(response_id: PathId, body: FeedbackBody, caller: http.Caller) -> FeedbackView:
    """Keeps a rating and a comment; given again, they replace the earlier ones."""
    kept = log_service.rate(caller, response_id, body.rating, body.comment)
    return FeedbackView(
        feedback_id=kept.feedback_id,
        response_id=kept.response_id,
        rating=kept.rating,
        comment=kept.comment,
        created_at=kept.created_at,
    )
