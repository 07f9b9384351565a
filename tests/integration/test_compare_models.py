"""Two models or checkpoints are compared tensor by tensor, in pieces; and a model knows where it comes from."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anima.kernel.errors import NotFound
from anima.registry import checkpoint_service, compress_service, lineage_service, run_service, service
from anima.registry.compare_model import TensorDifference
from anima.registry.compare_service import Subject, checkpoint, compare, model, to_read
from anima.registry.import_service import import_folder
from anima.registry.model import Model
from anima.tensors import model as tensor_model
from anima.tensors import service as tensors
from fixtures.small_models import weights_of
from fixtures.tensors import Keeper

Folders = Callable[..., Path]


def found(keeper: Keeper, left: Subject, right: Subject, **options: Any) -> dict[str, TensorDifference]:
    return {one.name: one for one in compare(keeper.principal, left, right, **options)}


@pytest.fixture
def imported(keeper: Keeper, small_model: Folders) -> Model:
    return import_folder(keeper.principal, small_model("gpt2"), "small")


def test_changed_weights_are_measured_and_the_others_not_even_read(
    keeper: Keeper, small_model: Folders, imported: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = weights_of("gpt2")
    moved = weights["h.0.mlp.c_fc.weight"].copy()
    moved[0, :10] += 0.5
    other = import_folder(
        keeper.principal,
        small_model("gpt2", **{"h.0.mlp.c_fc.weight": moved, "ln_f.bias": weights["ln_f.bias"] * 2}),
        "small",
    )
    read: list[str] = []
    chunks = tensors.chunks

    def noted(principal: Any, ref: Any) -> Any:
        read.append(ref.name)
        return chunks(principal, ref)

    monkeypatch.setattr(tensors, "chunks", noted)
    differences = found(keeper, model("small@1"), model(other))
    assert list(differences) == sorted(weights)
    assert {name for name, one in differences.items() if one.state == "changed"} == {"h.0.mlp.c_fc.weight", "ln_f.bias"}
    assert set(read) == {"h.0.mlp.c_fc.weight", "ln_f.bias"}
    one = differences["h.0.mlp.c_fc.weight"]
    before = weights["h.0.mlp.c_fc.weight"]
    assert one.max_abs == pytest.approx(0.5, rel=1e-5)
    assert one.rmse == pytest.approx(0.5 * np.sqrt(10 / moved.size), rel=1e-5)
    assert one.share_changed == pytest.approx(10 / moved.size)
    assert one.relative == pytest.approx(np.linalg.norm(moved - before) / np.linalg.norm(before), rel=1e-5)
    assert one.norm_right == pytest.approx(np.linalg.norm(moved), rel=1e-5)
    assert differences["ln_f.bias"].cosine == pytest.approx(1)
    assert (differences["wte.weight"].state, differences["wte.weight"].share_changed) == ("same", 0)
    assert to_read(keeper.principal, model("small@1"), model(other)) == 2 * (before.nbytes + 128)


def test_what_is_added_removed_reshaped_or_of_another_type_is_told(
    keeper: Keeper, small_model: Folders, imported: Model
) -> None:
    half = import_folder(keeper.principal, small_model("gpt2", dtype=ml_dtypes.bfloat16), "half")
    differences = found(keeper, model(imported), model(half))
    assert {one.state for one in differences.values()} == {"changed"}
    one = differences["wte.weight"]
    assert (one.dtype_left, one.dtype_right) == ("float32", "bfloat16")
    assert 0 < (one.relative or 0) < 0.004
    pruned = compress_service.prune_neurons(keeper.principal, imported, share=0.5)
    smaller = found(keeper, model(imported), model(pruned))["h.0.mlp.c_fc.weight"]
    assert (smaller.state, smaller.shape_left, smaller.shape_right) == ("changed", (32, 128), (32, 64))
    assert smaller.max_abs is None
    other = import_folder(keeper.principal, small_model("llama"), "other")
    states = {one.name: one.state for one in compare(keeper.principal, model(imported), model(other))}
    assert states["wte.weight"] == "removed"
    assert states["lm_head.weight"] == "added"


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_quantised_version_is_compared_by_what_it_stands_for(
    keeper: Keeper, imported: Model, symmetric: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = compress_service.quantize(keeper.principal, imported, bits=4, group_size=8, symmetric=symmetric)
    monkeypatch.setattr("anima.registry.compare_pieces._PIECE_VALUES", 300)
    differences = found(keeper, model(imported), model(packed))
    assert sorted(differences) == sorted(weights_of("gpt2"))
    lost = {one.name: one for one in compress_service.deviations(keeper.principal, packed)}
    for name, one in differences.items():
        if name not in lost:
            assert one.state == "same"
            continue
        assert one.state == "changed"
        assert one.max_abs == pytest.approx(lost[name].max_abs)
        assert one.cosine == pytest.approx(lost[name].cosine)
        assert one.relative == pytest.approx(lost[name].relative)
    assert {one.state for one in found(keeper, model(packed), model(packed)).values()} == {"same"}


def test_large_tensors_are_compared_in_pieces_of_any_size(keeper: Keeper) -> None:
    random = np.random.default_rng(1)
    large = random.normal(size=(5, 700_000)).astype(np.float32)
    changed = large.astype(np.float64)
    changed[3, 5] += 1
    saved = keeper.save({"w": large})
    other = keeper.save({"w": changed})
    assert saved.tensors["w"].n_bytes > tensor_model.CHUNK_BYTES
    one = found(keeper, model(keeper.models[0]), model(keeper.models[1]))["w"]
    assert (one.share_changed, one.max_abs) == (1 / large.size, pytest.approx(1))
    assert other.tensors["w"].dtype == "float64"


def test_checkpoints_are_compared_with_each_other_and_with_models(keeper: Keeper, imported: Model) -> None:
    weights = weights_of("gpt2")
    with run_service.begin(keeper.principal, "tuning", model_id=imported.model_id) as run:
        first = run.save(dict(weights), {"momentum": {"wte.weight": weights["wte.weight"] * 0}}, step=1, wait=True)
        weights["wte.weight"] = weights["wte.weight"] + np.float32(0.25)
        second = run.save(dict(weights), {"momentum": {"wte.weight": weights["wte.weight"]}}, step=2, wait=True)
    left, right = (checkpoint(one.wait().checkpoint_id) for one in (first, second))
    differences = found(keeper, left, right)
    assert {name for name, one in differences.items() if one.state == "changed"} == {"wte.weight"}
    assert differences["wte.weight"].max_abs == pytest.approx(0.25, rel=1e-4)
    assert {one.state for one in found(keeper, model(imported), left).values()} == {"same"}
    everything = list(compare(keeper.principal, left, right, roles=("weight", "optimizer")))
    assert [one.state for one in everything if one.role == "optimizer"].count("changed") == 1
    with pytest.raises(NotFound):
        compare(keeper.principal, left, checkpoint(uuid.UUID(int=3)))
    with pytest.raises(NotFound):
        compare(keeper.principal, model("nothing of this name"), right)


def test_nobody_compares_with_what_is_anothers(keeper: Keeper, another_keeper: Keeper, imported: Model) -> None:
    with pytest.raises(NotFound):
        compare(another_keeper.principal, model(imported.model_id), model(imported.model_id))


def test_values_that_are_no_numbers_differ_and_spoil_no_figure(keeper: Keeper) -> None:
    bad = np.array([1, np.nan, np.inf, 3], np.float32)
    keeper.save({"w": bad})
    keeper.save({"w": np.array([1, np.nan, 2, 5], np.float32)})
    one = found(keeper, model(keeper.models[0]), model(keeper.models[1]))["w"]
    assert (one.share_changed, one.max_abs) == (0.5, 2.0)


def test_blocks_of_gguf_are_compared_as_numbers(keeper: Keeper) -> None:
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    rows = np.random.default_rng(2).normal(size=(6, 64)).astype(np.float32)
    kept = [quantize(rows, GGMLQuantizationType.Q8_0), quantize(rows + np.float32(0.01), GGMLQuantizationType.Q8_0)]

    def save(content: Any) -> uuid.UUID:
        name = uuid.uuid4()
        given = [tensor_model.Given("w", "ggml:Q8_0", (6, 64), content.tobytes())]
        tensors.save(keeper.principal, given, lambda tx, saved: keeper.enter(tx, saved, name))
        return name

    left, right = map(save, kept)
    one = found(keeper, model(left), model(right))["w"]
    assert one.rmse == pytest.approx(0.01, rel=0.5)
    assert one.norm_left == pytest.approx(np.linalg.norm(rows), rel=0.01)


def test_a_model_knows_where_it_comes_from_and_what_came_of_it(keeper: Keeper, imported: Model) -> None:
    principal = keeper.principal
    pruned = compress_service.prune(principal, imported, sparsity=0.2)
    with run_service.begin(principal, "tuning", model_id=pruned.model_id) as run:
        kept = run.save(weights_of("gpt2", seed=9), step=3, kind="weights", wait=True).wait()
    tuned = checkpoint_service.promote(principal, kept.checkpoint_id)
    small = compress_service.quantize(principal, tuned, bits=4, name="small-4bit")
    of_small = lineage_service.lineage(principal, "small-4bit")
    assert [(one.model_id, one.generation) for one in of_small.ancestors] == [
        (tuned.model_id, -1),
        (pruned.model_id, -2),
        (imported.model_id, -3),
    ]
    assert [one.derivation["kind"] for one in of_small.ancestors] == ["training", "prune", "import"]
    assert "tensors" not in of_small.ancestors[1].derivation
    of_first = lineage_service.lineage(principal, imported)
    assert [one.model_id for one in of_first.descendants] == [pruned.model_id, tuned.model_id, small.model_id]
    of_pruned = lineage_service.lineage(principal, pruned)
    assert [(one.run_id, one.checkpoints) for one in of_pruned.runs] == [(run.session_id, 1)]
    assert of_pruned.checkpoints == 1
    assert [one.run_id for one in lineage_service.lineage(principal, tuned).runs] == [run.session_id]
    service.delete(principal, pruned)
    assert lineage_service.lineage(principal, tuned).ancestors == []


def test_a_strangers_lineage_is_not_there(another_keeper: Keeper, imported: Model) -> None:
    with pytest.raises(NotFound):
        lineage_service.lineage(another_keeper.principal, imported.model_id)
