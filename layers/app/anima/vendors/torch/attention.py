"""What a transformer of torch attends to: the weights of its attention, caught while it reads.

Modules are followed by hooks; the two ways in which models attend are caught: torch's fused attention, whose weights
are computed again from its queries and keys, and a softmax over scores that the model made itself. What the model
computes stays what it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_LISTENING = threading.RLock()
"""Torch's functions are exchanged for all threads: of two who listen at a time, one would not leave them whole."""


class NoPatterns(ValueError):
    """No attention was caught, or not that of each token to each other one in one pass."""


def patterns(
    module: Any, run: Callable[[], Any], masks: Sequence[Sequence[bool]]
) -> list[dict[int, NDArray[np.float32]]]:
    """What `module` attends to while `run` lets it read a batch, by input and layer: arrays (heads, tokens, tokens).

    `masks` says for each input of the batch which of its positions hold a token (the others are padding). Layers count
    in the order in which they attend. Raises NoPatterns.
    """
    import torch

    caught = _Caught(module)
    with caught.listening(), torch.no_grad():
        run()
    layers = caught.layers()
    length = max(map(len, masks), default=0)
    for name, weights in layers.items():
        if tuple(weights.shape[::3]) != (len(masks), length) or weights.shape[2] != length:
            raise NoPatterns(
                f"{name} attends as {tuple(weights.shape)}, not for {len(masks)} inputs of {length} tokens"
            )
    return [_of_input(layers, place, mask) for place, mask in enumerate(masks)]


def _of_input(layers: dict[str, Any], place: int, mask: Sequence[bool]) -> dict[int, NDArray[np.float32]]:
    import torch

    kept = torch.tensor([position for position, there in enumerate(mask) if there])
    whole = {}
    for number, weights in enumerate(layers.values()):
        whole[number] = weights[place].index_select(1, kept).index_select(2, kept).contiguous().numpy()
    return whole


class _Caught:
    """Weights (batch, heads, queries, keys) by the name of the module that attended with them, on the CPU."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._thread = threading.get_ident()
        self._running: list[tuple[str, Any]] = []
        self._found: dict[str, Any] = {}

    def layers(self) -> dict[str, Any]:
        """What was caught, in order. Raises NoPatterns."""
        if not self._found:
            raise NoPatterns("the module did not attend in a way that can be caught")
        return self._found

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catches what is computed in this thread until the block ends."""
        from torch.backends import mha

        with _LISTENING, ExitStack() as stack:
            stack.callback(mha.set_fastpath_enabled, mha.get_fastpath_enabled())
            mha.set_fastpath_enabled(False)  # it attends inside one call that nobody sees into
            for name, one in self._module.named_modules():
                stack.callback(one.register_forward_pre_hook(self._begins(name, one)).remove)
                stack.callback(one.register_forward_hook(self._ends, always_call=True).remove)
            for place, name, instead in self._ways():
                stack.callback(setattr, place, name, getattr(place, name))
                setattr(place, name, instead)
            yield

    def _begins(self, name: str, one: Any) -> Callable[[Any, Any], None]:
        def begin(_module: Any, _given: Any) -> None:
            self._running.append((name, one))

        return begin

    def _ends(self, _module: Any, _given: Any, _made: Any) -> None:
        self._running.pop()

    def _ways(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        import torch
        from torch.nn import functional

        fused, soft, softmax = functional.scaled_dot_product_attention, functional.softmax, torch.softmax

        def attend(query: Any, key: Any, value: Any, *rest: Any, **more: Any) -> Any:
            self._keep(lambda: fused_weights(query, key, *rest, **more))
            return fused(query, key, value, *rest, **more)

        def softened(of: Callable[..., Any]) -> Callable[..., Any]:
            def soften(scores: Any, *rest: Any, **more: Any) -> Any:
                made = of(scores, *rest, **more)
                self._keep(lambda: self._scored(made))
                return made

            return soften

        return [
            (functional, "scaled_dot_product_attention", attend),
            (functional, "softmax", softened(soft)),
            (torch, "softmax", softened(softmax)),
        ]

    def _scored(self, made: Any) -> Any:
        """A softmax as weights of attention; torch's own module has inputs and heads in one dimension."""
        one = self._running[-1][1]
        if made.ndim == 3 and type(one).__name__ == "MultiheadAttention":
            made = made.reshape(-1, one.num_heads, *made.shape[1:])
        return made if made.ndim == 4 else None

    def _keep(self, weights: Callable[[], Any]) -> None:
        if threading.get_ident() != self._thread or not self._running:
            return
        made, name = weights(), self._running[-1][0]
        if made is None:
            return
        if name in self._found:
            raise NoPatterns(f"{name} attends more than once in one pass")
        self._found[name] = made.detach().float().cpu()


def fused_weights(
    query: Any,
    key: Any,
    attn_mask: Any = None,
    _dropout: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    **_more: Any,
) -> Any:
    """The weights of torch's fused attention, (…, heads, queries, keys): softmax(q k^T scale + mask), in float32.

    The formula of the documentation of torch.nn.functional.scaled_dot_product_attention.
    """
    import torch

    q, k = query.detach().float(), key.detach().float()
    if enable_gqa and q.shape[-3] != k.shape[-3]:
        k = k.repeat_interleave(q.shape[-3] // k.shape[-3], dim=-3)
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, float("-inf"))
    if attn_mask is not None:
        whole = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, float("-inf")) if whole else scores + attn_mask.float()
    weights = scores.softmax(-1)
    return weights if weights.ndim == 4 else None
