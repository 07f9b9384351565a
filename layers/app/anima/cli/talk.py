"""`anima chat`: talk with an avatar; the reply streams as it is made."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("chat")(chat)


def chat(
    avatar: Annotated[str, typer.Argument(help="Name or id of the avatar.")],
    message: Annotated[str | None, typer.Argument(help="What to say; without it, a conversation begins.")] = None,
    session: Annotated[int | None, typer.Option(help="Go on in this session.")] = None,
    private: Annotated[bool, typer.Option(help="A new session of which nothing is remembered.")] = False,
    model: Annotated[str | None, typer.Option(help="Model that answers, as `provider:name`.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Talk with an avatar."""
    with connection.connected() as client:
        body: dict[str, Any] = {"avatar_id": connection.find_avatar(client, avatar)["avatar_id"]}
        if session is not None:
            body["session_id"] = session
        elif private:
            made = client.post("/sessions", json={"avatar_id": body["avatar_id"], "private": True})
            body["session_id"] = connection.checked(made)["session_id"]
        if model is not None:
            body["model"] = model
        if message is not None:
            _say(client, {**body, "message": message}, as_json)
            return
        _converse(client, body)


def _converse(client: httpx.Client, body: dict[str, Any]) -> None:
    print("(an empty line ends the conversation)", file=sys.stderr)
    while line := _prompt():
        try:
            body["session_id"] = _say(client, {**body, "message": line}, False)["session_id"]
        except AnimaError as error:  # one turn that fails is not the end of a conversation
            print(f"error: {error.detail}", file=sys.stderr)


def _prompt() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


def _say(client: httpx.Client, body: dict[str, Any], as_json: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    with client.stream("POST", "/chat", json={**body, "stream": True}) as response:
        if not response.is_success:
            response.read()
            raise connection.refusal(response)
        for name, data in _events(response.iter_lines()):
            if name == "token" and not as_json:
                print(data["text"], end="", flush=True)
            elif name == "done":
                answer = data
            elif name == "error":
                raise connection.ServerRefused(detail=data.get("detail", "the turn failed"))
    if as_json:
        output.print_json(answer)
    else:
        _print_end(answer)
    return answer


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events: (name, data)."""
    name = "message"
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            yield name, json.loads(line[5:])


def _print_end(answer: dict[str, Any]) -> None:
    print()
    for citation in answer.get("citations", []):
        print(f"  [{citation['marker']}] {citation['title']}  {output.place(citation['location'])}".rstrip())
