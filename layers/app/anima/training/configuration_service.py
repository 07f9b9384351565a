"""What a job is told, checked before it is entered: a simulation by the reader of its file, a batch by its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from anima.inference import batch_file
from anima.kernel import db
from anima.kernel.config import settings
from anima.kernel.errors import FieldError
from anima.training import jobs_service
from anima.training.errors import BackendNotSetUp, SimulationRefused
from anima.training.model import Backend, Kind, Limits, NewJob, Source
from anima.vendors.job_backends import training as backends

_PHYSICS = ("global_settings", "modulators", "integration_with_rl")
"""The sections that a label comes from; others may be large, and a page of jobs has many."""


def ready(name: str) -> dict[str, Any]:
    """A simulation that came with this code, whole. Raises SimulationRefused for a name that there is not."""
    from anima.neuromodulation import simulation

    known = name.removeprefix("config_").removesuffix(".json")
    if known not in simulation.SHIPPED:
        wrong = FieldError("simulation", f"one of {', '.join(simulation.SHIPPED)}, or a simulation")
        raise SimulationRefused(reason=f"there is no ready simulation {name[:60]!r}", fields=[wrong])
    return checked_simulation(json.loads(simulation.shipped(known)))


def all_ready() -> list[dict[str, Any]]:
    """The simulations that came with this code: name, title, and the file itself."""
    from anima.neuromodulation import simulation

    files = {name: json.loads(simulation.shipped(name)) for name in simulation.SHIPPED}
    return [{"name": name, "title": name.replace("_", " "), "simulation": file} for name, file in files.items()]


def schema() -> dict[str, Any]:
    """The JSON Schema of a simulation."""
    from anima.neuromodulation import simulation

    return simulation.schema()


def label(simulation: Mapping[str, Any]) -> str | None:
    """Which physics a simulation trains by, in words; None where it is none, or one of an earlier time."""
    from anima.neuromodulation import simulation as files

    if not simulation:
        return None
    try:
        told = {name: simulation[name] for name in _PHYSICS if name in simulation}
        return str(files.read_object(told).physics().label)
    except files.SimulationInvalid:
        return None


def checked_simulation(given: Mapping[str, Any]) -> dict[str, Any]:
    """A simulation with its defaults filled in. Raises SimulationRefused with the path of every error."""
    from anima.neuromodulation import simulation

    try:
        read = simulation.read_object(given)
    except simulation.SimulationInvalid as error:
        fields = [
            FieldError(path, f"{message} ({accepted})" if accepted else message)
            for path, message, accepted in error.errors
        ]
        reason = "; ".join(f"{one.path}: {one.message}" for one in fields)[:2000]
        raise SimulationRefused(reason=reason, fields=fields) from error
    found: dict[str, Any] = json.loads(read.dumps())
    return found


def new_simulation(
    given: Mapping[str, Any] | str,
    *,
    name: str | None = None,
    backend: Backend | None = None,
    gpus: int | None = None,
    spot: bool | None = None,
    source: Source = "api",
) -> NewJob:
    """A job that trains by a simulation, or by a ready one of this name. Raises SimulationRefused, BackendNotSetUp."""
    simulation = ready(given) if isinstance(given, str) else checked_simulation(given)
    asked = simulation.get("resource_limits") or {}
    if gpus is not None:
        simulation = {**simulation, "resource_limits": {**asked, "gpus": gpus}}
    return NewJob(
        "simulation",
        name or (given if isinstance(given, str) else _name_of(simulation)),
        {"simulation": simulation, "task": "train"},
        _backend(backend, spot),
        int(asked.get("gpus") or 0) if gpus is None else gpus,
        Limits(_number(asked.get("memory_bytes")), _number(asked.get("wall_seconds")), spot),
        source,
    )


def _name_of(simulation: Mapping[str, Any]) -> str:
    plugin, environment = simulation.get("rl_plugin") or {}, simulation.get("environment") or {}
    return f"{plugin.get('name') or 'simulation'} on {environment.get('id') or 'its environment'}"[:200]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value else None


def new_batch(
    principal: db.Principal,
    given: Mapping[str, Any],
    *,
    name: str | None = None,
    backend: Backend | None = None,
    gpus: int | None = None,
    spot: bool | None = None,
    source: Source = "api",
) -> NewJob:
    """A job that asks a model about each line of a file. Raises BatchInvalid, BackendNotSetUp."""
    batch = batch_file.read(given)
    if "admin" not in principal.roles and (wrong := batch_file.from_outside(batch, jobs_service.owner(principal))):
        raise batch_file.BatchInvalid(wrong)
    told = {"batch": batch.model_dump(mode="json", exclude_none=True)}
    where, limits = _backend(backend, spot), Limits(spot=spot)
    return NewJob("batch_inference", name or "batch inference", told, where, gpus or 0, limits, source)


def _backend(name: Backend | None, spot: bool | None) -> Backend:
    chosen = name or settings().training_backend
    if (lacks := backends.missing(chosen, spot=spot is not False)) is not None:
        raise BackendNotSetUp(backend=chosen, reason=lacks)
    return chosen


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The places in which two configurations differ, with both values (None: there is none), by path."""
    from anima.neuromodulation import simulation

    return sorted(simulation.differences(a, b), key=itemgetter(0))


def kind_of(kind: Kind | None, simulation: object, batch: object) -> Kind:
    """Which kind of job a body asks for. Raises SimulationRefused where it names neither or both."""
    if (simulation is None) == (batch is None):
        wrong = [
            FieldError("simulation", "a simulation, or the name of a ready one"),
            FieldError("batch", "or a batch"),
        ]
        raise SimulationRefused(reason="a job has a simulation or a batch, and not both", fields=wrong)
    found: Kind = "simulation" if batch is None else "batch_inference"
    if kind is not None and kind != found:
        raise SimulationRefused(reason=f"this is {found}", fields=[FieldError("kind", found)])
    return found
