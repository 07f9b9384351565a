"""Parts of tensors as text, and NumPy's header as it is streamed."""

from __future__ import annotations

import io

import numpy as np
import pytest

from anima.kernel.errors import BadInput
from anima.registry import npy, slices
from anima.tensors.model import DTYPES

SHAPE = (6, 5, 4)
NUMBERS = np.arange(120, dtype=np.float32).reshape(SHAPE)


@pytest.mark.parametrize(
    "text", ["", ":", "0", "-1", "1:3", ":2,1:", "0:10,:,3", "-2:,:-1,-4", " 1 : 2 , 3 ", "5:2", "100:", ":,:,:", "6:9"]
)
def test_a_part_is_what_numpy_says_it_is(text: str) -> None:
    parts = slices.parse(text, SHAPE)
    expected = NUMBERS[parts]
    assert slices.shape_of(parts, SHAPE) == expected.shape
    spoken = eval(f"NUMBERS[{text or ':'}]")  # noqa: S307  # how a person would write it
    assert np.array_equal(expected, spoken)


@pytest.mark.parametrize(
    "text", ["a", "1:2:3", "6", "-7", "0,0,0,0", ",", "1,", "1.5", ":-:", "0x1", "٣", "9" * 30, "1 2"]
)
def test_what_is_no_part_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        slices.parse(text, SHAPE)
    assert refused.value.fields[0].path == "slice"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4), (1, 2, 3, 4)])
@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_a_streamed_tensor_is_read_by_numpy(dtype: str, shape: tuple[int, ...]) -> None:
    known = np.zeros(shape, dtype=npy.descr(dtype, DTYPES[dtype]))
    head = npy.header(dtype, DTYPES[dtype], shape)
    assert len(head) % 64 == 0
    read = np.load(io.BytesIO(head + known.tobytes()))
    assert (read.shape, read.dtype) == (shape, known.dtype)
    if not dtype.startswith(("bfloat", "float8")):
        assert read.dtype == np.dtype(dtype)
