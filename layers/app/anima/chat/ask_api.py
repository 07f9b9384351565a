"""Questions, reviews and their enrichment over HTTP."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from anima.chat import ask_service, review_service
from anima.chat.ask_model import AskAnswer, AskRequest
from anima.chat.focus_model import AreaName
from anima.chat.review_model import Review
from anima.chat.review_service import ReviewRequest
from anima.kernel import http, idempotency

router = APIRouter(tags=["chat"])

Id = Annotated[int, Field(gt=0, le=2**63 - 1)]
Repositories = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=400)]] | None,
    Field(max_length=20, description="Of those that are configured, by name; none: all of them"),
]
_MOST_CHARS = 400_000
_PLACES = ("code", "diff", "files", "document_id")

_REFERENCE = {
    "repository": "heron",
    "path": "src/retry.py",
    "line_start": 2,
    "line_end": 6,
    "excerpt": "def retry_with_backoff(call, attempts=5):",
    "score": 0.82,
    "reason": "it holds retry, backoff",
}
_ENRICHMENT: dict[str, Any] = {"status": "ok", "milliseconds": 41.7, "warnings": []}
_AREA = {
    "name": "compliance",
    "title": "Compliance",
    "description": "Whether personal data, licences and records are dealt with as law and policy ask",
    "questions": ["Can a person see, correct and erase theirs (GDPR art. 15-17)?"],
    "reason": "1 line of the text may matter here",
}
_ASKED = {
    "request_id": 8,
    "response_id": 7,
    "session_id": None,
    "content": "It calls again with growing pauses [1].",
    "grounds": "sources",
    "citations": [
        {
            "marker": 1,
            "kind": "repository",
            "title": "heron/src/retry.py",
            "quote": "Calls again with growing pauses.",
            "location": {"line_start": 2, "line_end": 6},
            "document_id": None,
            "chunk_id": None,
            "source_uri": None,
            "repository": "heron",
            "path": "src/retry.py",
        }
    ],
    "references": [_REFERENCE],
    "enrichment": _ENRICHMENT,
    "model": {"provider": "openai", "name": "gpt-6-luna"},
    "usage": {"prompt_tokens": 612, "completion_tokens": 14, "total_tokens": 626},
    "timings": {"enrich": 41.7, "embed": 8.2, "load": 6.0, "model": 700.0, "total": 760.0},
    "created_at": "2026-11-21T09:15:00Z",
}
_REVIEWED = {
    "request_id": 9,
    "response_id": 8,
    "title": "Review of app.py",
    "focus_areas": [_AREA],
    "findings": [
        {
            "focus_area": "compliance",
            "severity": "high",
            "path": "app.py",
            "line_start": 3,
            "line_end": 3,
            "quote": "log.info(user.email)",
            "message": "Personal data goes to a log: leave it out or replace it by an id (GDPR art. 5(1)(c), 32).",
            "by": "rule",
        }
    ],
    "summary": "Found: 1 high.",
    "refused": 0,
    "references": [_REFERENCE],
    "enrichment": _ENRICHMENT,
    "document_id": 31,
    "warnings": [],
    "model": None,
    "usage": {},
    "timings": {"enrich": 41.7, "total": 60.0},
    "created_at": "2026-11-21T09:15:00Z",
}
_CONTEXT = {
    "focus_areas": [_AREA],
    "references": [_REFERENCE],
    "status": "ok",
    "milliseconds": 41.7,
    "warnings": [],
}


class AskBody(http.Body):
    """A question, and where to look for its answer."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "How does the retry pause grow?"}]}
    )
    question: str = Field(min_length=1, pattern=r"\S", description="What is asked")
    avatar_id: uuid.UUID | None = Field(None, description="Whose voice answers; none: a plain one")
    session_id: Id | None = Field(None, description="The session that the question belongs to")
    focus: list[AreaName] = Field(default_factory=list, max_length=6, description="What to look at above all")
    repositories: Repositories = None
    purpose: str = Field("context", min_length=1, max_length=100, description="Purpose of the stores to look in")
    model: str | None = Field(None, max_length=200, description="The model that answers, as GET /models names it")


class FileBody(http.Body):
    """A file to be reviewed."""

    path: str = Field(min_length=1, max_length=400)
    content: str = Field(max_length=_MOST_CHARS)


class ContextBody(http.Body):
    """A text, of which exactly one of code, diff, files and document_id is given, or a question alone."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"code": "log.info(user.email)", "focus_areas": ["compliance"]}]},
    )
    code: str | None = Field(None, min_length=1, max_length=_MOST_CHARS, description="A text")
    diff: str | None = Field(None, min_length=1, max_length=_MOST_CHARS, description="A unified diff")
    files: list[FileBody] | None = Field(None, min_length=1, max_length=100, description="Whole files")
    document_id: Id | None = Field(None, description="A document that was brought in")
    path: str = Field("code", min_length=1, max_length=400, description="The name of `code`")
    question: str = Field("", max_length=4_000, description="What is wanted to be known besides")
    focus_areas: list[AreaName] = Field(
        default_factory=list, max_length=6, description="None: the usual ones, and those that the text asks for"
    )
    repositories: Repositories = None

    @model_validator(mode="after")
    def _one(self) -> ContextBody:
        given = [name for name in _PLACES if getattr(self, name) is not None]
        if len(given) > 1 or (not given and not self._may_be_empty()):
            raise ValueError(f"exactly one of {', '.join(_PLACES)} is to be given")
        return self

    def _may_be_empty(self) -> bool:
        return bool(self.question.strip())

    def wish(self) -> ReviewRequest:
        """What is to be reviewed."""
        text = self.code if any(getattr(self, name) is not None for name in _PLACES) else ""
        return ReviewRequest(
            code=text,
            diff=self.diff,
            files=tuple((file.path, file.content) for file in self.files or ()),
            document_id=self.document_id,
            path=self.path,
            question=self.question,
            focus_areas=tuple(dict.fromkeys(self.focus_areas)),
            repositories=None if self.repositories is None else tuple(self.repositories),
        )


class ReviewBody(ContextBody):
    """What is to be reviewed: exactly one of code, diff, files and document_id."""

    model: str | None = Field(
        None, max_length=200, description="The model that reviews; the small local one does only where it is named"
    )
    private: bool = Field(False, description="Whether the review is not written to analysis")

    def _may_be_empty(self) -> bool:
        return False

    def wish(self) -> ReviewRequest:
        """What is to be reviewed, and how."""
        return replace(super().wish(), model=self.model, private=self.private)


class AskCitationView(BaseModel):
    """Where a statement comes from: a chunk of a document, lines of a file, or a passage of another service."""

    marker: int = Field(description="The number in the text: [1]")
    kind: Literal["document", "repository", "outside"]
    title: str
    quote: str
    location: dict[str, Any]
    document_id: int | None
    chunk_id: int | None
    source_uri: str | None
    repository: str | None
    path: str | None


class ReferenceView(BaseModel):
    """A place in a repository; lines count from 1, both are part of it."""

    repository: str
    path: str
    line_start: int
    line_end: int
    excerpt: str
    score: float = Field(description="Between 0 and 1")
    reason: str


class EnrichmentView(BaseModel):
    """How the enrichment went; unavailable: it failed or was late, and cost nothing but itself."""

    status: Literal["ok", "empty", "unavailable", "disabled"]
    milliseconds: float
    warnings: list[str]


class AskView(BaseModel):
    """An answer; each statement that rests on a source has its mark."""

    request_id: int
    response_id: int
    session_id: int | None
    content: str
    grounds: Literal["sources", "session", "general", "nothing"] = Field(description="On what the answer rests")
    citations: list[AskCitationView]
    references: list[ReferenceView]
    enrichment: EnrichmentView
    model: dict[str, Any] | None = Field(description="Null where code answered: nothing was found")
    usage: dict[str, Any]
    timings: dict[str, float] = Field(description="Milliseconds")
    created_at: datetime
    safety: dict[str, Any] | None = Field(None, description="As in an answer of POST /chat")


class FocusAreaView(BaseModel):
    """What is looked at, and why."""

    name: AreaName
    title: str
    description: str
    questions: list[str]
    reason: str


class FindingView(BaseModel):
    """Something that was found; its quotation stands in those lines."""

    focus_area: AreaName
    severity: Literal["info", "low", "medium", "high"]
    path: str
    line_start: int
    line_end: int
    quote: str
    message: str
    by: Literal["rule", "model"]


class ReviewView(BaseModel):
    """A review; `document_id` is where it was written, `refused` how many findings of the model named nothing."""

    request_id: int
    response_id: int
    title: str
    focus_areas: list[FocusAreaView]
    findings: list[FindingView]
    summary: str
    refused: int
    references: list[ReferenceView]
    enrichment: EnrichmentView
    document_id: int | None
    warnings: list[str]
    model: dict[str, Any] | None
    usage: dict[str, Any]
    timings: dict[str, float] = Field(description="Milliseconds")
    created_at: datetime


class ContextView(EnrichmentView):
    """The enrichment alone."""

    focus_areas: list[FocusAreaView]
    references: list[ReferenceView]


@router.post(
    "/ask",
    summary="Ask documents and repositories",
    response_model=AskView,
    responses={**http.example(_ASKED), **http.problems(404, 409, 413, 429, 502, 504)},
)
def ask(body: AskBody, caller: http.Caller, idempotency_key: http.IdempotencyHeader = None) -> dict[str, Any]:
    """Answers from what is found, each statement with its source; where nothing answers, it says so."""
    key = idempotency.read_key(idempotency_key, "POST /ask", body.model_dump(mode="json"))
    given = body.model_dump(exclude={"focus", "repositories"})
    repositories = None if body.repositories is None else tuple(body.repositories)
    answer = ask_service.ask(caller, AskRequest(**given, focus=tuple(body.focus), repositories=repositories), key)
    return ask_service.as_json(answer) if isinstance(answer, AskAnswer) else answer


@router.post(
    "/review",
    summary="Review code, a change or a document",
    response_model=ReviewView,
    responses={**http.example(_REVIEWED), **http.problems(404, 409, 413)},
)
def review(body: ReviewBody, caller: http.Caller, idempotency_key: http.IdempotencyHeader = None) -> dict[str, Any]:
    """Finds what is wrong, with the lines where it stands, and writes the review to analysis."""
    key = idempotency.read_key(idempotency_key, "POST /review", body.model_dump(mode="json"))
    made = review_service.review(caller, body.wish(), key)
    return review_service.as_json(made) if isinstance(made, Review) else made


@router.post(
    "/review/rag-context",
    summary="The enrichment alone",
    response_model=ContextView,
    responses={**http.example(_CONTEXT), **http.problems(404, 413)},
)
def rag_context(body: ContextBody, caller: http.Caller) -> dict[str, Any]:
    """Where to look closely, and what else belongs to a text, in two seconds; whatever fails, it answers."""
    found = review_service.rag_context(caller, body.wish())
    enriched = found.enrichment
    return {
        "focus_areas": [asdict(one) for one in found.focus_areas],
        "references": [asdict(one) for one in enriched.references],
        "status": enriched.status,
        "milliseconds": enriched.milliseconds,
        "warnings": enriched.warnings,
    }
