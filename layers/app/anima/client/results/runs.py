"""What training runs and checkpoints answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from anima.client.results.registry import Role, RunStatus, Scope


@dataclass(frozen=True, slots=True)
class Run:
    """A training run."""

    run_id: UUID
    model_id: UUID | None
    name: str
    configuration: Mapping[str, Any]
    dataset: Mapping[str, Any]
    status: RunStatus
    step: int
    current_epoch: float
    total_epochs: float | None
    error: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MetricsWritten:
    """How many of the values were new."""

    written: int


@dataclass(frozen=True, slots=True)
class MetricBucket:
    """Values of neighbouring steps; minimum, maximum and mean of those that are finite numbers."""

    first_step: int
    last_step: int
    values: int
    not_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """A metric over the steps of a run."""

    name: str
    scope: Scope
    values: int
    first_step: int
    last_step: int
    last: float | None
    buckets: tuple[MetricBucket, ...]


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """What a run measured."""

    run_id: UUID
    series: tuple[MetricSeries, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of training that was kept, or weights that were brought."""

    checkpoint_id: UUID
    run_id: UUID | None
    model_id: UUID | None
    parent_id: UUID | None
    kind: Literal["full", "weights", "optimizer"]
    step: int
    epoch: float | None
    metrics: Mapping[str, Any]
    is_best: bool
    n_bytes: int
    new_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CheckpointTensor:
    """A tensor of a checkpoint."""

    name: str
    role: Role
    tensor_id: UUID
    dtype: str
    shape: tuple[int, ...]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """How a tensor of one checkpoint differs from that of another."""

    name: str
    role: Role
    state: Literal["same", "changed", "added", "removed"]
    dtype_left: str | None
    dtype_right: str | None
    shape_left: tuple[int, ...] | None
    shape_right: tuple[int, ...] | None
    max_abs: float | None
    rmse: float | None
    relative: float | None
    cosine: float | None
    share_changed: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints, tensor by tensor."""

    left: UUID
    right: UUID
    counts: Mapping[str, int]
    differences: tuple[TensorDifference, ...]


@dataclass(frozen=True, slots=True)
class InferenceSession:
    """Requests to one model under one sampling."""

    inference_id: UUID
    model_id: UUID
    model: str
    temperature: float | None
    top_k: int | None
    top_p: float | None
    request_count: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class InferenceBucket:
    """The requests of a stretch of time that begins at `at`."""

    at: datetime
    requests: int
    latency_mean: float
    latency_max: float
    throughput: float | None
    tokens_per_second: float | None
    tokens: int
    memory_max: int | None
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True, slots=True)
class InferenceMetrics:
    """What a session of inference measured."""

    inference_id: UUID
    buckets: tuple[InferenceBucket, ...]


@dataclass(frozen=True, slots=True)
class InferenceCache:
    """A cache: what it holds, and what it saved."""

    kind: Literal["embeddings", "activations", "kv", "slots"]
    entries: int
    n_bytes: int
    hits: int
    saved_bytes: int
    saved_tokens: int | None
    oldest: datetime | None
    next_ends: datetime | None


@dataclass(frozen=True, slots=True)
class InferenceCaches:
    """All caches."""

    caches: tuple[InferenceCache, ...]


@dataclass(frozen=True, slots=True)
class AttentionPattern:
    """What a head attended to in a text; the matrix is a tensor."""

    pattern_id: UUID
    inference_id: UUID | None
    model_id: UUID
    layer: int
    head: int
    tokens: tuple[str, ...]
    input_hash: str
    tensor_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttentionInput:
    """A text of which attention was recorded."""

    input_hash: str
    tokens: tuple[str, ...]
    layers: int
    heads: int
    created_at: datetime
