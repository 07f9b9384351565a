"""Which network a run gets: numpy where it is small and sees numbers, torch where it is large or sees pictures."""

from __future__ import annotations

import importlib.util
import math

from .environments import Environments
from .failures import NeedsTorch
from .network import Network, Shape
from .numpy_network import NumpyNetwork
from .options import Options

SMALL = 100_000
"""Up to so many parameters numpy is faster than torch on a processor, by what a call of torch costs."""


def network_for(options: Options, environments: Environments, renewed: int = 0) -> Network:
    """The network of a run, with first weights by its seed; `renewed` counts how often new ones were drawn.

    Raises NeedsTorch.
    """
    shape = Shape(
        environments.input_shape,
        options.hidden,
        environments.actions,
        dueling=options.dueling,
        double=options.double,
        huber=options.huber,
    )
    seed = options.seed + 1_000_003 * renewed
    backend = options.backend if options.backend != "auto" else _suitable(shape)
    if backend == "numpy":
        return NumpyNetwork(shape, seed)
    if importlib.util.find_spec("torch") is None:
        raise NeedsTorch
    from .torch_network import TorchNetwork

    return TorchNetwork(shape, seed, options.device, options.threads)


def _suitable(shape: Shape) -> str:
    picture = len(shape.seen) == 3
    parameters = sum(math.prod(one) for _, one in shape.layers)
    torch_is_there = importlib.util.find_spec("torch") is not None
    return "torch" if picture or (parameters > SMALL and torch_is_there) else "numpy"
