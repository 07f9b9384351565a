"""The simulation files that come with the house."""

from __future__ import annotations

from importlib import resources

SHIPPED = (
    "cartpole",
    "cartpole_control",
    "cartpole_swap",
    "cartpole_gravity",
    "bandit",
    "posner",
    "breakout_permuted",
    "breakout_control",
    "standard",
    "bounded_max",
    "max",
    "doya",
)
"""Their names, the quick start first."""


class UnknownSimulation(KeyError):
    """There is no ready simulation of that name."""

    slug = "unknown-simulation"


def shipped(name: str) -> str:
    """The text of one of them. Raises UnknownSimulation."""
    if name not in SHIPPED:
        raise UnknownSimulation(f"no ready simulation is called {name!r}; there are {', '.join(SHIPPED)}")
    return resources.files(__package__).joinpath("ready", f"{name}.json").read_text("utf-8")
