"""Sessions of inference and what is measured in them."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Requests to one model under one sampling; `model` is its name and version, `name@3`."""

    inference_id: uuid.UUID
    model_id: uuid.UUID
    model: str
    temperature: float | None
    top_k: int | None
    top_p: float | None
    request_count: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One request: milliseconds, requests a second, tokens a second, bytes of memory at their most."""

    latency_ms: float
    throughput: float | None = None
    tokens_per_second: float | None = None
    memory_bytes: int | None = None
    tokens: int | None = None
    cache_hits: int = 0
    cache_misses: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The requests of a stretch of time that begins at `at`; means are over the requests that measured something."""

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


def why_not_measured(one: Measured) -> str | None:
    """What is wrong with a measurement, or nothing: each value is a finite number from 0 on."""
    for field in fields(one):
        value = getattr(one, field.name)
        if value is None or field.name == "at":
            continue
        whole = field.name in ("memory_bytes", "tokens", "cache_hits", "cache_misses")
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return f"{field.name} is {'a whole number' if whole else 'a number'}"
        most = 2**40 if field.name in ("tokens", "cache_hits", "cache_misses") else 2**63  # those are added up
        if not math.isfinite(value) or not 0 <= value < most:
            return f"{field.name} is from 0 on"
    return "at has a time zone" if one.at is not None and one.at.tzinfo is None else None


def why_no_sampling(temperature: float | None, top_k: int | None, top_p: float | None) -> dict[str, str]:
    """What is wrong with a sampling, by parameter: temperature and top_k from 0 on, top_p above 0 up to 1."""
    wrong = {}
    if temperature is not None and not (math.isfinite(temperature) and temperature >= 0):
        wrong["temperature"] = "a number from 0 on"
    if top_k is not None and not 0 <= top_k < 2**31:
        wrong["top_k"] = "a whole number from 0 on"
    if top_p is not None and not 0 < top_p <= 1:
        wrong["top_p"] = "above 0, at most 1"
    return wrong
