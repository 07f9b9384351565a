"""Models as they are kept: versions, the machine of their status, and how one is named. Pure."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Type = Literal["decoder", "encoder", "encoder-decoder", "other"]
Status = Literal["initialized", "training", "trained", "deployed"]
TYPES: tuple[Type, ...] = ("decoder", "encoder", "encoder-decoder", "other")

NEXT: dict[str, tuple[str, ...]] = {
    "initialized": ("training",),
    "training": ("trained",),
    "trained": ("deployed", "training"),
    "deployed": ("trained",),
}
"""What each status can become."""


def before(status: str) -> list[str]:
    """From which status this one can be reached."""
    return [one for one, following in NEXT.items() if status in following]


@dataclass(frozen=True, slots=True)
class Model:
    """A version of a model. Parameters and bytes are those of its weights."""

    model_id: uuid.UUID
    name: str
    version: int
    type: str
    architecture: dict[str, Any]
    status: str
    parent_id: uuid.UUID | None
    derivation: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    parameters: int = 0
    trainable_parameters: int = 0
    n_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


Reference = str | uuid.UUID | Model
"""A model as somebody names it: "name" (the newest version), "name@3", its id, or itself."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a model, in the order from the input on."""

    layer_id: uuid.UUID
    layer_index: int
    name: str
    type: str
    input_dim: int | None
    output_dim: int | None
    configuration: dict[str, Any]
    parameters: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """An attention head; its configuration says which rows or columns of each projection are its own."""

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


@dataclass(frozen=True, slots=True)
class WeightRow:
    """A weight of a model, in the order of its files, with what is known of its tensor."""

    weight_id: uuid.UUID
    position: int
    name: str
    category: str
    trainable: bool
    layer_id: uuid.UUID | None
    layer_index: int | None
    tensor_id: uuid.UUID
    gradient_tensor_id: uuid.UUID | None
    dtype: str
    shape: list[int]
    n_bytes: int
    checksum: bytes


@dataclass(frozen=True, slots=True)
class File:
    """A file that a model came in; `sha256` in hexadecimal digits."""

    path: str
    position: int
    format: str
    n_bytes: int
    sha256: str
    literal_tensor_id: uuid.UUID | None
    segments: list[Any]


@dataclass(frozen=True, slots=True)
class Deployment:
    """That a version was deployed, by itself or by a roll back."""

    deployment_id: uuid.UUID
    name: str
    number: int
    model_id: uuid.UUID
    version: int
    replaced_id: uuid.UUID | None
    previous_number: int | None
    deployed_at: datetime


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file behind an entry of the LLM catalogue."""

    artifact_id: int
    model_id: int
    uri: str
    checksum: str
    uploaded_at: datetime
    is_default: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row of an embedding matrix, and how near it is (cosine, 1 at most)."""

    position: int
    token: str | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Named:
    """A reference, taken apart: an id, or a name with or without a version."""

    model_id: uuid.UUID | None = None
    name: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class FileGiven:
    """A file to be entered: the weights that lie in it with their offsets, and the name of the tensor of the rest."""

    path: str
    format: str
    n_bytes: int
    sha256: bytes
    literal: str | None = None
    segments: list[tuple[str, int]] = field(default_factory=list)


VERSIONED = re.compile(r"(.+)@(\d{1,9})", re.DOTALL)


def named(reference: str | uuid.UUID) -> Named:
    """Takes a reference apart."""
    if isinstance(reference, uuid.UUID):
        return Named(model_id=reference)
    try:
        return Named(model_id=uuid.UUID(reference))
    except ValueError:
        pass
    if versioned := VERSIONED.fullmatch(reference):
        return Named(name=versioned[1], version=int(versioned[2]))
    return Named(name=reference)
