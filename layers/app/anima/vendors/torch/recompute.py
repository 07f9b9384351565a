"""Gradient checkpoints on modules of torch: chosen layers keep nothing of their forward pass, and compute it again.

The gradients are those of a pass that kept everything, dropout included: torch sets its generators back for the second
computation. What is saved is measured as torch measures it: in bytes that wait for the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anima.vendors.torch.forwards import exchanged

if TYPE_CHECKING:
    from collections.abc import Iterator

Strategy = str


class UnknownLayer(LookupError):
    """A plan names a layer that the module does not have."""


class Applied:
    """A plan that is in force until `undo`; also a context that ends so."""

    def __init__(self, undo: list[Callable[[], None]]) -> None:
        self._undo = undo

    def undo(self) -> None:
        """The layers do with what they compute as before."""
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Applied:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()


def apply(module: Any, plan: Mapping[str, Strategy]) -> Applied:
    """Has the layers (submodules, by their names) whose strategy is `recompute` compute again what they need.

    Only while they are trained and gradients are wanted. Raises UnknownLayer, and has changed nothing then.
    """
    layers = dict(module.named_modules())
    missing = sorted(plan.keys() - layers.keys())
    if missing:
        raise UnknownLayer(f"the module has no layer {missing[0]}")
    chosen = [layers[name] for name, strategy in plan.items() if strategy == "recompute"]
    return Applied([exchanged(each, _recomputing(each, each.forward)) for each in chosen])


def _recomputing(module: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
    import torch
    from torch.utils.checkpoint import checkpoint

    def again(*args: Any, **kwargs: Any) -> Any:
        if not module.training or not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=True, **kwargs)

    return again


def held_bytes(module: Any, run: Callable[[], Any]) -> int:
    """How many bytes wait for the backward pass after `run`, those of the module's own parameters left out."""
    import torch

    own = {one.untyped_storage().data_ptr() for one in (*module.parameters(), *module.buffers())}
    held: dict[int, int] = {}
    kept: list[Any] = []

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes()
            kept.append(storage)  # so that no other tensor comes to lie in its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    del result
    return sum(held.values())


def measure(module: Any, run: Callable[[], Any], layers: Iterable[str]) -> dict[str, int]:
    """What each of these layers would save if it alone were computed again, in bytes; 0 where it would not.

    `run` does one forward pass and answers what the backward pass begins with. Generators stand as before.
    """
    with _generators_kept():
        whole = held_bytes(module, run)
    saved: dict[str, int] = {}
    for name in layers:
        with _generators_kept(), apply(module, {name: "recompute"}):
            saved[name] = max(0, whole - held_bytes(module, run))
    return saved


@contextmanager
def _generators_kept() -> Iterator[None]:
    import torch

    with torch.random.fork_rng():
        yield
