"""Which rows or columns of the projections are one attention head's, in each family's way of laying them out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anima.registry.names_model import Place


@dataclass(frozen=True, slots=True)
class TensorShape:
    """A tensor by name, dtype and shape (the last dimension is the fastest)."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeadGiven:
    """A head of the layer at this place: names of its weights, and its part of each.

    `configuration` is {"q": {"axis": 0, "from": 0, "to": 64}, ...}: the half-open range along an axis.
    """

    layer: int
    head_index: int
    head_dim: int
    q: str | None
    k: str | None
    v: str | None
    o: str | None
    configuration: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sizes:
    heads: int
    key_value: int
    dim: int

    @property
    def query_rows(self) -> int:
        return self.heads * self.dim

    @property
    def key_rows(self) -> int:
        return self.key_value * self.dim


# Families whose fused projection has the query, key and value of each head side by side.
_INTERLEAVED = ("gpt_neox", "bloom", "falcon", "gptneox")


def heads(layer: int, weights: Sequence[tuple[TensorShape, Place]], said: Mapping[str, Any]) -> list[HeadGiven]:
    """The heads of an attention; none where its tensors do not have the sizes that the configuration says."""
    sizes = _sizes(said)
    matrices = {at.category: tensor for tensor, at in weights if len(tensor.shape) == 2}
    if sizes is None or not matrices:
        return []
    # GPT-2 keeps its matrices with the input first (Conv1D); all others with the output first.
    turned = said.get("family") == "gpt2" and said.get("source") != "gguf"
    parts = _fused(matrices, sizes, said, turned) or _apart(matrices, sizes, turned)
    if parts is None:
        return []
    names, ranges = parts
    return [
        HeadGiven(layer, head, sizes.dim, names["q"], names["k"], names["v"], names["o"], ranges(head))
        for head in range(sizes.heads)
    ]


def _sizes(said: Mapping[str, Any]) -> _Sizes | None:
    found = [said.get(word) for word in ("heads", "key_value_heads", "head_dim")]
    if not all(type(value) is int and value > 0 for value in found):
        return None
    sizes = _Sizes(*(int(str(value)) for value in found))
    return sizes if sizes.heads % sizes.key_value == 0 and sizes.heads <= 100_000 else None


class _Ranges:
    """The part of a head in each projection."""

    def __init__(
        self, sizes: _Sizes, axis: int, starts: Mapping[str, int], steps: Mapping[str, int], out: bool
    ) -> None:
        self.sizes, self.axis, self.starts, self.steps, self.out = sizes, axis, starts, steps, out

    def __call__(self, head: int) -> dict[str, Any]:
        shared = head // (self.sizes.heads // self.sizes.key_value)
        found: dict[str, Any] = {}
        for part, number in (("q", head), ("k", shared), ("v", shared)):
            begin = self.starts[part] + number * self.steps[part]
            found[part] = {"axis": self.axis, "from": begin, "to": begin + self.sizes.dim}
        if self.out:
            begin = head * self.sizes.dim
            found["o"] = {"axis": 1 - self.axis, "from": begin, "to": begin + self.sizes.dim}
        return found


def _parts(
    matrices: Mapping[str, TensorShape],
    sizes: _Sizes,
    axis: int,
    starts: Mapping[str, int],
    step: int,
    fused: TensorShape | None = None,
) -> tuple[dict[str, str | None], _Ranges]:
    out = matrices.get("attention_output")
    fits = out is not None and out.shape[1 - axis] == sizes.query_rows
    steps = {"q": step, "k": step, "v": step}
    names: dict[str, str | None] = {
        part: (fused or matrices[category]).name
        for part, category in (("q", "attention_query"), ("k", "attention_key"), ("v", "attention_value"))
    }
    names["o"] = out.name if out is not None and fits else None
    return names, _Ranges(sizes, axis, starts, steps, fits)


def _fused(
    matrices: Mapping[str, TensorShape], sizes: _Sizes, said: Mapping[str, Any], turned: bool
) -> tuple[dict[str, str | None], _Ranges] | None:
    tensor = matrices.get("attention_query_key_value")
    axis = 1 if turned else 0
    if tensor is None or tensor.shape[axis] != sizes.query_rows + 2 * sizes.key_rows:
        return None
    if said.get("family") in _INTERLEAVED and said.get("source") != "gguf":
        if sizes.heads != sizes.key_value:
            return None  # several layouts are in use; none is guessed
        return _parts(matrices, sizes, axis, {"q": 0, "k": sizes.dim, "v": 2 * sizes.dim}, 3 * sizes.dim, tensor)
    starts = {"q": 0, "k": sizes.query_rows, "v": sizes.query_rows + sizes.key_rows}
    return _parts(matrices, sizes, axis, starts, sizes.dim, tensor)


def _apart(
    matrices: Mapping[str, TensorShape], sizes: _Sizes, turned: bool
) -> tuple[dict[str, str | None], _Ranges] | None:
    axis = 1 if turned else 0
    wanted = {
        "attention_query": sizes.query_rows,
        "attention_key": sizes.key_rows,
        "attention_value": sizes.key_rows,
    }
    for category, rows in wanted.items():
        if category not in matrices or matrices[category].shape[axis] != rows:
            return None
    return _parts(matrices, sizes, axis, {"q": 0, "k": 0, "v": 0}, sizes.dim)
