"""What is asked of the server about jobs: one by its name or id, its samples as they come, its progress in words."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from anima.cli import connection, simulation_run
from anima.cli.connection import say
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx

ENDED = ("completed", "failed", "cancelled")
_LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0

Named = Annotated[str, typer.Argument(metavar="JOB", help="A job: its id, how that begins, or its name (the newest).")]


class NoSuchJob(AnimaError):
    """There is no job {name}; `anima jobs list` lists them."""

    slug = "no-such-job"


class OutputTaken(AnimaError):
    """{output} is there already, and nothing is overwritten: name another one with --output."""

    slug = "output-taken"


class JobFailed(AnimaError):
    """{name} failed: {reason} `anima jobs logs {job_id}` shows its last lines."""

    slug = "job-failed"


def found(client: httpx.Client, given: str) -> dict[str, Any]:
    """The job that is meant. Raises NoSuchJob."""
    jobs = connection.everything(client, "/jobs")
    wanted = given.strip().lower()
    for job in jobs:
        if wanted == job["job_id"]:
            return job
    named = [job for job in jobs if wanted == str(job["name"]).lower()]
    begun = [job for job in jobs if len(wanted) >= 4 and str(job["job_id"]).startswith(wanted)]
    if found := named or begun:
        return found[0]
    raise NoSuchJob(name=given)


def progress(job: dict[str, Any]) -> str:
    """The state of a job, and how far it is, in words."""
    return f"{job['status']}: {came(job)}".removesuffix(": ")


def came(job: dict[str, Any]) -> str:
    """How far a job is, in words: steps of a simulation, lines of a batch."""
    if job["status"] == "queued" and job.get("waiting_for"):
        return f"waits for {job['waiting_for']}"
    if job["step"] is None:
        return ""
    if job["kind"] == "batch_inference":
        return f"{job['step']:,} of {job['of']:,} lines" if job["of"] else f"{job['step']:,} lines"
    return simulation_run.progress({**(job["progress"] or {}), "step": job["step"], "of": job["of"]})


def simulation_of(job: dict[str, Any]) -> dict[str, Any]:
    """The simulation file of a job."""
    found: dict[str, Any] = job["configuration"].get("simulation", job["configuration"])
    return found


def without_lines(job: dict[str, Any]) -> dict[str, Any]:
    """A job without the lines of its batch, which may be thousands: how many there are in their place."""
    batch = job["configuration"].get("batch")
    if not isinstance(batch, dict) or not isinstance(lines := batch.get("lines"), list):
        return job
    return {**job, "configuration": {**job["configuration"], "batch": {**batch, "lines": len(lines)}}}


def free(to: Path) -> Path:
    """A place for answers where nothing lies yet. Raises OutputTaken."""
    to = to.expanduser().resolve()
    if to.exists():
        raise OutputTaken(output=to)
    return to


def fetched(client: httpx.Client, job: dict[str, Any], to: Path) -> Path:
    """Writes the answers of a job, whole or not at all; where they are. Raises OutputTaken."""
    to = free(to)
    new = to.with_name(to.name + ".new")
    with client.stream("GET", f"/jobs/{job['job_id']}/answers") as response:
        if not response.is_success:
            response.read()
            raise connection.refusal(response)
        with new.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
    new.replace(to)
    return to


class Tell(Protocol):
    """Says how far something is; the last word of it stays, and is said once."""

    def __call__(self, words: str, *, last: bool = False) -> None: ...


@contextmanager
def moving(*, quiet: bool) -> Iterator[Tell]:
    """A line that moves in a terminal, else a line now and then, on the error output."""
    if quiet:
        yield lambda words, *, last=False: None  # noqa: ARG005
        return
    if not sys.stderr.isatty():
        yield _NowAndThen()
        return
    from rich.console import Console

    with Console(stderr=True).status("waiting") as status:

        def tell(words: str, *, last: bool = False) -> None:
            status.update(words)
            if last:
                say(words)

        yield tell


class _NowAndThen:
    """Says what is new every ten seconds, and at last."""

    def __init__(self) -> None:
        self._said, self._next = "", 0.0

    def __call__(self, words: str, *, last: bool = False) -> None:
        if words != self._said and (last or time.monotonic() >= self._next):
            say(words)
            self._said, self._next = words, time.monotonic() + _LINE_SECONDS


def followed(client: httpx.Client, job: dict[str, Any], *, quiet: bool) -> dict[str, Any] | None:
    """Watches a job to its end, or until it is paused; None where Ctrl-C left it alone."""
    place = f"/jobs/{job['job_id']}"
    try:
        with moving(quiet=quiet) as tell:
            while job["status"] not in ENDED and job["status"] != "paused":
                tell(progress(job))
                time.sleep(_LOOK_SECONDS)
                job = connection.checked(client.get(place))
    except KeyboardInterrupt:
        return None
    return job


def samples(client: httpx.Client, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Live samples of a job until it ends; a line that was cut is taken up again."""
    last = -1
    while True:
        with client.stream("GET", f"/jobs/{job['job_id']}/live") as response:
            if not response.is_success:
                response.read()
                raise connection.refusal(response)
            name = "message"
            for line in response.iter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:") and name == "sample":
                    sample: dict[str, Any] = json.loads(line[5:])
                    if sample["step"] > last:
                        last = sample["step"]
                        yield sample
                elif line.startswith("data:") and name == "end":
                    return
        job = connection.checked(client.get(f"/jobs/{job['job_id']}"))
        if job["status"] in ENDED or job["status"] == "paused":
            return
