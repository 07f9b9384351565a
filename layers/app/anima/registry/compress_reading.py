"""Quantised weights read as the floats they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import ml_dtypes
import numpy as np
import numpy.typing as npt

from anima.registry.compress_errors import BadQuantization
from anima.registry.compress_groups import Bits, Grouping, Quantized, dequantize, layout
from anima.registry.compress_model import SCALES, VALUES, ZERO_POINTS, Quantization

Array = npt.NDArray[Any]


def grouping(how: Quantization) -> Grouping:
    """The numbers of a quantisation, for the arithmetic."""
    scales = cast(Literal["float16", "float32"], how.scales)
    return Grouping(cast(Bits, how.bits), how.group_size, how.symmetric, scales)


def restored(name: str, how: Quantization, read: Callable[[str], Array]) -> Array:
    """A quantised weight in its own dtype and shape; `read` gives the tensors that it lies in, by their names."""
    was = how.tensors[name]
    zero_points = None if how.symmetric else read(name + ZERO_POINTS)
    kept = Quantized(read(name + VALUES), read(name + SCALES), zero_points, was.shape)
    found = [(one.dtype.name, one.shape) for one in (kept.values, kept.scales, zero_points) if one is not None]
    if found != layout(was.shape, grouping(how)):
        raise BadQuantization(weight=name[:200], reason="its parts have not the types and shapes that they should")
    return dequantize(kept, grouping(how), numpy_dtype(was.dtype))


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The numpy dtype of a name, also of those that ml_dtypes brings."""
    return np.dtype(getattr(ml_dtypes, name, name))
