"""Tensors of torch as arrays of numpy and back, bit for bit, also of types that numpy alone does not know."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What numpy has no type for travels as integers of its size, and is named by ml_dtypes.
_AS_INTEGERS = {"bfloat16": "int16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}


def is_tensor(value: object) -> bool:
    """Whether it is a tensor of torch; torch is not loaded to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def refusal(tensor: Any) -> str | None:
    """Why a tensor cannot be saved as an array, None where it can: sparse and quantised ones, those without data."""
    import torch

    if tensor.layout is not torch.strided:
        return "a sparse tensor"
    if tensor.is_quantized:
        return "a quantised tensor"
    return "a tensor without data" if tensor.is_meta else None


def to_numpy(tensor: Any) -> NDArray[Any]:
    """A view of a dense tensor on the CPU, and a copy of one elsewhere."""
    import ml_dtypes
    import torch

    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.device.type != "cpu":
        plain = plain.to("cpu")
    name = str(plain.dtype).removeprefix("torch.")
    if name not in _AS_INTEGERS:
        array: NDArray[Any] = plain.numpy()
        return array
    # A view as numbers of another type of one size keeps strides and shape.
    whole: NDArray[Any] = plain.view(getattr(torch, _AS_INTEGERS[name])).numpy()
    return whole.view(getattr(ml_dtypes, name))


def alias(array: NDArray[Any]) -> Any:
    """A tensor on the memory of an array, or on a copy of it where that must not be written."""
    import numpy as np
    import torch

    plain = array if array.flags.writeable and array.flags.c_contiguous else np.array(array, order="C", copy=True)
    name = array.dtype.name
    if name not in _AS_INTEGERS:
        return torch.from_numpy(plain)
    return torch.from_numpy(plain.view(_AS_INTEGERS[name])).view(getattr(torch, name))


def from_numpy(array: NDArray[Any]) -> Any:
    """A tensor with memory of its own, aligned as torch aligns: where numbers lie can change what comes of them."""
    return alias(array).clone()


def dtype_of(tensor: Any) -> str:
    """The name of its type, as the tensor store names it."""
    return str(tensor.dtype).removeprefix("torch.")
