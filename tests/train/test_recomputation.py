"""Plans of recomputation on a transformer of torch: less waits for the backward pass, the gradients are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from anima.kernel.errors import BadInput
from anima.registry import gradient_plan_service, service
from anima.vendors.torch import activations, recompute
from train.tiny_transformer import WORDS, Tiny

if TYPE_CHECKING:
    from fixtures.tensors import Keeper

LAYERS = ["blocks.0", "blocks.1", "norm"]


def gradients(model: Tiny, words: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of one batch, with dropout from a fixed seed."""
    torch.manual_seed(9)
    model.zero_grad()
    nn.functional.cross_entropy(model(words).reshape(-1, WORDS), words.reshape(-1)).backward()
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}


def test_a_plan_saves_memory_and_leaves_the_gradients_as_they_are(keeper: Keeper) -> None:
    torch.manual_seed(1)
    model = Tiny(width=32, dropout=0.2).train()
    words = torch.randint(WORDS, (16, 40))
    kept = service.create(keeper.principal, "planned", "encoder", {})
    before = gradients(model, words)
    state = torch.get_rng_state()
    measured = recompute.measure(model, lambda: model(words), LAYERS)
    assert torch.equal(torch.get_rng_state(), state)
    assert measured["blocks.0"] > measured["norm"] >= 0

    chosen = gradient_plan_service.choose(measured, measured["blocks.0"] + 1)
    assert chosen == {"blocks.0": "recompute", "blocks.1": "recompute", "norm": "keep"}
    rows = gradient_plan_service.set_plan(keeper.principal, "planned", chosen, measured)
    assert [(row.layer, row.strategy, row.saved_bytes) for row in rows] == [
        (name, chosen[name], measured[name]) for name in LAYERS
    ]
    whole = recompute.held_bytes(model, lambda: model(words))
    with gradient_plan_service.applied(keeper.principal, kept.model_id, model):
        held = recompute.held_bytes(model, lambda: model(words))
        after = gradients(model, words)
        model.eval()
        with torch.no_grad():
            model(words)
        model.train()
    assert whole - held >= (measured["blocks.0"] + measured["blocks.1"]) * 0.9
    assert held < whole / 3
    assert before.keys() == after.keys()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    assert recompute.held_bytes(model, lambda: model(words)) == whole, "undone when the block has ended"


def test_what_is_measured_or_reused_while_a_plan_is_in_force_leaves_it_in_force() -> None:
    torch.manual_seed(1)
    model = Tiny(width=32).train()
    words = torch.randint(WORDS, (4, 20))
    whole = recompute.held_bytes(model, lambda: model(words))
    with recompute.apply(model, {"blocks.0": "recompute", "blocks.1": "recompute"}):
        held = recompute.held_bytes(model, lambda: model(words))
        assert held < whole
        recompute.measure(model, lambda: model(words), ["blocks.0"])
        with activations.standing(model, "blocks.1", torch.zeros(4, 20, 32)):
            assert recompute.held_bytes(model, lambda: model(words)) < held
        assert recompute.held_bytes(model, lambda: model(words)) == held
    assert recompute.held_bytes(model, lambda: model(words)) == whole


def test_a_plan_for_another_module_is_refused(keeper: Keeper) -> None:
    model = Tiny()
    service.create(keeper.principal, "mistaken", "encoder", {})
    gradient_plan_service.set_plan(keeper.principal, "mistaken", {"blocks.0": "recompute", "blocks.7": "recompute"})
    with pytest.raises(BadInput, match=r"blocks\.7"):
        gradient_plan_service.applied(keeper.principal, "mistaken", model)
    assert "forward" not in model.blocks[0].__dict__
    with pytest.raises(BadInput):
        gradient_plan_service.set_plan(keeper.principal, "mistaken", {"blocks.0": "forget"})  # type: ignore[dict-item]
    assert len(gradient_plan_service.plan(keeper.principal, "mistaken")) == 2
    gradient_plan_service.set_plan(keeper.principal, "mistaken", {})
    assert gradient_plan_service.plan(keeper.principal, "mistaken") == []
