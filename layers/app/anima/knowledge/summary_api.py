"""Summaries of whole documents over HTTP: asked for with their cost, looked at, cancelled."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http, idempotency
from anima.knowledge import summary_service
from anima.knowledge.summary_model import Summary, Wish

router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Mode = Literal["one_piece", "map_reduce", "extractive"]
State = Literal["estimated", "queued", "running", "done", "failed", "cancelled"]

_ESTIMATE: dict[str, Any] = {
    "mode": "map_reduce",
    "model": "openai:gpt-6-luna",
    "tokens": 48_200,
    "completion_tokens": 1_900,
    "calls": 5,
    "seconds": None,
    "money": None,
}
_QUEUED: dict[str, Any] = {"summary_id": 5, "state": "queued", "estimate": _ESTIMATE}
_SUMMARY: dict[str, Any] = {
    **_QUEUED,
    "document_id": 12,
    "title": "Herons of the northern lakes",
    "instruction": None,
    "sentences": 3,
    "mode": "map_reduce",
    "model": "openai:gpt-6-luna",
    "state": "done",
    "parts_done": 5,
    "parts_total": 5,
    "text": "Herons leave lakes whose water falls [1]. Most pairs breed at Lake Orin [2].",
    "citations": [
        {
            "marker": 1,
            "document_id": 12,
            "chunk_id": 345,
            "location": {"page": 4},
            "quote": "Herons left three lakes when the water level fell by a metre.",
        }
    ],
    "usage": {"calls": 5, "prompt_tokens": 47_012, "completion_tokens": 1_204, "invented_citations": 0},
    "reason": None,
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:41Z",
}


class SummaryBody(http.Body):
    """What is wanted of a document."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sentences": 3}, {"instruction": "Which risks does it name?"}]},
    )
    instruction: str | None = Field(
        None, min_length=1, max_length=4000, pattern=r"\S", description="A question about all of it; none: a summary"
    )
    sentences: int = Field(3, ge=1, le=30, description="How long the summary is")
    model: str | None = Field(None, max_length=200, description="The model that reads, as GET /models names it")
    mode: Literal["auto", "one_piece", "map_reduce", "extractive"] = Field(
        "auto", description="auto: the document's own sentences with a small local model, else in one piece if it fits"
    )
    dry_run: bool = Field(False, description="Only say what it would cost")


class EstimateAnswer(BaseModel):
    """What it costs: tokens read and written, calls, seconds where the pace is known; money where prices are known."""

    mode: Mode
    model: str | None
    tokens: int
    completion_tokens: int
    calls: int
    seconds: float | None
    money: float | None


class QueuedSummary(BaseModel):
    """A summary that is being made, or was only estimated (then `summary_id` is null)."""

    summary_id: int | None
    state: State
    estimate: EstimateAnswer


class SummaryCitation(BaseModel):
    """Where a sentence of a summary comes from."""

    marker: int
    document_id: int
    chunk_id: int
    location: dict[str, Any]
    quote: str


class SummaryAnswer(BaseModel):
    """A summary, how far it is, and where each of its sentences comes from."""

    summary_id: int
    document_id: int
    title: str
    instruction: str | None
    sentences: int
    mode: Mode
    model: str | None = Field(description="Null: the document's own sentences")
    state: State
    parts_done: int
    parts_total: int
    estimate: EstimateAnswer
    text: str | None
    citations: list[SummaryCitation]
    usage: dict[str, Any]
    reason: str | None = Field(description="Why it failed, was cancelled, or is tried again")
    created_at: datetime
    updated_at: datetime


@router.post(
    "/documents/{document_id}/summary",
    status_code=202,
    summary="Sum up a whole document, or ask all of it",
    response_model=QueuedSummary,
    responses={
        **http.example(_QUEUED, status=202),
        **http.example({"summary_id": None, "state": "estimated", "estimate": _ESTIMATE}),
        **http.problems(404, 409),
    },
)
def post_summary(
    document_id: Id,
    body: SummaryBody,
    caller: http.Caller,
    response: Response,
    idempotency_key: http.IdempotencyHeader = None,
) -> dict[str, Any]:
    """Says what it costs and begins; `dry_run` only says it. Ask GET /summaries/{id} how far it is."""
    wish = Wish(document_id, **body.model_dump(exclude={"dry_run"}))
    if body.dry_run:
        response.status_code = 200
        return {"summary_id": None, "state": "estimated", "estimate": asdict(summary_service.estimate(caller, wish))}
    key = idempotency.read_key(idempotency_key, f"POST /documents/{document_id}/summary", body.model_dump())
    made = summary_service.request(caller, wish, key)
    return {"summary_id": made.summary_id, "state": made.state, "estimate": made.estimate}


@router.get(
    "/documents/{document_id}/summaries",
    summary="Summaries of a document",
    response_model=http.Items[SummaryAnswer],
    responses={**http.example({"items": [_SUMMARY], "next_cursor": None}), **http.problems(404)},
)
def get_summaries(
    document_id: Id, caller: http.Caller, limit: http.PageLimit = 50, cursor: http.PageCursor = None
) -> dict[str, Any]:
    """What was made of a document, newest first."""
    found = summary_service.list_of(caller, document_id, limit, cursor)
    return {"items": [asdict(one) for one in found.items], "next_cursor": found.next_cursor}


@router.get(
    "/summaries/{summary_id}",
    summary="A summary and how far it is",
    response_model=SummaryAnswer,
    responses={**http.example(_SUMMARY), **http.problems(404)},
)
def get_summary(summary_id: Id, caller: http.Caller) -> dict[str, Any]:
    """The text with its citations once it is done; until then how many of its parts are."""
    found: Summary = summary_service.get(caller, summary_id)
    return asdict(found)


@router.delete(
    "/summaries/{summary_id}",
    status_code=204,
    summary="Cancel or remove a summary",
    responses=http.problems(404),
)
def delete_summary(summary_id: Id, caller: http.Caller) -> None:
    """Cancels a summary that is being made (it stays, as cancelled); removes one that has ended."""
    summary_service.cancel(caller, summary_id)
