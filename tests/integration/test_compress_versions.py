"""A model is quantised and pruned into further versions, with what each weight lost; whole, or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anima.kernel import db
from anima.kernel.errors import BadInput, NotFound
from anima.registry import compress_service as compress
from anima.registry import parts_service, service
from anima.registry.compress_errors import BadQuantization, NotCompressible, NotQuantized
from anima.registry.compress_groups import Grouping, Quantized, dequantize, quantize
from anima.registry.export_service import export
from anima.registry.import_service import import_folder
from anima.registry.model import Model
from anima.registry.open_service import open_model
from anima.tensors import service as tensors
from anima.tensors.errors import SaveStopped
from fixtures.small_models import weights_of
from fixtures.tensors import Keeper

Folders = Callable[..., Path]


def arrays(keeper: Keeper, model: Model) -> dict[str, Any]:
    """All weights of a version as they lie."""
    weights = parts_service.all_weights(keeper.principal, model)
    with db.transaction(keeper.principal) as tx:
        refs = tensors.refs(tx, keeper.owner_id, [one.tensor_id for one in weights])
    return dict(zip([one.name for one in weights], tensors.read_all(keeper.principal, refs), strict=True))


def config_of(keeper: Keeper, model: Model) -> dict[str, Any]:
    [found] = [one for one in parts_service.all_files(keeper.principal, model) if one.path == "config.json"]
    assert found.literal_tensor_id is not None
    with db.transaction(keeper.principal) as tx:
        refs = tensors.refs(tx, keeper.owner_id, [found.literal_tensor_id])
    content = tensors.read_all(keeper.principal, refs)[0].tobytes()
    assert len(content) == found.n_bytes
    said: dict[str, Any] = json.loads(content)
    return said


@pytest.fixture
def imported(keeper: Keeper, small_model: Folders) -> Model:
    return import_folder(keeper.principal, small_model("gpt2"), "small")


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("symmetric", [True, False])
def test_a_quantised_version_lies_as_it_says_and_reads_as_floats(
    keeper: Keeper, imported: Model, bits: Any, symmetric: bool
) -> None:
    heard: list[tuple[int, int]] = []
    made = compress.quantize(
        keeper.principal,
        "small",
        bits=bits,
        group_size=16,
        symmetric=symmetric,
        progress=lambda *told: heard.append(told),
    )
    assert (made.name, made.version, made.status, made.parent_id) == ("small", 2, "trained", imported.model_id)
    assert made.n_bytes < imported.n_bytes * (0.45 if bits == 8 else 0.35)
    assert heard
    assert heard[-1][0] == heard[-1][1]
    kept, weights, how = arrays(keeper, made), weights_of("gpt2"), Grouping(bits, 16, symmetric)
    for name in ("h.0.attn.c_attn.weight", "wte.weight", "h.1.mlp.c_proj.weight"):
        assert name not in kept
        zeros = None if symmetric else kept[f"{name}.zero_points"]
        stored = Quantized(kept[f"{name}.quantized"], kept[f"{name}.scales"], zeros, weights[name].shape)
        assert np.array_equal(stored.values, quantize(weights[name], how).values)
        read = compress.read(keeper.principal, made, name)
        assert np.array_equal(read, dequantize(stored, how))
        assert np.abs(read - weights[name]).max() < (0.002 if bits == 8 else 0.03)
    with open_model(keeper.principal, made) as opened:
        assert np.array_equal(opened.floats(name), read)
        told = {one.name: one.category for one in opened.structure.weights}
    assert told == {one.name: one.category for one in parts_service.all_weights(keeper.principal, made)}
    assert np.array_equal(kept["h.0.ln_1.weight"], weights["h.0.ln_1.weight"])
    assert np.array_equal(kept["h.0.attn.c_attn.bias"], weights["h.0.attn.c_attn.bias"])


def test_what_was_lost_stands_in_the_version(keeper: Keeper, imported: Model) -> None:
    made = compress.quantize(keeper.principal, imported, bits=4, keep=["w?e.weight"])
    lost = {one.name: one for one in compress.deviations(keeper.principal, made)}
    assert len(lost) == 8
    assert "wte.weight" not in lost
    for name, weights in weights_of("gpt2").items():
        if name in lost:
            between = weights.astype(np.float64) - compress.read(keeper.principal, made, name)
            assert lost[name].max_abs == pytest.approx(np.abs(between).max())
            assert lost[name].rmse == pytest.approx(np.sqrt(np.square(between).mean()))
            assert lost[name].relative == pytest.approx(np.linalg.norm(between) / np.linalg.norm(weights), rel=1e-5)
            assert 0.98 < (lost[name].cosine or 0) < 1
    said = made.derivation
    assert (said["kind"], said["bits"], said["group_size"], said["parent"]) == ("quantize", 4, 64, "small@1")
    assert sorted(said["kept"]["asked for"]) == ["wpe.weight", "wte.weight"]
    assert said["bytes"]["after"] < said["bytes"]["before"]
    assert compress.deviations(keeper.principal, imported) == []


def test_a_quantised_version_has_layers_heads_and_files_of_its_parent(keeper: Keeper, imported: Model) -> None:
    made = compress.quantize(keeper.principal, imported)
    before, after = (parts_service.layers(keeper.principal, one, limit=200).items for one in (imported, made))
    assert [(one.name, one.type) for one in after] == [(one.name, one.type) for one in before]
    heads = parts_service.heads(keeper.principal, made, limit=200).items
    assert len(heads) == 8
    names = {one.weight_id: one for one in parts_service.all_weights(keeper.principal, made)}
    assert heads[0].q_weight_id is not None
    assert names[heads[0].q_weight_id].name == "h.0.attn.c_attn.weight.quantized"
    categories = {one.name: (one.category, one.trainable) for one in names.values()}
    assert categories["h.0.attn.c_attn.weight.quantized"] == ("attention_query_key_value", False)
    assert categories["h.0.attn.c_attn.weight.scales"] == ("scale", False)
    assert categories["h.0.ln_1.weight"] == ("normalization", True)
    config = config_of(keeper, made)
    assert config.pop("quantization_config")["bits"] == 8
    assert config == config_of(keeper, imported)


@pytest.mark.parametrize(("family", "bits"), [("gpt2", 8), ("llama", 4)])
def test_a_quantised_version_goes_out_and_comes_in_again(
    keeper: Keeper, small_model: Folders, tmp_path: Path, family: str, bits: Any
) -> None:
    parent = import_folder(keeper.principal, small_model(family), "whole")
    made = compress.quantize(keeper.principal, parent, bits=bits, symmetric=False)
    again = import_folder(keeper.principal, export(keeper.principal, made, tmp_path / "out"), "back")
    assert again.architecture["quantization"] == made.architecture["quantization"]
    for name in again.architecture["quantization"]["tensors"]:
        first, last = (compress.read(keeper.principal, one, name) for one in (made, again))
        assert np.array_equal(first, last)
    before, after = (
        {one.name: one.category for one in parts_service.all_weights(keeper.principal, x)} for x in (made, again)
    )
    assert before == after
    floats = compress.dequantize(keeper.principal, again)
    assert "quantization_config" not in config_of(keeper, floats)
    shapes = {one.name: tuple(one.shape) for one in parts_service.all_weights(keeper.principal, floats)}
    assert shapes == {name: one.shape for name, one in weights_of(family).items()}


def test_a_configuration_that_lies_about_its_quantisation_gives_no_wrong_weight(
    keeper: Keeper, imported: Model, tmp_path: Path
) -> None:
    folder = export(keeper.principal, compress.quantize(keeper.principal, imported, keep=["wpe*"]), tmp_path / "out")
    config = json.loads((folder / "config.json").read_text())
    weights = config["quantization_config"]["tensors"]
    weights["wte.weight"]["shape"] = [61, 32]
    weights["wpe.weight"] = {"dtype": "float32", "shape": [24, 32]}
    (folder / "config.json").write_text(json.dumps(config))
    lying = import_folder(keeper.principal, folder, "lying")
    for name in ("wte.weight", "wpe.weight"):
        with pytest.raises(BadQuantization):
            compress.read(keeper.principal, lying, name)
    with pytest.raises(BadQuantization):
        compress.dequantize(keeper.principal, lying)
    for broken in (
        {"bits": 7},
        {"group_size": "many"},
        {"tensors": []},
        {"tensors": {"w": {"dtype": "x", "shape": [1]}}},
    ):
        (folder / "config.json").write_text(
            json.dumps(config | {"quantization_config": config["quantization_config"] | broken})
        )
        assert "quantization" not in import_folder(keeper.principal, folder, "broken").architecture


def test_dequantising_gives_the_shapes_and_types_back(keeper: Keeper, small_model: Folders) -> None:
    parent = import_folder(keeper.principal, small_model("llama", dtype=ml_dtypes.bfloat16), "half")
    packed = compress.quantize(keeper.principal, parent, bits=4, symmetric=False)
    again = compress.dequantize(keeper.principal, packed, name="half-again")
    assert (again.name, again.version, again.parent_id) == ("half-again", 1, packed.model_id)
    assert "quantization" not in again.architecture
    first, last = arrays(keeper, parent), arrays(keeper, again)
    assert list(first) == list(last)
    for name, weights in last.items():
        assert (weights.dtype, weights.shape) == (first[name].dtype, first[name].shape)
        assert np.array_equal(weights, compress.read(keeper.principal, packed, name))
    assert np.array_equal(last["model.norm.weight"], first["model.norm.weight"])
    with pytest.raises(NotQuantized):
        compress.dequantize(keeper.principal, parent)


@pytest.mark.parametrize("scope", ["tensor", "global"])
def test_a_pruned_version_has_exactly_so_many_zeros(keeper: Keeper, imported: Model, scope: Any) -> None:
    made = compress.prune(keeper.principal, imported, sparsity=0.3, scope=scope)
    weights, pruned = weights_of("gpt2"), arrays(keeper, made)
    matrices = [name for name, one in weights.items() if one.ndim == 2]
    size = sum(weights[name].size for name in matrices)
    zeros = {name: int((pruned[name] == 0).sum()) for name in matrices}
    if scope == "tensor":
        assert zeros == {name: round(0.3 * weights[name].size) for name in matrices}
    else:
        assert sum(zeros.values()) == round(0.3 * size)
        gone = max(np.abs(weights[name][pruned[name] == 0]).max() for name in matrices)
        assert gone <= min(np.abs(weights[name][pruned[name] != 0]).min() for name in matrices)
    lost = {one.name: one for one in compress.deviations(keeper.principal, made)}
    assert {name: one.zeros for name, one in lost.items()} == zeros
    assert made.derivation["sparsity"]["reached"] == pytest.approx(0.3, abs=1e-3)
    assert np.array_equal(pruned["ln_f.bias"], weights["ln_f.bias"])


def test_a_llama_without_heads_is_smaller_everywhere(keeper: Keeper, small_model: Folders) -> None:
    parent = import_folder(keeper.principal, small_model("llama"), "llama")
    made = compress.prune_heads(keeper.principal, parent, heads={0: [1], 1: [2]})
    words = made.architecture
    assert (words["heads"], words["key_value_heads"], words["head_dim"]) == (4, 2, 8)
    before, after = weights_of("llama"), arrays(keeper, made)
    q = "model.layers.0.self_attn.q_proj.weight"
    assert np.array_equal(after[q], np.delete(before[q], range(16, 32), axis=0))
    k = "model.layers.1.self_attn.k_proj.weight"
    assert np.array_equal(after[k], np.delete(before[k], range(16, 24), axis=0))
    out = "model.layers.1.self_attn.o_proj.weight"
    assert np.array_equal(after[out], np.delete(before[out], range(32, 48), axis=1))
    assert len(parts_service.heads(keeper.principal, made, limit=200).items) == 8
    assert made.parameters < parent.parameters
    config = config_of(keeper, made)
    assert (config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]) == (4, 2, 8)
    assert config["hidden_size"] == 40


def test_a_gpt2_without_heads_and_then_without_more_keeps_their_first_numbers(keeper: Keeper, imported: Model) -> None:
    once = compress.prune_heads(keeper.principal, imported, heads={0: [0], 1: [2]})
    twice = compress.prune_heads(keeper.principal, once, heads={0: [1], 1: [2]})
    assert config_of(keeper, once)["pruned_heads"] == {"0": [0], "1": [2]}
    assert config_of(keeper, twice)["pruned_heads"] == {"0": [0, 2], "1": [2, 3]}
    assert arrays(keeper, twice)["h.0.attn.c_attn.weight"].shape == (32, 3 * 16)
    assert len(parts_service.heads(keeper.principal, twice, limit=200).items) == 4


@pytest.mark.parametrize(("family", "word"), [("gpt2", "n_inner"), ("llama", "intermediate_size")])
def test_neurons_that_count_for_least_go(keeper: Keeper, small_model: Folders, family: str, word: str) -> None:
    weights = weights_of(family)
    up = {"gpt2": "h.0.mlp.c_fc.weight", "llama": "model.layers.0.mlp.up_proj.weight"}[family]
    inner = max(weights[up].shape)
    down = up.replace("c_fc", "c_proj").replace("up_proj", "down_proj")
    silent = weights[down].copy()
    rows = np.moveaxis(silent, 0 if family == "gpt2" else 1, 0)
    rows[5 : 5 + inner // 4] = 0
    parent = import_folder(keeper.principal, small_model(family, **{down: silent}), family)
    made = compress.prune_neurons(keeper.principal, parent, share=0.25)
    after = arrays(keeper, made)
    assert after[up].shape[1 if family == "gpt2" else 0] == inner - inner // 4
    assert made.derivation["gone"]["0"] == list(range(5, 5 + inner // 4)), "those that lead nowhere"
    assert made.architecture["feedforward"] == inner - inner // 4
    assert config_of(keeper, made)[word] == inner - inner // 4
    lost = {one.name: one for one in compress.deviations(keeper.principal, made)}
    assert lost[down].max_abs == 0
    assert 0 < (lost[up].relative or 0) < 1


def test_what_cannot_be_done_is_refused_and_leaves_nothing(keeper: Keeper, imported: Model) -> None:
    principal = keeper.principal
    packed = compress.quantize(principal, imported)
    refused: list[Callable[[], object]] = [
        lambda: compress.quantize(principal, packed),
        lambda: compress.prune(principal, packed, sparsity=0.5),
        lambda: compress.prune_heads(principal, packed, share=0.5),
        lambda: compress.quantize(principal, imported, keep=["*"]),
        lambda: compress.prune_heads(principal, imported, share=0.01),
        lambda: compress.prune_heads(principal, imported, heads={0: [0], 1: []}),
        lambda: compress.prune_heads(principal, imported, heads={0: [9], 1: [9]}),
        lambda: compress.prune_heads(principal, imported, heads={7: [1]}),
    ]
    for act in refused:
        with pytest.raises(NotCompressible):
            act()
    wrong: list[Callable[[], object]] = [
        lambda: compress.quantize(principal, imported, bits=3),  # type: ignore[arg-type]
        lambda: compress.quantize(principal, imported, group_size=-1),
        lambda: compress.prune(principal, imported, sparsity=1.0),
        lambda: compress.prune_neurons(principal, imported, share=0.0),
        lambda: compress.read(principal, imported, "no.such.weight"),
        lambda: compress.quantize(principal, imported, name="x" * 300),
    ]
    for act in wrong:
        with pytest.raises(BadInput):
            act()
    with pytest.raises(NotFound):
        compress.quantize(principal, uuid.UUID(int=1))
    assert [str(one) for one in service.models(principal).items] == ["small@2", "small@1"]


def test_weights_that_are_no_numbers_are_named(keeper: Keeper, small_model: Folders) -> None:
    bad = weights_of("gpt2")["h.1.mlp.c_fc.weight"].copy()
    bad[3, 4] = np.nan
    parent = import_folder(keeper.principal, small_model("gpt2", **{"h.1.mlp.c_fc.weight": bad}), "bad")
    with pytest.raises(NotCompressible, match=r"h\.1\.mlp\.c_fc\.weight"):
        compress.quantize(keeper.principal, parent)
    made = compress.quantize(keeper.principal, parent, keep=["h.1.mlp.c_fc.weight"])
    assert np.isnan(arrays(keeper, made)["h.1.mlp.c_fc.weight"][3, 4])


def test_what_is_stopped_leaves_nothing(keeper: Keeper, imported: Model) -> None:
    with pytest.raises(SaveStopped):
        compress.quantize(keeper.principal, imported, stop=lambda: True)
    assert len(service.models(keeper.principal).items) == 1


def test_a_strangers_model_is_not_there(keeper: Keeper, another_keeper: Keeper, imported: Model) -> None:
    with pytest.raises(NotFound):
        compress.quantize(another_keeper.principal, imported.model_id)
    assert service.models(another_keeper.principal).items == []
