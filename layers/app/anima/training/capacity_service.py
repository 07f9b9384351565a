"""How much room there is for jobs."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db
from anima.kernel.config import settings
from anima.training import jobs_service
from anima.vendors.job_backends import training as backends


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is lent out all in all, what of it is free, how many wait, and where jobs can run."""

    gpus: int
    gpus_free: int
    processes: int
    processes_free: int
    waiting: int
    backends: list[str]


def capacity(principal: db.Principal) -> Capacity:
    """Of everybody together."""
    room, configured = jobs_service.room(principal), settings()
    return Capacity(
        configured.training_gpus,
        max(0, configured.training_gpus - room.gpus_lent),
        configured.training_processes,
        max(0, configured.training_processes - room.processes_here),
        room.waiting,
        [name for name in backends.NAMES if backends.missing(name) is None],
    )
