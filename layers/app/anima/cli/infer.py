"""`anima infer`: a file of prompts or texts, each answered once; as a job of the server, or on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from anima.cli import connection, job_child, jobs_reading, output, simulation_run, train
from anima.kernel.errors import AnimaError
from anima.vendors import job_contract

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
    temperature: Annotated[float | None, typer.Option(help="0: always the likeliest word.", min=0, max=10)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer.", min=1)] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Keep attention patterns (transformer).")] = False,
    here: Annotated[bool, typer.Option("--here", help="Without server; again, it goes on where it was.")] = False,
    backend: train.Backend = None,
    gpus: train.Gpus = None,
    spot: train.Spot = None,
    name: train.Name = None,
    watch: train.Watch = True,
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
    work: dict[str, Any] = {"batch": {**batch, "lines": _lines(path)}, "backend": backend, "gpus": gpus, "spot": spot}
    if watch:
        jobs_reading.free(to)
    with connection.connected() as client:
        work |= {"kind": "batch_inference", "name": name or path.stem}
        job = train.begun(client, work, quiet=as_json)
        ended = train.stayed(client, job, quiet=as_json) if watch else None
        complete = ended is not None and ended["status"] == "completed"
        if complete:
            jobs_reading.fetched(client, job, to)
    _tell(jobs_reading.without_lines(ended or job), to if complete else None, as_json, watched=ended is not None)


def _tell(job: dict[str, Any], answers: Path | None, as_json: bool, *, watched: bool) -> None:
    """What became of a job of the server, and where its answers are."""
    told = {**job, **({"output": str(answers)} if answers else {})}
    if watched:
        train.tell_end(told, as_json)
    elif as_json:
        output.print_json(told)
    if not as_json:
        later = f"when it has come to its end: anima jobs answers {job['job_id']}"
        print(f"the answers are in {answers}" if answers else later)


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


def _here(batch: dict[str, Any], to: Path, as_json: bool) -> None:
    """As a child of this command. Raises RunFailed, typer.Exit(130) where it was stopped."""
    folder = to.with_name(f".{to.name}.job")
    job_child.prepare(folder, {"batch": batch})
    last: dict[str, Any] = {}
    with jobs_reading.moving(quiet=as_json) as tell:

        def heard(line: dict[str, Any]) -> None:
            last.update(line)
            if "step" in line:
                tell(_progress(line))

        status = job_child.child("batch_inference", folder, heard)
        if status in (job_contract.DONE, job_contract.STOPPED):
            tell(_progress(last), last=True)
    if status not in (job_contract.DONE, job_contract.STOPPED):
        raise simulation_run.RunFailed(folder=folder, reason=job_child.reason_of(folder, status))
    stopped = status == job_contract.STOPPED
    if as_json:
        output.print_json({"stopped": stopped, "output": str(to), **last})
    else:
        print("stopped; the same command goes on" if stopped else f"the answers are in {to}")
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
