"""HTTP of compression: a quantised or pruned version of a model, and what it lost."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from anima.kernel import http, pages
from anima.kernel.http import Items
from anima.registry import compress_model, giving_service
from anima.registry.api import ID, MODEL_EXAMPLE, RegisteredModel, told
from anima.registry.model import Model

router = APIRouter(tags=["registry"])

_MOST = 2**31 - 1

Keep = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    Field(max_length=100, description="Weights that stay as they are, by name with wildcards: `*embed*`"),
]


class QuantizeBody(http.Body):
    """How a model is quantised."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"bits": 8, "group_size": 64}]})
    bits: Literal[4, 8] = 8
    group_size: int = Field(64, ge=0, le=65_536, description="So many neighbours share a scale; 0: a whole row")
    symmetric: bool = Field(True, description="Without a zero point")
    keep: Keep = Field(default_factory=list)
    name: str | None = Field(None, min_length=1, max_length=200, description="Of what comes of it; else the same name")


class PruneBody(http.Body):
    """How a model is pruned."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"method": "magnitude", "share": 0.5}]})
    method: Literal["magnitude", "heads", "neurons"] = Field(
        "magnitude", description="Magnitude sets the least weights to zero; heads and neurons are taken out"
    )
    share: float = Field(gt=0, lt=1, description="How much of it goes")
    scope: Literal["tensor", "global"] = Field(
        "tensor", description="Of magnitude only: the share of each tensor, or of all"
    )
    keep: Keep = Field(default_factory=list)
    name: str | None = Field(None, min_length=1, max_length=200, description="Of what comes of it; else the same name")

    @model_validator(mode="after")
    def _kept_by_magnitude(self) -> Self:
        if self.method != "magnitude" and (self.keep or self.scope != "tensor"):
            raise ValueError("keep and scope are of the method magnitude only")
        return self


class Deviation(BaseModel):
    """How far a weight is from what it was."""

    name: str
    max_abs: float | None = Field(description="The largest difference")
    rmse: float | None = Field(description="The root of the mean squared difference")
    relative: float | None = Field(description="The norm of the difference over that of the weight as it was")
    cosine: float | None
    zeros: int | None = Field(description="How many of its values are zero now, where it was pruned")
    size: int | None


class Compressed(BaseModel):
    """A compressed version, and what it lost, weight by weight."""

    model: RegisteredModel
    deviations: list[Deviation]


_LOST = {
    "name": "h.0.attn.c_attn.weight",
    "max_abs": 0.0019,
    "rmse": 0.0006,
    "relative": 0.0041,
    "cosine": 0.99999,
    "zeros": None,
    "size": None,
}
_COMPRESSED = {
    "model": {**MODEL_EXAMPLE, "version": 3, "parent_id": ID, "derivation": {"kind": "quantize"}},
    "deviations": [_LOST],
}
_RESPONSES: http.Responses = {**http.example(_COMPRESSED, 201), **http.problems(404, 409, 413)}


@router.post(
    "/registry/models/{model_id}/quantize",
    status_code=201,
    summary="Quantise a model",
    response_model=Compressed,
    responses=_RESPONSES,
)
def quantize(caller: http.Caller, model_id: uuid.UUID, body: QuantizeBody) -> Any:
    """As a further version, with what it lost. A model larger than ANIMA_MAX_SLICE_BYTES says is refused (413):
    `anima model quantize` does it where the server runs.
    """
    from anima.registry import compress_service

    giving_service.small_enough(caller, model_id)
    made = compress_service.quantize(
        caller,
        model_id,
        bits=body.bits,
        group_size=body.group_size,
        symmetric=body.symmetric,
        keep=tuple(body.keep),
        name=body.name,
    )
    return _told(made)


@router.post(
    "/registry/models/{model_id}/prune",
    status_code=201,
    summary="Prune a model",
    response_model=Compressed,
    responses=_RESPONSES,
)
def prune(caller: http.Caller, model_id: uuid.UUID, body: PruneBody) -> Any:
    """As a further version. Magnitude keeps the shapes; taking out heads or neurons makes them smaller. A model larger
    than ANIMA_MAX_SLICE_BYTES says is refused (413): `anima model prune` does it where the server runs.
    """
    from anima.registry import compress_service as compress

    giving_service.small_enough(caller, model_id)
    if body.method == "magnitude":
        keep = tuple(body.keep)
        made = compress.prune(caller, model_id, sparsity=body.share, scope=body.scope, keep=keep, name=body.name)
    elif body.method == "heads":
        made = compress.prune_heads(caller, model_id, share=body.share, name=body.name)
    else:
        made = compress.prune_neurons(caller, model_id, share=body.share, name=body.name)
    return _told(made)


@router.get(
    "/registry/models/{model_id}/deviations",
    summary="What compression lost",
    response_model=Items[Deviation],
    responses={**http.example({"items": [_LOST], "next_cursor": None}), **http.problems(404)},
)
def list_deviations(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Weight by weight, as it was measured; nothing for a version that is not compressed."""
    from anima.registry import compress_service

    after = pages.number(cursor, _MOST) or 0
    found = compress_service.deviations(caller, model_id)[after : after + limit + 1]
    return pages.page(found, limit, lambda _: [after + limit])


def _told(made: Model) -> dict[str, Any]:
    return {"model": told(made), "deviations": compress_model.deviations(made.derivation)}
