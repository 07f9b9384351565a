"""Inference state of real modules of torch: layers that are not computed again, generation that goes on, attention."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
import torch
from torch import nn
from torch.nn import functional

from anima.inference import attention_service, caches_service, sessions_service, torch_service
from anima.inference.torch_service import Reused
from anima.registry import service as registry
from anima.vendors.torch import attention, kv
from anima.vendors.torch.activations import CannotReuse, digest
from anima.vendors.torch.attention import NoPatterns
from train.tiny_decoder import BLOCKS, HEADS, WORDS, Decoder
from train.tiny_transformer import Tiny

if TYPE_CHECKING:
    from fixtures.tensors import Keeper

ROW = [5, 17, 3, 42, 8, 8, 1, 50, 23, 11]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def model_id(keeper: Keeper) -> uuid.UUID:
    return registry.create(keeper.principal, "decoder", "decoder", {}).model_id


def same(left: torch.Tensor, right: torch.Tensor) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and torch.equal(left, right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_layer_is_computed_once_and_its_answer_is_the_same_to_the_bit(
    keeper: Keeper, dtype: torch.dtype, block: int
) -> None:
    model = Decoder().eval().to(dtype)
    words = torch.randint(WORDS, (3, 20))
    with torch.no_grad():
        plain = model(words)
    reused = Reused(keeper.principal, model, f"blocks.{block}")
    first = reused(words)
    before = model.computed()
    second = reused(words)
    assert model.computed() - before == 20 * (BLOCKS - block - 1)
    assert same(plain, first)
    assert same(plain, second)
    assert not same(plain, reused(words.flip(0)))
    held = next(one for one in caches_service.caches(keeper.principal) if one.kind == "activations")
    assert (held.entries, held.hits) == (2, 1)


def test_threads_that_share_a_module_do_not_get_one_anothers_activations(keeper: Keeper) -> None:
    model = Decoder().eval()
    mine, other_words = torch.randint(WORDS, (1, 20)), torch.randint(WORDS, (1, 20))
    with torch.no_grad():
        plain, other_plain = model(mine), model(other_words)
    reused, again = (Reused(keeper.principal, model, "blocks.1") for _ in range(2))
    reused(mine)
    answers: list[torch.Tensor] = []
    other = threading.Thread(target=lambda: answers.append(again(other_words)))

    def meanwhile(*_: Any) -> None:
        hook.remove()
        other.start()
        other.join(0.5)  # it waits for its turn

    hook = model.blocks[2].register_forward_hook(meanwhile)
    assert same(plain, reused(mine))
    other.join()
    assert same(other_plain, answers[0])
    assert same(other_plain, reused(other_words)), "nor is a wrong one kept"


def test_an_encoder_of_torchs_own_layers_is_reused_too(keeper: Keeper) -> None:
    torch.manual_seed(1)
    model = Tiny(width=32).eval()
    words = torch.randint(32, (4, 11))
    with torch.no_grad():
        plain = model(words)
    reused = Reused(keeper.principal, model, "blocks.0")
    assert same(plain, reused(words))
    assert same(plain, reused(words))
    assert "forward" not in model.blocks[0].__dict__


def test_a_module_is_known_by_weights_and_settings(keeper: Keeper) -> None:
    model = Decoder().eval()
    known = digest(model)
    assert known == digest(Decoder().eval())
    assert known != digest(Decoder(seed=4).eval())
    assert known != digest(Decoder().eval().to(torch.bfloat16))
    model.register_buffer("turned", torch.ones(3), persistent=False)
    assert known != digest(model)
    model = Decoder().eval()
    model.norm.eps = 1e-6
    assert known != digest(model)
    with pytest.raises(CannotReuse, match="training"):
        digest(model.train())
    for layer in ("blocks.9", "norm", "blocks"):
        with pytest.raises(CannotReuse):
            Reused(keeper.principal, model.eval(), layer)
    with pytest.raises(CannotReuse):
        Reused(keeper.principal, model, "blocks.0")(torch.tensor([[1]]), past=[object()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_generation_goes_on_with_identical_tokens(keeper: Keeper, model_id: uuid.UUID, dtype: torch.dtype) -> None:
    model = Decoder().eval().to(dtype)
    inference_id = sessions_service.begin(keeper.principal, model_id, temperature=0.0).inference_id
    whole, logits = model.generate(ROW, 30)
    half, _ = model.generate(ROW, 10)
    first = len(half) - 1
    assert torch_service.store_kv(keeper.principal, inference_id, model, half, model.cache) == first
    later, _ = model.generate(half, 8, model.cache)
    stored = torch_service.store_kv(keeper.principal, inference_id, model, later, model.cache, first)
    assert stored == len(later) - 1

    again = Decoder().eval().to(dtype)
    positions, past = torch_service.restore_kv(keeper.principal, inference_id, again, later)
    assert positions == len(later) - 1
    assert all(
        same(one, kept)
        for pair, row in zip(past, model.cache, strict=True)
        for one, kept in zip(pair, row, strict=True)
    )
    rest, drawn = again.generate(later, 12, past)
    assert rest == whole
    assert all(same(one, other) for one, other in zip(drawn, logits[18:], strict=True))
    assert again.computed() == 12 * BLOCKS
    other = Decoder(seed=4).eval().to(dtype)
    assert torch_service.restore_kv(keeper.principal, inference_id, other, later)[0] == 0


def test_caches_of_other_kinds_are_read_and_filled() -> None:
    class Layer:
        def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
            self.keys, self.values = keys, values

    class Cache:
        def __init__(self) -> None:
            self.layers: list[Layer] = []

        def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int) -> None:
            assert layer == len(self.layers)
            self.layers.append(Layer(keys, values))

    model = Decoder().eval()
    model.generate(ROW, 3)
    filled = kv.fill(Cache(), kv.cut(model.cache, 2, 9))
    assert [one.keys.shape[-2] for one in filled.layers] == [7] * BLOCKS
    assert all(same(one.values, row[1][..., 2:9, :]) for one, row in zip(filled.layers, model.cache, strict=True))
    assert kv.cut(filled)[1][0].tobytes() == kv.cut(model.cache, 2, 9)[1][0].tobytes()
    for wrong in (object(), [(1, 2)]):
        with pytest.raises(kv.UnknownCache):
            kv.pairs(wrong)
    with pytest.raises(kv.UnknownCache):
        kv.fill(object(), {})


def test_attention_of_a_batch_is_what_the_model_computed(keeper: Keeper, model_id: uuid.UUID) -> None:
    model = Decoder().eval()
    lengths = [7, 10, 4]
    mask = torch.arange(10)[None] < torch.tensor(lengths)[:, None]
    words = torch.randint(WORDS, (3, 10))
    with torch.no_grad():
        plain = model(words, mask)
    tokens = [[f"w{int(one)}" for one in row[:n]] for row, n in zip(words, lengths, strict=True)]
    answers: list[torch.Tensor] = []
    kept = torch_service.record_attention(
        keeper.principal, model_id, model, lambda: answers.append(model(words, mask)), tokens
    )
    assert same(plain, answers[0]), "what it computes is what it computed before"
    assert len(kept) == 3 * BLOCKS * HEADS
    values = _by_hand(model, words[1:2])
    of = [one for one in kept if one.tokens == tokens[1] and one.layer == 0]
    for one in of:
        weights = attention_service.weights(keeper.principal, one.pattern_id)
        assert weights.shape == (10, 10)
        assert np.allclose(weights, values[one.head], atol=1e-6)
        assert not np.triu(weights, 1).any()
        assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    assert functional.scaled_dot_product_attention is _FUSED
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in model.modules())


_FUSED = functional.scaled_dot_product_attention


@torch.no_grad()
def _by_hand(model: Decoder, words: torch.Tensor) -> np.ndarray[Any, Any]:
    """What the first block attends to, head by head, by the formula."""
    block = model.blocks[0]
    x = block.first(model.words(words) + model.places(torch.arange(words.shape[1])))
    q, k = block.attention.q(x)[0], block.attention.k(x)[0]
    heads = []
    for head in range(HEADS):
        mine, group = q[:, head * 8 : head * 8 + 8], k[:, head // 2 * 8 : head // 2 * 8 + 8]
        scores = (mine @ group.T / 8**0.5).masked_fill(~torch.ones(10, 10, dtype=torch.bool).tril(), float("-inf"))
        heads.append(scores.softmax(-1))
    return torch.stack(heads).numpy()


@pytest.mark.parametrize("training_mode", [False, True])
def test_torchs_own_encoder_tells_what_it_attends_to(training_mode: bool) -> None:
    torch.manual_seed(1)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).train(training_mode)
    x = torch.randn(2, 6, 16)
    padding = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
    masks = [[not one for one in row] for row in padding.tolist()]
    found = attention.patterns(model, lambda: model(x, src_key_padding_mask=padding), masks)
    assert [len(one) for one in found] == [3, 3]
    assert [one[2].shape for one in found] == [(2, 6, 6), (2, 4, 4)]
    _, expected = model.layers[0].self_attn(
        x, x, x, key_padding_mask=padding, need_weights=True, average_attn_weights=False
    )
    assert np.allclose(found[1][0], expected[1, :, :4, :4].detach().numpy(), atol=1e-6)
    asked = attention.patterns(
        model.layers[1].self_attn, lambda: model.layers[1].self_attn(x, x, x), [[True] * 6, [True] * 6]
    )
    assert np.allclose(asked[0][0].sum(-1), 1, atol=1e-5)


def test_two_who_listen_at_a_time_leave_torch_as_it_was() -> None:
    models, words = [Decoder().eval(), Decoder().eval()], torch.tensor([ROW])
    inside, outside = threading.Event(), threading.Event()

    def second() -> None:
        def run() -> None:
            inside.set()
            outside.wait(5)
            models[1](words)

        found.append(attention.patterns(models[1], run, [[True] * len(ROW)]))

    found: list[Any] = []
    other = threading.Thread(target=second)

    def run() -> None:
        other.start()
        inside.wait(0.2)  # it does not come while this one listens
        models[0](words)

    found.append(attention.patterns(models[0], run, [[True] * len(ROW)]))
    outside.set()
    other.join()
    assert [len(one[0]) for one in found] == [BLOCKS, BLOCKS]
    assert functional.scaled_dot_product_attention is _FUSED


def test_what_cannot_be_caught_is_said() -> None:
    model = Decoder().eval()
    words = torch.tensor([ROW])
    with pytest.raises(NoPatterns, match="did not attend"):
        attention.patterns(nn.Linear(2, 2), lambda: None, [[True]])
    with pytest.raises(NoPatterns, match="more than once"):
        attention.patterns(model, lambda: (model(words), model(words)), [[True] * len(ROW)])
    with pytest.raises(NoPatterns, match="not for 2 inputs"):
        attention.patterns(model, lambda: model(words), [[True] * len(ROW)] * 2)
    model(words)
    past = model.cache
    with pytest.raises(NoPatterns):
        attention.patterns(model, lambda: model(words[:, :1], past=past), [[True]])
    assert functional.scaled_dot_product_attention is _FUSED


def test_a_model_that_is_gone_takes_its_sessions_and_patterns_along(
    keeper: Keeper, model_id: uuid.UUID, owner_conn: psycopg.Connection[Any]
) -> None:
    model = Decoder().eval()
    inference_id = sessions_service.begin(keeper.principal, model_id).inference_id
    row, _ = model.generate(ROW, 2)
    torch_service.store_kv(keeper.principal, inference_id, model, row, model.cache)
    torch_service.record_attention(
        keeper.principal, model_id, model, lambda: model(torch.tensor([ROW])), [[str(one) for one in ROW]]
    )
    registry.delete(keeper.principal, model_id)
    for table in ("inference_sessions", "kv_cache", "attention_patterns"):
        left = owner_conn.execute(f"select count(*) from {table} where owner_id = %s", [keeper.owner_id]).fetchone()  # type: ignore[arg-type]
        assert left == (0,)
