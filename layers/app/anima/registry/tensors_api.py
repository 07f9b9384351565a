"""HTTP of tensors: what one is, and its numbers, whole as a stream or a slice of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import giving_service, slices

router = APIRouter(tags=["registry"])

_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_TENSOR = {
    "tensor_id": _ID,
    "name": "h.0.attn.c_attn.weight",
    "dtype": "float32",
    "shape": [768, 2304],
    "n_bytes": 7077888,
    "storage": "packed",
    "compression": "compressed",
    "checksum": "f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2",
    "created_at": "2026-11-22T10:00:00Z",
}
_BYTES: http.Responses = {
    200: {
        "description": "The numbers, row by row",
        "headers": {
            "X-Tensor-Dtype": {"schema": {"type": "string"}, "description": "The type of its numbers, as float32"},
            "X-Tensor-Shape": {"schema": {"type": "string"}, "description": "The shape of what comes, as 10,768"},
        },
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "the bytes of the numbers",
            }
        },
    }
}


class Tensor(BaseModel):
    """A tensor of the store."""

    tensor_id: uuid.UUID
    name: str
    dtype: str
    shape: list[int]
    n_bytes: int = Field(description="In memory")
    storage: Literal["inline", "packed"]
    compression: Literal["raw", "compressed", "delta"]
    checksum: str = Field(description="BLAKE3 of what is in it")
    created_at: datetime


@router.get(
    "/registry/models/{model_id}/tensors",
    summary="Tensors of a model",
    response_model=Items[Tensor],
    responses={**http.example({"items": [_TENSOR], "next_cursor": None}), **http.problems(404)},
)
def list_model_tensors(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """What its weights are stored as, in the order of the weights."""
    return giving_service.of_model(caller, model_id, cursor, limit)


@router.get(
    "/registry/tensors/{tensor_id}",
    summary="A tensor",
    response_model=Tensor,
    responses={**http.example(_TENSOR), **http.problems(404)},
)
def get_tensor(caller: http.Caller, tensor_id: uuid.UUID) -> Any:
    """Its type, shape and checksum, and how it is stored."""
    return giving_service.tensor(caller, tensor_id)


@router.get(
    "/registry/tensors/{tensor_id}/data",
    summary="The numbers of a tensor",
    response_class=StreamingResponse,
    responses={**_BYTES, **http.problems(404, 413)},
)
def get_tensor_data(
    caller: http.Caller,
    tensor_id: uuid.UUID,
    part: Annotated[
        str,
        Query(
            alias="slice",
            max_length=slices.MOST_CHARS,
            description="For each dimension an index or from:to, as 0:10,:,3; none: all of it",
            examples=["0:10,:"],
        ),
    ] = "",
    form: Annotated[
        Literal["npy", "raw"],
        Query(alias="format", description="With NumPy's header before it, or nothing but numbers"),
    ] = "npy",
) -> StreamingResponse:
    """Little-endian, row by row, every chunk verified as it is read. A slice reads only the chunks that it lies in, and
    is at most as large as ANIMA_MAX_SLICE_BYTES says; the whole is streamed. Types that NumPy does not know (bfloat16)
    come as so many bytes each: `X-Tensor-Dtype` names them.
    """
    given = giving_service.data(caller, tensor_id, part, with_header=form == "npy")
    headers = {
        "Content-Length": str(given.n_bytes),
        "X-Tensor-Dtype": given.dtype,
        "X-Tensor-Shape": ",".join(map(str, given.shape)),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(given.pieces, media_type="application/octet-stream", headers=headers)
