"""`anima style`: how you write, as avatars have learnt it: read, corrected, switched off, forgotten."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from anima.cli import connection, output
from anima.style.model import VALUES

app = typer.Typer(help="How you write: show, correct, switch off, reset.", no_args_is_help=True)

_PATH = "/users/me/style"
Trait = Annotated[str, typer.Argument(help=f"One of {', '.join(VALUES)}.")]
Value = Annotated[str, typer.Argument(help="What it is; `auto` gives it back to what is measured.")]


@app.command("show")
def show(as_json: output.AsJson = False) -> None:
    """How you write, and of how many of your messages that is made."""
    with connection.connected() as client:
        _print(connection.checked(client.get(_PATH)), as_json)


@app.command("set")
def set_trait(trait: Trait, value: Value, as_json: output.AsJson = False) -> None:
    """Correct a trait; your word goes before what is measured."""
    _change({"corrected": {trait: None if value == "auto" else value}}, as_json)


@app.command("on")
def on(as_json: output.AsJson = False) -> None:
    """Follow how you write."""
    _change({"enabled": True}, as_json)


@app.command("off")
def off(as_json: output.AsJson = False) -> None:
    """Neither measure nor follow how you write."""
    _change({"enabled": False}, as_json)


@app.command("reset")
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Forget what was measured and corrected."""
    if not yes:
        typer.confirm("forget how you write?", abort=True)
    with connection.connected() as client:
        connection.checked(client.delete(_PATH))


def _change(body: dict[str, Any], as_json: bool) -> None:
    with connection.connected() as client:
        _print(connection.checked(client.put(_PATH, json=body)), as_json)


def _print(style: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json(style)
        return
    counted = f"{style['messages']} messages" + ("" if style["settled"] else ", not settled yet")
    output.print_fields({"followed": "yes" if style["enabled"] else "no", "measured of": counted}, as_json=False)
    rows = [{"trait": name, **told} for name, told in style["traits"].items()]
    output.print_rows(rows, ["trait", "value", "measured", "corrected"], as_json=False, empty="")
