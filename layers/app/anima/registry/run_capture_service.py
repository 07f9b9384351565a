"""What is to be saved, taken out of what a trainer holds: weights, states and generators as arrays and JSON.

Works with torch's modules and optimisers, with mappings of numpy arrays, and with whatever has a `state_dict`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anima.registry import checkpoint_tree as tree
from anima.registry.checkpoint_model import Kind, OptimizerEntry, Role
from anima.registry.run_errors import UnsupportedState
from anima.vendors.torch import arrays as torch_arrays
from anima.vendors.torch import states as torch_states

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

INLINE_BYTES = 64
"""Arrays of at most so many bytes stand in the state itself, and single numbers always: a step count is no tensor."""
MOMENTUM = ("exp_avg", "momentum_buffer", "momentum", "m", "mu")
VARIANCE = ("exp_avg_sq", "square_avg", "variance", "v", "nu", "sum")
PREFIX: Mapping[Role, str] = {"weight": "", "optimizer": "optimizer/", "state": "state/"}
"""How tensors of each role are called in the store: those of weights as the model calls them."""


@dataclass(slots=True)
class Captured:
    """A state at one moment: tensors by role and name, in order, and all else as JSON."""

    tensors: dict[tuple[Role, str], Array] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=lambda: {"format": 1})
    optimizer: list[OptimizerEntry] = field(default_factory=list)

    def copy(self, copied: Callable[[Array], Array]) -> None:
        """Takes copies, so that training can go on."""
        self.tensors = {place: copied(array) for place, array in self.tensors.items()}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a trainer hands in to be saved, or to be filled."""

    model: Any = None
    optimizer: Any = None
    rng: bool | Mapping[str, Any] = True
    data_position: Any = None
    scaler: Any = None
    scheduler: Any = None
    extra: Any = None


def capture(parts: Parts, kind: Kind, step: int) -> Captured:
    """Takes what `kind` holds; arrays share the memory of what is trained where they can, until they are copied.

    Raises UnsupportedState, which names the place.
    """
    made = Captured()
    if kind != "optimizer":
        _weights(made, parts.model)
    if kind != "weights" and parts.optimizer is not None:
        _optimizer(made, parts.optimizer, parts.model, step)
    if kind == "full":
        given = {"data_position": parts.data_position, "scaler": parts.scaler, "scheduler": parts.scheduler}
        for name, one in {**given, "extra": parts.extra}.items():
            made.state[name] = _node(made, "state", (name,), state_of(one))
        if parts.rng is not False:
            generators = parts.rng if isinstance(parts.rng, Mapping) else {}
            made.state["rng"] = _node(made, "state", ("rng",), random_states(generators))
    return made


def state_of(holder: Any) -> Any:
    """The state of what has one, else the thing itself."""
    return holder.state_dict() if hasattr(holder, "state_dict") else holder


def _weights(made: Captured, model: Any) -> None:
    state = {} if model is None else state_of(model)
    if not isinstance(state, Mapping):
        raise UnsupportedState(path="the model", kind=f"a {type(model).__name__}")
    extras = {}
    for name, value in state.items():
        if not isinstance(name, str) or name.startswith(tuple(filter(None, PREFIX.values()))):
            raise UnsupportedState(path=f"the weight {name!r}", kind="named as no weight may be")
        array = as_array(value, (name,))
        if array is None:
            extras[name] = value
        else:
            made.tensors["weight", name] = array
    made.state["model"] = _node(made, "state", ("model",), extras)


def _node(made: Captured, role: Role, at: tree.Path, value: Any) -> Any:
    """The value as JSON; its larger arrays become tensors of that role, named by their place."""

    def leaf(path: tree.Path, one: object) -> dict[str, Any] | None:
        array = as_array(one, path)
        if array is None:
            return None
        kind = "torch" if torch_arrays.is_tensor(one) else _kind(one)
        if array.ndim == 0 or (role == "state" and array.nbytes <= INLINE_BYTES):
            written = array.tobytes().hex()
            return {"$": kind, "dtype": array.dtype.name, "shape": list(array.shape), "v": written}
        name = _free(made, role, tree.told(path))
        made.tensors[role, name] = array
        return {"$": kind, "role": role, "name": name}

    return tree.encode(value, leaf, at)


def _kind(value: object) -> str:
    import numpy as np

    return "scalar" if isinstance(value, np.generic) else "numpy"


def _free(made: Captured, role: Role, name: str) -> str:
    """The name, with a number where another place is called so (`0` and "0" are told alike)."""
    wanted, number = name, 1
    while (role, wanted) in made.tensors:
        number += 1
        wanted = f"{name}~{number}"
    return wanted


def as_array(value: object, path: tree.Path) -> Array | None:
    """A numpy or torch array as a little-endian one that shares its memory where it can; None for what is none."""
    import numpy as np

    if torch_arrays.is_tensor(value):
        refused = torch_arrays.refusal(value)
        if refused:
            raise UnsupportedState(path=tree.told(path), kind=refused)
        return torch_arrays.to_numpy(value)
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.asarray(value)
    if array.dtype.hasobject or array.dtype.names or array.dtype.kind in "USMmO":
        raise UnsupportedState(path=tree.told(path), kind=f"an array of {array.dtype}")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _optimizer(made: Captured, optimizer: Any, model: Any, step: int) -> None:
    state = state_of(optimizer)
    names: dict[int, str] = {}
    if torch_states.is_optimizer(optimizer):
        names = torch_states.parameter_names(optimizer, model)
        held = {names.get(number, str(number)): one for number, one in state["state"].items()}
        # Named by the parameter in the store, and put back by the number that torch's state has for it.
        made.state["optimizer_names"] = [[number, name] for number, name in names.items()]
        made.state["optimizer"] = _node(made, "optimizer", (), {**state, "state": held})
        groups = {names[number]: group for group in state["param_groups"] for number in group["params"]}
    else:
        made.state["optimizer"] = _node(made, "optimizer", (), state)
        held, groups = _by_parameter(state), {}
    made.optimizer = [_entry(made, name, one, groups.get(name, {}), step) for name, one in held.items()]


def _by_parameter(state: Any) -> dict[str, Mapping[str, Any]]:
    """An optimiser's mapping turned so that parameters come first, where it looks like one: {"m": {"w": …}, …}."""
    found: dict[str, dict[str, Any]] = {}
    inner = state.get("state", state) if isinstance(state, Mapping) else {}
    for outer, one in inner.items() if isinstance(inner, Mapping) else ():
        for name, value in one.items() if isinstance(one, Mapping) else ():
            turned = outer in (*MOMENTUM, *VARIANCE)
            parameter, key = (str(name), str(outer)) if turned else (str(outer), str(name))
            found.setdefault(parameter, {})[key] = value
    return {name: one for name, one in found.items() if one.keys() & {*MOMENTUM, *VARIANCE}}


def _entry(made: Captured, name: str, held: Mapping[str, Any], group: Mapping[str, Any], step: int) -> OptimizerEntry:
    def place(keys: tuple[str, ...]) -> str | None:
        ways = (f"{lead}{one}" for key in keys for one in (f"{name}.{key}", f"{key}.{name}") for lead in ("state.", ""))
        return next((way for way in ways if ("optimizer", way) in made.tensors), None)

    own = held.get("step")
    settings = {key: told for key, value in group.items() if key != "params" and (told := _setting(value)) is not None}
    return OptimizerEntry(name, place(MOMENTUM), place(VARIANCE), settings, step if own is None else int(own))


def _setting(value: object) -> Any:
    """A setting of an optimiser for people to read; the exact one stands in the state."""
    if isinstance(value, tuple):
        return [_setting(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, bool | int | str) else None


def random_states(generators: Mapping[str, Any]) -> dict[str, Any]:
    """The states of Python's, numpy's and torch's own generators, and of those that are handed in by name."""
    import numpy as np

    return {
        "python": _python(random.getstate()),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch_states.random_state(),
        "given": {name: _generator(name, one) for name, one in generators.items()},
    }


def _generator(name: str, one: Any) -> Any:
    import numpy as np

    if isinstance(one, random.Random):
        return _python(one.getstate())
    if isinstance(one, np.random.Generator):
        return one.bit_generator.state
    if isinstance(one, np.random.RandomState):
        return one.get_state(legacy=False)
    if torch_states.is_generator(one):
        return one.get_state()
    raise UnsupportedState(path=f"rng.{name}", kind=f"a {type(one).__name__}")


def _python(state: tuple[Any, ...]) -> dict[str, Any]:
    """Python's state with its words as an array: 2.5 kB instead of 625 numbers."""
    import numpy as np

    version, words, gauss = state
    return {"version": version, "words": np.array(words, dtype=np.uint32), "gauss": gauss}
