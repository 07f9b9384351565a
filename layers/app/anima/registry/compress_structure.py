"""Structured pruning: whole attention heads, or neurons of feedforward layers, cut out of every weight that has them.

What belongs to a unit is read from the names of weights, for the families GPT-2 (whose matrices are input x output),
Llama, Mistral, Qwen and BERT (output x input). Where several query heads share a key and value head, a unit is all of
them, so that what is left is still grouped. A unit counts for as much as the norm of what leads into it times the norm
of what leads out of it; biases count with what leads in. After Li et al., "Pruning Filters for Efficient ConvNets"
(2017), and Michel et al., "Are Sixteen Heads Really Better than One?" (2019).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Unit = Literal["heads", "neurons"]
Shape = tuple[int, ...]


class NoSuchUnits(ValueError):
    """The weights have no heads or neurons that can be told apart, or not those that were named."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which weights have units, along which axis, and whether they lead in; `fused` ones hold query, key and value."""

    pattern: re.Pattern[str]
    unit: Unit
    axis: int
    leads_in: bool = True
    fused: int = 1


def _rule(pattern: str, unit: Unit, axis: int, *, leads_in: bool = True, fused: int = 1) -> Rule:
    return Rule(re.compile(rf"(?:^|\.){pattern}$"), unit, axis, leads_in, fused)


RULES = (
    _rule(r"h\.(\d+)\.attn\.c_attn\.(?:weight|bias)", "heads", -1, fused=3),
    _rule(r"h\.(\d+)\.attn\.c_proj\.weight", "heads", 0, leads_in=False),
    _rule(r"h\.(\d+)\.mlp\.c_fc\.(?:weight|bias)", "neurons", -1),
    _rule(r"h\.(\d+)\.mlp\.c_proj\.weight", "neurons", 0, leads_in=False),
    _rule(r"layers\.(\d+)\.self_attn\.[qkv]_proj\.(?:weight|bias)", "heads", 0),
    _rule(r"layers\.(\d+)\.self_attn\.o_proj\.weight", "heads", -1, leads_in=False),
    _rule(r"layers\.(\d+)\.mlp\.(?:gate|up)_proj\.(?:weight|bias)", "neurons", 0),
    _rule(r"layers\.(\d+)\.mlp\.down_proj\.weight", "neurons", -1, leads_in=False),
    _rule(r"layer\.(\d+)\.attention\.self\.(?:query|key|value)\.(?:weight|bias)", "heads", 0),
    _rule(r"layer\.(\d+)\.attention\.output\.dense\.weight", "heads", -1, leads_in=False),
    _rule(r"layer\.(\d+)\.intermediate\.dense\.(?:weight|bias)", "neurons", 0),
    _rule(r"layer\.(\d+)\.output\.dense\.weight", "neurons", -1, leads_in=False),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Where units lie in a weight: unit u from `start + u * width` on, `width` long, along `axis`."""

    weight: str
    axis: int
    start: int
    width: int
    leads_in: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A layer of the transformer and its units."""

    index: int
    units: int
    parts: tuple[Part, ...]


def blocks(shapes: Mapping[str, Shape], unit: Unit, groups: int = 0) -> list[Block]:
    """The blocks that have units of a kind, in order; `groups` is how many key and value heads the model has.

    Raises NoSuchUnits where weights are of no known family, or do not fit with each other.
    """
    found: dict[int, list[tuple[str, Rule]]] = {}
    for name in shapes:
        for rule in RULES:
            if rule.unit == unit and (match := rule.pattern.search(name)):
                found.setdefault(int(match[1]), []).append((name, rule))
    if not found:
        raise NoSuchUnits(f"no weight has a name by which {unit} are known")
    return [_block(index, found[index], shapes, groups) for index in sorted(found)]


def _block(index: int, named: Sequence[tuple[str, Rule]], shapes: Mapping[str, Shape], groups: int) -> Block:
    if {rule.leads_in for _, rule in named} != {True, False}:
        raise NoSuchUnits(f"block {index} lacks what leads into its {named[0][1].unit} or out of them")
    units = groups if named[0][1].unit == "heads" else _inner(named, shapes)
    parts = tuple(part for name, rule in named for part in _parts(name, rule, shapes[name], units))
    return Block(index, units, parts)


def _inner(named: Sequence[tuple[str, Rule]], shapes: Mapping[str, Shape]) -> int:
    sizes = {shapes[name][rule.axis] for name, rule in named}
    if len(sizes) != 1:
        raise NoSuchUnits(f"the weights of a feedforward layer do not fit: {sorted(sizes)}")
    return sizes.pop()


def _parts(name: str, rule: Rule, shape: Shape, units: int) -> list[Part]:
    length = shape[rule.axis] if shape else 0
    if not units or not length or length % (units * rule.fused):
        raise NoSuchUnits(f"{name} of shape {list(shape)} cannot be cut into {units} units")
    third = length // rule.fused
    axis = rule.axis % len(shape)
    return [Part(name, axis, third * each, third // units, rule.leads_in) for each in range(rule.fused)]


def importance(block: Block, read: Callable[[str], Array]) -> npt.NDArray[np.float64]:
    """How much each unit counts: norm of what leads in times norm of what leads out; shape (units,)."""
    into, out = np.zeros(block.units), np.zeros(block.units)
    for name in dict.fromkeys(part.weight for part in block.parts):
        weight = read(name)
        for part in block.parts:
            if part.weight == name:
                sums = into if part.leads_in else out
                sums += _squares(weight, part, block.units)
    return np.sqrt(into) * np.sqrt(out)


def _squares(weight: Array, part: Part, units: int) -> npt.NDArray[np.float64]:
    end = part.start + part.width * units
    taken = np.moveaxis(weight, part.axis, 0)[part.start : end]
    step = max(1, (1 << 22) // max(1, math.prod(taken.shape[1:]) * part.width))
    found = [
        np.square(taken[at * part.width : (at + step) * part.width].astype(np.float64))
        .reshape(min(step, units - at), -1)
        .sum(axis=1)
        for at in range(0, units, step)
    ]
    return np.concatenate(found)


def weakest(counts: npt.NDArray[np.float64], number: int) -> tuple[int, ...]:
    """Which units count for least; of equal ones the first."""
    return tuple(sorted(np.argsort(counts, kind="stable")[:number].tolist()))


def without(block: Block, units: Iterable[int]) -> dict[str, tuple[int, npt.NDArray[np.int64]]]:
    """What to cut where these units go: by weight, the axis and the indices along it. Raises NoSuchUnits."""
    gone = sorted(set(units))
    if not set(gone) <= set(range(block.units)):
        raise NoSuchUnits(f"block {block.index} has units 0 to {block.units - 1}, not {gone}")
    if len(gone) >= block.units:
        raise NoSuchUnits(f"block {block.index} would have nothing left")
    indices: dict[str, list[Array]] = {}
    axes = {part.weight: part.axis for part in block.parts}
    for part in block.parts:
        reach = [np.arange(part.start + u * part.width, part.start + (u + 1) * part.width) for u in gone]
        indices.setdefault(part.weight, []).extend(reach)
    return {name: (axes[name], np.concatenate(found)) for name, found in indices.items() if found}


def cut(weight: Array, axis: int, indices: npt.NDArray[np.int64]) -> Array:
    """A weight without some of its rows or columns, contiguous."""
    return np.ascontiguousarray(np.delete(weight, indices, axis=axis))
