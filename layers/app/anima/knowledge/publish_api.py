"""Shared stores over HTTP: an admin publishes a store of his own for everybody, and withdraws it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.knowledge import publish_service

router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
_BODY = {"store_name": "handbook"}


class PublishBody(http.Body):
    """How the shared store is called."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"store_name": "handbook"}]})
    store_name: str | None = Field(None, min_length=1, max_length=100, description="Not given: as one's own store")


class PublishedAnswer(BaseModel):
    """A shared store: everybody's searches of its purpose find what is in it."""

    store_id: int = Field(description="Of the shared store")
    store_name: str
    purpose: str
    documents: int
    chunks: int


@router.post(
    "/vector-stores/{store_id}/publish",
    summary="Publish a vector store",
    response_model=PublishedAnswer,
    responses={
        **http.example({"store_id": 9, "store_name": "handbook", "purpose": "context", "documents": 12, "chunks": 480}),
        **http.problems(403, 404, 409),
    },
)
def post_publish(
    caller: http.AdminCaller, store_id: Id, body: Annotated[PublishBody | None, Body(examples=[_BODY])] = None
) -> dict[str, Any]:
    """Copies a store of the admin's for everybody to search; again: the copy becomes what the store is now."""
    return asdict(publish_service.publish(caller, store_id, body.store_name if body else None))


@router.delete(
    "/vector-stores/{store_id}/publish",
    status_code=204,
    summary="Withdraw a published vector store",
    responses=http.problems(403, 404),
)
def delete_publish(caller: http.AdminCaller, store_id: Id) -> None:
    """Deletes a shared store, by its id or by that of the store it is a copy of; what was copied from stays."""
    publish_service.withdraw(caller, store_id)
