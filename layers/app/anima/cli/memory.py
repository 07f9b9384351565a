"""`anima memory`: what an avatar remembers of you, and how to make it forget."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import connection, output
from anima.kernel.errors import BadInput

app = typer.Typer(help="Memory: show, forget.", no_args_is_help=True)

Avatar = Annotated[str, typer.Argument(help="Name or id of the avatar.")]


@app.command("show")
def show(avatar: Avatar, as_json: output.AsJson = False) -> None:
    """The facts and episodes that an avatar keeps of you."""
    with connection.connected() as client:
        found = connection.find_avatar(client, avatar)["avatar_id"]
        facts = connection.everything(client, f"/avatars/{found}/facts")
        episodes = connection.everything(client, f"/avatars/{found}/episodes")
    if as_json:
        output.print_json({"facts": facts, "episodes": episodes})
        return
    columns = ["key", "value", "status", "id"]
    output.print_rows(facts, columns, as_json=False, empty="no facts yet")
    if episodes:
        print()
        output.print_rows(episodes, ["type", "title", "importance", "id"], as_json=False, empty="")


@app.command("forget")
def forget(
    avatar: Avatar,
    item: Annotated[str, typer.Argument(help="Id or value of a fact, or id or title of an episode.")],
) -> None:
    """Forget one fact or episode."""
    with connection.connected() as client:
        found = connection.find_avatar(client, avatar)["avatar_id"]
        kinds = {"facts": "value", "episodes": "title"}
        meant = [
            f"/avatars/{found}/{kind}/{one['id']}"
            for kind, name in kinds.items()
            for one in connection.everything(client, f"/avatars/{found}/{kind}")
            if item.casefold() in (one["id"], str(one[name]).casefold())
        ]
        if len(meant) != 1:
            reason = f"{len(meant)} are called {item}; take the id" if meant else f"nothing is called {item}"
            raise BadInput(reason=f"{reason}; `anima memory show {avatar}` lists what there is")
        connection.checked(client.delete(meant[0]))
    print("forgotten")
