"""Compression: a quantised or pruned model as a further version of it, with what each of its weights lost.

A weight is worked on at a time, so that memory holds a few times the largest of them. What is heavy is loaded when it
is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from anima.kernel import db
from anima.registry import compress_model, service
from anima.registry.compress_model import Deviation
from anima.registry.model import Model, Reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


def quantize(
    principal: db.Principal,
    model: Reference,
    *,
    bits: Literal[8, 4] = 8,
    group_size: int = 64,
    symmetric: bool = True,
    scales: Literal["float16", "float32"] = "float16",
    keep: Sequence[str] = (),
    name: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Model:
    """The model with its matrices in eight or four bits; `group_size` neighbours of a row share a scale (0: all of it).

    A quantised weight w lies in `w.quantized`, `w.scales` and, unless it is symmetric, `w.zero_points` (the layout is
    told in compress_groups). Norms, buffers, biases and what `keep` names (`*embed*`) stay as they are. `progress`
    hears bytes done and in all. Raises NotFound, BadInput, NotCompressible, SaveStopped.
    """
    from anima.registry import compress_quantize_service
    from anima.registry.compress_groups import Grouping

    how = Grouping(bits, group_size, symmetric, scales)
    return compress_quantize_service.quantize(principal, model, how, keep=keep, name=name, progress=progress, stop=stop)


def dequantize(
    principal: db.Principal,
    model: Reference,
    *,
    name: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Model:
    """A quantised model as floats again, of the dtypes that it had. Raises NotFound, NotQuantized, SaveStopped."""
    from anima.registry import compress_quantize_service

    return compress_quantize_service.dequantize(principal, model, name=name, progress=progress, stop=stop)


def prune(
    principal: db.Principal,
    model: Reference,
    *,
    sparsity: float,
    scope: Literal["tensor", "global"] = "tensor",
    keep: Sequence[str] = (),
    name: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Model:
    """The model with exactly this share of its smallest weights zero: of each matrix, or (`global`) of all together.

    Raises NotFound, BadInput, NotCompressible, SaveStopped.
    """
    from anima.registry import compress_prune_service

    return compress_prune_service.prune(
        principal, model, sparsity=sparsity, scope=scope, keep=keep, name=name, progress=progress, stop=stop
    )


def prune_heads(
    principal: db.Principal,
    model: Reference,
    *,
    share: float | None = None,
    heads: Mapping[int, Sequence[int]] | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Model:
    """The model without the share of attention heads of each block that count for least, or those named by block.

    Where query heads share a key and value head, that head goes with all of them, and is what is counted and named. As
    many go from each block. Raises NotFound, BadInput, NotCompressible, SaveStopped.
    """
    from anima.registry import compress_cut_service

    return compress_cut_service.prune_units(
        principal, model, "heads", share=share, chosen=heads, name=name, progress=progress, stop=stop
    )


def prune_neurons(
    principal: db.Principal,
    model: Reference,
    *,
    share: float,
    name: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Model:
    """The model without the share of neurons of each feedforward layer that count for least.

    Raises NotFound, BadInput, NotCompressible, SaveStopped.
    """
    from anima.registry import compress_cut_service

    return compress_cut_service.prune_units(
        principal, model, "neurons", share=share, chosen=None, name=name, progress=progress, stop=stop
    )


def deviations(principal: db.Principal, model: Reference) -> list[Deviation]:
    """What each compressed weight of a version lost, by name; nothing where it was not compressed. Raises NotFound."""
    return compress_model.deviations(service.get(principal, model).derivation)


def read(principal: db.Principal, model: Reference, name: str) -> NDArray[Any]:
    """A weight of a model; floats where it is quantised. Raises NotFound, BadInput where it has no such weight."""
    from anima.registry import compress_quantize_service

    return compress_quantize_service.read(principal, model, name)
