"""`anima simulate`: a run of one simulation file on this machine, without server and without database."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import job_child, output, simulation_run, simulation_source
from anima.cli.connection import say
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from anima.neuromodulation.simulation import Simulation

_STOPPED = 130


class NotResumable(AnimaError):
    """{folder} holds no run: there is no {missing} in it."""

    slug = "no-run-there"


class NothingLearnt(AnimaError):
    """{folder} holds no weights: the run has not come to its end; `anima simulate --resume {folder}` goes on."""

    slug = "nothing-learnt"


class FolderTaken(AnimaError):
    """{folder} holds a run already: go on with `anima simulate --resume {folder}`, or name another folder."""

    slug = "run-folder-taken"


class AlreadyFurther(AnimaError):
    """The run in {folder} has come to step {step} already: MAX_STEPS={steps} is less."""

    slug = "run-already-further"
    status = 400


class ManyFilesAsked(AnimaError):
    """Say one of FILE, --list, --show, --check, --resume and --play."""

    slug = "one-thing-at-a-time"
    status = 400


class EnvironmentUnfit(AnimaError):
    """{name} is valid, but its environment is of no use here: {reason}"""

    slug = "environment-unfit"
    status = 400


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("simulate")(simulate)


def simulate(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A simulation file, or the name of a ready one: max.")
    ] = None,
    list_ready: Annotated[bool, typer.Option("--list", help="List the ready files.")] = False,
    show: Annotated[str | None, typer.Option(metavar="NAME", help="Print a ready file, to begin one's own.")] = None,
    check: Annotated[
        str | None, typer.Option(metavar="FILE", help="Only say what is wrong with it and its environment.")
    ] = None,
    live: Annotated[
        bool | None, typer.Option("--live/--no-live", help="With a page to watch it on. Not given: as the file has it.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the run is kept. Not given: runs/NAME-TIME.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Go on with the run that lies there.")] = None,
    play: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Let what was learnt there play greedy episodes.")
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, max=10_000, help="With --play: how many.")] = 10,
    as_json: output.AsJson = False,
) -> None:
    """Let an agent learn, and watch it. MODE, MAX_STEPS and SEED in the environment win over the file."""
    if sum((file is not None, list_ready, *(each is not None for each in (show, check, play)))) > 1:
        raise ManyFilesAsked
    if list_ready:
        _list(as_json)
    elif show is not None:
        print(simulation_source.ready(show).text.rstrip())
    elif check is not None:
        _check(check, as_json)
    elif play is not None:
        _play(play, episodes, as_json)
    elif resume is not None:
        _resume(resume, file, live, as_json)
    elif file is not None:
        _begin(file, folder, live, as_json)
    else:
        raise typer.BadParameter("say which FILE; `anima simulate --list` lists the ready ones")


def _list(as_json: bool) -> None:
    from anima.neuromodulation import simulation

    rows = []
    for name in simulation.SHIPPED:
        read = simulation_source.checked(simulation_source.ready(name))
        told = {"environment": read.environment.id, "steps": read.global_settings.max_steps}
        rows.append({"name": name, **told, "physics": read.physics().label})
    output.print_rows(rows, ["name", "environment", "steps", "physics"], as_json=as_json, empty="")


def _check(given: str, as_json: bool) -> None:
    source = simulation_source.found(given)
    read = simulation_source.checked(source, simulation_source.winners())
    whole = json.loads(read.dumps())
    if find_spec("gymnasium") is None:
        say("whether there is such an environment was not looked at: gymnasium is not installed here")
    elif (reason := simulation_run.unfit(whole)) is not None:
        raise EnvironmentUnfit(name=source.name, reason=reason)
    if as_json:
        output.print_json(whole)
    else:
        print(f"{source.name} is valid: {read.environment.id}, {read.physics().label}, {_steps(read)}")


def _steps(read: Simulation) -> str:
    return f"{read.global_settings.max_steps:,} steps, seed {read.global_settings.seed}"


def _begin(given: str, folder: Path | None, live: bool | None, as_json: bool) -> None:
    source = simulation_source.found(given)
    read = simulation_source.checked(source, simulation_source.winners())
    place = (folder or Path("runs") / f"{source.name}-{time.strftime('%Y%m%d-%H%M%S')}").expanduser().resolve()
    if job_child.configuration(place).exists():
        raise FolderTaken(folder=place)
    _run(place, read, source.name, live, as_json)


def _resume(folder: Path, given: str | None, live: bool | None, as_json: bool) -> None:
    """Goes on with the same file: another one would be another run. How long it is may change."""
    place = folder.expanduser().resolve()
    source = simulation_source.Source(place.name, json.dumps(_kept(place)["simulation"]))
    winners = {name: value for name, value in simulation_source.winners().items() if name == "MAX_STEPS"}
    read = simulation_source.checked(source, winners)
    if given is not None:
        _same(simulation_source.checked(simulation_source.found(given), simulation_source.winners()), read, given)
    steps, step = read.global_settings.max_steps, simulation_run.last_sample(place).get("step", 0)
    if winners and steps < step:
        raise AlreadyFurther(folder=place, step=step, steps=steps)
    _run(place, read, place.name, live, as_json)


def _same(given: Simulation, kept: Simulation, name: str) -> None:
    from anima.neuromodulation import simulation

    other = [path for path, *_ in simulation.difference(given, kept) if not path.endswith("max_steps")]
    if other:
        raise AnotherFile(name=name, paths=", ".join(other))


class AnotherFile(AnimaError):
    """{name} says something else than the run that lies there ({paths}): begin a new run with it."""

    slug = "another-simulation-file"


def _play(folder: Path, episodes: int, as_json: bool) -> None:
    place = folder.expanduser().resolve()
    kept = _kept(place)
    weights = place / "model" / "weights.safetensors"
    if not weights.is_file():
        raise NothingLearnt(folder=place)
    tell_played(simulation_run.play(kept["simulation"], weights, episodes), as_json)


def tell_played(told: dict[str, Any], as_json: bool) -> None:
    """What greedy episodes returned."""
    if as_json:
        output.print_json(told)
        return
    returns = told["returns"]
    print(f"{len(returns)} greedy episodes, return {told['return_mean']:.1f} on average")
    print(" ".join(f"{one:g}" for one in returns))


def _kept(place: Path) -> dict[str, Any]:
    path = job_child.configuration(place)
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotResumable(folder=place, missing=path.relative_to(place)) from None
    if not isinstance(kept.get("simulation"), dict):  # a batch, say
        raise NotResumable(folder=place, missing="simulation")
    return kept


def _run(place: Path, read: Simulation, name: str, live: bool | None, as_json: bool) -> None:
    """Runs it to its end, and says where everything lies. Raises typer.Exit(130) where it was stopped."""
    whole = json.loads(read.dumps())
    if live is not None:
        whole["visualisation"]["enable_live_plot"] = live
    job_child.prepare(place, {"simulation": whole, "task": "train"})
    title = f"{name}: {read.environment.id}, {read.physics().label}, {_steps(read)}"
    ended = simulation_run.run(place, title, quiet=as_json)
    told = {"folder": str(place), "stopped": ended.stopped, **ended.last}
    if as_json:
        output.print_json(told)
    else:
        for line in simulation_run.words(place, ended):
            print(line)
    if ended.stopped:
        raise typer.Exit(_STOPPED)
