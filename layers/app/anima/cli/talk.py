"""`anima chat`: talk with an avatar; the reply streams as it is made, and Ctrl-C stops it in the middle."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx

_STOPPED = 130
"""What a shell makes of Ctrl-C."""
_SHOWN = 200


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
    """Talk with an avatar. Ctrl-C stops an answer; what was said until then is kept."""
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
            if _say(client, {**body, "message": message}, as_json).stopped:
                raise typer.Exit(_STOPPED)
            return
        _converse(client, body)


def _converse(client: httpx.Client, body: dict[str, Any]) -> None:
    print("(an empty line ends the conversation, Ctrl-C an answer)", file=sys.stderr)
    while line := _prompt():
        heard = _Heard()
        try:
            heard = _say(client, {**body, "message": line}, False)
        except AnimaError as error:  # one turn that fails is not the end of a conversation
            print(f"error: {error.detail}", file=sys.stderr)
        if heard.session_id is not None:
            body["session_id"] = heard.session_id


def _prompt() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


@dataclass(slots=True)
class _Heard:
    """What was heard of a turn."""

    session_id: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False


def _say(client: httpx.Client, body: dict[str, Any], as_json: bool) -> _Heard:
    """One turn, with what is decided about the tools that it waits with."""
    heard = _turn(client, "/chat", body, as_json)
    while heard.waiting and not as_json and sys.stdin.isatty() and not heard.stopped:
        if (following := _decided(client, heard)) is None:
            break
        heard = following
    if heard.stopped:
        print("\n(stopped; what was said is kept)", file=sys.stderr)
    elif as_json:
        output.print_json(heard.answer)
    else:
        _print_end(heard.answer)
        for call in heard.waiting:
            place = f"POST /api/v1/tool-calls/{call['invocation_id']}"
            print(f"(waits until somebody says whether {call['name']} may be called: {place})", file=sys.stderr)
    return heard


def _turn(client: httpx.Client, path: str, body: dict[str, Any], as_json: bool) -> _Heard:
    heard = _Heard()
    try:
        with client.stream("POST", path, json={**body, "stream": True}) as response:
            if not response.is_success:
                response.read()
                raise connection.refusal(response)
            for name, data in _events(response.iter_lines()):
                _take(heard, name, data, as_json)
    except KeyboardInterrupt:  # the line is cut, so the server ends the answer
        heard.stopped = True
    return heard


def _take(heard: _Heard, name: str, data: dict[str, Any], as_json: bool) -> None:
    """Shows an event, and keeps what is needed of it."""
    if name == "started":
        heard.session_id = data["session_id"]
    elif name == "token" and not as_json:
        print(data["text"], end="", flush=True)
    elif name == "tool" and not as_json:
        print(f"({data['name']} {_short(data['arguments'])})", file=sys.stderr)
    elif name == "tool_result" and not as_json:
        print(f"({data['name']}: {_short(data['text'])})", file=sys.stderr)
    elif name == "approval":
        heard.waiting.append(data)
    elif name == "done":
        heard.answer = data
    elif name == "error":
        raise connection.ServerRefused(detail=data.get("detail", "the turn failed"))


def _decided(client: httpx.Client, heard: _Heard) -> _Heard | None:
    """Asks about the first call that waits, and goes on with the turn; nothing is decided by who leaves (Ctrl-D)."""
    call, *rest = heard.waiting
    print(f"\n{call['plugin']} {call['name']} {_short(call['arguments'])}", file=sys.stderr)
    try:
        said = input("May it be called? [y]es, [a]lways, [n]o: ").strip().lower()
    except EOFError:
        return None
    decision = {"approve": said[:1] in ("y", "a"), "always": said[:1] == "a"}
    following = _turn(client, f"/tool-calls/{call['invocation_id']}", decision, False)
    known = {one["invocation_id"] for one in following.waiting}
    if following.answer.get("finish") == "approval":
        following.waiting += [one for one in rest if one["invocation_id"] not in known]
    return following


def _short(value: object) -> str:
    """A value on one line; what is longer than a line is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


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
