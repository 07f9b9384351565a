"""`anima jobs`: training and batch work of the server; seen, compared, stopped, resumed, played."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, jobs_compare, jobs_playing, jobs_reading, model_runs, output, simulation_run
from anima.cli.connection import say
from anima.cli.jobs_reading import Named
from anima.vendors import job_contract

if TYPE_CHECKING:
    import httpx

app = typer.Typer(help="Jobs: training runs and batches that the server has done.", no_args_is_help=True)

_COLUMNS = ["job_id", "name", "status", "backend", "progress", "created_at"]
_LOGS_SECONDS = 1.0
_MOST_SHOWN = 10
Status = Literal["queued", "starting", "running", "stopping", "paused", "completed", "failed", "cancelled"]


app.command("compare")(jobs_compare.compare)
app.command("play")(jobs_playing.play)


@app.command("list")
def list_jobs(
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    kind: Annotated[Literal["simulation", "batch_inference"] | None, typer.Option(help="Only those.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """List jobs, the newest first."""
    only = {name: value for name, value in {"status": status, "kind": kind}.items() if value}
    with connection.connected() as client:
        jobs = connection.everything(client, "/jobs", **only)
    rows = jobs if as_json else [{**job, "progress": jobs_reading.came(job)} for job in jobs]
    empty = "no such jobs; `anima jobs list` lists all" if only else "no jobs; `anima train cartpole` begins one"
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty=empty)


@app.command("show")
def show(job: Named, as_json: output.AsJson = False) -> None:
    """Show a job: its state, how far it is, where it runs, why it failed, what came of it."""
    with connection.connected() as client:
        known = connection.checked(client.get(f"/jobs/{jobs_reading.found(client, job)['job_id']}"))
    if not as_json:
        rest = {name: value for name, value in known.items() if name != "configuration"}
        known = rest | {"result": _short(known["result"])} | _set_up(known)
    output.print_fields(known, as_json=as_json)


def _short(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """A result without its long lists: how many there are in their place."""
    if result is None:
        return None
    return {
        name: f"{len(value)} of them" if isinstance(value, list) and len(value) > _MOST_SHOWN else value
        for name, value in result.items()
    }


def _set_up(job: dict[str, Any]) -> dict[str, Any]:
    """How a job was set up, in short: of a simulation what is not as by default, of a batch all but its lines."""
    if job["kind"] != "simulation":
        return {"batch": jobs_reading.without_lines(job)["configuration"].get("batch")}
    from anima.neuromodulation import simulation

    try:
        read, usual = (simulation.read_object(one, {}) for one in (jobs_reading.simulation_of(job), {}))
    except simulation.SimulationInvalid:  # of another version of the house
        return {"simulation": jobs_reading.simulation_of(job)}
    return {"simulation": {path: value for path, value, _ in simulation.difference(read, usual)}}


@app.command("logs")
def logs(
    job: Named,
    follow: Annotated[bool, typer.Option("--follow", help="Stay, and print what comes.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Print the last lines that a job wrote."""
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        if as_json:
            output.print_json(connection.everything(client, f"/jobs/{known['job_id']}/logs"))
            return
        none = True
        for line in _lines(client, known, follow):
            print(output.tame(line), flush=True)
            none = False
    if none:
        say("it wrote nothing but its progress")


def _lines(client: httpx.Client, job: dict[str, Any], follow: bool) -> Iterator[str]:
    """The lines that a job wrote; with `follow` those that come, until it has ended."""
    place, after = f"/jobs/{job['job_id']}", -1
    while True:
        over = connection.checked(client.get(place))["status"] in (*jobs_reading.ENDED, "paused")
        for line in connection.everything(client, f"{place}/logs", **({"after": after} if after >= 0 else {})):
            after = line["seq"]
            yield line["line"]
        if over or not follow:
            return
        time.sleep(_LOGS_SECONDS)


@app.command("answers")
def answers(
    job: Named,
    out: Annotated[Path | None, typer.Option("--output", help="Where they go. Not given: NAME.out.jsonl.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Fetch the answers of a batch that has come to its end."""
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        to = jobs_reading.fetched(client, known, out or answers_of(known["name"]))
    if as_json:
        output.print_json({"job_id": known["job_id"], "output": str(to)})
    else:
        print(f"the answers are in {to}")


def answers_of(name: str) -> Path:
    """Where the answers of a job of this name go: here, also where the name looks like a path."""
    return Path(job_contract.answers_name(name))


@app.command("metrics")
def metrics(
    job: Named,
    names: Annotated[list[str] | None, typer.Option("--name", help="Only this metric; may be repeated.")] = None,
    points: Annotated[int, typer.Option(help="Into so many buckets of steps.", min=1, max=2000)] = 40,
    as_json: output.AsJson = False,
) -> None:
    """Show what a job measured; a curve for each metric."""
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        asked: dict[str, Any] = {"points": points, **({"name": names} if names else {})}
        series = connection.checked(client.get(f"/jobs/{known['job_id']}/metrics", params=asked))["series"]
    if as_json:
        output.print_json(series)
        return
    rows = [{"metric": _name(one), "steps": f"{one['first_step']}-{one['last_step']}", **_curve(one)} for one in series]
    columns = ["metric", "steps", "values", "least", "last", "curve"]
    output.print_rows(rows, columns, as_json=False, empty="nothing was measured yet")


def _name(one: dict[str, Any]) -> str:
    name = str(one["name"] if one["scope"] == "train" else f"{one['scope']}/{one['name']}")
    return f"{name} (nM)" if name.startswith("c.") else name


def _curve(one: dict[str, Any]) -> dict[str, Any]:
    from anima.registry.metrics_model import Bucket

    least = [bucket["minimum"] for bucket in one["buckets"] if bucket["minimum"] is not None]
    drawn = model_runs.curve_of([Bucket(**bucket) for bucket in one["buckets"]])
    told = {"least": f"{min(least):.4g}" if least else None, "curve": drawn, "values": one["values"]}
    return {**told, "last": None if one["last"] is None else f"{one['last']:.4g}"}


@app.command("live")
def live(job: Named, as_json: output.AsJson = False) -> None:
    """Watch a job as it runs, ten times a second; Ctrl-C leaves it alone. With --json a line for each sample."""
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        if not as_json:
            say(f"in the browser: {str(client.base_url).partition('/api/')[0]}/visualisation?job={known['job_id']}")
        try:
            with jobs_reading.moving(quiet=as_json) as tell:
                for sample in jobs_reading.samples(client, known):
                    if as_json:
                        print(json.dumps(sample), flush=True)
                    else:
                        tell(simulation_run.of_sample(sample))
        except KeyboardInterrupt:
            say("\nleft alone: it goes on")


@app.command("cancel")
def cancel(job: Named, as_json: output.AsJson = False) -> None:
    """End a job; what it kept stays."""
    _change(job, "cancel", as_json)


@app.command("pause")
def pause(job: Named, as_json: output.AsJson = False) -> None:
    """Stop a job where it is whole; `resume` lets it go on."""
    _change(job, "pause", as_json)


@app.command("resume")
def resume(job: Named, as_json: output.AsJson = False) -> None:
    """Let a job go on from its last checkpoint."""
    _change(job, "resume", as_json)


def _change(job: str, how: str, as_json: bool) -> None:
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        changed = connection.checked(client.post(f"/jobs/{known['job_id']}/{how}"))
    if as_json:
        output.print_json(changed)
    else:
        print(f"{changed['name']} is {changed['status']}")


@app.command("delete")
def delete(job: Named, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a job that has ended, with its logs; the model that it made stays."""
    with connection.connected() as client:
        known = jobs_reading.found(client, job)
        if not yes:
            typer.confirm(f"Delete {known['name']}?", abort=True, err=True)
        connection.checked(client.delete(f"/jobs/{known['job_id']}"))
    print(f"{known['name']} is deleted")
