"""HTTP of what a model consists of: layers, attention heads, weights, their tensors, and the files that it came in."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import parts_service

router = APIRouter(tags=["registry"])

_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_LAYER = {
    "layer_id": _ID,
    "layer_index": 3,
    "name": "h.0.attn",
    "type": "attention",
    "input_dim": 768,
    "output_dim": 768,
    "configuration": {"block": 0},
    "parameters": 2362368,
}
_HEAD = {
    "head_id": _ID,
    "layer_id": _ID,
    "layer_index": 3,
    "head_index": 0,
    "head_dim": 64,
    "q_weight_id": _ID,
    "k_weight_id": _ID,
    "v_weight_id": _ID,
    "o_weight_id": _ID,
    "configuration": {"q": {"axis": 1, "from": 0, "to": 64}},
}
_WEIGHT = {
    "weight_id": _ID,
    "name": "h.0.attn.c_attn.weight",
    "category": "attention",
    "trainable": True,
    "position": 4,
    "layer_id": _ID,
    "tensor_id": _ID,
    "gradient_tensor_id": None,
    "dtype": "float32",
    "shape": [768, 2304],
    "n_bytes": 7077888,
}
_FILE = {
    "path": "model.safetensors",
    "format": "safetensors",
    "n_bytes": 548105171,
    "sha256": "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
}


class ModelLayer(BaseModel):
    """A layer, in its order from the input on."""

    layer_id: uuid.UUID
    layer_index: int
    name: str
    type: str
    input_dim: int | None
    output_dim: int | None
    configuration: dict[str, Any]
    parameters: int


class ModelHead(BaseModel):
    """An attention head: which rows or columns of which weights are its own."""

    head_id: uuid.UUID
    layer_id: uuid.UUID
    layer_index: int
    head_index: int
    head_dim: int
    q_weight_id: uuid.UUID | None
    k_weight_id: uuid.UUID | None
    v_weight_id: uuid.UUID | None
    o_weight_id: uuid.UUID | None
    configuration: dict[str, Any]


class ModelWeight(BaseModel):
    """A weight of a model."""

    weight_id: uuid.UUID
    name: str
    category: str
    trainable: bool
    position: int
    layer_id: uuid.UUID | None
    tensor_id: uuid.UUID = Field(description="Its content: GET /registry/tensors/{tensor_id}/data")
    gradient_tensor_id: uuid.UUID | None
    dtype: str
    shape: list[int]
    n_bytes: int


class ModelFile(BaseModel):
    """A file that a model came in; `anima model export` gives it back bit for bit."""

    path: str
    format: str
    n_bytes: int
    sha256: str


def _documented(row: dict[str, Any]) -> http.Responses:
    return {**http.example({"items": [row], "next_cursor": None}), **http.problems(404)}


@router.get(
    "/registry/models/{model_id}/layers",
    summary="Layers of a model",
    response_model=Items[ModelLayer],
    responses=_documented(_LAYER),
)
def list_layers(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """From the input on; each with its kind and its parameters."""
    return parts_service.layers(caller, model_id, cursor, limit)


@router.get(
    "/registry/models/{model_id}/heads",
    summary="Attention heads of a model",
    response_model=Items[ModelHead],
    responses=_documented(_HEAD),
)
def list_heads(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """By layer and index; `configuration` says which part of each projection belongs to the head."""
    return parts_service.heads(caller, model_id, cursor, limit)


@router.get(
    "/registry/models/{model_id}/weights",
    summary="Weights of a model",
    response_model=Items[ModelWeight],
    responses=_documented(_WEIGHT),
)
def list_weights(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """In the order of the files, with shape, type and whether they are trained."""
    return parts_service.weights(caller, model_id, cursor, limit)


@router.get(
    "/registry/models/{model_id}/files",
    summary="Files of a model",
    response_model=Items[ModelFile],
    responses=_documented(_FILE),
)
def list_files(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """What the model came in, with the sha256 of each."""
    return parts_service.files(caller, model_id, cursor, limit)
