"""`anima provision`: fetch models, the default ones or any GGUF by address and sha256. Needs no server."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import output
from anima.kernel.config import settings
from anima.kernel.errors import BadInput
from anima.vendors import assets


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("provision")(provision)


def provision(
    names: Annotated[list[str] | None, typer.Argument(help="Models of the catalogue; none: the default ones.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of another GGUF; then NAME is what to call it.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Its sha256.")] = None,
    verify: Annotated[bool, typer.Option(help="Hash what is there already, too.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Fetch models into the cache; what is there already is not fetched again."""
    progress = assets.Silent() if as_json else assets.console_progress()
    if url is not None or sha256 is not None:
        if url is None or sha256 is None or not names or len(names) != 1:
            raise BadInput(reason="another model takes one NAME, --url and --sha256")
        assets.provision(url, sha256, names[0], progress)
    elif names:
        for name in names:
            assets.ensure(name, progress, verify=verify)
    else:
        assets.ensure_embedder(progress)
        assets.ensure(settings().local_model, progress, verify=verify)
        assets.ensure_speech(progress, verify=verify)
    rows = [
        {"name": one.name, "bytes": one.size, "present": assets.is_present(one.name)}
        for one in assets.catalogue().values()
    ]
    output.print_rows(rows, ["name", "bytes", "present"], as_json=as_json, empty="")
