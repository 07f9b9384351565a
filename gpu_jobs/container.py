"""What the image of jobs starts with: gives a job what its contract promises, wherever the container runs.

    ANIMA_JOB=simulate python gpu_jobs/container.py

1. The environment: ANIMA_JOB_SECRET names a secret (Secrets Manager) whose JSON has variables, the database's URLs.
2. The files: SageMaker brings and fetches them itself; elsewhere ANIMA_JOB_INPUT, ANIMA_JOB_CHECKPOINTS and
   ANIMA_JOB_OUTPUT (`s3://…/`) are copied in before, and out meanwhile and after. A `hyperparameters.json` among the
   input is the configuration.
3. The job itself (ANIMA_JOB: simulate or batch_inference), a child. SIGTERM is passed on, its exit code is ours.
4. The one who waits: with ANIMA_JOB_TOKEN a state machine hears a heartbeat a minute, and how it ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anima.vendors.job_contract import BAD_CONFIGURATION, fail

SCRIPTS = {"simulate": "simulate/simulate.py", "batch_inference": "batch_inference/batch_inference.py"}
HEARTBEAT_SECONDS = 60
MOST_WORDS = 32_000
"""Characters of a cause; Step Functions takes 32,768."""


def main() -> int:
    folder = Path(os.environ.get("ANIMA_JOB_DIR", "/opt/ml"))
    token = os.environ.pop("ANIMA_JOB_TOKEN", "")
    job = os.environ.pop("ANIMA_JOB", "") or "simulate"
    if job not in SCRIPTS:
        reason = f"there is no job {job!r}; there are {', '.join(SCRIPTS)}"
        return tell(token, fail(folder, reason, BAD_CONFIGURATION), folder)
    know(os.environ.pop("ANIMA_JOB_SECRET", ""))
    checkpoints = Copies(folder / "checkpoints", os.environ.pop("ANIMA_JOB_CHECKPOINTS", ""))
    bring(folder, os.environ.pop("ANIMA_JOB_INPUT", ""))
    checkpoints.bring()
    output = os.environ.pop("ANIMA_JOB_OUTPUT", "")
    code = run(Path(__file__).parent / SCRIPTS[job], checkpoints, token)
    checkpoints.send()
    for name in ("model", "output"):
        Copies(folder / name, f"{output}{name}/" if output else "").send()
    return tell(token, code, folder)


def know(secret: str) -> None:
    """Takes the variables of a secret into the environment; empty ones are left out, as those that came empty."""
    if secret:
        import boto3

        told = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        os.environ.update({str(name): str(value) for name, value in json.loads(told).items()})
    for name in [name for name, value in os.environ.items() if name.startswith("ANIMA_") and not value]:
        del os.environ[name]


def bring(folder: Path, uri: str) -> None:
    """Copies the input, and puts the configuration where it is looked for."""
    given = folder / "input" / "data" / "config"
    Copies(given, uri).bring()
    place = folder / "input" / "config" / "hyperparameters.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    if (given / place.name).is_file():
        shutil.copyfile(given / place.name, place)
    elif not place.exists():
        place.write_text(os.environ.pop("ANIMA_JOB_CONFIG", "{}"), encoding="utf-8")


def run(script: Path, checkpoints: Copies, token: str) -> int:
    """Runs the job to its end; meanwhile checkpoints are copied out and the one who waits hears of it."""
    early: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    child = subprocess.Popen([sys.executable, str(script)])
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    if early:
        child.terminate()
    while True:
        try:
            code = child.wait(HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            if not beat(checkpoints, token):
                child.terminate()
        else:
            return code if code >= 0 else 128 - code  # killed by a signal, as a shell says it


def beat(checkpoints: Copies, token: str) -> bool:
    """Copies checkpoints out and lets the one who waits hear of it; False when nobody waits any more.

    Another attempt may be running then, and two must not write one run. A network that fails for once is no reason.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        checkpoints.send()
        if token:
            machine().send_task_heartbeat(taskToken=token)
    except (BotoCoreError, ClientError) as error:
        print(json.dumps({"unheard": " ".join(str(error).split())}), flush=True)
        code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
        return code not in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
    return True


def tell(token: str, code: int, folder: Path) -> int:
    """Tells the state machine that waits how the job ended; answers the exit code."""
    if token and code == 0:
        machine().send_task_success(taskToken=token, output="{}")
    elif token:
        failure = folder / "output" / "failure"
        reason = failure.read_text(encoding="utf-8") if failure.is_file() else ""
        cause = json.dumps({"ExitCode": code, "Reason": reason.strip()})[:MOST_WORDS]
        machine().send_task_failure(taskToken=token, error="States.TaskFailed", cause=cause)
    return code


def machine() -> Any:
    import boto3

    return boto3.client("stepfunctions")


class Copies:
    """A folder and its copy in S3; without an address it is the folder alone."""

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        self._sent: dict[str, tuple[int, int]] = {}

    def bring(self) -> None:
        """Copies everything in."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for key in self._keys():
            target = self._folder / key.removeprefix(self._prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._s3().download_file(self._bucket, key, str(target))
        self._sent = self._here()

    def send(self) -> None:
        """Copies out what is new or changed, then removes from the copy what is no longer here."""
        if not self._bucket:
            return
        here = self._here()
        for name in sorted(name for name, state in here.items() if self._sent.get(name) != state):
            self._s3().upload_file(str(self._folder / name), self._bucket, self._prefix + name)
        for name in self._sent.keys() - here.keys():
            self._s3().delete_object(Bucket=self._bucket, Key=self._prefix + name)
        self._sent = here

    def _here(self) -> dict[str, tuple[int, int]]:
        """The files by name; not those that are being written, whose names are to be changed when they are whole."""
        found = {}
        for path in self._folder.rglob("*"):
            if path.is_file() and path.suffix not in (".tmp", ".draft"):
                state = path.stat()
                found[path.relative_to(self._folder).as_posix()] = (state.st_size, state.st_mtime_ns)
        return found

    def _keys(self) -> Iterator[str]:
        if self._bucket:
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            yield from (one["Key"] for page in pages for one in page.get("Contents", ()) if one["Key"][-1] != "/")

    def _s3(self) -> Any:
        import boto3

        return boto3.client("s3")


if __name__ == "__main__":
    sys.exit(main())
