"""What is asked of the server about jobs: one by its name or id, its samples as they come, its progress in words."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, simulation_run
from anima.cli.connection import say
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ENDED = ("completed", "failed", "cancelled")
_LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0

Named = Annotated[str, typer.Argument(metavar="JOB", help="A job: its id, how that begins, or its name (the newest).")]


class NoSuchJob(AnimaError):
    """There is no job {name}; `anima jobs list` lists them."""

    slug = "no-such-job"


class JobFailed(AnimaError):
    """{name} failed: {reason}. `anima jobs logs {job_id}` shows its last lines."""

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
    """How far a job is, in words."""
    if job["status"] == "queued" and job.get("waiting_for"):
        return f"waits for {job['waiting_for']}"
    if job["step"] is None:
        return str(job["status"])
    told = {**(job["progress"] or {}), "step": job["step"], "of": job["of"]}
    return f"{job['status']}: {simulation_run.progress(told)}"


@contextmanager
def moving(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that moves in a terminal, else a line now and then, on the error output."""
    if quiet:
        yield lambda _words: None
        return
    if not sys.stderr.isatty():
        yield _NowAndThen()
        return
    from rich.console import Console

    with Console(stderr=True).status("waiting") as status:
        yield status.update


class _NowAndThen:
    """Says what is new every ten seconds."""

    def __init__(self) -> None:
        self._said, self._next = "", 0.0

    def __call__(self, words: str) -> None:
        if words != self._said and time.monotonic() >= self._next:
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
