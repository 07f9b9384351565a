"""Which weights are compressed, what config.json says of such a version, and what a derivation tells."""

from __future__ import annotations

import math
from typing import Any

import pytest

from anima.registry import compress_groups
from anima.registry.compress_model import (
    Quantization,
    QuantizedWeight,
    by_reason,
    deviations,
    from_config,
    kept_because,
    parameters,
    quantization,
    smaller_config,
    told,
    with_config,
    wrong_group,
)

HOW = Quantization(4, 32, False, "float16", {"w": QuantizedWeight("bfloat16", (3, 5))})


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (("h.0.mlp.c_fc.weight", "float32", (4, 8), "feedforward_up"), None),
        (("experts.weight", "bfloat16", (2, 4, 8), "feedforward_up"), None),
        (("wte.weight", "float32", (4, 8), "token_embedding"), "asked for"),
        (("w", "int8", (4, 8), "other"), "of type int8"),
        (("w", "ggml:Q4_K", (4, 256), "other"), "of type ggml:Q4_K"),
        (("ln.weight", "float32", (8,), "normalization"), "normalization"),
        (("attn.bias", "float32", (1, 1, 8, 8), "buffer"), "buffer"),
        (("b", "float32", (8,), "other"), "no matrix"),
        (("w", "float32", (0, 8), "other"), "no matrix"),
    ],
)
def test_matrices_of_floats_are_compressed_and_nothing_else(weight: Any, reason: str | None) -> None:
    assert kept_because(*weight, keep=("*te.weight",)) == reason


def test_reasons_are_told_with_the_names_that_they_hold_for() -> None:
    assert by_reason({"a": "x", "b": "y", "c": "x"}) == {"x": ["a", "c"], "y": ["b"]}


def test_a_quantisation_is_read_from_an_architecture_and_from_a_configuration() -> None:
    assert quantization({"quantization": HOW.words()}) == HOW
    assert quantization({"family": "gpt2"}) is None
    config = with_config({"n_layer": 2}, HOW)
    assert from_config(config) == HOW.words()
    assert with_config(config, None) == {"n_layer": 2}
    assert from_config({"n_layer": 2}) is None


@pytest.mark.parametrize(
    "lie",
    [
        {"quant_method": "gptq"},
        {"bits": 3},
        {"bits": True},
        {"bits": 8.0},
        {"group_size": -1},
        {"group_size": 1e9},
        {"symmetric": "no"},
        {"scales": "float64"},
        {"scales": []},
        {"tensors": None},
        {"tensors": {"w": None}},
        {"tensors": {"w": {"dtype": "int8", "shape": [1]}}},
        {"tensors": {"w": {"dtype": "float32", "shape": [-1]}}},
        {"tensors": {"w": {"dtype": "float32", "shape": []}}},
        {"tensors": {"w": {"dtype": "float32", "shape": [2] * 9}}},
        {"tensors": {"w": {"dtype": [], "shape": [2]}}},
        {"tensors": {"w\0": {"dtype": "float32", "shape": [2]}}},
        {"tensors": {"w\ud800": {"dtype": "float32", "shape": [2]}}},
    ],
    ids=repr,
)
def test_a_configuration_that_lies_says_nothing(lie: dict[str, Any]) -> None:
    config = with_config({}, HOW)
    config["quantization_config"] |= lie
    assert from_config(config) is None


def test_heads_are_counted_anew_where_their_width_is_named() -> None:
    config = {"model_type": "llama", "num_attention_heads": 6, "num_key_value_heads": 3, "hidden_size": 48}
    words = {"heads": 4, "key_value_heads": 2, "head_dim": 8}
    made = smaller_config(config, words, {0: [1], 1: [2]})
    assert made == config | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}


def test_heads_that_were_cut_one_after_another_keep_their_first_numbers() -> None:
    config = {"model_type": "bert", "num_attention_heads": 8, "pruned_heads": {"0": [1, 2], "3": [0]}}
    made = smaller_config(config, {"heads": 5, "key_value_heads": 5, "head_dim": 8}, {0: [0, 1, 2], 1: [4]})
    assert made["pruned_heads"] == {"0": [0, 1, 2, 3, 4], "1": [4], "3": [0]}
    assert made["num_attention_heads"] == 8


@pytest.mark.parametrize("said", ["x", [1], {"0": "12", "1": [True], "2": [-1]}, None])
def test_heads_of_before_that_cannot_be_are_left_out(said: object) -> None:
    made = smaller_config({"pruned_heads": said}, {"heads": 3, "key_value_heads": 3, "head_dim": 8}, {0: [2]})
    assert made["pruned_heads"] == {"0": [2]}


@pytest.mark.parametrize(("family", "name"), [("gpt2", "n_inner"), ("bert", "intermediate_size")])
def test_neurons_are_counted_by_the_name_of_the_family(family: str, name: str) -> None:
    assert smaller_config({"model_type": family}, {"feedforward": 9}, {})[name] == 9


def test_what_json_cannot_hold_is_left_out_of_a_derivation() -> None:
    class Found:
        max_abs, rmse, relative, cosine = 1.0, math.inf, None, math.nan

    kept = told(Found, zeros=3, size=9)
    assert kept == {"max_abs": 1.0, "rmse": None, "relative": None, "cosine": None, "zeros": 3, "size": 9}
    [lost] = deviations({"tensors": {"w": kept}})
    assert (lost.name, lost.max_abs, lost.rmse, lost.zeros, lost.size) == ("w", 1.0, None, 3, 9)
    assert deviations({"kind": "import"}) == []


def test_numbers_of_groups_have_bounds() -> None:
    assert wrong_group(8, 0) is None
    assert wrong_group(4, 65_536) is None
    assert wrong_group(2, 64) is not None
    assert wrong_group(8, 65_537) is not None


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group_size", [0, 1, 3, 64])
@pytest.mark.parametrize("symmetric", [True, False])
def test_a_quantised_version_has_as_many_parameters_as_before(bits: Any, group_size: int, symmetric: bool) -> None:
    how = compress_groups.Grouping(bits, group_size, symmetric)
    shapes = {"w": (3, 5), "stack": (2, 7, 4), "empty": (4, 0)}
    packed = sum(math.prod(shape) for one in shapes.values() for _, shape in compress_groups.layout(one, how))
    weights = {name: QuantizedWeight("float32", shape) for name, shape in shapes.items()}
    words = Quantization(bits, group_size, symmetric, "float16", weights).words()
    assert parameters(packed + 11, {"quantization": words}) == 3 * 5 + 2 * 7 * 4 + 11
    assert parameters(11, {"family": "gpt2"}) == 11
