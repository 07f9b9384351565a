"""Compressed versions of models: which weights are touched, under which names they lie, and what was lost. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

VALUES: Final = ".quantized"
SCALES: Final = ".scales"
ZERO_POINTS: Final = ".zero_points"
FLOATS: Final = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
CONFIG: Final = "quantization_config"
METHOD: Final = "anima_groups"
"""What config.json calls this way of quantising, where the transformers library looks for it."""
_MOST_DIMENSIONS: Final = 8
_LONGEST_NAME: Final = 500
_APART: Final = ("normalization", "buffer", "scale", "zero_point")
_LARGEST_GROUP: Final = 65_536


@dataclass(frozen=True, slots=True)
class Deviation:
    """What a weight lost: largest |a - b|, root of the mean of (a - b)^2, |a - b| / |a|, cosine of the angle; for a
    pruned one also how many of its values are zero now.
    """

    name: str
    max_abs: float | None
    rmse: float | None
    relative: float | None
    cosine: float | None
    zeros: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """A weight as it was before it was quantised."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quantization:
    """How a version is quantised, and which weights of it; kept in its architecture."""

    bits: int
    group_size: int
    symmetric: bool
    scales: str
    tensors: Mapping[str, QuantizedWeight] = field(default_factory=dict)

    def words(self) -> dict[str, Any]:
        """As it stands in the architecture."""
        weights = {name: {"dtype": one.dtype, "shape": list(one.shape)} for name, one in self.tensors.items()}
        return {
            "bits": self.bits,
            "group_size": self.group_size,
            "symmetric": self.symmetric,
            "scales": self.scales,
            "tensors": weights,
        }


def from_config(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the config.json of a quantised version says of it; None where it says nothing, or nothing that can be."""
    said = config.get(CONFIG)
    how = _understood(said) if isinstance(said, dict) and said.get("quant_method") == METHOD else None
    return None if how is None else how.words()


def _understood(said: object) -> Quantization | None:
    """What these words say of a quantisation, which anybody may have written."""
    if not isinstance(said, dict):
        return None
    try:
        weights = {_name(name): _weight(one) for name, one in said["tensors"].items()}
        how = Quantization(said["bits"], said["group_size"], said["symmetric"], said["scales"], weights)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    good = type(how.group_size) is int and wrong_group(how.bits, how.group_size) is None
    good = good and type(how.bits) is int and type(how.symmetric) is bool and how.scales in ("float16", "float32")
    return how if good else None


def _name(given: str) -> str:
    given.encode()
    if not 1 <= len(given) <= _LONGEST_NAME or "\0" in given:
        raise ValueError("no name of a weight")
    return given


def _weight(said: Mapping[str, Any]) -> QuantizedWeight:
    dtype, shape = said["dtype"], tuple(said["shape"])
    if dtype not in FLOATS or not 0 < len(shape) <= _MOST_DIMENSIONS:
        raise ValueError("no weight that can be quantised")
    if not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise ValueError("no shape")
    return QuantizedWeight(dtype, shape)


def with_config(config: Mapping[str, Any], how: Quantization | None) -> dict[str, Any]:
    """config.json of a version that is quantised in this way, or not at all."""
    rest = {key: value for key, value in config.items() if key != CONFIG}
    return rest if how is None else rest | {CONFIG: {"quant_method": METHOD, **how.words()}}


def quantization(architecture: Mapping[str, Any]) -> Quantization | None:
    """How a model of this architecture is quantised, if it is."""
    return _understood(architecture.get("quantization"))


def parameters(stored: int, architecture: Mapping[str, Any]) -> int:
    """How many parameters a model has that lies in so many numbers: packed ones count once each, scales not at all."""
    how = quantization(architecture)
    if how is None:
        return stored
    for weight in how.tensors.values():
        rows, columns = math.prod(weight.shape[:-1]), weight.shape[-1]
        groups = -(-columns // (how.group_size or max(columns, 1)))
        packed, zero_points = (-(-count * how.bits // 8) for count in (columns, groups))
        stored += rows * (columns - packed - groups - (0 if how.symmetric else zero_points))
    return stored


def parts(name: str, how: Quantization) -> list[str]:
    """The names under which a quantised weight lies."""
    return [name + VALUES, name + SCALES, *([] if how.symmetric else [name + ZERO_POINTS])]


def kept_because(name: str, dtype: str, shape: Sequence[int], category: str, keep: Iterable[str]) -> str | None:
    """Why a weight is left as it is, or None where it is to be compressed: a matrix (or a stack of some) of floats."""
    if any(fnmatchcase(name, pattern) for pattern in keep):
        return "asked for"
    if dtype not in FLOATS:
        return f"of type {dtype}"
    if category in _APART:
        return category
    if len(shape) not in (2, 3) or not math.prod(shape):
        return "no matrix"
    return None


def wrong_group(bits: object, group_size: int) -> str | None:
    """What is wrong with these numbers of a quantisation, if anything is."""
    if bits not in (4, 8):
        return "4 or 8 bits are what a weight can have"
    if not 0 <= group_size <= _LARGEST_GROUP:
        return f"a group has 1 to {_LARGEST_GROUP} values, or 0: all of a row"
    return None


def told(distance: Any, **more: Any) -> dict[str, Any]:
    """A distance as it stands in a derivation."""
    names = ("max_abs", "rmse", "relative", "cosine")
    return {name: _finite(getattr(distance, name)) for name in names} | more


def deviations(derivation: Mapping[str, Any]) -> list[Deviation]:
    """What was lost, by weight, in the order of their names."""
    found = derivation.get("tensors")
    names = ("max_abs", "rmse", "relative", "cosine", "zeros", "size")
    lost = found.items() if isinstance(found, dict) else ()
    return sorted((Deviation(name, *map(one.get, names)) for name, one in lost), key=lambda each: each.name)


def by_reason(kept: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of weights that were left as they are, by why."""
    found: dict[str, list[str]] = {}
    for name, reason in kept.items():
        found.setdefault(reason, []).append(name)
    return found


def smaller_config(
    config: Mapping[str, Any], words: Mapping[str, Any], gone: Mapping[int, Sequence[int]]
) -> dict[str, Any]:
    """config.json of a model whose heads or neurons were cut; `words` are what changed in its architecture.

    Where a family names the width of a head (Llama, Mistral, Qwen), heads are counted anew; GPT-2 and BERT, for which
    it follows from the number of heads, get `pruned_heads`, as the transformers library reads it: by block, and
    numbered as they were before anything was cut.
    """
    changed = dict(config)
    if "feedforward" in words:
        changed["n_inner" if config.get("model_type") == "gpt2" else "intermediate_size"] = words["feedforward"]
    if "heads" in words and ("num_key_value_heads" in config or "head_dim" in config):
        changed["num_attention_heads"] = words["heads"]
        changed["num_key_value_heads"] = words["key_value_heads"]
        changed["head_dim"] = words["head_dim"]
    elif "heads" in words:
        before = _pruned(config.get("pruned_heads"))
        cut = {str(block): _numbered(before.get(str(block), []), heads) for block, heads in gone.items()}
        changed["pruned_heads"] = before | cut
    return changed


def _pruned(said: object) -> dict[str, list[int]]:
    """Heads that were cut before, by block; what cannot be that is left out."""
    found = said.items() if isinstance(said, dict) else ()
    lists = {str(block): heads for block, heads in found if isinstance(heads, list)}
    return {block: heads for block, heads in lists.items() if all(type(head) is int and head >= 0 for head in heads)}


def _numbered(before: Sequence[int], gone: Sequence[int]) -> list[int]:
    """Heads that are cut by now, as they were numbered at first."""
    most = len(before) + max(gone, default=-1) + 1
    left = [head for head in range(most) if head not in before]
    return sorted([*before, *(left[head] for head in gone)])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
