"""What a model consists of, read from its configuration and the names of its tensors: layers, heads, weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.registry.architectures_model import Structure, structure
from anima.registry.heads_model import TensorShape
from anima.registry.names_model import CATEGORIES, place
from fixtures import model_folders as families

Shapes = Mapping[str, tuple[int, ...]]


def read(shapes: Shapes, config: Mapping[str, Any] | None = None, **more: Any) -> Structure:
    return structure([TensorShape(name, "float32", shape) for name, shape in shapes.items()], config=config, **more)


def told(found: Structure) -> dict[str, str]:
    return {one.name: one.category for one in found.weights}


def test_gpt2() -> None:
    found = read(families.gpt2_shapes(), families.GPT2)
    assert found.type == "decoder"
    said = found.architecture
    assert (said["family"], said["layers"], said["heads"], said["head_dim"], said["feedforward"]) == (
        "gpt2",
        2,
        4,
        4,
        64,
    )
    assert [(one.name, one.type) for one in found.layers] == [
        ("wte", "embedding"),
        ("wpe", "embedding"),
        ("h.0.ln_1", "normalization"),
        ("h.0.attn", "attention"),
        ("h.0.ln_2", "normalization"),
        ("h.0.mlp", "feedforward"),
        ("h.1.ln_1", "normalization"),
        ("h.1.attn", "attention"),
        ("h.1.ln_2", "normalization"),
        ("h.1.mlp", "feedforward"),
        ("ln_f", "normalization"),
    ]
    by_name = {one.name: one for one in found.layers}
    assert (by_name["wte"].input_dim, by_name["wte"].output_dim) == (len(families.WORDS), 16)
    assert (by_name["h.0.mlp"].input_dim, by_name["h.0.mlp"].output_dim) == (16, 16)
    assert by_name["h.1.attn"].configuration == {"block": 1, "heads": 4, "key_value_heads": 4, "head_dim": 4}
    kinds = told(found)
    assert kinds["h.0.attn.c_attn.weight"] == kinds["h.0.attn.c_attn.bias"] == "attention_query_key_value"
    assert (kinds["wte.weight"], kinds["wpe.weight"]) == ("token_embedding", "position_embedding")
    assert (kinds["h.0.mlp.c_fc.weight"], kinds["h.0.mlp.c_proj.weight"]) == ("feedforward_up", "feedforward_down")
    assert {one.name for one in found.weights if not one.trainable} == {"h.0.attn.bias", "h.1.attn.bias"}
    # GPT-2's matrices have the input first: heads are columns of the fused projection, and rows of what follows.
    head = next(one for one in found.heads if one.head_index == 3)
    assert (head.q, head.o) == ("h.0.attn.c_attn.weight", "h.0.attn.c_proj.weight")
    assert head.configuration == {
        "q": {"axis": 1, "from": 12, "to": 16},
        "k": {"axis": 1, "from": 28, "to": 32},
        "v": {"axis": 1, "from": 44, "to": 48},
        "o": {"axis": 0, "from": 12, "to": 16},
    }
    assert len(found.heads) == 8


@pytest.mark.parametrize(
    "config", [families.LLAMA, families.MISTRAL, families.QWEN2, families.QWEN3], ids=lambda c: c["model_type"]
)
def test_llama_and_its_kin_share_keys_between_heads(config: dict[str, Any]) -> None:
    found = read(families.llama_shapes(config), config)
    assert (found.type, found.architecture["family"]) == ("decoder", config["model_type"])
    dim = config.get("head_dim", 4)
    first, second = [one for one in found.heads if one.layer == found.heads[0].layer][1:3]
    assert first.configuration["k"] == {"axis": 0, "from": 0, "to": dim}
    assert second.configuration["q"] == {"axis": 0, "from": 2 * dim, "to": 3 * dim}
    assert second.configuration["k"] == {"axis": 0, "from": dim, "to": 2 * dim}
    assert second.configuration["o"] == {"axis": 1, "from": 2 * dim, "to": 3 * dim}
    assert [one.type for one in found.layers] == [
        "embedding",
        *["normalization", "attention", "normalization", "feedforward"] * 2,
        "normalization",
        "output",
    ]
    kinds = told(found)
    assert kinds["lm_head.weight"] == "output_head"
    assert kinds["model.layers.1.mlp.gate_proj.weight"] == "feedforward_gate"
    if config["model_type"] == "qwen3":
        assert kinds["model.layers.0.self_attn.q_norm.weight"] == "normalization"
        attention = next(place for place, one in enumerate(found.layers) if one.name == "model.layers.0.self_attn")
        assert {one.layer for one in found.weights if ".0.self_attn." in one.name} == {attention}


def test_bert() -> None:
    found = read(families.bert_shapes(), families.BERT)
    assert (found.type, len(found.heads)) == ("encoder", 8)
    assert [one.name for one in found.layers] == [
        "embeddings.word_embeddings",
        "embeddings.position_embeddings",
        "embeddings.token_type_embeddings",
        "embeddings.LayerNorm",
        *(
            f"encoder.layer.{block}.{part}"
            for block in range(2)
            for part in ("attention", "attention.output.LayerNorm", "feedforward", "output.LayerNorm")
        ),
        "pooler.dense",
    ]
    kinds = told(found)
    assert kinds["encoder.layer.0.attention.output.dense.weight"] == "attention_output"
    assert kinds["encoder.layer.0.output.dense.weight"] == "feedforward_down"
    assert kinds["embeddings.token_type_embeddings.weight"] == "segment_embedding"


def test_a_prefix_of_the_class_changes_nothing() -> None:
    plain, inside = families.bert_shapes(), {f"bert.{name}": shape for name, shape in families.bert_shapes().items()}
    a, b = read(plain, families.BERT), read(inside, families.BERT)
    assert [one.category for one in a.weights] == [one.category for one in b.weights]
    assert [f"bert.{one.name}" for one in a.layers] == [one.name for one in b.layers]
    assert len(a.heads) == len(b.heads) == 8


def test_gguf() -> None:
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (99, 32), "output_norm.weight": (32,)}
    for block in range(2):
        shapes |= {f"blk.{block}.attn_{part}.weight": (32, 32) for part in ("q", "output")}
        shapes |= {f"blk.{block}.attn_{part}.weight": (16, 32) for part in ("k", "v")}
        shapes |= {f"blk.{block}.{part}_norm.weight": (32,) for part in ("attn", "ffn")}
        shapes |= {f"blk.{block}.ffn_{part}.weight": (64, 32) for part in ("gate", "up")}
        shapes |= {f"blk.{block}.ffn_down.weight": (32, 64)}
    keys = {
        "general.architecture": "qwen2",
        "qwen2.block_count": 2,
        "qwen2.embedding_length": 32,
        "qwen2.attention.head_count": 4,
        "qwen2.attention.head_count_kv": 2,
        "tokenizer.ggml.tokens": ["x"] * 99,
    }
    found = read(shapes, gguf=keys)
    assert found.architecture["family"] == "qwen2"
    assert found.architecture["vocabulary"] == 99
    assert [one.type for one in found.layers][:5] == [
        "embedding",
        "normalization",
        "attention",
        "normalization",
        "feedforward",
    ]
    assert found.layers[-1].name == "output_norm"
    assert len(found.heads) == 8
    assert found.heads[3].configuration["v"] == {"axis": 0, "from": 8, "to": 16}


def test_an_encoder_stands_before_its_decoder() -> None:
    shapes = {}
    for stack, parts in (("decoder", ("SelfAttention", "EncDecAttention")), ("encoder", ("SelfAttention",))):
        for number, part in enumerate(parts):
            shapes |= {f"{stack}.block.0.layer.{number}.{part}.{one}.weight": (8, 8) for one in "qkvo"}
            shapes |= {f"{stack}.block.0.layer.{number}.layer_norm.weight": (8,)}
        shapes |= {f"{stack}.block.0.layer.{len(parts)}.DenseReluDense.{one}.weight": (8, 8) for one in ("wi", "wo")}
        shapes |= {f"{stack}.block.0.layer.{len(parts)}.layer_norm.weight": (8,)}
    config = {"model_type": "t5", "num_heads": 2, "d_model": 8, "d_kv": 4, "is_encoder_decoder": True}
    found = read({"shared.weight": (10, 8), **shapes}, config)
    assert found.type == "encoder-decoder"
    assert [one.name.removesuffix("layer_norm") for one in found.layers] == [
        "shared",
        "encoder.block.0.layer.0.",
        "encoder.block.0.layer.0.SelfAttention",
        "encoder.block.0.layer.1.",
        "encoder.block.0.layer.1.DenseReluDense",
        "decoder.block.0.layer.0.",
        "decoder.block.0.layer.0.SelfAttention",
        "decoder.block.0.layer.1.",
        "decoder.block.0.layer.1.EncDecAttention",
        "decoder.block.0.layer.2.",
        "decoder.block.0.layer.2.DenseReluDense",
    ]
    assert len(found.heads) == 6


@pytest.mark.parametrize(
    ("name", "dimensions", "category", "kind"),
    [
        ("transformer.h.3.attention.query_key_value.weight", 2, "attention_query_key_value", "attention"),
        ("gpt_neox.layers.0.attention.dense.weight", 2, "attention_output", "attention"),
        ("gpt_neox.layers.0.mlp.dense_4h_to_h.bias", 1, "feedforward_down", "feedforward"),
        ("embed_out.weight", 2, "output_head", "output"),
        ("model.layers.0.block_sparse_moe.gate.weight", 2, "feedforward_router", "feedforward"),
        ("model.layers.0.block_sparse_moe.experts.7.w2.weight", 2, "feedforward_down", "feedforward"),
        ("model.decoder.layers.0.fc1.weight", 2, "feedforward_up", "feedforward"),
        ("model.decoder.layers.0.self_attn.out_proj.bias", 1, "attention_output", "attention"),
        ("layers.0.self_attn.in_proj_weight", 2, "attention_query_key_value", "attention"),
        ("transformer.layer.0.attention.q_lin.weight", 2, "attention_query", "attention"),
        ("vit.encoder.layer.0.layernorm_before.weight", 1, "normalization", "normalization"),
        ("features.0.conv1.weight", 4, "convolution", "convolution"),
        ("encoder.lstm.weight_ih_l0", 2, "recurrent", "recurrent"),
        ("bn1.running_mean", 1, "buffer", "other"),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", 1, "buffer", "attention"),
        ("cls.predictions.transform.LayerNorm.weight", 1, "output_head", "output"),
        ("something.strange", 2, "other", "other"),
    ],
)
def test_names_of_other_families(name: str, dimensions: int, category: str, kind: str) -> None:
    found = place(name, dimensions)
    assert (found.category, found.layer_type) == (category, kind)
    assert category in CATEGORIES


def test_without_a_configuration_layers_are_told_by_names_and_heads_are_not_guessed() -> None:
    found = read(families.llama_shapes())
    assert (found.type, found.architecture) == ("other", {"family": "unknown", "source": "names", "layers": 2})
    assert len(found.layers) == 11
    assert found.heads == []


@pytest.mark.parametrize(
    "lie",
    [
        {"num_attention_heads": 5},
        {"num_attention_heads": "4"},
        {"num_attention_heads": 4, "num_key_value_heads": 3},
        {"num_attention_heads": -4},
        {"head_dim": 10**12},
        {"num_attention_heads": True},
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit_its_tensors_gives_no_heads(lie: dict[str, Any]) -> None:
    found = read(families.llama_shapes(), {**families.LLAMA, "head_dim": None, **lie})
    fitting = all(head.configuration["q"]["to"] <= 16 and head.configuration["k"]["to"] <= 8 for head in found.heads)
    assert fitting
    assert len(found.layers) == 11


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=60), st.lists(st.integers(0, 50), max_size=4)),
        unique_by=lambda one: one[0],
        max_size=12,
    ),
    st.dictionaries(
        st.sampled_from(
            ["model_type", "num_attention_heads", "hidden_size", "head_dim", "n_head", "architectures", "text_config"]
        ),
        st.one_of(st.none(), st.integers(-3, 70), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)),
    ),
)
def test_any_names_and_any_configuration_give_a_structure(
    tensors: list[tuple[str, list[int]]], config: dict[str, Any]
) -> None:
    found = read({name: tuple(shape) for name, shape in tensors}, config)
    assert [one.name for one in found.weights] == [name for name, _ in tensors]
    assert all(one.layer is not None and 0 <= one.layer < len(found.layers) for one in found.weights)
    assert {one.category for one in found.weights} <= set(CATEGORIES)
