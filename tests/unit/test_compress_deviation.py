"""The distance of two tensors is what numpy says of the whole, however it is cut into pieces."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anima.registry.compress_deviation import Array, Measuring, distance

VALUES = st.floats(-1e6, 1e6, width=32)
PAIRS = hnp.array_shapes(max_dims=2, max_side=20).flatmap(
    lambda shape: st.tuples(*2 * [hnp.arrays(np.float32, shape, elements=VALUES)])
)


@settings(max_examples=100, deadline=None)
@given(pair=PAIRS, parts=st.integers(1, 5))
def test_in_pieces_it_is_what_the_whole_has(pair: tuple[Array, Array], parts: int) -> None:
    left, right = pair
    measuring = Measuring()
    for one, other in zip(np.array_split(left.ravel(), parts), np.array_split(right.ravel(), parts), strict=True):
        measuring.add(one, other)
    found, between = measuring.distance(), left.astype(np.float64) - right
    assert found.size == left.size
    assert found.max_abs == np.abs(between).max()
    assert math.isclose(found.rmse, math.sqrt(np.square(between).mean()), rel_tol=1e-9, abs_tol=1e-12)
    assert found.changed == np.count_nonzero(left != right)
    assert math.isclose(found.norm_left, float(np.linalg.norm(left.astype(np.float64))), rel_tol=1e-9, abs_tol=1e-12)
    if found.cosine is not None:
        assert -1 <= found.cosine <= 1
    if np.array_equal(left, right):
        assert found.share_changed == 0
        assert found.relative == 0


def test_a_tensor_against_twice_itself() -> None:
    weights = np.arange(1, 9, dtype=np.float32)
    found = distance(weights, 2 * weights)
    assert found.relative == pytest.approx(1)
    assert found.cosine == pytest.approx(1)
    assert found.share_changed == 1


def test_zeros_have_no_direction() -> None:
    found = distance(np.zeros(3, np.float32), np.ones(3, np.float32))
    assert found.cosine is None
    assert found.relative is None
    assert distance(np.zeros(3), np.zeros(3)).relative == 0


def test_what_is_no_number_is_counted_and_spoils_nothing() -> None:
    left = np.array([1, np.nan, np.inf, 2], np.float32)
    right = np.array([1, np.nan, 5, 4], np.float32)
    found = distance(left, right)
    assert found.not_finite == 2
    assert found.changed == 2
    assert found.max_abs == 2
    assert found.rmse == pytest.approx(math.sqrt(2))


def test_large_integers_are_told_apart() -> None:
    left = np.array([2**62, 5], np.int64)
    assert distance(left, left + np.array([1, 0])).changed == 1


def test_two_dtypes_are_compared_by_value() -> None:
    weights = np.array([0.5, 0.1], np.float32)
    found = distance(weights, weights.astype(ml_dtypes.bfloat16))
    assert found.changed == 1
    assert 0 < found.max_abs < 1e-3


def test_nothing_differs_in_nothing() -> None:
    found = distance(np.zeros((0, 3)), np.zeros((0, 3)))
    assert (found.size, found.rmse, found.share_changed) == (0, 0, 0)
