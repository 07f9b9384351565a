"""Puts a saved state back into what a trainer holds: everything is compared first, then all of it is filled.

What has no place to be put into (no model given, a position in the data) is handed back as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anima.registry import checkpoint_tree as tree
from anima.registry.checkpoint_model import Role
from anima.registry.run_capture_service import Parts
from anima.registry.run_errors import MismatchedState
from anima.vendors.torch import arrays as torch_arrays
from anima.vendors.torch import states as torch_states

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Tensors = Mapping[tuple[Role, str], "Array"]
_LOADED = ("scaler", "scheduler", "data_position", "extra")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was saved, as it was; None for what the checkpoint does not hold, or what was filled in its place."""

    weights: dict[str, Any] | None
    optimizer: Any
    scheduler: Any
    scaler: Any
    data_position: Any
    extra: Any


@dataclass(frozen=True, slots=True)
class Fitting:
    """A state that fits what it is to be put into, which `fill` does."""

    restored: Restored
    _acts: list[Callable[[], None]]

    def fill(self) -> None:
        """Puts it there."""
        for act in self._acts:
            act()


def fitting(parts: Parts, state: Mapping[str, Any], tensors: Tensors) -> Fitting:
    """Compares a state with what `parts` holds, and changes nothing. Raises MismatchedState."""
    decoded = {name: tree.decode(node, _leaf(tensors)) for name, node in state.items() if name != "format"}
    weights = {name: array for (role, name), array in tensors.items() if role == "weight"}
    acts: list[Callable[[], None]] = []
    left: dict[str, Any] = {}
    try:
        left["weights"] = _plan(acts, parts.model, weights, decoded.get("model") or {})
        left["optimizer"] = _plan_optimizer(acts, parts.optimizer, decoded)
        for name in _LOADED:
            left[name] = _plan_holder(acts, getattr(parts, name), decoded.get(name))
        _plan_generators(acts, parts.rng, decoded.get("rng"))
    except torch_states.Misfit as error:
        raise MismatchedState(reason=str(error)) from None
    return Fitting(Restored(**left), acts)


def _leaf(tensors: Tensors) -> Callable[[Mapping[str, Any]], object]:
    def made(node: Mapping[str, Any]) -> object:
        import numpy as np

        if "name" in node:
            array = tensors[node["role"], node["name"]]
        else:
            written = np.frombuffer(bytes.fromhex(node["v"]), dtype=_dtype(node["dtype"]))
            array = written.reshape(node["shape"]).copy()
        if node["$"] == "torch":
            return torch_arrays.from_numpy(array)
        return array[()] if node["$"] == "scalar" else array

    return made


def _dtype(name: str) -> Any:
    import ml_dtypes
    import numpy as np

    return np.dtype(getattr(ml_dtypes, name, name))


def _plan(
    acts: list[Callable[[], None]], model: Any, weights: dict[str, Array], extras: Mapping[str, Any]
) -> dict[str, Any] | None:
    if model is None:
        return weights | dict(extras) or None
    if torch_states.is_module(model):
        torch_states.check_module(model, weights, extras)
        acts.append(lambda: torch_states.load_module(model, weights, extras))
    elif isinstance(model, MutableMapping):
        torch_states.check({name: _form(one) for name, one in model.items() if name not in extras}, weights)
        acts.append(lambda: _pour(model, {**weights, **extras}))
    else:
        acts.append(lambda: model.load_state_dict({**weights, **extras}))
    return None


def _form(value: Any) -> tuple[str, tuple[int, ...]]:
    if torch_arrays.is_tensor(value):
        return torch_arrays.dtype_of(value), tuple(value.shape)
    return value.dtype.newbyteorder("<").name, tuple(value.shape)


def _plan_optimizer(acts: list[Callable[[], None]], optimizer: Any, decoded: Mapping[str, Any]) -> Any:
    state: Any = decoded.get("optimizer")
    if "optimizer_names" in decoded:
        numbers = {name: number for number, name in decoded["optimizer_names"]}
        state = {**state, "state": {numbers[name]: one for name, one in state["state"].items()}}
    if optimizer is None or state is None:
        return state
    if torch_states.is_optimizer(optimizer):
        torch_states.check_optimizer(optimizer, state)
        acts.append(lambda: torch_states.load_optimizer(optimizer, state))
        return None
    return _plan_holder(acts, optimizer, state)


def _plan_holder(acts: list[Callable[[], None]], holder: Any, state: Any) -> Any:
    """A holder is filled: by its own `load_state_dict`, or a mapping in its place; else its state is handed back."""
    if hasattr(holder, "load_state_dict") and state is not None:
        acts.append(lambda: holder.load_state_dict(state))
        return None
    if isinstance(holder, MutableMapping) and isinstance(state, Mapping):
        acts.append(lambda: _pour(holder, state))
        return None
    return state


def _pour(into: MutableMapping[Any, Any], state: Mapping[Any, Any]) -> None:
    """Makes a mapping what it was, and arrays in it too, without putting others in their place where they fit."""
    import numpy as np

    for key in into.keys() - state.keys():
        del into[key]
    for key, value in state.items():
        held: Any = into.get(key)
        if isinstance(held, MutableMapping) and isinstance(value, Mapping):
            _pour(held, value)
        elif torch_arrays.is_tensor(held) and isinstance(value, np.ndarray):
            held.detach().copy_(torch_arrays.alias(value))
        elif isinstance(held, np.ndarray) and isinstance(value, np.ndarray) and _form(held) == _form(value):
            np.copyto(held, value)
        else:
            into[key] = value


def _plan_generators(acts: list[Callable[[], None]], rng: bool | Mapping[str, Any], state: Any) -> None:
    if rng is False or state is None:
        return
    given = rng if isinstance(rng, Mapping) else {}
    if given.keys() != state["given"].keys():
        names = sorted(state["given"]) or "none"
        raise torch_states.Misfit(f"it holds the states of these generators: {names}; hand them in by these names")
    for name, one in given.items():
        saved = state["given"][name]
        if not _same_kind(one, saved):
            raise torch_states.Misfit(f"the generator {name} is of another kind than the saved one")
        acts.append(lambda one=one, saved=saved: _set_generator(one, saved))  # type: ignore[misc]
    torch_states.check_random_state(state["torch"])
    acts.append(lambda: _set_global(state))


def _same_kind(one: Any, saved: Any) -> bool:
    import numpy as np

    if isinstance(one, random.Random):
        return isinstance(saved, dict) and "words" in saved
    if isinstance(one, np.random.Generator | np.random.RandomState):
        kind = type(one.bit_generator if isinstance(one, np.random.Generator) else one._bit_generator).__name__
        return isinstance(saved, dict) and saved.get("bit_generator") == kind
    return torch_states.is_generator(one) and torch_arrays.is_tensor(saved)


def _set_generator(one: Any, saved: Any) -> None:
    import numpy as np

    if isinstance(one, random.Random):
        one.setstate(_python(saved))
    elif isinstance(one, np.random.Generator):
        one.bit_generator.state = saved
    else:
        one.set_state(saved)


def _set_global(state: Mapping[str, Any]) -> None:
    import numpy as np

    torch_states.set_random_state(state["torch"])
    random.setstate(_python(state["python"]))
    np.random.set_state(state["numpy"])


def _python(state: Mapping[str, Any]) -> tuple[Any, ...]:
    return state["version"], tuple(int(word) for word in state["words"]), state["gauss"]
