"""Magnitude pruning makes exactly so many of the smallest weights zero, in one tensor and over many."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anima.registry.compress_magnitude import Array, LimitSearch, count_of, prune, zeroed

VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0])
TENSORS = hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, min_side=1, max_side=12), elements=VALUES)


def zeros(weights: Array) -> int:
    return int(weights.size - np.count_nonzero(weights))


@settings(max_examples=120, deadline=None)
@given(weights=TENSORS, share=st.floats(0, 1))
def test_exactly_the_asked_share_is_zero(weights: Array, share: float) -> None:
    before = weights.copy()
    count = count_of(share, weights.size)
    pruned = prune(weights, count)
    assert zeros(pruned) == max(count, zeros(weights))
    kept = pruned != 0
    assert np.array_equal(pruned[kept], weights[kept])
    gone = ~kept & (weights != 0)
    if gone.any() and kept.any():
        assert np.abs(weights[gone]).max() <= np.abs(weights[kept]).min()
    assert np.array_equal(weights, before), "what was given stays as it is"


@settings(max_examples=80, deadline=None)
@given(tensors=st.lists(TENSORS, min_size=1, max_size=4), share=st.floats(0, 1))
def test_over_many_tensors_the_smallest_of_all_go(tensors: list[Array], share: float) -> None:
    size = sum(one.size for one in tensors)
    count = count_of(share, size)
    limit = LimitSearch(count).limit(lambda: tensors)
    pruned = []
    for one in tensors:
        done, used = zeroed(one, limit)
        limit = type(limit)(limit.magnitude, limit.ties - used)
        pruned.append(done)
    assert limit.ties == 0
    alone = prune(np.concatenate([one.reshape(-1) for one in tensors]), count)
    assert np.array_equal(np.concatenate([one.reshape(-1) for one in pruned]), alone)


def test_of_equal_ones_the_first_go() -> None:
    assert prune(np.array([2, -1, 1, 1, 3], np.float32), 2).tolist() == [2, 0, 0, 1, 3]


def test_what_is_no_number_stays() -> None:
    pruned = prune(np.array([np.nan, np.inf, 1, -np.inf], np.float32), 2)
    assert np.isnan(pruned[0])
    assert pruned[2] == 0
    assert zeros(pruned) == 2


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_every_float_is_pruned_in_its_own_dtype(dtype: type) -> None:
    weights = np.random.default_rng(4).normal(size=(31, 17)).astype(dtype)
    pruned = prune(weights, 200)
    assert pruned.dtype == dtype
    assert zeros(pruned) >= 200


def test_large_tensors_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(5).integers(-5, 5, 1000).astype(np.float32)
    whole = prune(weights, 333)
    monkeypatch.setattr("anima.registry.compress_magnitude._BLOCK", 7)
    assert np.array_equal(prune(weights, 333), whole)
