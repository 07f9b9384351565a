"""`anima personality`: check a personality file, and read the prompt that it becomes. Needs no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from anima import personality as personalities
from anima.cli import connection, output
from anima.kernel.errors import BadInput

app = typer.Typer(help="Personalities: list, validate, compile.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="A JSON file, or the name of a ready personality.")]


def _load(source: str) -> dict[str, Any]:
    if source in personalities.ready():
        return personalities.load_ready(source)
    try:
        loaded = json.loads(connection.read_file(Path(source)))
    except ValueError as error:
        raise BadInput(reason=f"{source} is not JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise BadInput(reason=f"{source} is not a JSON object")
    return loaded


@app.command("list")
def list_ready(as_json: output.AsJson = False) -> None:
    """The ready personalities."""
    rows = [{"name": name} for name in personalities.ready()]
    output.print_rows(rows, ["name"], as_json=as_json, empty="")


@app.command("validate")
def validate(source: Source) -> None:
    """Say whether a personality is valid, and if not, where."""
    personalities.parse(_load(source))
    print("valid")


@app.command("compile")
def compile_(
    source: Source,
    affinity: Annotated[float, typer.Option(min=0, max=100, help="Closeness, 0-100.")] = 0,
) -> None:
    """Print the system prompt that a personality becomes at an affinity."""
    print(personalities.compile_prompt(personalities.parse(_load(source)), affinity, None))
