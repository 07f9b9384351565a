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
    roles: Annotated[
        list[str] | None, typer.Option(help="Roles of the active LLM profile instead: what their models need.")
    ] = None,
    force: Annotated[bool, typer.Option(help="With --roles: fetch even what is there.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Fetch models into the cache; what is there already is not fetched again.

    --roles general coding fetches the files of local models and checks the keys of others.
    """
    progress = assets.Silent() if as_json else assets.console_progress()
    if roles:
        return _by_role([*roles, *(names or [])], progress, force=force, as_json=as_json)
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
    return None


def _by_role(roles: list[str], progress: assets.Progress, *, force: bool, as_json: bool) -> None:
    """Exits with 1 where a role cannot be served."""
    from anima.gateway import provision_service

    items = provision_service.provision(roles, progress, force=force)
    rows = [provision_service.plain(item) for item in items]
    output.print_rows(rows, ["role", "model", "state", "reason"], as_json=as_json, empty="")
    if any(item.state in ("failed", "missing_key") for item in items):
        raise typer.Exit(1)
