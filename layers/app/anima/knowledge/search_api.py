"""Search over HTTP, and the log of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from anima.kernel import http
from anima.kernel.terms import tokenise
from anima.knowledge import search_service
from anima.knowledge.retrieval_model import SearchRequest
from anima.knowledge.search_model import Hit, Within

router = APIRouter(tags=["knowledge"])
search_router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Mode = Literal["hybrid", "vector", "words"]
Status = Literal["pending", "completed", "failed"]
Purpose = Annotated[str, Field(min_length=1, max_length=100)]
Value = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]

_WHEN = "2026-01-31T12:00:00Z"
_HIT = {
    "chunk_id": 345,
    "document_id": 12,
    "store_id": 1,
    "purpose": "context",
    "text": "Breakfast is served from seven to ten.",
    "location": {"heading": "House rules > Breakfast", "char_start": 120, "char_end": 410},
    "source_uri": "https://example.org/rules",
    "title": "House rules",
    "score": 0.63,
    "scores": {"vector": 0.61, "words": 4.2, "trigram": None},
    "why": {
        "terms": ["breakfast"],
        "spelled": {},
        "speaker": None,
        "neighbours": [346],
        "same_as": [{"chunk_id": 871, "document_id": 30, "title": "House rules (copy)"}],
    },
}
_FOUND = {
    "retrieval_id": 77,
    "hits": [_HIT],
    "nothing_found": False,
    "best_below": None,
    "floor": 0.25,
    "warnings": [],
    "plan": None,
    "timings": {"embed": 8.0, "search": 3.1, "rank": 0.2, "total": 12.9},
}
_RETRIEVAL = {
    "retrieval_id": 77,
    "request_id": None,
    "store_id": 1,
    "purposes": ["context"],
    "query_text": "When is breakfast?",
    "mode": "hybrid",
    "top_k": 5,
    "floor": 0.25,
    "result_ids": [345],
    "distances": [0.39],
    "status": "completed",
    "latency_ms": 3.1,
    "warnings": [],
    "retrieved_at": _WHEN,
}


class Filter(http.Body):
    """Documents to search in: these only, those whose metadata holds all that is said here, those of a time."""

    document_ids: list[Id] | None = Field(None, max_length=1000)
    metadata: dict[str, Any] | None = None
    after: AwareDatetime | None = Field(None, description="Brought in then or later")
    before: AwareDatetime | None = Field(None, description="Brought in earlier")


class DocumentSearch(http.Body):
    """What is looked for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "When is breakfast?", "purpose": "context", "top_k": 5}]},
    )
    query: str = Field(min_length=1, max_length=8000, pattern=r"\S")
    purpose: Purpose = "context"
    purposes: list[Purpose] | None = Field(None, min_length=1, max_length=8, description="Several, instead of one")
    top_k: int = Field(10, ge=1, le=100)
    mode: Mode = Field("hybrid", description="By meaning and words, or one of them")
    filter: Filter = Field(default_factory=Filter)
    modulators: dict[str, Value] = Field(
        default_factory=dict, max_length=20, description="Values of what stores have bindings for, such as theta"
    )
    explain: bool = Field(False, description="Whether to answer the database's plan as well")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.purposes is not None and "purpose" in self.model_fields_set:
            raise ValueError("say purpose or purposes, not both")
        return self

    def request(self) -> SearchRequest:
        """As the service takes it."""
        within = self.filter
        return SearchRequest(
            query=self.query,
            purposes=tuple(dict.fromkeys(self.purposes or [self.purpose])),
            top_k=self.top_k,
            mode=self.mode,
            within=Within(
                document_ids=None if within.document_ids is None else tuple(within.document_ids),
                metadata=within.metadata,
                after=within.after,
                before=within.before,
            ),
            modulators=self.modulators,
            explain=self.explain,
        )


class Scores(BaseModel):
    """Cosine with the question; BM25; likeness of the spelling. Null where one says nothing."""

    vector: float | None
    words: float | None
    trigram: float | None


class Copy(BaseModel):
    """A passage that says the same."""

    chunk_id: int
    document_id: int
    title: str


class Why(BaseModel):
    """Why a passage was found."""

    terms: list[str] = Field(description="Words of the question that it holds, in some form")
    spelled: dict[str, str] = Field(description="Words of the question that it holds in another spelling, and that")
    speaker: str | None = Field(description="Whose words it is, where the question asks for them")
    neighbours: list[int] = Field(description="Chunks beside it that were found too, and joined to it")
    same_as: list[Copy] = Field(description="Others that say the same, and were left out")


class HitAnswer(BaseModel):
    """A passage that was found; `score` is between 0 and 1, orders the hits, and is held against the floor."""

    chunk_id: int
    document_id: int
    store_id: int
    purpose: str
    source_uri: str | None
    title: str
    location: dict[str, Any]
    text: str
    score: float
    scores: Scores
    why: Why


class FoundChunks(BaseModel):
    """Hits, best first; `timings` in milliseconds."""

    retrieval_id: int
    hits: list[HitAnswer]
    nothing_found: bool = Field(description="Whether no passage is good enough to be an answer")
    best_below: float | None = Field(description="The score of the best, where none is good enough")
    floor: float = Field(description="The score from which a passage is one; each store may have its own")
    warnings: list[str] = Field(description="What was not done as asked: a store that could not be reached, …")
    plan: list[str] | None = Field(description="How the database looks for the nearest vectors; with explain")
    timings: dict[str, float]


class RetrievalAnswer(BaseModel):
    """The log of a search; `distances` are cosine distances in the order of `result_ids`."""

    retrieval_id: int
    request_id: int | None
    store_id: int | None
    purposes: list[str]
    query_text: str | None
    mode: str
    top_k: int
    floor: float | None
    result_ids: list[int]
    distances: list[float]
    status: Status
    latency_ms: float | None
    warnings: list[str]
    retrieved_at: datetime


@router.get(
    "/retrievals",
    summary="List searches",
    response_model=http.Items[RetrievalAnswer],
    responses={**http.example({"items": [_RETRIEVAL], "next_cursor": None}), **http.problems()},
)
def get_retrievals(
    caller: http.Caller,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
    request_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only those of this request")] = None,
    status: Annotated[Status | None, Query(description="Only those that ended so")] = None,
) -> dict[str, Any]:
    """The caller's searches, also those of turns, newest first."""
    found = search_service.list_retrievals(caller, limit, cursor, request_id=request_id, status=status)
    return {"items": [asdict(row) for row in found.items], "next_cursor": found.next_cursor}


@router.get(
    "/retrievals/{retrieval_id}",
    summary="The log of a search",
    response_model=RetrievalAnswer,
    responses={**http.example(_RETRIEVAL), **http.problems(404)},
)
def get_retrieval(caller: http.Caller, retrieval_id: Id) -> dict[str, Any]:
    """What a search found, how far it was, how long it took, and how it ended."""
    return asdict(search_service.get_retrieval(caller, retrieval_id))


@search_router.post(
    "/search",
    summary="Search documents",
    response_model=FoundChunks,
    responses={**http.example(_FOUND), **http.problems(404)},
)
def post_search(caller: http.Caller, body: DocumentSearch) -> dict[str, Any]:
    """Finds passages by meaning, words and spelling, in the stores of one purpose or of several."""
    result = search_service.search(caller, body.request())
    asked = tokenise(body.query)
    return {
        "retrieval_id": result.retrieval_id,
        "hits": [_as_json(hit, asked) for hit in result.hits],
        "nothing_found": not result.hits,
        "best_below": result.best_below,
        "floor": result.floor,
        "warnings": result.warnings,
        "plan": result.plan,
        "timings": result.timings,
    }


def _as_json(hit: Hit, asked: list[str]) -> dict[str, Any]:
    return {
        "chunk_id": hit.chunk_id,
        "document_id": hit.document_id,
        "store_id": hit.store_id,
        "purpose": hit.purpose,
        "source_uri": hit.source_uri,
        "title": hit.title,
        "location": hit.location,
        "text": hit.text,
        "score": hit.score,
        "scores": hit.scores,
        "why": {
            "terms": [asked[number] for number in sorted(hit.met)],
            "spelled": {asked[int(number)]: _as_it_stands(term, hit.text) for number, term in hit.spelled.items()},
            "speaker": hit.speaker,
            "neighbours": hit.neighbours,
            "same_as": hit.same_as,
        },
    }


def _as_it_stands(stem: str, text: str) -> str:
    """The first word of a text that begins with a stem; the stem where the language bends it otherwise."""
    return next((word for word in tokenise(text) if word.startswith(stem)), stem)
