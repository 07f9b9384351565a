"""A simulation file as it is given to a command: a path or the name of a ready one; read whole, or refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.kernel.errors import AnimaError, FieldError
from anima.vendors.job_contract import WINNERS

if TYPE_CHECKING:
    from anima.neuromodulation.simulation import Simulation


class NoSuchFile(AnimaError):
    """There is no file {name}; ready ones are {ready}."""

    slug = "no-simulation-file"


class UnreadableFile(AnimaError):
    """{name} cannot be read: {reason}."""

    slug = "unreadable-simulation-file"


class InvalidFile(AnimaError):
    """{name} is not valid:"""

    slug = "invalid-simulation-file"


@dataclass(frozen=True, slots=True)
class Source:
    """What was given: a short name for it, its text, and as what it was given where that is more than the name."""

    name: str
    text: str
    given: str = ""


def found(given: str) -> Source:
    """The file of this name, or the ready one: `max`, `config_max.json`. Raises NoSuchFile, UnreadableFile."""
    path = Path(given).expanduser()
    if path.is_file():
        try:
            return Source(path.stem, path.read_text(encoding="utf-8-sig"), given)
        except (OSError, ValueError) as error:
            raise UnreadableFile(name=given, reason=getattr(error, "strerror", None) or "it is no text") from None
    return ready(given)


def ready(given: str) -> Source:
    """A file that comes along. Raises NoSuchFile."""
    from anima.neuromodulation import simulation

    name = given.removesuffix(".json").removeprefix("config_")
    if name not in simulation.SHIPPED or "/" in given:
        raise NoSuchFile(name=given, ready=", ".join(simulation.SHIPPED))
    return Source(name, simulation.shipped(name))


def winners() -> dict[str, str]:
    """What of the environment wins over the file."""
    return {name: value for name in WINNERS if (value := os.environ.get(name, "").strip())}


def checked(source: Source, environment: Mapping[str, str] | None = None) -> Simulation:
    """The simulation that the text describes. Raises InvalidFile, with the path of each error."""
    from anima.neuromodulation import simulation

    try:
        return simulation.read(source.text, environment or {})
    except simulation.SimulationInvalid as invalid:
        fields = [FieldError(path, _words(message, accepted)) for path, message, accepted in invalid.errors]
        raise InvalidFile(name=source.given or source.name, fields=fields) from None


def _words(message: str, accepted: Any) -> str:
    return f"{message} (accepted: {accepted})" if accepted else message
