"""`anima infer`: a file of prompts or texts, each answered once; as a job of the server, or on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, jobs_reading, output, simulation_run, train
from anima.cli.connection import say
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx

_STOPPED = 130


class NotLines(AnimaError):
    """{file} is not one JSON object a line: line {number} is not."""

    slug = "not-json-lines"


class TooManyLines(AnimaError):
    """{file} has {lines} lines, and the server takes {most} in one job: cut it, or add --here (without server)."""

    slug = "too-many-lines"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("infer")(infer)


def infer(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines of JSON: id, and prompt, messages or text.")],
    out: Annotated[Path | None, typer.Option("--output", help="Where answers go. Not given: FILE.out.jsonl.")] = None,
    engine: Annotated[
        Literal["local", "openai", "transformer", "embeddings"], typer.Option(help="What answers.")
    ] = "local",
    model: Annotated[str | None, typer.Option(help="Which model: a name, or of a transformer NAME@VERSION.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0: the same answer each time.", min=0, max=10)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer.", min=1)] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Keep attention patterns (transformer).")] = False,
    here: Annotated[bool, typer.Option("--here", help="Without server; again, it goes on where it was.")] = False,
    backend: train.Backend = None,
    gpus: train.Gpus = None,
    name: train.Name = None,
    as_json: output.AsJson = False,
) -> None:
    """Answer a file of prompts or texts, each once; stopped and resumed, it goes on where it was."""
    path = file.expanduser().resolve()
    to = (out or path.with_suffix(".out.jsonl")).expanduser().resolve()
    given = {"temperature": temperature, "max_tokens": max_tokens}
    batch: dict[str, Any] = {
        "engine": {"kind": engine, **({"model": model} if model else {})},
        "parameters": {key: value for key, value in given.items() if value is not None},
        "attention": attention,
    }
    if here:
        if not path.is_file():
            connection.read_file(path)  # says why not
        _here({**batch, "input": str(path), "output": str(to)}, to, as_json)
        return
    lines = _lines(path)
    with connection.connected() as client:
        work = {"kind": "batch_inference", "batch": {**batch, "lines": lines}, "name": name or path.stem}
        job = train.begun(client, work, backend, gpus, quiet=as_json)
        ended = train.stayed(client, job, quiet=as_json)
        if ended is not None and ended["status"] == "completed":
            _fetch(client, ended, to)
    if ended is not None:
        train.tell_end(ended, as_json)
        if not as_json:
            print(f"the answers are in {to}")


def _lines(path: Path) -> list[Any]:
    """The lines of a file. Raises NotLines, TooManyLines."""
    from anima.inference import batch_file

    found = []
    for number, line in enumerate(connection.read_file(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except ValueError:
            raise NotLines(file=path, number=number) from None
        if not isinstance(found[-1], dict):
            raise NotLines(file=path, number=number)
    if len(found) > batch_file.MOST_INLINE:
        raise TooManyLines(file=path, lines=len(found), most=batch_file.MOST_INLINE)
    return found


def _fetch(client: httpx.Client, job: dict[str, Any], to: Path) -> None:
    """Writes the answers of a job, whole or not at all."""
    new = to.with_name(to.name + ".new")
    with client.stream("GET", f"/jobs/{job['job_id']}/answers") as response:
        if not response.is_success:
            response.read()
            raise connection.refusal(response)
        with new.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
    new.replace(to)


def _here(batch: dict[str, Any], to: Path, as_json: bool) -> None:
    """As a child of this command. Raises RunFailed, typer.Exit(130) where it was stopped."""
    folder = to.with_name(f".{to.name}.job")
    simulation_run.prepare(folder, {"batch": batch})
    last: dict[str, Any] = {}
    with jobs_reading.moving(quiet=as_json) as tell:

        def heard(line: dict[str, Any]) -> None:
            last.update(line)
            if "step" in line:
                tell(_progress(line))

        status = simulation_run.child("batch_inference", folder, heard)
    if status not in (simulation_run.DONE, simulation_run.STOPPED):
        raise simulation_run.RunFailed(folder=folder, reason=simulation_run.reason_of(folder, status))
    stopped = status == simulation_run.STOPPED
    if as_json:
        output.print_json({"stopped": stopped, "output": str(to), **last})
    else:
        print("stopped; the same command goes on" if stopped else f"the answers are in {to}")
        say(_progress(last))
    if stopped:
        raise typer.Exit(_STOPPED)


def _progress(line: dict[str, Any]) -> str:
    """How far it is, in words."""
    of = f" of {line['of']:,}" if line.get("of") else ""
    told = [f"{line.get('step', 0):,}{of} lines"]
    told += [words.format(line[name]) for name, words in train.COUNTED.items() if line.get(name)]
    if line.get("tokens_per_second"):
        told.append(f"{line['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(told)
