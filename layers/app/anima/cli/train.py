"""`anima train`: a simulation as a job of the server, here, in a container or in a cloud; and how jobs are begun."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, job_child, jobs_reading, output, simulation_source
from anima.cli.connection import say

if TYPE_CHECKING:
    import httpx

Backend = Annotated[
    Literal["local", "container", "sagemaker", "batch"] | None,
    typer.Option(help="Where it runs. Not given: where the server's settings say, else on its machine."),
]
Gpus = Annotated[int | None, typer.Option(min=0, max=64, help="GPUs that it needs. Not given: as its file says.")]
Spot = Annotated[
    bool | None,
    typer.Option("--spot/--on-demand", help="In a cloud: on capacity that may be taken away. Not given: on spot."),
]
Name = Annotated[str | None, typer.Option(help="What it is called. Not given: as the file.")]
Watch = Annotated[bool, typer.Option("--watch/--detach", help="Stay and watch, or leave it alone at once.")]


COUNTED = {
    "lines": "{:,} lines",
    "failed": "{:,} without an answer",
    "tokens": "{:,} tokens",
    "cache_hits": "{:,} from the cache",
    "cache_saved_tokens": "which saved {:,} tokens",
}
"""What a batch counts, in words."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("train")(train)


def train(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A simulation file, or the name of a ready one.")],
    backend: Backend = None,
    gpus: Gpus = None,
    spot: Spot = None,
    name: Name = None,
    watch: Watch = True,
    as_json: output.AsJson = False,
) -> None:
    """Train as a job of the server, which goes on whatever becomes of this command."""
    source = simulation_source.found(file)
    read = simulation_source.checked(source, simulation_source.winners())
    work = {"kind": "simulation", "simulation": json.loads(read.dumps())}
    with connection.connected() as client:
        work |= {"name": name or source.name, "backend": backend, "gpus": gpus, "spot": spot}
        job = begun(client, work, quiet=as_json)
        ended = stayed(client, job, quiet=as_json) if watch else None
    if ended is not None:
        tell_end(ended, as_json)
    elif as_json:
        output.print_json(job)


def begun(client: httpx.Client, work: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """A new job of the server; what is None is left to it. Raises ServerRefused."""
    body = {**{name: value for name, value in work.items() if value is not None}, "source": "cli"}
    job: dict[str, Any] = connection.checked(client.post("/jobs", json=body))
    if not quiet:
        say(f"{job['name']} is job {job['job_id']} ({job['backend']})")
        say(f"watch it at {str(client.base_url).partition('/api/')[0]}/#/learning/{job['job_id']}")
    return job


def stayed(client: httpx.Client, job: dict[str, Any], *, quiet: bool) -> dict[str, Any] | None:
    """The job at its end; None where Ctrl-C left it alone."""
    if not quiet:
        say("Ctrl-C leaves it alone: it goes on")
    ended = jobs_reading.followed(client, job, quiet=quiet)
    if ended is None:
        say(f"\nleft alone: it goes on; `anima jobs show {job['job_id']}` says how far it is")
    return ended


def tell_end(job: dict[str, Any], as_json: bool) -> None:
    """How a job ended. Raises JobFailed, typer.Exit(1) where it was cancelled."""
    if as_json:
        output.print_json(job)
    elif job["status"] != "failed":
        print(f"{job['name']} is {job['status']}: {', '.join(_result(job))}".rstrip(": "))
    if job["status"] == "failed":
        raise jobs_reading.JobFailed(
            name=job["name"], reason=job_child.sentence(str(job["error"])), job_id=job["job_id"]
        )
    if job["status"] == "cancelled":
        raise typer.Exit(1)


def _result(job: dict[str, Any]) -> list[str]:
    """What came of it, in words."""
    result = job.get("result") or {}
    told = [f"{job['step']:,} steps"] if job["step"] is not None and job["kind"] == "simulation" else []
    if result.get("last_100") is not None:
        told.append(f"return {result['last_100']:.1f} over the last 100 episodes")
    told += [words.format(result[name]) for name, words in COUNTED.items() if isinstance(result.get(name), int)]
    if model := job.get("registered_model"):
        told.append(f"kept as the model {model['name']}@{model['version']}")
    return told
