"""Jobs at home: the same script as in the cloud, as a child process in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from anima.vendors.job_backends import Configuration, JobsUnavailable


class LocalJobs:
    """Runs one script, `folder/<name>` being the place of each job's configuration, checkpoints and result."""

    def __init__(self, script: Path, folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self._script = script
        self._folder = folder
        self._environment = environment
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, name: str, configuration: Configuration) -> None:
        """Starts the script, unless a job of this name was started in this folder. Raises JobsUnavailable."""
        place = self._folder / name
        with self._lock:
            try:
                place.mkdir(parents=True)
            except FileExistsError:
                return
            except OSError as error:
                raise JobsUnavailable(reason=error.strerror or "no folder") from error
            self._write(place, configuration)
            self._children[name] = self._run(place)

    def restart(self, name: str) -> None:
        """Runs a job again that has ended, from its checkpoints. Raises KeyError for one that was not started here."""
        with self._lock:
            if self._children[name].poll() is not None:
                self._children[name] = self._run(self._folder / name)

    def wait(self, name: str, seconds: float | None = None) -> int:
        """The exit code of a job; raises subprocess.TimeoutExpired where it takes longer than `seconds`."""
        return self._children[name].wait(seconds)

    def stop(self, name: str) -> None:
        """Asks a job to write a checkpoint and end."""
        self._children[name].terminate()

    def reason(self, name: str) -> str | None:
        """Why a job failed, in its own words; None where it left none."""
        path = self._folder / name / "output" / "failure"
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None

    def _write(self, place: Path, configuration: Configuration) -> None:
        path = place / "input" / "config" / "hyperparameters.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(dict(configuration)), encoding="utf-8")

    def _run(self, place: Path) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._environment, "ANIMA_JOB_DIR": str(place)}
        with (place / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(self._script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
