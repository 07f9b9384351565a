"""Group quantisation loses at most half a step, keeps zero, and lies in memory as it says."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anima.registry.compress_groups import (
    Array,
    Grouping,
    NotFinite,
    TooLarge,
    dequantize,
    layout,
    pack,
    quantize,
    unpack,
)

FINITE = st.floats(-1e4, 1e4, width=32, allow_nan=False)
TENSORS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=37), elements=FINITE)
HOW = st.builds(
    Grouping,
    bits=st.sampled_from([8, 4]),
    group_size=st.sampled_from([0, 1, 2, 5, 16, 64]),
    symmetric=st.booleans(),
    scales=st.sampled_from(["float16", "float32"]),
)


def step(scales: Array, how: Grouping, length: int) -> Array:
    """The scale of each value."""
    return np.repeat(scales.astype(np.float64), how.group(length), axis=-1)[..., :length]


@settings(max_examples=150, deadline=None)
@given(weights=TENSORS, how=HOW)
def test_no_value_is_off_by_more_than_half_a_step(weights: Array, how: Grouping) -> None:
    kept = quantize(weights, how)
    again = dequantize(kept, how)
    assert again.shape == weights.shape
    assert again.dtype == np.float32
    half = step(kept.scales, how, weights.shape[-1]) / 2
    assert (np.abs(again.astype(np.float64) - weights) <= half * (1 + 1e-4)).all()
    assert (again[weights == 0] == 0).all()


@settings(max_examples=60, deadline=None)
@given(weights=TENSORS, how=HOW)
def test_what_was_quantised_symmetrically_is_the_same_when_it_is_quantised_again(weights: Array, how: Grouping) -> None:
    how = Grouping(how.bits, how.group_size, symmetric=True, scales=how.scales)
    once = quantize(weights, how)
    twice = quantize(dequantize(once, how), how)
    assert np.array_equal(once.values, twice.values)


@settings(max_examples=60, deadline=None)
@given(weights=TENSORS, how=HOW)
def test_the_layout_is_the_documented_one(weights: Array, how: Grouping) -> None:
    kept = quantize(weights, how)
    outer, length = weights.shape[:-1], weights.shape[-1]
    groups = -(-length // how.group(length)) if length else 0
    assert kept.scales.shape == (*outer, groups)
    assert kept.values.shape == (*outer, -(-length // 2) if how.bits == 4 else length)
    assert kept.values.dtype == (np.int8 if how.bits == 8 and how.symmetric else np.uint8)
    assert (kept.zero_points is None) == how.symmetric
    if kept.zero_points is not None:
        assert kept.zero_points.shape == (*outer, -(-groups // 2) if how.bits == 4 else groups)
    assert kept.scales.dtype.name == how.scales
    made = [kept.values, kept.scales, *([] if kept.zero_points is None else [kept.zero_points])]
    assert layout(weights.shape, how) == [(one.dtype.name, one.shape) for one in made]


def test_four_bits_lie_low_half_first() -> None:
    weights = np.array([[7, -7, 1, -1, 3]], np.float32)
    kept = quantize(weights, Grouping(bits=4, group_size=0))
    assert kept.scales.tolist() == [[1.0]]
    assert kept.values.tolist() == [[0x97, 0xF1, 0x03]]
    assert dequantize(kept, Grouping(bits=4, group_size=0)).tolist() == weights.tolist()


def test_asymmetric_groups_use_all_their_steps() -> None:
    how = Grouping(bits=8, group_size=4, symmetric=False, scales="float32")
    weights = np.array([[0, 0.25, 0.5, 2.55, -1.0, -0.5, 0, 0]], np.float32)
    kept = quantize(weights, how)
    assert kept.values[0, 0] == 0
    assert kept.values[0, 3] == 255
    assert kept.zero_points is not None
    assert kept.zero_points.tolist() == [[0, 255]]


@given(
    values=hnp.arrays(np.int8, hnp.array_shapes(max_dims=3, min_side=0, max_side=9), elements=st.integers(-8, 7)),
)
def test_packing_turns_back(values: Array) -> None:
    assert np.array_equal(unpack(pack(values), values.shape[-1], signed=True), values)
    unsigned = (values + 8).astype(np.uint8)
    assert np.array_equal(unpack(pack(unsigned), values.shape[-1], signed=False), unsigned)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("symmetric", [True, False])
def test_what_is_no_number_is_refused(bad: float, symmetric: bool) -> None:
    weights = np.ones((3, 8), np.float32)
    weights[1, 2] = bad
    with pytest.raises(NotFinite):
        quantize(weights, Grouping(symmetric=symmetric))


def test_doubles_too_large_for_a_scale_are_refused() -> None:
    with pytest.raises(NotFinite):
        quantize(np.full((2, 2), 1e300), Grouping(scales="float32"))


@pytest.mark.parametrize("scales", ["float16", "float32"])
@pytest.mark.parametrize("peak", [1e-44, 1e-38, 1e-9, 1e-5, 65504, 3.4028235e38])
def test_extremes_keep_their_bound(peak: float, scales: Any) -> None:
    weights = np.array([[peak, -peak, peak / 3, 0]], np.float32)
    if scales == "float16" and peak > 1e6:
        with pytest.raises(TooLarge):
            quantize(weights, Grouping(scales=scales))
        return
    for symmetric in (True, False):
        how = Grouping(symmetric=symmetric, scales=scales)
        kept = quantize(weights, how)
        again = dequantize(kept, how)
        assert np.isfinite(again).all()
        assert np.abs(again.astype(np.float64) - weights).max() <= float(kept.scales[0, 0]) / 2 * (1 + 1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn])
def test_other_floats_come_back_in_their_own_dtype(dtype: Any) -> None:
    weights = np.random.default_rng(1).normal(0, 0.02, (16, 130)).astype(dtype)
    how = Grouping(bits=8, group_size=32)
    again = dequantize(quantize(weights, how), how, dtype)
    assert again.dtype == dtype
    error = np.abs(again.astype(np.float64) - weights.astype(np.float64)).max()
    assert error < 0.01


def test_the_largest_number_of_a_dtype_comes_back_finite() -> None:
    weights = np.array([[65504, -65504, 1, 0]], np.float16)
    for symmetric in (True, False):
        how = Grouping(symmetric=symmetric)
        assert np.isfinite(dequantize(quantize(weights, how), how, np.float16)).all()


def test_more_bits_smaller_groups_and_zero_points_lose_less() -> None:
    weights = np.random.default_rng(2).gamma(2, 0.02, (64, 512)).astype(np.float32)

    def lost(how: Grouping) -> float:
        return float(np.square(dequantize(quantize(weights, how), how) - weights).mean())

    assert lost(Grouping(bits=8)) < lost(Grouping(bits=4)) / 100
    assert lost(Grouping(bits=4, group_size=16)) < lost(Grouping(bits=4, group_size=256))
    assert lost(Grouping(bits=4, symmetric=False)) < lost(Grouping(bits=4, symmetric=True))


def test_many_rows_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(3).normal(size=(50, 33)).astype(np.float32)
    how = Grouping(bits=4, group_size=8, symmetric=False)
    whole = quantize(weights, how)
    monkeypatch.setattr("anima.registry.compress_groups._BLOCK", 100)
    parts = quantize(weights, how)
    assert np.array_equal(whole.values, parts.values)
    assert np.array_equal(whole.scales, parts.scales)
    assert np.array_equal(dequantize(whole, how), dequantize(parts, how))
