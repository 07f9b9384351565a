"""Structured pruning of a model into a further version: fewer attention heads or neurons, smaller shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from anima.kernel import db
from anima.kernel.errors import BadInput
from anima.registry import compress_deviation, compress_structure
from anima.registry.compress_model import quantization, smaller_config, told
from anima.registry.compress_structure import Array, Block, NoSuchUnits, Unit
from anima.registry.compress_version_service import Progress, Source, Stop, Version, enter, logical, opened
from anima.registry.config_model import whole
from anima.registry.model import Model, Reference
from anima.tensors.model import Given

Cuts = Mapping[str, tuple[int, Array]]


@dataclass(slots=True)
class _Work:
    """Weights that are cut when their turn comes."""

    source: Source
    cuts: Cuts
    lost: dict[str, Any] = field(default_factory=dict)

    def cut(self, name: str) -> Array:
        weights = self.source.read(name)
        axis, indices = self.cuts[name]
        gone = weights.copy()
        np.moveaxis(gone, axis, 0)[indices] = 0
        made = compress_structure.cut(weights, axis, indices)
        self.lost[name] = told(compress_deviation.distance(weights, gone), shape=list(made.shape))
        return made


def prune_units(
    principal: db.Principal,
    model: Reference,
    unit: Unit,
    *,
    share: float | None,
    chosen: Mapping[int, Sequence[int]] | None,
    name: str | None,
    progress: Progress | None,
    stop: Stop | None,
) -> Model:
    """See `anima.registry.compress_service.prune_heads` and `prune_neurons`."""
    source = opened(principal, model)
    if quantization(source.model.architecture) is not None:
        raise source.refuse("it is quantised: prune what it was made from")
    try:
        blocks = _blocks(source, unit)
        gone = _weakest(source, blocks, share) if chosen is None else _named(blocks, chosen)
        cuts = {
            name: how for block in blocks for name, how in compress_structure.without(block, gone[block.index]).items()
        }
    except NoSuchUnits as error:
        raise source.refuse(str(error)) from None
    words = _words(source, unit, blocks, len(gone[blocks[0].index]))
    work = _Work(source, cuts)

    def derivation() -> dict[str, Any]:
        how = {"method": unit, "share": share, "gone": {str(block): list(units) for block, units in gone.items()}}
        return {"kind": "prune", **how, "tensors": dict(work.lost)}

    shapes = {one.name: (one.dtype, _shape(one.name, one.shape, cuts)) for one in source.weights}
    config = source.config
    version = Version(
        logical(source, shapes, source.model.architecture | words),
        [Given(one, shapes[one][0], tuple(shapes[one][1]), partial(work.cut, one)) for one in shapes if one in cuts],
        {one: source.refs[one] for one in shapes if one not in cuts},
        derivation,
        None if config is None else smaller_config(config, words, gone),
    )
    return enter(source, version, name, progress, stop)


def _blocks(source: Source, unit: Unit) -> list[Block]:
    """The blocks with their units; all of them have as many. Raises NoSuchUnits."""
    words = source.model.architecture
    groups = whole(words.get("key_value_heads")) or whole(words.get("heads")) or 0
    found = compress_structure.blocks({one.name: tuple(one.shape) for one in source.weights}, unit, groups)
    if len({block.units for block in found}) != 1:
        raise NoSuchUnits(f"its blocks do not have as many {unit} as each other")
    return found


def _weakest(source: Source, blocks: Sequence[Block], share: float | None) -> dict[int, tuple[int, ...]]:
    if share is None or not 0 < share < 1:
        raise BadInput(reason="the share that goes lies between 0 and 1")
    number = round(share * blocks[0].units)
    if not 0 < number < blocks[0].units:
        raise NoSuchUnits(f"a share of {share} of the {blocks[0].units} that each block has is none or all of them")
    return {
        block.index: compress_structure.weakest(compress_structure.importance(block, source.read), number)
        for block in blocks
    }


def _named(blocks: Sequence[Block], chosen: Mapping[int, Sequence[int]]) -> dict[int, tuple[int, ...]]:
    """Those that were asked for: as many in each block, so that all blocks stay alike."""
    gone = {block.index: tuple(sorted(set(chosen.get(block.index, ())))) for block in blocks}
    if chosen.keys() - gone.keys() or len({len(units) for units in gone.values()}) != 1 or not gone[blocks[0].index]:
        raise NoSuchUnits(f"as many units go from each of the blocks {', '.join(map(str, gone))}")
    return gone


def _words(source: Source, unit: Unit, blocks: Sequence[Block], number: int) -> dict[str, int]:
    """What changes in the architecture."""
    left = blocks[0].units - number
    if unit == "neurons":
        return {"feedforward": left}
    before = source.model.architecture
    heads = whole(before.get("heads")) or blocks[0].units
    shared = max(1, heads // blocks[0].units)
    words = {"heads": left * shared, "key_value_heads": left}
    width = whole(before.get("head_dim")) or next(part.width for part in blocks[0].parts) // shared
    return words | {"head_dim": int(width)}


def _shape(name: str, shape: Sequence[int], cuts: Cuts) -> list[int]:
    if name not in cuts:
        return list(shape)
    axis, indices = cuts[name]
    return [size - indices.size if at == axis else size for at, size in enumerate(shape)]
