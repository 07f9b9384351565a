"""The turn over HTTP, as JSON or as a stream."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Generator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from anima.chat import service
from anima.chat.frames import frames
from anima.chat.model import Answer, Finished, TurnEvent, TurnRequest
from anima.chat.streamed_api import Streamed
from anima.gateway import service as gateway
from anima.kernel import http, idempotency, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.problem import problem
from anima.safety.place import country_of

router = APIRouter(tags=["chat"])

_MAX_ID = 2**63 - 1
Id = Annotated[int, Field(gt=0, le=_MAX_ID)]


class TurnBody(http.Body):
    """What is said, and to whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"session_id": 9001, "message": "What do I hate?"}]},
    )

    message: str = Field(description="What the person says")
    session_id: Id | None = Field(None, description="The session to go on in; none: a new one")
    parent_message_id: Id | None = Field(None, description="The message to go on from (a branch); none: the newest")
    edit_message_id: Id | None = Field(
        None, description="A message of yours that this one replaces: a branch beside it, and the old one is kept"
    )
    avatar_id: uuid.UUID | None = Field(None, description="Who is spoken to in a new session; none: the first avatar")
    media: list[Id] = Field(default_factory=list, max_length=16, description="Files that come along (POST /media)")
    model: str | None = Field(None, max_length=200, description="The model that answers, as GET /models names it")
    stream: bool = Field(False, description="Whether the answer comes as server-sent events")


class AgainBody(http.Body):
    """How a message is answered once more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"stream": False}]})

    model: str | None = Field(None, max_length=200, description="The model that answers, as GET /models names it")
    stream: bool = Field(False, description="Whether the answer comes as server-sent events")


class EgressView(BaseModel):
    """What the model that answered was not to see."""

    kept_local: list[str] = Field(description="Categories of the question because of which the turn stayed here")
    left_out: int = Field(description="How many lines, memories and passages were kept from the model")
    barred: list[str] = Field(description="Categories that it may not read")
    model: str | None = Field(description="Who answered; null: no model might read the question, fixed words did")


class CitationView(BaseModel):
    """Where a statement of an answer comes from."""

    marker: int = Field(description="The number in the text: [1]")
    document_id: int
    chunk_id: int
    title: str
    source_uri: str | None
    location: dict[str, Any]
    quote: str


class SafetyView(BaseModel):
    """What was done so that nobody comes to harm."""

    kind: str = Field(description="none, concern, crisis, crisis_other, minor_sexual, or ai_doubt")
    careful: bool = Field(description="Somebody is, or was just, in danger")
    resources: list[dict[str, Any]] = Field(description="Who can be called: name, phone, text, url, hours")
    emergency: str | None = Field(description="The number for an emergency")
    country: str | None
    replaced: str | None = Field(
        description="harm, denied_ai, sexual: because of which the model's words were replaced"
    )
    break_: bool = Field(alias="break", description="The answer says that it is time for a break")
    disclosed: bool = Field(description="The answer says that it comes from an AI")
    minor: bool


class MediaRefView(BaseModel):
    """A file that a tool made."""

    media_id: int
    media_type: str
    mime_type: str
    url: str = Field(description="Where its bytes are")


class ToolView(BaseModel):
    """A call of a tool within a turn."""

    invocation_id: int | None = Field(description="Its place in the log; null in a private session")
    plugin: str = Field(description="Whose tool it is; empty where there is none of this name")
    name: str
    arguments: Any = Field(description="As the model gave them; as it wrote them where they are no JSON")
    state: str = Field(description="done, failed, denied, or waiting for an approval")
    text: str = Field(description="What it gave, shortened")
    error: str | None = Field(description="Why it failed: bad-arguments, timeout, unknown-tool, denied …")
    media: list[int] = Field(description="Files that it made")
    latency_ms: float


class AnswerView(BaseModel):
    """What came of a turn."""

    session_id: int | None
    message_id: int | None = Field(description="The answer's own message")
    parent_message_id: int | None = Field(description="The person's message")
    response_id: int | None = Field(description="Null while the turn waits for an approval")
    request_id: int
    role: str
    content: str
    finish: str = Field(
        description="stop, length (it was cut at its limit), content_filter, stopped (by the caller), or approval: the "
        "turn goes on once somebody has decided about its `tools` that wait (POST /tool-calls/{invocation_id})"
    )
    media_refs: list[MediaRefView] = Field(description="Files that tools made for the answer")
    citations: list[CitationView]
    memories: list[dict[str, Any]]
    affect: dict[str, Any] = Field(description="What is felt, with what was felt before, and how close the two are")
    model: dict[str, Any]
    usage: dict[str, Any]
    timings: dict[str, float] = Field(description="Milliseconds")
    created_at: datetime
    egress: EgressView | None = Field(None, description="Null where the avatar lets any model read everything")
    safety: SafetyView | None = Field(None, description="Null where there is nothing to show")
    tools: list[ToolView] = Field(default_factory=list, description="The calls of tools that were made, oldest first")


ANSWER: dict[str, Any] = {
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
            "scores": {"cosine": 0.61, "words": 4.2, "strength": 1.0},
            "source": {
                "message_id": 12,
                "session_id": 9000,
                "date": "2026-11-20T18:02:11+00:00",
                "speaker": "user",
            },
        }
    ],
    "affect": {
        "mood": "content",
        "intensity": 0.4,
        "valence": 0.31,
        "arousal": 0.36,
        "emotions": {"joy": 0.4},
        "attention": 1.05,
        "before": {"mood": "calm", "valence": 0.1, "arousal": 0.3},
        "level": "acquaintance",
        "affinity": 12.5,
    },
    "model": {"provider": "local", "name": "qwen2.5-coder-1.5b-instruct"},
    "usage": {"prompt_tokens": 1130, "completion_tokens": 12, "total_tokens": 1142, "cached_tokens": 871},
    "timings": {"embed": 9.1, "load": 12.4, "first_token": 840.2, "model": 1650.0, "total": 1672.3},
    "created_at": "2026-11-21T09:15:00Z",
    "egress": None,
    "safety": None,
    "tools": [],
}
_EVENTS = 'event: started\ndata: {"session_id": 9001, "message_id": 41, "request_id": 8}\n\n'


def documented() -> http.Responses:
    """JSON or a stream, and the errors of a turn."""
    answered = http.example(ANSWER)
    answered[200]["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": _EVENTS}
    return {**answered, **http.problems(404, 409, 413, 429, 502, 504)}


async def expect() -> None:
    """Before the caller is made out: a cold function loads the model's SDK while it waits for the database."""
    gateway.expect()


@router.post(
    "/chat",
    summary="One turn",
    response_model=AnswerView,
    responses=documented(),
    dependencies=[Depends(expect)],
)
def chat(
    body: TurnBody,
    caller: http.Caller,
    raw: Request,
    idempotency_key: http.IdempotencyHeader = None,
    accept: Annotated[str | None, Header(description="text/event-stream asks for a stream")] = None,
) -> Any:
    """Says something and answers with what the avatar says to it.

    With `stream` (or `Accept: text/event-stream`) the events are `started`, `token` (index, text), `tool` and
    `tool_result` where tools are called, `approval` where one waits, and `done` (the whole answer) or `error` (a
    problem). Where the answer's `finish` is `approval` the turn waits: POST /tool-calls/{invocation_id}.
    With an Idempotency-Key a call that comes again gets the same answer; where the first one failed it goes on from the
    message that is stored.
    """
    streamed = body.stream or "text/event-stream" in (accept or "")
    asked = body.model_dump(mode="json", exclude={"stream"})
    request = TurnRequest(
        body.message,
        body.session_id,
        body.parent_message_id,
        body.avatar_id,
        body.model,
        streamed,
        tuple(body.media),
        body.edit_message_id,
        country=country_of(raw.headers),
    )
    events = service.reply(caller, request, idempotency.read_key(idempotency_key, "POST /chat", asked))
    return given(events, streamed)


@router.post(
    "/messages/{message_id}/regenerate",
    summary="Answer a message once more",
    response_model=AnswerView,
    responses=documented(),
    dependencies=[Depends(expect)],
)
def regenerate(
    message_id: Annotated[int, Path(gt=0, le=_MAX_ID, description="The answer, or the message that it answers")],
    body: AgainBody,
    caller: http.Caller,
    raw: Request,
    idempotency_key: http.IdempotencyHeader = None,
    accept: Annotated[str | None, Header(description="text/event-stream asks for a stream")] = None,
) -> Any:
    """Another answer beside the one that is there, which is kept as a branch of its own."""
    streamed = body.stream or "text/event-stream" in (accept or "")
    place = f"POST /messages/{message_id}/regenerate"
    key = idempotency.read_key(idempotency_key, place, body.model_dump(mode="json", exclude={"stream"}))
    request = TurnRequest("", model=body.model, stream=streamed, answers=message_id, country=country_of(raw.headers))
    return given(service.reply(caller, request, key), streamed)


def given(events: Generator[TurnEvent, None, None], streamed: bool) -> Any:
    """The answer of a turn, or its events as they come."""
    if not streamed:
        return _view(next(event.answer for event in events if isinstance(event, Finished)))
    first = next(events)  # what is wrong with the request is told before the stream begins
    gone = threading.Event()
    return Streamed(frames(first, events, _problem, gone), gone)


def _view(answer: Answer) -> AnswerView:
    return AnswerView(**asdict(answer))


def _problem(error: Exception) -> dict[str, Any]:
    """An error in the middle of a stream, as the problem that it would have been before."""
    known = error if isinstance(error, AnimaError) else AnimaError()
    if known is not error or known.status >= 500:
        telemetry.error("chat.stream", error)
    return problem(known)
