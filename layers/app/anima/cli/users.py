"""`anima user`: people, their passwords and their keys."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from anima.cli import connection, output
from anima.kernel import telemetry
from anima.kernel.config import server_url, settings
from anima.operations import database

app = typer.Typer(help="Users: create, list, password, link, key, keys, revoke, delete.", no_args_is_help=True)


@app.command("create")
def create(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for if not given."),
    ],
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="Role; may be given more than once.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a user (admins only)."""
    body = {"username": username, "email": email, "password": password, "roles": role or ["viewer"]}
    with connection.connected() as client:
        made = connection.checked(client.post("/users", json={k: v for k, v in body.items() if v is not None}))
    output.print_fields(made, as_json=as_json)


@app.command("list")
def list_users(as_json: output.AsJson = False) -> None:
    """Everybody, the newest first (admins only)."""
    with connection.connected() as client:
        rows = connection.everything(client, "/users")
    columns = ["user_id", "username", "email", "roles", "created_at"]
    output.print_rows(rows, columns, as_json=as_json, empty="nobody; `anima user create NAME` makes somebody")


@app.command("password")
def password(
    current: Annotated[str, typer.Option(prompt="Present password", hide_input=True, help="Asked for if not given.")],
    new: Annotated[
        str,
        typer.Option(prompt="New password", hide_input=True, confirmation_prompt=True, help="Asked for if not given."),
    ],
) -> None:
    """Change your own password; every sign-in ends, keys stay."""
    with connection.connected() as client:
        connection.checked(client.post("/password", json={"current": current, "password": new}))
    print("changed; sign in again where you were signed in")


@app.command("link")
def link(
    username: Annotated[str, typer.Argument(help="User name or e-mail address of who lost the password.")],
    as_json: output.AsJson = False,
) -> None:
    """Make a link that lets somebody set a new password: once, within 72 hours.

    Who may read this machine's data folder may do it, for everybody; with ANIMA_API_KEY set, the server is asked, and
    the key has to be an admin's.
    """
    at_home = settings().database_url is None
    made = _link_of_server(username) if settings().api_key is not None else _link_of_database(username)
    if as_json:
        output.print_json(made)
        return
    print(made["url"])
    if at_home and connection.running_url() is None:
        print("nothing runs here at present: `anima up`, then open it", file=sys.stderr)


def _link_of_server(username: str) -> dict[str, Any]:
    from anima.identity.service import UserNotFound

    with connection.connected() as client:
        found = [one for one in connection.everything(client, "/users") if username.casefold() in _names(one)]
        if not found:
            raise UserNotFound(login=username)
        made: dict[str, Any] = connection.checked(client.post(f"/users/{found[0]['user_id']}/link"))
    return made


def _names(user: dict[str, Any]) -> set[str]:
    return {str(user["username"]).casefold(), str(user["email"] or "").casefold()}


def _link_of_database(username: str) -> dict[str, Any]:
    from anima.identity import service as identity

    embedded = settings().database_url is None
    if "log_level" not in settings().model_fields_set:
        telemetry.configure("warning")
    with database.opened():
        if embedded:  # it may be of an older version, and not have been started since
            database.migrate()
        made = identity.sign_in_link(username, connection.running_url() or server_url(settings()))
    return asdict(made)


@app.command("key")
def key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    as_json: output.AsJson = False,
) -> None:
    """Make an API key of your own; it is shown this once."""
    with connection.connected() as client:
        output.print_fields(connection.checked(client.post("/api-keys", json={"name": name})), as_json=as_json)


@app.command("keys")
def keys(as_json: output.AsJson = False) -> None:
    """Your API keys."""
    with connection.connected() as client:
        rows = connection.everything(client, "/api-keys")
    columns = ["api_key_id", "name", "prefix", "created_at", "revoked_at"]
    output.print_rows(rows, columns, as_json=as_json, empty="no keys; `anima user key NAME` makes one")


@app.command("revoke")
def revoke(
    api_key_id: Annotated[int, typer.Argument(help="Id of the key, as `anima user keys` prints it.")],
) -> None:
    """Revoke an API key, at once."""
    with connection.connected() as client:
        connection.checked(client.delete(f"/api-keys/{api_key_id}"))
    print("revoked")


@app.command("delete")
def delete(
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Yours; asked for if not given.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Close your own account and erase everything of yours, for good; `anima memory export` takes it along before."""
    if not yes:
        typer.confirm("close your account and erase everything that is kept of you?", abort=True)
    with connection.connected() as client:
        connection.checked(client.request("DELETE", "/users/me", json={"password": password}))
    print("closed; what was kept of you is being erased")
