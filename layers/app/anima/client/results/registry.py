"""What the registry of models and inference answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

ModelKind = Literal["decoder", "encoder", "encoder-decoder", "other"]
ModelStatus = Literal["initialized", "training", "trained", "deployed"]
RunStatus = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
Scope = Literal["train", "validation", "test"]
Role = Literal["weight", "optimizer", "state"]


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A version of a model."""

    model_id: UUID
    name: str
    version: int
    type: ModelKind
    architecture: Mapping[str, Any]
    status: ModelStatus
    parent_id: UUID | None
    derivation: Mapping[str, Any]
    parameters: int
    trainable_parameters: int
    n_bytes: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version that was put in place of another."""

    deployment_id: UUID
    name: str
    model_id: UUID
    version: int
    replaced_id: UUID | None
    deployed_at: datetime


@dataclass(frozen=True, slots=True)
class Kin:
    """A model that another one came from, or that came from it."""

    model_id: UUID
    name: str
    version: int
    status: ModelStatus
    parent_id: UUID | None
    derivation: Mapping[str, Any]
    generation: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KinRun:
    """A run that trained a model."""

    run_id: UUID
    name: str
    status: str
    step: int
    started_at: datetime | None
    ended_at: datetime | None
    checkpoints: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a model comes from (the nearest first), and what was made of it."""

    model_id: UUID
    ancestors: tuple[Kin, ...]
    descendants: tuple[Kin, ...]
    runs: tuple[KinRun, ...]
    checkpoints: int


@dataclass(frozen=True, slots=True)
class ModelLayer:
    """A layer, in its order from the input on."""

    layer_id: UUID
    layer_index: int
    name: str
    type: str
    input_dim: int | None
    output_dim: int | None
    configuration: Mapping[str, Any]
    parameters: int


@dataclass(frozen=True, slots=True)
class ModelHead:
    """An attention head: which rows or columns of which weights are its own."""

    head_id: UUID
    layer_id: UUID
    layer_index: int
    head_index: int
    head_dim: int
    q_weight_id: UUID | None
    k_weight_id: UUID | None
    v_weight_id: UUID | None
    o_weight_id: UUID | None
    configuration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelWeight:
    """A weight of a model."""

    weight_id: UUID
    name: str
    category: str
    trainable: bool
    position: int
    layer_id: UUID | None
    tensor_id: UUID
    gradient_tensor_id: UUID | None
    dtype: str
    shape: tuple[int, ...]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that a model came in."""

    path: str
    format: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the store."""

    tensor_id: UUID
    name: str
    dtype: str
    shape: tuple[int, ...]
    n_bytes: int
    storage: Literal["inline", "packed"]
    compression: Literal["raw", "compressed", "delta"]
    checksum: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a compressed weight is from what it was."""

    name: str
    max_abs: float | None
    rmse: float | None
    relative: float | None
    cosine: float | None
    zeros: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Compressed:
    """A compressed version, and what it lost."""

    model: RegisteredModel
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file behind an entry of the catalogue of language models."""

    artifact_id: int
    catalogue_id: int
    uri: str
    checksum: str
    uploaded_at: datetime
    is_default: bool
