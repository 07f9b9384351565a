"""Heads and neurons that are cut out leave a smaller model that computes what the larger one does without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anima.registry.compress_structure import Array, NoSuchUnits, blocks, cut, importance, weakest, without

RNG = np.random.default_rng(11)
WIDTH, HEADS, HEAD, INNER, GROUPS = 24, 6, 4, 40, 3


def weights(**shapes: tuple[int, ...]) -> dict[str, Array]:
    return {name.replace("__", "."): RNG.normal(size=shape) for name, shape in shapes.items()}


LLAMA = weights(
    model__layers__0__self_attn__q_proj__weight=(HEADS * HEAD, WIDTH),
    model__layers__0__self_attn__q_proj__bias=(HEADS * HEAD,),
    model__layers__0__self_attn__k_proj__weight=(GROUPS * HEAD, WIDTH),
    model__layers__0__self_attn__v_proj__weight=(GROUPS * HEAD, WIDTH),
    model__layers__0__self_attn__o_proj__weight=(WIDTH, HEADS * HEAD),
    model__layers__0__mlp__gate_proj__weight=(INNER, WIDTH),
    model__layers__0__mlp__up_proj__weight=(INNER, WIDTH),
    model__layers__0__mlp__down_proj__weight=(WIDTH, INNER),
)
GPT2 = weights(
    h__0__attn__c_attn__weight=(WIDTH, 3 * WIDTH),
    h__0__attn__c_attn__bias=(3 * WIDTH,),
    h__0__attn__c_proj__weight=(WIDTH, WIDTH),
    h__0__attn__c_proj__bias=(WIDTH,),
    h__0__mlp__c_fc__weight=(WIDTH, INNER),
    h__0__mlp__c_fc__bias=(INNER,),
    h__0__mlp__c_proj__weight=(INNER, WIDTH),
)
BERT = weights(
    encoder__layer__0__attention__self__query__weight=(WIDTH, WIDTH),
    encoder__layer__0__attention__self__query__bias=(WIDTH,),
    encoder__layer__0__attention__self__key__weight=(WIDTH, WIDTH),
    encoder__layer__0__attention__self__value__weight=(WIDTH, WIDTH),
    encoder__layer__0__attention__output__dense__weight=(WIDTH, WIDTH),
    encoder__layer__0__intermediate__dense__weight=(INNER, WIDTH),
    encoder__layer__0__intermediate__dense__bias=(INNER,),
    encoder__layer__0__output__dense__weight=(WIDTH, INNER),
)


def shapes(model: dict[str, Array]) -> dict[str, tuple[int, ...]]:
    return {name: value.shape for name, value in model.items()}


def smaller(model: dict[str, Array], unit: Any, units: tuple[int, ...], groups: int = 0) -> dict[str, Array]:
    [block] = blocks(shapes(model), unit, groups)
    cuts = without(block, units)
    return {name: cut(value, *cuts[name]) if name in cuts else value for name, value in model.items()}


def attention(q: Array, k: Array, v: Array) -> Array:
    """Of (position, head, width) each; several query heads share a key and value head."""
    shared = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, shared, axis=1), np.repeat(v, shared, axis=1)
    scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(q.shape[-1])
    likely = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hij,jhd->ihd", likely / likely.sum(-1, keepdims=True), v)


def llama_heads(model: dict[str, Array], x: Array, gone: tuple[int, ...] = ()) -> Array:
    part = {name.split(".", 4)[4]: value for name, value in model.items() if "self_attn" in name}
    q = (x @ part["q_proj.weight"].T + part["q_proj.bias"]).reshape(len(x), -1, HEAD)
    k = (x @ part["k_proj.weight"].T).reshape(len(x), -1, HEAD)
    v = (x @ part["v_proj.weight"].T).reshape(len(x), -1, HEAD)
    heads = attention(q, k, v)
    for group in gone:
        heads[:, group * 2 : group * 2 + 2] = 0
    return heads.reshape(len(x), -1) @ part["o_proj.weight"].T


def gpt2_heads(model: dict[str, Array], x: Array, gone: tuple[int, ...] = ()) -> Array:
    fused = x @ model["h.0.attn.c_attn.weight"] + model["h.0.attn.c_attn.bias"]
    q, k, v = (part.reshape(len(x), -1, HEAD) for part in np.split(fused, 3, axis=1))
    heads = attention(q, k, v)
    heads[:, list(gone)] = 0
    return heads.reshape(len(x), -1) @ model["h.0.attn.c_proj.weight"] + model["h.0.attn.c_proj.bias"]


def test_a_llama_without_two_groups_of_heads_computes_what_it_did_without_them() -> None:
    x = RNG.normal(size=(5, WIDTH))
    pruned = smaller(LLAMA, "heads", (0, 2), GROUPS)
    assert pruned["model.layers.0.self_attn.q_proj.weight"].shape == (2 * HEAD, WIDTH)
    assert pruned["model.layers.0.self_attn.q_proj.bias"].shape == (2 * HEAD,)
    assert pruned["model.layers.0.self_attn.k_proj.weight"].shape == (HEAD, WIDTH)
    assert pruned["model.layers.0.self_attn.o_proj.weight"].shape == (WIDTH, 2 * HEAD)
    assert np.allclose(llama_heads(pruned, x), llama_heads(LLAMA, x, gone=(0, 2)))


def test_a_gpt2_without_two_heads_computes_what_it_did_without_them() -> None:
    x = RNG.normal(size=(5, WIDTH))
    pruned = smaller(GPT2, "heads", (1, 4), HEADS)
    assert pruned["h.0.attn.c_attn.weight"].shape == (WIDTH, 3 * 4 * HEAD)
    assert pruned["h.0.attn.c_attn.bias"].shape == (3 * 4 * HEAD,)
    assert pruned["h.0.attn.c_proj.weight"].shape == (4 * HEAD, WIDTH)
    assert np.allclose(gpt2_heads(pruned, x), gpt2_heads(GPT2, x, gone=(1, 4)))


def test_neurons_that_go_take_their_part_of_the_sum_with_them() -> None:
    x = RNG.normal(size=(3, WIDTH))

    def feedforward(model: dict[str, Array], gone: tuple[int, ...] = ()) -> Array:
        part = {name.split(".", 4)[4]: value for name, value in model.items() if ".mlp." in name}
        inner = np.maximum(0, x @ part["gate_proj.weight"].T) * (x @ part["up_proj.weight"].T)
        inner[:, list(gone)] = 0
        return inner @ part["down_proj.weight"].T

    gone = (0, 7, 39)
    pruned = smaller(LLAMA, "neurons", gone)
    assert pruned["model.layers.0.mlp.up_proj.weight"].shape == (INNER - 3, WIDTH)
    assert np.allclose(feedforward(pruned), feedforward(LLAMA, gone))


def test_berts_heads_and_neurons_are_known() -> None:
    heads = smaller(BERT, "heads", (5,), HEADS)
    assert heads["encoder.layer.0.attention.self.query.bias"].shape == (WIDTH - HEAD,)
    assert heads["encoder.layer.0.attention.output.dense.weight"].shape == (WIDTH, WIDTH - HEAD)
    assert heads["encoder.layer.0.output.dense.weight"].shape == (WIDTH, INNER)
    neurons = smaller(BERT, "neurons", (1, 2))
    assert neurons["encoder.layer.0.output.dense.weight"].shape == (WIDTH, INNER - 2)
    assert neurons["encoder.layer.0.attention.output.dense.weight"].shape == (WIDTH, WIDTH)


def test_what_leads_nowhere_counts_for_nothing() -> None:
    model = dict(GPT2)
    silent = model["h.0.attn.c_proj.weight"].copy()
    silent[2 * HEAD : 3 * HEAD] = 0
    model["h.0.attn.c_proj.weight"] = silent
    [block] = blocks(shapes(model), "heads", HEADS)
    counts = importance(block, model.__getitem__)
    assert counts.shape == (HEADS,)
    assert counts[2] == 0
    assert weakest(counts, 1) == (2,)
    query = np.linalg.norm(
        np.concatenate([model["h.0.attn.c_attn.weight"][:, i * WIDTH : i * WIDTH + HEAD] for i in range(3)])
    )
    assert counts[0] > query  # its bias and its way out count too


def test_the_importance_of_a_neuron_is_the_product_of_its_norms() -> None:
    [block] = blocks(shapes(BERT), "neurons")
    counts = importance(block, BERT.__getitem__)
    row = np.append(
        BERT["encoder.layer.0.intermediate.dense.weight"][3], BERT["encoder.layer.0.intermediate.dense.bias"][3]
    )
    column = BERT["encoder.layer.0.output.dense.weight"][:, 3]
    assert counts[3] == pytest.approx(np.linalg.norm(row) * np.linalg.norm(column))


@pytest.mark.parametrize(
    ("model", "unit", "groups"),
    [({"some.weight": (4, 4)}, "heads", 2), (shapes(LLAMA), "heads", 5), (shapes(LLAMA), "heads", 0)],
    ids=["unknown names", "heads that do not fit", "no heads"],
)
def test_what_has_no_units_says_so(model: dict[str, tuple[int, ...]], unit: Any, groups: int) -> None:
    with pytest.raises(NoSuchUnits):
        blocks(model, unit, groups)


def test_half_a_layer_is_refused() -> None:
    lacking = {name: shape for name, shape in shapes(LLAMA).items() if "down_proj" not in name}
    with pytest.raises(NoSuchUnits, match="lacks"):
        blocks(lacking, "neurons")


@pytest.mark.parametrize("units", [(-1,), (HEADS,), tuple(range(HEADS))])
def test_not_all_units_and_none_that_are_not_there(units: tuple[int, ...]) -> None:
    [block] = blocks(shapes(GPT2), "heads", HEADS)
    with pytest.raises(NoSuchUnits):
        without(block, units)
