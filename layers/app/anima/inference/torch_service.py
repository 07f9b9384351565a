"""Inference state of modules of torch: layers that are not computed twice, generation that goes on, attention kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from anima.inference import attention_service, kv_service, layers_service
from anima.inference.attention_service import Pattern, Recorded
from anima.inference.layers_service import Place, input_hash
from anima.kernel import db, telemetry
from anima.vendors.torch import activations, arrays, attention, kv

__all__ = ["Reused", "digest", "record_attention", "restore_kv", "store_kv"]


class Reused:
    """A module in evaluation whose layers up to one are computed once for each input.

    The answers are to the bit those of the module: what the layer made is what it would make again. The weights must
    not change while this is used. Raises CannotReuse for a layer that is no block of a numbered list.
    """

    def __init__(self, principal: db.Principal, module: Any, layer: str) -> None:
        activations.blocks_until(module, layer)
        dtype = next((arrays.dtype_of(one) for one in module.parameters()), "float32")
        self.place = Place(activations.digest(module), layer, dtype)
        self._principal, self._module = principal, module

    def __call__(self, *given: Any, document_id: int | None = None, **named: Any) -> Any:
        """What the module answers; `document_id` names the document that is read, with which it is forgotten.

        Raises CannotReuse, BadActivation.
        """
        import torch

        known_by = input_hash(activations.inputs(given, named))
        held = layers_service.held(self._principal, self.place, [known_by]).get(known_by)
        telemetry.count("cache.misses" if held is None else "cache.hits", cache="layers")
        with torch.no_grad():
            if held is None:
                run = _called(self._module, given, named)
                answer, made = activations.caught(self._module, self.place.layer, run)
                kept = {known_by: arrays.to_numpy(made)}
                layers_service.keep(self._principal, self.place, kept, document_id=document_id)
                return answer
            device = next(self._module.parameters()).device
            with activations.standing(self._module, self.place.layer, arrays.from_numpy(held).to(device)):
                return self._module(*given, **named)


def _called(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Callable[[], Any]:
    return lambda: module(*given, **named)


digest = activations.digest
"""What a module is known by; computed once, and handed on, where a module is large."""


def store_kv(
    principal: db.Principal,
    inference_id: uuid.UUID,
    module: Any,
    tokens: Sequence[int],
    cache: Any,
    start: int = 0,
    *,
    weights: str | None = None,
) -> int:
    """Keeps what a model's cache holds of the positions from `start` on; as `kv_service.store`. Raises UnknownCache."""
    layers = kv.cut(cache, start)
    return kv_service.store(principal, inference_id, weights or digest(module), tokens, layers, start)


def restore_kv(
    principal: db.Principal, inference_id: uuid.UUID, module: Any, tokens: Sequence[int], *, weights: str | None = None
) -> tuple[int, list[tuple[Any, Any]]]:
    """How many positions of `tokens` are kept for this very module, and their keys and values as pairs of tensors."""
    held = kv_service.restore(principal, inference_id, weights or digest(module), tokens)
    device = next((str(one.device) for one in module.parameters()), "cpu")
    return held.positions, kv.joined(held.layers, device)


def record_attention(
    principal: db.Principal,
    model_id: uuid.UUID,
    module: Any,
    run: Callable[[], Any],
    tokens: Sequence[Sequence[str]],
    *,
    masks: Sequence[Sequence[bool]] | None = None,
    inference_id: uuid.UUID | None = None,
) -> list[Pattern]:
    """Keeps what a module attends to while `run` lets it read a batch, whose inputs have these tokens.

    `masks` says which positions of each input hold its tokens; without them padding comes last. Raises NoPatterns, and
    what `attention_service.record` raises.
    """
    longest = max(map(len, tokens), default=0)
    whole = masks or [[place < len(one) for place in range(longest)] for one in tokens]
    layers = attention.patterns(module, run, whole)
    recorded = [Recorded(list(one), each) for one, each in zip(tokens, layers, strict=True)]
    return attention_service.record(principal, model_id, recorded, inference_id=inference_id)
