"""`anima store`: vector stores, in this database and on other engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx

app = typer.Typer(
    help="Vector stores: where documents lie, by purpose; here or on another engine.", no_args_is_help=True
)

_COLUMNS = ["store_id", "store_name", "purpose", "provider", "documents", "chunks", "condition", "last_error"]
_CHECKED = ["store_name", "provider", "expected", "found", "waiting", "missing", "extra", "other_model", "problem"]

Name = Annotated[str, typer.Argument(help="The store, by its name or id.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="How it is called.")],
    purpose: Annotated[str, typer.Option(help="What it is for: context, findings, analysis, or a word of yours.")],
    provider: Annotated[
        Literal["pgvector", "pinecone", "milvus", "qdrant", "weaviate"], typer.Option(help="Its engine.")
    ] = "pgvector",
    url: Annotated[
        str | None, typer.Option(help="Where the engine answers; `local`: a folder of the server (Milvus, Qdrant).")
    ] = None,
    with_key: Annotated[bool, typer.Option("--key", help="Ask for the engine's key, or read it from a pipe.")] = False,
    metric: Annotated[Literal["cosine", "l2", "inner_product"], typer.Option(help="How it compares.")] = "cosine",
    space: Annotated[str | None, typer.Option(help="An index or collection that is there already.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a store."""
    body = {
        "store_name": name,
        "purpose": purpose,
        "provider": provider,
        "endpoint_url": url,
        "api_key": _key() if with_key else None,
        "metric": metric,
        "space": space,
    }
    with connection.connected() as client:
        made = connection.checked(
            client.post("/vector-stores", json={key: value for key, value in body.items() if value is not None})
        )
    output.print_fields(made if as_json else {**made, "health": made["health"]["condition"]}, as_json=as_json)


def _key() -> str:
    """The key from a hidden prompt, or the first line of a pipe: never from the command line, which others can read."""
    import getpass
    import sys

    return getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


@app.command("list")
def list_stores(as_json: output.AsJson = False) -> None:
    """List stores with how much is in them and how they are."""
    with connection.connected() as client:
        stores = connection.everything(client, "/vector-stores")
    rows = [{**store, **store["health"]} for store in stores]
    output.print_rows(stores if as_json else rows, _COLUMNS, as_json=as_json, empty="there is none")


@app.command("delete")
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Delete a store with all that is in it, also on its engine."""
    with connection.connected() as client:
        store = _found(client, name)
        if not yes:
            typer.confirm(
                f"Delete the store {store['store_name']} with its {store['documents']} documents?", abort=True, err=True
            )
        deleted = connection.checked(client.delete(f"/vector-stores/{store['store_id']}"))
    output.print_fields(deleted, as_json=as_json)


@app.command("check")
def check(
    name: Annotated[str | None, typer.Argument(help="The store, by its name or id; none: all of them.")] = None,
    mend: Annotated[bool, typer.Option(help="Have what is found put right.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Compare what stores hold with what belongs in them; exit code 1 where something is wrong and stays so."""
    with connection.connected() as client:
        stores = [_found(client, name)] if name else connection.everything(client, "/vector-stores")
        seen = [
            connection.checked(client.post(f"/vector-stores/{store['store_id']}/check", json={"mend": mend}))
            for store in stores
        ]
    output.print_rows(seen, _CHECKED, as_json=as_json, empty="there is no store")
    if any(_is_wrong(each) for each in seen):
        raise typer.Exit(1)


def _is_wrong(checked: dict[str, Any]) -> bool:
    drift = bool(checked["missing"] or checked["extra"] or checked["other_model"])
    return bool(checked["problem"]) or (drift and not checked["mended"])


@app.command("publish")
def publish(
    name: Name,
    as_name: Annotated[str | None, typer.Option("--as", help="How the shared store is called.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Copy a store for everybody to search (admins); again: the copy becomes what the store is now."""
    with connection.connected() as client:
        store_id = _found(client, name)["store_id"]
        body = {"store_name": as_name} if as_name else {}
        published = connection.checked(client.post(f"/vector-stores/{store_id}/publish", json=body))
    output.print_fields(published, as_json=as_json)


@app.command("withdraw")
def withdraw(name: Name) -> None:
    """Delete the shared copy of a store (admins); the store itself stays."""
    with connection.connected() as client:
        store_id = name if name.isdecimal() else _found(client, name)["store_id"]
        connection.checked(client.delete(f"/vector-stores/{store_id}/publish"))
    print(f"{name} is no longer shared")


def _found(client: httpx.Client, name: str) -> dict[str, Any]:
    """The store with this name or id. Raises ServerRefused, naming those that there are."""
    known = connection.everything(client, "/vector-stores")
    for store in known:
        if name in (store["store_name"], str(store["store_id"])):
            return store
    names = ", ".join(str(store["store_name"]) for store in known)
    raise connection.ServerRefused(detail=f"there is no store {name}; there are: {names}")
