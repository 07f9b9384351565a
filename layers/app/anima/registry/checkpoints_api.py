"""HTTP of checkpoints: listed, compared, kept as the best, made a version, brought and taken as safetensors files."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import (
    checkpoint_model,
    checkpoint_service,
    giving_service,
    run_reading_service,
    service,
    taking_service,
)
from anima.registry.api import MODEL_EXAMPLE, RegisteredModel, told

router = APIRouter(tags=["registry"])

Role = Literal["weight", "optimizer", "state"]
_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_PIECE_BYTES = 1 << 20
_CHECKPOINT: dict[str, Any] = {
    "checkpoint_id": _ID,
    "run_id": _ID,
    "model_id": _ID,
    "parent_id": None,
    "kind": "full",
    "step": 1200,
    "epoch": 1.5,
    "metrics": {"loss": 2.1},
    "is_best": True,
    "n_bytes": 1493277696,
    "new_bytes": 162529280,
    "created_at": "2026-11-22T10:00:00Z",
}
_DIFFERENCE: dict[str, Any] = {
    "name": "h.0.attn.c_attn.weight",
    "role": "weight",
    "state": "changed",
    "dtype_left": "float32",
    "dtype_right": "float32",
    "shape_left": [768, 2304],
    "shape_right": [768, 2304],
    "max_abs": 0.013,
    "rmse": 0.0021,
    "relative": 0.015,
    "cosine": 0.9999,
    "share_changed": 0.98,
}
_SAFETENSORS: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes of the file)"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A safetensors file, as it is",
        "content": {"application/octet-stream": _SAFETENSORS},
    }
}
_FILE: http.Responses = {
    200: {"description": "A safetensors file", "content": {"application/octet-stream": _SAFETENSORS}}
}


class CheckpointAnswer(BaseModel):
    """A state of training that was kept, or weights that were brought."""

    checkpoint_id: uuid.UUID
    run_id: uuid.UUID | None
    model_id: uuid.UUID | None
    parent_id: uuid.UUID | None = Field(description="The one before it, against which it may be stored")
    kind: Literal["full", "weights", "optimizer"]
    step: int
    epoch: float | None
    metrics: dict[str, Any] = Field(description='Numbers; what is not finite as "NaN", "Infinity" or "-Infinity"')
    is_best: bool
    n_bytes: int = Field(description="Of its tensors in memory")
    new_bytes: int = Field(description="What it added to the store")
    created_at: datetime


class CheckpointTensor(BaseModel):
    """A tensor of a checkpoint."""

    name: str
    role: Role
    tensor_id: uuid.UUID
    dtype: str
    shape: list[int]
    n_bytes: int


class TensorDifference(BaseModel):
    """How a tensor of one checkpoint differs from that of another; numbers are null where there is no difference."""

    name: str
    role: Role
    state: Literal["same", "changed", "added", "removed"]
    dtype_left: str | None
    dtype_right: str | None
    shape_left: list[int] | None
    shape_right: list[int] | None
    max_abs: float | None
    rmse: float | None
    relative: float | None = Field(description="rmse over the root mean square of the left one")
    cosine: float | None
    share_changed: float | None


class Comparison(BaseModel):
    """Two checkpoints, tensor by tensor."""

    left: uuid.UUID
    right: uuid.UUID
    counts: dict[str, int] = Field(description="How many tensors are in each state")
    differences: list[TensorDifference] = Field(description="By name; those that are the same only if asked for")


class PromoteBody(http.Body):
    """What a checkpoint becomes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "tiny-gpt2"}]})
    name: str | None = Field(None, min_length=1, max_length=200, description="Of the model; else that it is of")


def _told(one: checkpoint_model.Checkpoint) -> dict[str, Any]:
    fields = asdict(one)
    return {**fields, "run_id": fields.pop("session_id"), "metrics": checkpoint_model.plain(one.metrics)}


def _page(found: Any) -> dict[str, Any]:
    return {"items": [_told(one) for one in found.items], "next_cursor": found.next_cursor}


_LIST: http.Responses = {**http.example({"items": [_CHECKPOINT], "next_cursor": None}), **http.problems(404)}


@router.get(
    "/registry/models/{model_id}/checkpoints",
    summary="Checkpoints of a model",
    response_model=Items[CheckpointAnswer],
    responses=_LIST,
)
def list_model_checkpoints(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Of all runs that train it, and those that were brought; the newest first."""
    service.get(caller, model_id)
    return _page(checkpoint_service.checkpoints(caller, model_id=model_id, cursor=cursor, limit=limit))


@router.get(
    "/registry/runs/{run_id}/checkpoints",
    summary="Checkpoints of a run",
    response_model=Items[CheckpointAnswer],
    responses=_LIST,
)
def list_run_checkpoints(
    caller: http.Caller, run_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """The newest first."""
    run_reading_service.session(caller, run_id)
    return _page(checkpoint_service.checkpoints(caller, session_id=run_id, cursor=cursor, limit=limit))


async def _came(request: Request, caller: http.Caller, model_id: uuid.UUID) -> AsyncIterator[Path]:
    """The body on the disk, for as long as the request lasts."""
    await run_in_threadpool(taking_service.expect, caller, model_id)
    place = taking_service.workplace()
    folder = await run_in_threadpool(place.__enter__)
    try:
        path = folder / "checkpoint.safetensors"
        with path.open("wb") as file:
            waiting = bytearray()
            async for chunk in request.stream():
                waiting += chunk
                if len(waiting) >= _PIECE_BYTES:
                    await run_in_threadpool(file.write, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(file.write, bytes(waiting))
        yield path
    except ClientDisconnect:
        raise taking_service.CutShort from None
    finally:
        await run_in_threadpool(place.__exit__, *sys.exc_info())  # which says what a full disk is


Came = Annotated[Path, Depends(_came)]


@router.post(
    "/registry/models/{model_id}/checkpoints",
    status_code=201,
    summary="Bring a checkpoint",
    response_model=CheckpointAnswer,
    openapi_extra=_BODY,
    responses={**http.example(_CHECKPOINT, 201), **http.problems(404, 409, 413)},
)
def post_checkpoint(
    caller: http.Caller,
    model_id: uuid.UUID,
    came: Came,
    step: Annotated[int, Query(ge=0, lt=2**63, description="After how many steps of training", examples=[1200])],
    epoch: Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)] = None,
) -> Any:
    """Weights as a safetensors file, streamed to the disk, read as written by a stranger, and entered whole or not
    at all: a header that lies, tensors that overlap or a file that was cut are refused, and nothing of it stays.
    """
    return _told(taking_service.take(caller, model_id, came, step=step, epoch=epoch))


@router.get(
    "/registry/checkpoints/{checkpoint_id}",
    summary="A checkpoint",
    response_model=CheckpointAnswer,
    responses={**http.example(_CHECKPOINT), **http.problems(404)},
)
def get_checkpoint(caller: http.Caller, checkpoint_id: uuid.UUID) -> Any:
    """Where training stood, what was measured, and how much it takes."""
    return _told(checkpoint_service.checkpoint(caller, checkpoint_id))


@router.get(
    "/registry/checkpoints/{checkpoint_id}/tensors",
    summary="Tensors of a checkpoint",
    response_model=Items[CheckpointTensor],
    responses={
        **http.example(
            {
                "items": [
                    {
                        "name": "h.0.attn.c_attn.weight",
                        "role": "weight",
                        "tensor_id": _ID,
                        "dtype": "float32",
                        "shape": [768, 2304],
                        "n_bytes": 7077888,
                    }
                ],
                "next_cursor": None,
            }
        ),
        **http.problems(404),
    },
)
def list_checkpoint_tensors(
    caller: http.Caller, checkpoint_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Weights, what the optimiser keeps, and states of generators of random numbers, in their order."""
    return giving_service.of_checkpoint(caller, checkpoint_id, cursor, limit)


@router.get(
    "/registry/checkpoints/{checkpoint_id}/file",
    summary="A checkpoint as a file",
    response_class=StreamingResponse,
    responses={**_FILE, **http.problems(404)},
)
def get_checkpoint_file(
    caller: http.Caller,
    checkpoint_id: uuid.UUID,
    role: Annotated[Role, Query(description="Its weights, or what else was kept")] = "weight",
) -> StreamingResponse:
    """A safetensors file of its weights, streamed; each chunk is verified as it is read, and a damaged one cuts the
    answer off before its announced length.
    """
    given = giving_service.file(caller, checkpoint_id, role)
    name = f"checkpoint-{checkpoint_id}.safetensors"
    headers = {
        "Content-Length": str(given.n_bytes),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(given.pieces, media_type="application/octet-stream", headers=headers)


@router.delete(
    "/registry/checkpoints/{checkpoint_id}",
    status_code=204,
    summary="Delete a checkpoint",
    responses={**http.problems(404)},
)
def delete_checkpoint(caller: http.Caller, checkpoint_id: uuid.UUID) -> None:
    """What others share with it stays."""
    checkpoint_service.delete(caller, checkpoint_id)


@router.post(
    "/registry/checkpoints/{checkpoint_id}/best",
    summary="Keep a checkpoint as the best",
    response_model=CheckpointAnswer,
    responses={**http.example(_CHECKPOINT), **http.problems(404, 409)},
)
def set_best_checkpoint(caller: http.Caller, checkpoint_id: uuid.UUID) -> Any:
    """In place of the one of its run that was the best until now."""
    checkpoint_service.set_best(caller, checkpoint_id)
    return _told(checkpoint_service.checkpoint(caller, checkpoint_id))


@router.post(
    "/registry/checkpoints/{checkpoint_id}/promote",
    status_code=201,
    summary="Make a checkpoint a version",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE, 201), **http.problems(404, 409)},
)
def promote_checkpoint(caller: http.Caller, checkpoint_id: uuid.UUID, body: PromoteBody) -> Any:
    """A further version of the model, with the weights of this checkpoint; nothing is copied."""
    return told(checkpoint_service.promote(caller, checkpoint_id, body.name))


@router.get(
    "/registry/checkpoints/{checkpoint_id}/compare",
    summary="Compare two checkpoints",
    response_model=Comparison,
    responses={
        **http.example(
            {"left": _ID, "right": _ID, "counts": {"same": 147, "changed": 1}, "differences": [_DIFFERENCE]}
        ),
        **http.problems(404, 413),
    },
)
def compare_checkpoints(
    caller: http.Caller,
    checkpoint_id: uuid.UUID,
    other: Annotated[uuid.UUID, Query(alias="with", description="The other checkpoint")],
    same: Annotated[bool, Query(description="Also tensors that are the same")] = False,
) -> Any:
    """Tensor by tensor, weights only. Those of the same content are told apart without being read; the others are read
    chunk by chunk. Where more would be read than ANIMA_MAX_SLICE_BYTES says, `anima model checkpoint diff` does it.
    """
    found = giving_service.compared(caller, checkpoint_id, other)
    counts: dict[str, int] = {}
    for one in found:
        counts[one.state] = counts.get(one.state, 0) + 1
    shown = [one for one in found if same or one.state != "same"]
    return {"left": checkpoint_id, "right": other, "counts": counts, "differences": shown}
