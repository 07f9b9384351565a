"""A model that is open: whole weights, parts of them, layers; and the words of its vocabulary."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from anima import registry
from anima.kernel.errors import BadInput, NotFound
from anima.registry import import_service, parts_service, vocabulary_service
from anima.registry.errors import NoVocabulary
from anima.tensors import service as tensors_service
from anima.tensors.model import CHUNK_BYTES
from fixtures import model_folders
from fixtures.tensors import Keeper


def test_weights_are_what_was_given(keeper: Keeper, tmp_path: Path) -> None:
    me = keeper.principal
    arrays = model_folders.weights(model_folders.llama_shapes(), "bfloat16")
    import_service.import_folder(me, model_folders.llama(tmp_path / "tiny"))
    with registry.open(me, "tiny") as model:
        assert set(model.keys()) == set(arrays) == set(model)
        assert len(model) == len(arrays)
        assert "lm_head.weight" in model
        for name, array in arrays.items():
            assert model[name].dtype == ml_dtypes.bfloat16
            assert np.array_equal(model[name], array)
        part = model.slice("lm_head.weight", slice(2, 5), slice(None, None, 3))
        assert np.array_equal(part, arrays["lm_head.weight"][2:5, ::3])
        assert np.array_equal(model.floats("lm_head.weight"), arrays["lm_head.weight"].astype(np.float32))
        names = [layer.name for layer in model.structure.layers]
        attention = model.layer(names.index("model.layers.1.self_attn"))
        assert set(attention) == {f"model.layers.1.self_attn.{part}_proj.weight" for part in "qkvo"}
        block = model.block(0)
        assert set(block) == {name for name in arrays if ".layers.0." in name}
        with pytest.raises(KeyError):
            model["lm_head"]
        for wrong in (lambda: model.layer(len(names)), lambda: model.layer(-1), lambda: model.block(2)):
            with pytest.raises(IndexError):
                wrong()
    with pytest.raises(NotFound), registry.open(me, "another"):
        pass


def test_a_large_weight_is_not_copied_and_cannot_be_written(keeper: Keeper, tmp_path: Path) -> None:
    large = {"w": np.arange(3 * CHUNK_BYTES // 4, dtype=np.float32).reshape(-1, 1024)}
    folder = model_folders.write(tmp_path / "large", {"model_type": "large"}, large)
    import_service.import_folder(keeper.principal, folder)
    with registry.open(keeper.principal, "large") as model:
        array = model["w"]
        assert np.array_equal(array, large["w"])
        assert not array.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
        row = model.slice("w", 5000)
        assert np.array_equal(row, large["w"][5000])


@pytest.fixture
def related(tmp_path: Path) -> Path:
    """A model in whose vocabulary the cat lies near the dog, and the king near the queen."""
    arrays = model_folders.weights(model_folders.bert_shapes())
    matrix = arrays["embeddings.word_embeddings.weight"]
    for one, other in (("cat", "dog"), ("king", "queen")):
        at = model_folders.WORDS.index
        matrix[at(other)] = matrix[at(one)] * 2 + 0.01
    matrix[0] = 0
    return model_folders.write(tmp_path / "related", model_folders.BERT, arrays)


@pytest.mark.parametrize("kept", ["as rows", "as a tensor"])
def test_what_lies_near_a_word(keeper: Keeper, related: Path, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    me = keeper.principal
    if kept == "as a tensor":
        monkeypatch.setattr(vocabulary_service, "MAX_NUMBERS", 0)
    model = import_service.import_folder(me, related)
    found = vocabulary_service.nearest(me, model, "cat", 2)
    assert [one.token for one in found] == ["cat", "dog"]
    assert found[0].similarity == pytest.approx(1, abs=1e-3)
    assert found[1].similarity > 0.99
    pair = vocabulary_service.nearest(me, model, "king cat", 4)  # the mean of two pieces
    assert {one.token for one in pair} == {"king", "queen", "cat", "dog"}
    matrix = model_folders.weights(model_folders.bert_shapes())["embeddings.word_embeddings.weight"]
    by_vector = vocabulary_service.nearest(me, model, matrix[model_folders.WORDS.index("tea")].tolist(), 1)
    assert [(one.token, one.position) for one in by_vector] == [("tea", model_folders.WORDS.index("tea"))]
    everything = vocabulary_service.nearest(me, model, "tea", 1000)
    assert 0 not in {one.position for one in everything}, "a row of zeros lies near nothing"
    assert len(everything) == len(model_folders.WORDS) - 1
    assert [one.similarity for one in everything] == sorted((one.similarity for one in everything), reverse=True)
    segments = vocabulary_service.nearest(me, model, [1.0] * 16, 5, kind="segment")
    assert {one.position for one in segments} == {0, 1}


def test_both_ways_of_searching_agree(keeper: Keeper, related: Path) -> None:
    me = keeper.principal
    model = import_service.import_folder(me, related)
    search = vocabulary_service._Search(me, model, "token")
    for word in ("mat", "woman", "x"):
        vector = search.vector_of(word)
        rows, read = search.in_rows(vector, 8), search.in_tensor(vector, 8)
        assert [one.position for one in rows] == [one.position for one in read]
        assert [one.similarity for one in rows] == pytest.approx([one.similarity for one in read], abs=2e-3)


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1e30, 1e300])
@pytest.mark.parametrize("kept", ["as rows", "as a tensor"])
def test_only_the_direction_of_a_vector_counts(
    keeper: Keeper, related: Path, kept: str, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept == "as a tensor":
        monkeypatch.setattr(vocabulary_service, "MAX_NUMBERS", 0)
    model = import_service.import_folder(keeper.principal, related)
    matrix = model_folders.weights(model_folders.bert_shapes())["embeddings.word_embeddings.weight"]
    asked = matrix[model_folders.WORDS.index("tea")].astype(float) * scale
    [found] = vocabulary_service.nearest(keeper.principal, model, asked.tolist(), 1)
    assert found.token == "tea"
    assert found.similarity == pytest.approx(1, abs=1e-3)


def test_the_vocabulary_of_a_gguf_file(keeper: Keeper, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_service, "MAX_NUMBERS", 0)
    model = import_service.import_file(keeper.principal, tiny_gguf)
    found = vocabulary_service.nearest(keeper.principal, model, "<0x41>", 1)
    assert [(one.token, one.position) for one in found] == [("<0x41>", 3 + 0x41)]


def test_blocks_of_gguf_are_searched_and_read_as_floats(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = pytest.importorskip("gguf")
    values = np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(tmp_path / "words.gguf", "llama")
    writer.add_token_list([f"word{number}" for number in range(8)])
    writer.add_tensor("token_embd.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    monkeypatch.setattr(vocabulary_service, "MAX_NUMBERS", 0)
    import_service.import_file(keeper.principal, tmp_path / "words.gguf")
    with registry.open(keeper.principal, "words") as model:
        assert model["token_embd.weight"].dtype == np.uint8
        assert np.abs(model.floats("token_embd.weight") - values).max() < 0.05
    assert vocabulary_service.nearest(keeper.principal, "words", "word5", 1)[0].position == 5
    assert vocabulary_service.nearest(keeper.principal, "words", values[3].tolist(), 1)[0].token == "word3"


def test_rows_that_cross_pieces_are_put_together(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = CHUNK_BYTES // (3 * 4) + 1000
    matrix = np.random.default_rng(1).normal(size=(rows, 3)).astype(np.float32)
    folder = model_folders.write(tmp_path / "rows", {"model_type": "rows"}, {"wte.weight": matrix})
    import_service.import_folder(keeper.principal, folder)
    [weight] = parts_service.all_weights(keeper.principal, "rows")
    pieces = list(vocabulary_service.blocks(keeper.principal, weight.tensor))
    assert len(pieces) > 1
    assert np.array_equal(np.concatenate([piece for _, piece in pieces]), matrix)
    assert [first for first, _ in pieces] == np.cumsum([0, *[len(piece) for _, piece in pieces]])[:-1].tolist()
    asked = matrix[rows - 1].tolist()
    best = max(vocabulary_service.nearest(keeper.principal, "rows", asked, 3), key=lambda one: one.similarity)
    assert best.similarity == pytest.approx(1, abs=1e-6)


def test_what_cannot_be_searched_is_refused(keeper: Keeper, related: Path) -> None:
    me = keeper.principal
    model = import_service.import_folder(me, related)
    for asked in ([0.0] * 16, [float("nan")] * 16, [float("inf")] * 16, [1.0] * 3, model_folders.WORDS[0]):
        with pytest.raises(BadInput):
            vocabulary_service.nearest(me, model, asked)
    for k in (0, 1001):
        with pytest.raises(BadInput):
            vocabulary_service.nearest(me, model, "cat", k)
    folder = model_folders.write(related.parent / "plain", {}, {"w": np.ones((2, 2), np.float32)})
    plain = import_service.import_folder(me, folder)
    with pytest.raises(NoVocabulary):
        vocabulary_service.nearest(me, plain, "cat")
    assert tensors_service.verify(me) == []
