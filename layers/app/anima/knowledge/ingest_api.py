"""Ingestion over HTTP: a document that failed is tried again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.knowledge import ingest_service

router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class RetriedAnswer(BaseModel):
    """A document that waits for its ingestion again."""

    document_id: int
    state: str


@router.post(
    "/documents/{document_id}/retry",
    status_code=202,
    summary="Try a document again",
    response_model=RetriedAnswer,
    responses={**http.example({"document_id": 12, "state": "queued"}, status=202), **http.problems(404, 409)},
)
def post_retry(caller: http.Caller, document_id: Id) -> dict[str, Any]:
    """Queues a document again that failed, that nothing could read, or whose worker has been silent for long."""
    ingest_service.retry(caller, document_id)
    return {"document_id": document_id, "state": "queued"}
