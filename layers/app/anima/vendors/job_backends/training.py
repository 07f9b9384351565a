"""Where training, simulation and batch inference run: child processes, containers, SageMaker, AWS Batch.

All of them run the same script by the same contract (`gpu_jobs/README.md`); an attempt is started once by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError

NAMES: Final = ("local", "container", "sagemaker", "batch")
State = Literal["running", "ended", "lost"]


class NotSetUp(AnimaError):
    """The backend cannot be used here: {reason}."""

    slug = "backend-not-set-up"


@dataclass(frozen=True, slots=True)
class JobOrder:
    """An attempt that is to run: `name` is its own, `job` that of all attempts, which share folder and checkpoints."""

    name: str
    job: str
    script: str
    configuration: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    memory_bytes: int | None = None
    wall_seconds: int | None = None
    image: str | None = None
    input_uri: str | None = None
    output_uri: str | None = None
    spot: bool = True
    """On capacity that may be taken away, where the backend has such."""
    ended: Callable[[], None] = lambda: None
    """Called when a child has ended, by the process that started it, while that lives."""

    @property
    def gpus(self) -> int:
        """How many GPUs it has."""
        return len(self.devices)


@dataclass(frozen=True, slots=True)
class Seen:
    """How an attempt is: running, ended with an exit code, or lost without a word. `reason` is in its own words."""

    state: State
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Lines that a job wrote, and where to read on."""

    lines: tuple[str, ...]
    since: str


class TrainingBackend(Protocol):
    """Where jobs run. Every call may come twice; JobsUnavailable is raised where it cannot be done now."""

    def start(self, order: JobOrder) -> str:
        """Starts an attempt, unless one of its name was started; answers its handle."""

    def look(self, handle: str) -> Seen:
        """How the attempt is."""

    def stop(self, handle: str) -> None:
        """Asks it to write a checkpoint and end; called again after a while it is ended."""

    def logs(self, handle: str, since: str | None = None) -> Written:
        """What it has written since."""

    def result(self, handle: str) -> dict[str, Any] | None:
        """What stands in its `model/result.json`."""

    def folder(self, handle: str) -> Path | None:
        """Its folder, where that is on this machine."""

    def remove(self, handle: str) -> None:
        """Removes what it left, but what it wrote into stores."""


@lru_cache(maxsize=8)
def _made(name: str, data_dir: Path) -> TrainingBackend:
    if name == "local":
        from anima.vendors.job_backends.local_training import LocalTraining

        return LocalTraining(data_dir / "jobs")
    if name == "container":
        from anima.vendors.job_backends.container import Containers

        return Containers(data_dir / "jobs")
    if name == "sagemaker":
        from anima.vendors.job_backends.sagemaker import SageMaker

        return SageMaker()
    from anima.vendors.job_backends.batch import Batch

    return Batch()


def backend(name: str) -> TrainingBackend:
    """The backend of a name. Raises NotSetUp where its settings are missing."""
    if (lacks := missing(name)) is not None:
        raise NotSetUp(reason=lacks)
    return _made(name, settings().data_dir)


def missing(name: str, *, spot: bool = True, here: bool = False) -> str | None:
    """What a backend needs and has not, for a job on `spot` or on demand; None where it can be used.

    What a state machine brings is not asked for where it is begun; `here` is in one of its tasks, which has it all.
    """
    configured = settings()
    if name == "container":
        from anima.vendors.job_backends.container import program

        if program() is None:
            return "there is neither docker nor podman on PATH"
        return None if configured.training_image else "ANIMA_TRAINING_IMAGE names no image"
    if name in ("sagemaker", "batch"):
        alone = configured.training_machine is None  # a state machine brings these itself
        needed = {
            "ANIMA_TRAINING_IMAGE": configured.training_image or name == "batch" or not alone,
            "ANIMA_TRAINING_ROLE": configured.training_role or name == "batch" or not alone,
            "ANIMA_TRAINING_QUEUE": configured.training_queue or name == "sagemaker" or not alone,
            "ANIMA_TRAINING_DEFINITION": configured.training_definition or name == "sagemaker" or not alone,
            "ANIMA_TRAINING_ON_DEMAND_QUEUE": configured.training_on_demand_queue
            or spot
            or name == "sagemaker"
            or not (alone or here),
            "ANIMA_OBJECT_STORE_URL (s3://…)": (configured.object_store_url or "").startswith("s3://"),
        }
        lacking = [one for one, given in needed.items() if not given]
        return f"{', '.join(lacking)} must be set" if lacking else None
    return None


def running_here() -> bool:
    """Whether a job's process is there on this machine."""
    from anima.vendors.job_backends.local_training import any_alive

    return any_alive(settings().data_dir / "jobs")
