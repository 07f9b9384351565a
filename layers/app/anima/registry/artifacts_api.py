"""HTTP of the files behind an entry of the catalogue of language models; for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import artifacts_service as service

router = APIRouter(tags=["models"])

_SHA256 = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_URI = "s3://models/qwen2.5-1.5b-q4.gguf"
_ARTIFACT = {
    "artifact_id": 1,
    "catalogue_id": 1,
    "uri": _URI,
    "checksum": _SHA256,
    "uploaded_at": "2026-11-22T10:00:00Z",
    "is_default": True,
}
CatalogueId = Annotated[int, Path(gt=0, lt=2**63, description="`model_id` of `GET /models`")]
ArtifactNumber = Annotated[int, Path(gt=0, lt=2**63)]


class NewArtifact(http.Body):
    """A file that an entry of the catalogue may be served from."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"uri": _URI, "checksum": _SHA256}]})
    uri: str = Field(min_length=1, max_length=2000, pattern=r"^[a-z][a-z0-9+.-]*://\S+$")
    checksum: str = Field(pattern=r"^(sha256|blake3):[0-9a-f]{64}$")
    default: bool = Field(False, description="That it is served from this one")


class ArtifactAnswer(BaseModel):
    """A file behind an entry of the catalogue."""

    artifact_id: int
    catalogue_id: int
    uri: str
    checksum: str
    uploaded_at: datetime
    is_default: bool


def _told(one: service.Artifact) -> dict[str, Any]:
    return {
        "artifact_id": one.artifact_id,
        "catalogue_id": one.model_id,
        "uri": one.uri,
        "checksum": one.checksum,
        "uploaded_at": one.uploaded_at,
        "is_default": one.is_default,
    }


@router.get(
    "/models/{catalogue_id}/artifacts",
    summary="Files of a language model",
    response_model=Items[ArtifactAnswer],
    responses={**http.example({"items": [_ARTIFACT], "next_cursor": None}), **http.problems(403, 404)},
)
def list_artifacts(
    caller: http.AdminCaller, catalogue_id: CatalogueId, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Admins only; the newest first."""
    page = service.artifacts(caller, catalogue_id, cursor, limit)
    return {"items": [_told(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/models/{catalogue_id}/artifacts",
    status_code=201,
    summary="Name a file of a language model",
    response_model=ArtifactAnswer,
    responses={**http.example(_ARTIFACT, 201), **http.problems(403, 404)},
)
def add_artifact(caller: http.AdminCaller, catalogue_id: CatalogueId, body: NewArtifact) -> Any:
    """Admins only. The file itself lies where `uri` says; the same one again changes nothing."""
    return _told(service.add_artifact(caller, catalogue_id, body.uri, body.checksum, default=body.default))


@router.post(
    "/models/{catalogue_id}/artifacts/{artifact_number}/default",
    summary="Serve a language model from this file",
    response_model=ArtifactAnswer,
    responses={**http.example(_ARTIFACT), **http.problems(403, 404)},
)
def set_default(caller: http.AdminCaller, catalogue_id: CatalogueId, artifact_number: ArtifactNumber) -> Any:
    """Admins only. In place of the file that was the default until now."""
    return _told(service.set_default(caller, catalogue_id, artifact_number))


@router.delete(
    "/models/{catalogue_id}/artifacts/{artifact_number}",
    status_code=204,
    summary="Forget a file of a language model",
    responses={**http.problems(403, 404)},
)
def remove_artifact(caller: http.AdminCaller, catalogue_id: CatalogueId, artifact_number: ArtifactNumber) -> None:
    """Admins only. The file itself stays where it lies."""
    service.remove_artifact(caller, catalogue_id, artifact_number)
