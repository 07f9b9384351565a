"""Activations of a transformer of torch: caught behind a layer, and put there instead of computing what leads to it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from anima.vendors.torch import arrays
from anima.vendors.torch.forwards import exchanged

if TYPE_CHECKING:
    from numpy.typing import NDArray


_TURNS: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()
_TAKING = threading.Lock()


class CannotReuse(ValueError):
    """The module or the layer is not such that its activation can stand for what leads to it."""


def blocks_until(module: Any, layer: str) -> list[str]:
    """The names of the blocks from the first to `layer`, which are numbered in one list, as `blocks.0` to `blocks.3`.

    Raises CannotReuse.
    """
    layers = dict(module.named_modules())
    stem, _, number = layer.rpartition(".")
    if layer not in layers or not number.isdigit():
        raise CannotReuse(f"{layer} is no block of a numbered list")
    names = [f"{stem}.{one}" if stem else str(one) for one in range(int(number) + 1)]
    if not all(name in layers for name in names):
        raise CannotReuse(f"the blocks before {layer} are not numbered from 0 on")
    return names


@contextmanager
def _turn(module: Any) -> Iterator[None]:
    """One thread at a time: a module's layers do for all threads what they are told."""
    with _TAKING:
        mine = _TURNS.setdefault(module, threading.RLock())
    with mine:
        yield


def caught(module: Any, layer: str, run: Callable[[], Any]) -> tuple[Any, Any]:
    """What `run` answers, and what the layer makes meanwhile (a copy). Raises CannotReuse where it made more than one
    tensor, or was computed more than once. Waits while another thread uses the module by way of this one.
    """
    made: list[Any] = []
    found = dict(module.named_modules())[layer]
    with _turn(module):
        hook = found.register_forward_hook(lambda _module, _given, output: made.append(output))
        try:
            answer = run()
        finally:
            hook.remove()
    if len(made) != 1:
        raise CannotReuse(f"{layer} was computed {len(made)} times")
    if not arrays.is_tensor(made[0]):
        raise CannotReuse(f"{layer} makes something else than one tensor")
    return answer, made[0].detach().clone()


@contextmanager
def standing(module: Any, layer: str, activation: Any) -> Iterator[None]:
    """Until the block ends, blocks up to `layer` compute nothing, and the layer's output is `activation`.

    Waits while another thread uses the module by way of this one.
    """
    layers = dict(module.named_modules())
    with _turn(module), ExitStack() as stack:
        for name in blocks_until(module, layer):
            stack.callback(exchanged(layers[name], _answering(activation)))
        yield


def _answering(given: Any) -> Callable[..., Any]:
    def answer(*_: Any, **__: Any) -> Any:
        return given

    return answer


def digest(module: Any) -> str:
    """What a module is known by, 64 hexadecimal digits: its weights to the bit, what its parts are set to, and what
    computes it (torch's version and the kind of device), for other bits come out of another one.

    Settings are its `config`, and the plain attributes of its parts whose names do not begin with an underscore. Raises
    CannotReuse while it is in training, where what it makes is drawn by lot.
    """
    import torch

    if module.training:
        raise CannotReuse("the module is in training; call eval() first")
    whole = hashlib.sha256(f"{torch.__version__};{torch.get_num_threads()};".encode())
    for name, one in module.named_modules():
        settings = {key: value for key, value in vars(one).items() if _plain(key, value)}
        whole.update(f"{name}:{type(one).__qualname__}:{sorted(settings.items())!r}:{one.extra_repr()};".encode())
    config = repr(getattr(module, "config", None))
    if " at 0x" not in config:
        whole.update(config.encode())
    for name, tensor in sorted({**dict(module.named_buffers()), **module.state_dict()}.items()):
        if arrays.is_tensor(tensor):
            whole.update(f"{name}:{arrays.dtype_of(tensor)}{list(tensor.shape)}{tensor.device.type};".encode())
            whole.update(_bytes(tensor))
    return whole.hexdigest()


def _plain(key: str, value: Any) -> bool:
    return not key.startswith("_") and isinstance(value, bool | int | float | str | tuple | None)


def _bytes(tensor: Any) -> memoryview:
    import numpy as np

    flat: NDArray[Any] = np.ascontiguousarray(arrays.to_numpy(tensor)).reshape(-1)
    return flat.view(np.uint8).data


def inputs(given: tuple[Any, ...], named: dict[str, Any]) -> list[NDArray[Any]]:
    """What a module is given as arrays, by which it is known: tensors, and numbers, texts and None as their names.

    Raises CannotReuse for anything else.
    """
    import numpy as np

    row: list[NDArray[Any]] = []
    for name, one in (*((str(place), one) for place, one in enumerate(given)), *sorted(named.items())):
        row.append(np.frombuffer(f"{name}={'' if arrays.is_tensor(one) else repr(one)}".encode(), np.uint8))
        if arrays.is_tensor(one):
            row.append(arrays.to_numpy(one))
        elif not isinstance(one, bool | int | float | str | None):
            raise CannotReuse(f"the input {name} is a {type(one).__name__}")
    return row
