"""Quantising a model into a further version, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from anima.kernel import db
from anima.kernel.errors import BadInput
from anima.registry import compress_deviation, compress_groups
from anima.registry.architectures_model import Structure, WeightGiven
from anima.registry.compress_errors import NotQuantized
from anima.registry.compress_groups import Array, Grouping
from anima.registry.compress_model import (
    SCALES,
    VALUES,
    ZERO_POINTS,
    Quantization,
    QuantizedWeight,
    by_reason,
    parts,
    quantization,
    told,
    with_config,
    wrong_group,
)
from anima.registry.compress_reading import restored
from anima.registry.compress_version_service import Progress, Source, Stop, Version, enter, logical, opened
from anima.registry.heads_model import HeadGiven
from anima.registry.model import Model, Reference
from anima.registry.weight import Weight
from anima.tensors.model import Given


@dataclass(slots=True)
class _Work:
    """A weight that is quantised when its turn comes; its parts are handed out one after the other."""

    source: Source
    weight: Weight
    how: Grouping
    lost: dict[str, Any]
    ready: dict[str, Array] = field(default_factory=dict)

    def given(self) -> list[Given]:
        layout = compress_groups.layout(tuple(self.weight.shape), self.how)
        return [
            Given(self.weight.name + part, dtype, shape, partial(self.part, part))
            for part, (dtype, shape) in zip((VALUES, SCALES, ZERO_POINTS), layout, strict=False)
        ]

    def part(self, name: str) -> Array:
        if name not in self.ready:
            self._quantize()
        return self.ready.pop(name)

    def _quantize(self) -> None:
        weights = self.source.read(self.weight.name)
        try:
            made = compress_groups.quantize(weights, self.how)
        except compress_groups.NotFinite:
            raise self.source.refuse(f"{self.weight.name} holds what is no number: keep it as it is") from None
        except compress_groups.TooLarge:
            raise self.source.refuse(f"{self.weight.name} is too large for scales in float16: take float32") from None
        self.ready = {VALUES: made.values, SCALES: made.scales}
        if made.zero_points is not None:
            self.ready[ZERO_POINTS] = made.zero_points
        again = compress_groups.dequantize(made, self.how, weights.dtype)
        self.lost[self.weight.name] = told(compress_deviation.distance(weights, again))


def quantize(
    principal: db.Principal,
    model: Reference,
    how: Grouping,
    *,
    keep: Iterable[str],
    name: str | None,
    progress: Progress | None,
    stop: Stop | None,
) -> Model:
    """See `anima.registry.compress_service.quantize`."""
    if (wrong := wrong_group(how.bits, how.group_size)) is not None:
        raise BadInput(reason=wrong)
    source = opened(principal, model)
    if quantization(source.model.architecture) is not None:
        raise source.refuse("it is quantised already")
    chosen, kept = source.chosen(keep)
    weights = {one.name: QuantizedWeight(one.dtype, tuple(one.shape)) for one in chosen}
    said = Quantization(how.bits, how.group_size, how.symmetric, how.scales, weights)
    if taken := source.refs.keys() & {part for one in weights for part in parts(one, said)}:
        raise source.refuse(f"it has a weight named {min(taken)} already")
    lost: dict[str, Any] = {}

    def derivation() -> dict[str, Any]:
        told_how = {key: value for key, value in said.words().items() if key != "tensors"}
        return {"kind": "quantize", **told_how, "tensors": dict(lost), "kept": by_reason(kept)}

    version = Version(
        _packed(logical(source, _shapes(source), source.model.architecture), said),
        [part for one in chosen for part in _Work(source, one, how, lost).given()],
        {one: source.refs[one] for one in kept},
        derivation,
        with_config(source.config or {}, said),
    )
    return enter(source, version, name, progress, stop)


def _shapes(source: Source) -> dict[str, tuple[str, list[int]]]:
    return {one.name: (one.dtype, list(one.shape)) for one in source.weights}


def _packed(made: Structure, how: Quantization) -> Structure:
    """The structure with the parts of each quantised weight in its place; ranges of heads stay those of the weight."""
    weights: list[WeightGiven] = []
    for one in made.weights:
        if one.name in how.tensors:
            weights += [WeightGiven(part, _category(part, one), False, one.layer) for part in parts(one.name, how)]
        else:
            weights.append(one)
    architecture = made.architecture | {"quantization": how.words()}
    heads = [_renamed(head, how.tensors) for head in made.heads]
    return Structure(made.type, architecture, made.layers, heads, weights)


def _category(part: str, weight: WeightGiven) -> str:
    return {SCALES: "scale", ZERO_POINTS: "zero_point"}.get(part.removeprefix(weight.name), weight.category)


def _renamed(head: HeadGiven, quantized: Mapping[str, Any]) -> HeadGiven:
    def name(weight: str | None) -> str | None:
        return weight + VALUES if weight in quantized and weight is not None else weight

    return replace(head, q=name(head.q), k=name(head.k), v=name(head.v), o=name(head.o))


def dequantize(
    principal: db.Principal, model: Reference, *, name: str | None, progress: Progress | None, stop: Stop | None
) -> Model:
    """See `anima.registry.compress_service.dequantize`."""
    source = opened(principal, model)
    how = quantization(source.model.architecture)
    if how is None:
        raise NotQuantized(model=str(source.model))
    shapes = _logical_shapes(source, how)
    words = {key: value for key, value in source.model.architecture.items() if key != "quantization"}
    given = [Given(one, was.dtype, was.shape, partial(_restored, source, one, how)) for one, was in how.tensors.items()]
    kept = {one: source.refs[one] for one in shapes if one not in how.tensors}
    version = Version(
        logical(source, shapes, words),
        given,
        kept,
        lambda: {"kind": "dequantize", "bits": how.bits},
        None if source.config is None else with_config(source.config, None),
    )
    return enter(source, version, name, progress, stop)


def _restored(source: Source, name: str, how: Quantization) -> Array:
    return restored(name, how, source.read)


def _logical_shapes(source: Source, how: Quantization) -> dict[str, tuple[str, list[int]]]:
    """The weights that a quantised version stands for, in their order."""
    parted = {part: one for one in how.tensors for part in parts(one, how)}
    shapes: dict[str, tuple[str, list[int]]] = {}
    for weight in source.weights:
        name = parted.get(weight.name, weight.name)
        if name in how.tensors:
            shapes[name] = (how.tensors[name].dtype, list(how.tensors[name].shape))
        else:
            shapes[name] = (weight.dtype, list(weight.shape))
    return shapes


def read(principal: db.Principal, model: Reference, name: str) -> Array:
    """See `anima.registry.compress_service.read`."""
    source = opened(principal, model)
    how = quantization(source.model.architecture)
    if how is not None and name in how.tensors:
        return restored(name, how, source.read)
    if name not in source.refs:
        raise BadInput(reason=f"{source.model} has no weight named {name[:200]!r}")
    return source.read(name)
