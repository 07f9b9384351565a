"""The structure of a model: layers, heads and kinds of weights, by config.json, GGUF keys, or names alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anima.registry import config_model, heads_model
from anima.registry.heads_model import HeadGiven, TensorShape
from anima.registry.names_model import Place, place

__all__ = ["HeadGiven", "LayerGiven", "Structure", "TensorShape", "WeightGiven", "structure"]

MOST_HEADS = 100_000


@dataclass(frozen=True, slots=True)
class LayerGiven:
    """A layer; its place in the list of a structure is its place in the model."""

    name: str
    type: str
    input_dim: int | None
    output_dim: int | None
    configuration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WeightGiven:
    """A weight: what it is, whether it is trained, and the layer (by its place in the list) that it belongs to."""

    name: str
    category: str
    trainable: bool = True
    layer: int | None = None


@dataclass(frozen=True, slots=True)
class Structure:
    """All of a model but its numbers. Weights are in the order in which the tensors were given."""

    type: str
    architecture: dict[str, Any]
    layers: list[LayerGiven] = field(default_factory=list)
    heads: list[HeadGiven] = field(default_factory=list)
    weights: list[WeightGiven] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The weights of one layer, while they are gathered."""

    name: str
    type: str
    block: int | None
    stack: str
    rank: float
    first: int
    weights: list[tuple[TensorShape, Place]] = field(default_factory=list)


def structure(
    tensors: Sequence[TensorShape],
    config: Mapping[str, Any] | None = None,
    gguf: Mapping[str, Any] | None = None,
    architecture: tuple[str, dict[str, Any]] | None = None,
) -> Structure:
    """The structure of a model of these tensors, with its config.json, the keys of its GGUF file, or neither.

    `architecture` (type and words) is taken as it is, for a version whose parent was read before.
    """
    kind, said = architecture or _read(config, gguf)
    places = [place(tensor.name, len(tensor.shape)) for tensor in tensors]
    groups = _ordered(_grouped(tensors, places))
    index = {group.name: number for number, group in enumerate(groups)}
    weights = [
        WeightGiven(tensor.name, at.category, at.category != "buffer", index[at.layer_name])
        for tensor, at in zip(tensors, places, strict=True)
    ]
    said = {**_counted(groups), **said}
    layers = [_layer(group, said) for group in groups]
    return Structure(kind, said, layers, _heads(groups, said), weights)


def _heads(groups: Sequence[_Group], said: Mapping[str, Any]) -> list[HeadGiven]:
    """The heads of all layers; none where they would be more than any model has: without numbers they cost nothing."""
    attentions = [(number, group) for number, group in enumerate(groups) if group.type == "attention"]
    each = config_model.whole(said.get("heads")) or 0
    if each * len(attentions) > MOST_HEADS:
        return []
    return [head for number, group in attentions for head in heads_model.heads(number, group.weights, said)]


def _read(config: Mapping[str, Any] | None, gguf: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    if gguf is not None:
        return config_model.from_gguf(gguf)
    if config is not None:
        return config_model.from_config(config)
    return "other", {"family": "unknown", "source": "names"}


def _grouped(tensors: Sequence[TensorShape], places: Sequence[Place]) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for number, (tensor, at) in enumerate(zip(tensors, places, strict=True)):
        group = groups.setdefault(
            at.layer_name, _Group(at.layer_name, at.layer_type, at.block, at.stack, at.rank, number)
        )
        group.rank = min(group.rank, at.rank)
        if group.type == "other":
            group.type = at.layer_type
        group.weights.append((tensor, at))
    return list(groups.values())


def _ordered(groups: list[_Group]) -> list[_Group]:
    """From the input on: embeddings, the blocks of each stack (an encoder before a decoder), and what follows."""
    stacks: dict[str, int] = {}
    for group in groups:
        stacks.setdefault(group.stack, len(stacks) + (1000 if "decoder" in group.stack else 0))

    def key(group: _Group) -> tuple[float, ...]:
        if group.block is None:
            return (0 if group.rank < 0 else 2, 0, 0, group.rank, group.first)
        return (1, stacks[group.stack], group.block, group.rank, group.first)

    return sorted(groups, key=key)


def _counted(groups: Sequence[_Group]) -> dict[str, Any]:
    blocks = {(group.stack, group.block) for group in groups if group.block is not None}
    return {"layers": len(blocks)} if blocks else {}


def _layer(group: _Group, said: Mapping[str, Any]) -> LayerGiven:
    configuration: dict[str, Any] = {}
    if group.block is not None:
        configuration["block"] = group.block
    if group.type == "attention":
        words = ("heads", "key_value_heads", "head_dim")
        configuration |= {word: said[word] for word in words if word in said}
    if group.type == "feedforward" and "activation" in said:
        configuration["activation"] = said["activation"]
    if group.type == "normalization" and "normalization_epsilon" in said:
        configuration["epsilon"] = said["normalization_epsilon"]
    given, out = _dimensions(group, turned=said.get("family") == "gpt2" and said.get("source") != "gguf")
    return LayerGiven(group.name, group.type, given, out, configuration)


def _dimensions(group: _Group, turned: bool) -> tuple[int | None, int | None]:
    """How many numbers go in and come out, read from the shapes of the first and last matrix."""
    matrices = [(tensor, at) for tensor, at in group.weights if len(tensor.shape) == 2]
    if not matrices:
        lengths = [config_model.whole(tensor.shape[-1]) for tensor, _ in group.weights if tensor.shape]
        return (lengths[0], lengths[0]) if group.type == "normalization" and lengths else (None, None)
    if group.type == "embedding":
        rows, columns = matrices[0][0].shape
        return config_model.whole(rows), config_model.whole(columns)
    last = [tensor for tensor, at in matrices if at.category in ("attention_output", "feedforward_down")]
    first, final = matrices[0][0], (last or [matrices[-1][0]])[-1]
    side = (0, 1) if turned and group.type in ("attention", "feedforward") else (1, 0)
    if first in last and len(matrices) > 1:
        first = next(tensor for tensor, at in matrices if tensor not in last)
    return config_model.whole(first.shape[side[0]]), config_model.whole(final.shape[side[1]])
