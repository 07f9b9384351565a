"""Jobs as containers of this machine, by the command line of docker or podman."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from anima.kernel import db
from anima.kernel.config import settings
from anima.vendors.job_backends import JobsUnavailable
from anima.vendors.job_backends.local_training import LocalTraining
from anima.vendors.job_backends.training import JobOrder
from anima.vendors.job_contract import inherited

_SECONDS = 60.0


def program() -> str | None:
    """The command that runs containers here; None where there is none."""
    return shutil.which("docker") or shutil.which("podman")


class Containers(LocalTraining):
    """As children, each of them the command that runs a container in the foreground; the folder is its /opt/ml."""

    def command(self, order: JobOrder, place: Path) -> Sequence[str]:
        """What runs the container. Values of its environment stand in ours, where no list of processes shows them."""
        found = program()
        if found is None:
            raise JobsUnavailable(reason="there is neither docker nor podman on PATH")
        stores = settings().data_dir / "tensors"
        stores.mkdir(parents=True, exist_ok=True)
        arguments = [
            *(found, "run", "--rm", "--name", f"anima-{order.name}", "--network", settings().training_network),
            *(
                "--user",
                f"{os.getuid()}:{os.getgid()}",
                "--volume",
                f"{place}:/opt/ml",
                "--volume",
                f"{stores}:{stores}",
            ),
            *(flag for name in self.told(order) for flag in ("--env", name)),
        ]
        if order.memory_bytes is not None:
            arguments += ["--memory", str(order.memory_bytes)]
        if order.devices:
            arguments += ["--gpus", f'"device={",".join(order.devices)}"']
        return [*arguments, order.image or ""]

    def told(self, order: JobOrder) -> dict[str, str]:
        """What the container is told: which job, and where database and stores are."""
        configured = settings()
        job = "batch_inference" if "batch" in order.configuration else "simulate"
        known = {
            "ANIMA_JOB": job,
            "ANIMA_APP_DATABASE_URL": db.login_url("app"),
            "ANIMA_WORKER_DATABASE_URL": db.login_url("worker"),
            "ANIMA_TENSOR_STORE_URL": configured.tensor_store_url
            or (configured.data_dir / "tensors").absolute().as_uri(),
            "ANIMA_DATA_DIR": "/opt/ml/data",
        }
        if configured.object_store_url:
            known["ANIMA_OBJECT_STORE_URL"] = configured.object_store_url
            known["ANIMA_TENSOR_STORE_URL"] = configured.tensor_store_url or ""
        return {name: value for name, value in {**known, **order.environment}.items() if value}

    def surroundings(self, order: JobOrder, place: Path) -> dict[str, str]:  # noqa: ARG002
        """The environment of the command."""
        kept = {name: value for name, value in inherited().items() if not name.startswith("ANIMA_")}
        return {**kept, **self.told(order)}

    def end(self, process: Path, wanted: signal.Signals) -> None:
        """By the command, for the container is no child of it."""
        found = program()
        if found is None:
            super().end(process, wanted)
            return
        asked = [found, "kill", "--signal", wanted.name.removeprefix("SIG"), f"anima-{process.name}"]
        try:
            subprocess.run(asked, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise JobsUnavailable(reason=type(error).__name__) from error
