"""A part of a tensor is what numpy takes, byte by byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices

from anima.tensors.errors import BadSlice
from anima.tensors.slices import part


def taken(array: np.ndarray, wanted: tuple[Any, ...]) -> np.ndarray:
    """What the runs of a part say, read from the bytes of the whole."""
    found = part(array.shape, array.itemsize, wanted)
    whole = array.tobytes()
    starts = found.starts(0, found.n_runs)
    assert list(starts) == sorted(starts)
    data = b"".join(whole[start : start + found.run_bytes] for start in starts)
    assert len(data) == found.n_bytes
    return found.finished(np.frombuffer(data, array.dtype).reshape(found.shape))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_as_numpy_takes_it(drawn: st.DataObject) -> None:
    shape = drawn.draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    wanted = drawn.draw(basic_indices(shape, allow_newaxis=False))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    array = np.arange(int(np.prod(shape)), dtype=np.int16).reshape(shape)
    expected = array[wanted]
    found = taken(array, wanted)
    assert found.shape == expected.shape
    assert (found == expected).all()


def test_a_layer_of_many_is_one_run() -> None:
    found = part((12, 100, 50), 4, (3,))
    assert (found.n_runs, found.run_bytes) == (1, 20000)
    assert found.starts(0, 1).tolist() == [60000]


def test_columns_are_a_run_for_each_row() -> None:
    found = part((1000, 64), 2, (slice(None), slice(8, 16)))
    assert (found.n_runs, found.run_bytes) == (1000, 16)


@pytest.mark.parametrize(
    "wanted", [(3,), (-4,), (0, 0, 0), (..., ...), ("x",), (slice(0, 1, 0),), (slice("a"),), (True,), (1.5,), (None,)]
)
def test_what_is_no_part_is_refused(wanted: tuple[Any, ...]) -> None:
    with pytest.raises(BadSlice):
        part((3, 2), 4, wanted)
