"""Magnitude pruning of a model into a further version: exactly so many of its weights are zero, its shapes stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from anima.kernel import db
from anima.kernel.errors import BadInput
from anima.registry import compress_deviation
from anima.registry.compress_magnitude import Array, Limit, LimitSearch, count_of, zeroed
from anima.registry.compress_model import by_reason, quantization, told
from anima.registry.compress_version_service import Progress, Source, Stop, Version, enter, logical, opened
from anima.registry.model import Model, Reference
from anima.registry.weight import Weight
from anima.tensors.model import Given

Scope = Literal["tensor", "global"]


@dataclass(slots=True)
class _Work:
    """Weights that are pruned one after the other. What is equal to a common limit goes from the first ones."""

    source: Source
    sparsity: float
    shared: Limit | None
    lost: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)

    def pruned(self, name: str) -> Array:
        weights = self.source.read(name)
        made, used = zeroed(weights, self._limit(name, weights))
        if self.shared is not None and name not in self.limits:
            self.limits[name] = Limit(self.shared.magnitude, used)
            self.shared = Limit(self.shared.magnitude, self.shared.ties - used)
        zeros = int(made.size - np.count_nonzero(made))
        self.lost[name] = told(compress_deviation.distance(weights, made), zeros=zeros, size=made.size)
        return made

    def _limit(self, name: str, weights: Array) -> Limit:
        if self.shared is None:
            return LimitSearch(count_of(self.sparsity, weights.size)).limit(lambda: [weights])
        return self.limits.get(name, self.shared)


def prune(
    principal: db.Principal,
    model: Reference,
    *,
    sparsity: float,
    scope: Scope,
    keep: Iterable[str],
    name: str | None,
    progress: Progress | None,
    stop: Stop | None,
) -> Model:
    """See `anima.registry.compress_service.prune`."""
    if not 0 < sparsity < 1:
        raise BadInput(reason="the share of weights that become zero lies between 0 and 1")
    if scope not in ("tensor", "global"):
        raise BadInput(reason="the scope is `tensor` or `global`")
    source = opened(principal, model)
    if quantization(source.model.architecture) is not None:
        raise source.refuse("it is quantised: prune what it was made from")
    chosen, kept = source.chosen(keep)
    shared = _shared(source, chosen, sparsity) if scope == "global" else None
    work = _Work(source, sparsity, shared)

    def derivation() -> dict[str, Any]:
        zeros, size = (sum(one[word] for one in work.lost.values()) for word in ("zeros", "size"))
        how = {"method": "magnitude", "scope": scope, "sparsity": {"asked": sparsity, "reached": zeros / size}}
        return {"kind": "prune", **how, "tensors": dict(work.lost), "kept": by_reason(kept)}

    shapes = {one.name: (one.dtype, list(one.shape)) for one in source.weights}
    version = Version(
        logical(source, shapes, source.model.architecture),
        [Given(one.name, one.dtype, tuple(one.shape), partial(work.pruned, one.name)) for one in chosen],
        {one: source.refs[one] for one in kept},
        derivation,
        compression="compressed",
    )
    return enter(source, version, name, progress, stop)


def _shared(source: Source, chosen: Sequence[Weight], sparsity: float) -> Limit:
    """The limit over all weights that are pruned; they are read twice for it, one at a time."""

    def tensors() -> Iterator[Array]:
        return (source.read(one.name) for one in chosen)

    size = sum(_size(one) for one in chosen)
    return LimitSearch(count_of(sparsity, size)).limit(tensors)


def _size(weight: Weight) -> int:
    return int(np.prod(weight.shape, dtype=np.int64))
