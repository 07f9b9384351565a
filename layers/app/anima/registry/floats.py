"""Numbers of any kept type as float32: what is searched, compared and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anima.registry import gguf_header
from anima.tensors.model import BLOCKS, itemsize

if TYPE_CHECKING:
    from numpy.typing import NDArray


def row_bytes(dtype: str, columns: int) -> int:
    """The bytes of a row of so many numbers."""
    if not dtype.startswith(BLOCKS):
        return columns * itemsize(dtype)
    block = _block(dtype)
    return columns // block.numbers * block.n_bytes


def rows(data: Any, dtype: str, columns: int) -> NDArray[Any]:
    """Whole rows of a matrix, from their bytes, as float32 of the shape (rows, columns)."""
    import ml_dtypes  # noqa: F401  # teaches numpy bfloat16 and the like
    import numpy as np

    if not dtype.startswith(BLOCKS):
        return np.frombuffer(data, np.dtype(dtype)).reshape(-1, columns).astype(np.float32)
    from gguf import quants
    from gguf.constants import GGMLQuantizationType

    stored = np.frombuffer(data, np.uint8).reshape(-1, row_bytes(dtype, columns))
    return np.asarray(quants.dequantize(stored, GGMLQuantizationType[_block(dtype).name]), np.float32)


def _block(dtype: str) -> gguf_header.Block:
    return next(one for one in gguf_header.blocks().values() if one.dtype == dtype)
