"""`anima user`: people and their keys."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import connection, output

app = typer.Typer(help="Users: create, key, keys, revoke.", no_args_is_help=True)


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
