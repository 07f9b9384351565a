"""The model database: models, their versions and weights, runs and checkpoints.

`open`, `example` and `runs` are what a program of one's own begins with; each is loaded when it is first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anima.registry import run_service as runs
    from anima.registry.example_service import example
    from anima.registry.open_service import open_model as open

__all__ = ["example", "open", "runs"]

_PLACES = {
    "open": ("anima.registry.open_service", "open_model"),
    "example": ("anima.registry.example_service", "example"),
    "runs": ("anima.registry.run_service", None),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found = import_module(module)
    return found if attribute is None else getattr(found, attribute)
