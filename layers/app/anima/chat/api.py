"""The turn over HTTP, as JSON or as a stream; what is kept of turns; feedback."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from anima.chat import log_service, service
from anima.chat.frames import frames
from anima.chat.model import Answer, Finished, TurnRequest
from anima.gateway import service as gateway
from anima.kernel import http, idempotency, telemetry
from anima.kernel.errors import AnimaError

router = APIRouter(tags=["chat"])

_MAX_ID = 2**63 - 1
Id = Annotated[int, Field(gt=0, le=_MAX_ID)]
PathId = Annotated[int, Path(gt=0, le=_MAX_ID)]


class TurnBody(http.Body):
    """What is said, and to whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"session_id": 9001, "message": "What do I hate?"}]},
    )

    message: str = Field(description="What the person says")
    session_id: Id | None = Field(None, description="The session to go on in; none: a new one")
    parent_message_id: Id | None = Field(None, description="The message to go on from (a branch); none: the newest")
    avatar_id: uuid.UUID | None = Field(None, description="Who is spoken to in a new session; none: the first avatar")
    media: list[Id] = Field(default_factory=list, max_length=16, description="Files that come along (POST /media)")
    model: str | None = Field(None, max_length=200, description="The model that answers, as GET /models names it")
    stream: bool = Field(False, description="Whether the answer comes as server-sent events")


class CitationView(BaseModel):
    """Where a statement of an answer comes from."""

    marker: int = Field(description="The number in the text: [1]")
    document_id: int
    chunk_id: int
    title: str
    source_uri: str | None
    location: dict[str, Any]
    quote: str


class AnswerView(BaseModel):
    """What came of a turn."""

    session_id: int | None
    message_id: int | None = Field(description="The answer's own message")
    parent_message_id: int | None = Field(description="The person's message")
    response_id: int
    request_id: int
    role: str
    content: str
    finish: str = Field(description="stop, length (it was cut at its limit), content_filter, or stopped by the caller")
    media_refs: list[Any]
    citations: list[CitationView]
    memories: list[dict[str, Any]]
    affect: dict[str, Any]
    model: dict[str, Any]
    usage: dict[str, Any]
    timings: dict[str, float] = Field(description="Milliseconds")
    created_at: datetime


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


_ANSWER: dict[str, Any] = {
    "session_id": 9001,
    "message_id": 42,
    "parent_message_id": 41,
    "response_id": 7,
    "request_id": 8,
    "role": "assistant",
    "content": "Olives! You told me so yesterday.",
    "finish": "stop",
    "media_refs": [],
    "citations": [],
    "memories": [
        {
            "kind": "message",
            "id": "12",
            "text": "Hello, I am Diego and I hate olives",
            "score": 0.81,
            "source": {
                "message_id": 12,
                "session_id": 9000,
                "date": "2026-11-20T18:02:11+00:00",
                "speaker": "user",
            },
        }
    ],
    "affect": {"mood": "content", "intensity": 0.4, "level": "acquaintance", "affinity": 12.5},
    "model": {"provider": "local", "name": "qwen2.5-coder-1.5b-instruct"},
    "usage": {"prompt_tokens": 1130, "completion_tokens": 12, "total_tokens": 1142, "cached_tokens": 871},
    "timings": {"embed": 9.1, "load": 12.4, "first_token": 840.2, "model": 1650.0, "total": 1672.3},
    "created_at": "2026-11-21T09:15:00Z",
}
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
_EVENTS = 'event: started\ndata: {"session_id": 9001, "message_id": 41, "request_id": 8}\n\n'


class _Stream(StreamingResponse):
    """Server-sent events that tell the turn when the client is gone, which the iterator itself is not told."""

    def __init__(self, content: Iterator[str], gone: threading.Event) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._gone.set()


def _documented() -> http.Responses:
    """JSON or a stream, and the errors of a turn."""
    answered = http.example(_ANSWER)
    answered[200]["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": _EVENTS}
    return {**answered, **http.problems(404, 409, 413, 429, 502, 504)}


async def _expect() -> None:
    """Before the caller is made out: a cold function loads the model's SDK while it waits for the database."""
    gateway.expect()


@router.post(
    "/chat",
    summary="One turn",
    response_model=AnswerView,
    responses=_documented(),
    dependencies=[Depends(_expect)],
)
def chat(
    body: TurnBody,
    caller: http.Caller,
    idempotency_key: http.IdempotencyHeader = None,
    accept: Annotated[str | None, Header(description="text/event-stream asks for a stream")] = None,
) -> Any:
    """Says something and answers with what the avatar says to it.

    With `stream` (or `Accept: text/event-stream`) the events are `started`, `token` (index, text), and `done` (the
    whole answer) or `error` (a problem). With an Idempotency-Key a call that comes again gets the same answer; where
    the first one failed it goes on from the message that is stored.
    """
    streamed = body.stream or "text/event-stream" in (accept or "")
    asked = body.model_dump(mode="json", exclude={"stream"})
    request = TurnRequest(
        body.message, body.session_id, body.parent_message_id, body.avatar_id, body.model, streamed, tuple(body.media)
    )
    events = service.reply(caller, request, idempotency.read_key(idempotency_key, "POST /chat", asked))
    if not streamed:
        return _view(next(event.answer for event in events if isinstance(event, Finished)))
    first = next(events)  # what is wrong with the request is told before the stream begins
    gone = threading.Event()
    return _Stream(frames(first, events, _problem, gone), gone)


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
    responses={**http.example({**_ANSWER, "feedback": {"rating": 5, "comment": None}}), **http.problems(404)},
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


def _view(answer: Answer) -> AnswerView:
    return AnswerView(**asdict(answer))


def _problem(error: Exception) -> dict[str, Any]:
    """An error in the middle of a stream, as the problem that it would have been before."""
    known = error if isinstance(error, AnimaError) else AnimaError()
    if known is not error or known.status >= 500:
        telemetry.error("chat.stream", error)
    return {
        "type": http.problem_type(known.slug),
        "title": known.slug.replace("-", " ").capitalize(),
        "status": known.status,
        "detail": known.detail,
        "request_id": telemetry.request_id.get() or "",
        "errors": [asdict(one) for one in known.fields],
    }
