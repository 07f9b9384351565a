"""What is to be saved of torch's modules, optimisers and generators, and how it is put back in its place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from anima.vendors.torch import arrays


class Misfit(ValueError):
    """What was saved does not fit the object; nothing of it was changed."""


def is_module(value: object) -> bool:
    """Whether it is a module of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def is_optimizer(value: object) -> bool:
    """Whether it is an optimiser of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.optim.Optimizer)


def is_generator(value: object) -> bool:
    """Whether it is a generator of random numbers of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Generator)


def parameter_names(optimizer: Any, module: Any) -> dict[int, str]:
    """The names of an optimiser's parameters by their number in its state; without a module, `group.index`."""
    known = {id(one): name for name, one in module.named_parameters()} if is_module(module) else {}
    places = [
        (f"{group}.{index}", one)
        for group, each in enumerate(optimizer.param_groups)
        for index, one in enumerate(each["params"])
    ]
    return {number: known.get(id(one), place) for number, (place, one) in enumerate(places)}


def check_module(module: Any, weights: Mapping[str, Any], extras: Mapping[str, Any]) -> None:
    """Raises Misfit where the module has other weights (by name, type or shape) or extra states than were saved."""
    state = module.state_dict()
    tensors = {name: one for name, one in state.items() if arrays.is_tensor(one)}
    check({name: (arrays.dtype_of(one), tuple(one.shape)) for name, one in tensors.items()}, weights)
    if state.keys() - tensors.keys() != extras.keys():
        raise Misfit("its modules keep other extra states")


def load_module(module: Any, weights: Mapping[str, Any], extras: Mapping[str, Any]) -> None:
    """Copies weights (arrays) into the memory that the module has, and what else its state holds."""
    module.load_state_dict({name: arrays.alias(one) for name, one in weights.items()} | dict(extras))


def check(wanted: Mapping[str, tuple[str, tuple[int, ...]]], given: Mapping[str, Any]) -> None:
    """Compares names, types and shapes; Misfit names the first that differs."""
    for name in sorted(wanted.keys() ^ given.keys()):
        raise Misfit(f"{name} is in the {'object, but not in the checkpoint' if name in wanted else 'checkpoint only'}")
    for name, (dtype, shape) in wanted.items():
        array = given[name]
        if (array.dtype.name, tuple(array.shape)) != (dtype, shape):
            found = f"{array.dtype.name} of {list(array.shape)}"
            raise Misfit(f"{name} is {dtype} of {list(shape)}, and in the checkpoint {found}")


def check_optimizer(optimizer: Any, state: Mapping[str, Any]) -> None:
    """Raises Misfit where the groups of parameters are not those of the saved state."""
    ours = [len(group["params"]) for group in optimizer.param_groups]
    theirs = [len(group["params"]) for group in state["param_groups"]]
    if ours != theirs:
        raise Misfit(f"the optimiser has groups of {ours} parameters, and in the checkpoint of {theirs}")


def load_optimizer(optimizer: Any, state: Mapping[str, Any]) -> None:
    """Puts a saved state back. Torch casts what it loads to its parameters' types: what was kept otherwise stays so."""
    optimizer.load_state_dict(state)
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    for number, saved in state["state"].items():
        held = optimizer.state[parameters[number]]
        for key, value in saved.items():
            if arrays.is_tensor(value) and held[key].dtype != value.dtype:
                held[key] = value.to(held[key].device)


def random_state() -> dict[str, Any]:
    """The states of torch's own generators: that of the CPU and, where GPUs were used, one for each."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    used = torch.cuda.is_available() and torch.cuda.is_initialized()
    return {"cpu": torch.get_rng_state(), "cuda": list(torch.cuda.get_rng_state_all()) if used else []}


def check_random_state(state: Mapping[str, Any]) -> None:
    """Raises Misfit where there are fewer GPUs than there were."""
    if not state.get("cuda"):
        return
    import torch

    before, now = len(state["cuda"]), torch.cuda.device_count()
    if now < before:
        raise Misfit(f"there were {before} GPUs with generators, and now there are {now}; `rng=False` leaves them out")


def set_random_state(state: Mapping[str, Any]) -> None:
    """Sets torch's own generators."""
    if not state:
        return
    import torch

    cuda: Sequence[Any] = state["cuda"]
    torch.set_rng_state(state["cpu"])
    if cuda:
        torch.cuda.set_rng_state_all(list(cuda))
