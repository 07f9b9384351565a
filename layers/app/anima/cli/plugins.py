"""`anima plugin`: tools for avatars: what there is, what an avatar may use, servers of tools, the log of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx

app = typer.Typer(help="Tools for avatars: list, enable, disable, add, log.", no_args_is_help=True)

_COLUMNS = ["plugin_id", "name", "version", "kind", "enabled", "tools", "reason"]
_CALLS = ["invocation_id", "invoked_at", "plugin", "tool", "state", "error", "latency_ms", "request"]

Name = Annotated[str, typer.Argument(help="The plugin, by its name or id.")]
Of = Annotated[str | None, typer.Option("--avatar", help="Of this avatar, by its name or id; not given: of the place.")]
Tool = Annotated[str | None, typer.Option("--tool", help="Only this tool of it.")]


@app.command("list")
def list_plugins(avatar: Of = None, as_json: output.AsJson = False) -> None:
    """List the plugins that there are, or what an avatar may use of them."""
    with connection.connected() as client:
        if avatar is None:
            items = connection.everything(client, "/plugins")
        else:
            items = connection.checked(client.get(f"/avatars/{_avatar(client, avatar)}/plugins"))["items"]
    rows = [{**one, "tools": [_told(tool) for tool in one["tools"]]} for one in items]
    columns = _COLUMNS if avatar is None else ["plugin_id", "name", "kind", "enabled", "tools"]
    output.print_rows(items if as_json else rows, columns, as_json=as_json, empty="there is none")


@app.command("installed")
def installed(as_json: output.AsJson = False) -> None:
    """List the plugins that installed packages bring; `anima plugin add NAME` offers one to everybody. For admins."""
    with connection.connected() as client:
        found = connection.checked(client.get("/plugins/installed"))
    output.print_rows(found, ["name", "package", "version"], as_json=as_json, empty="no installed package brings one")


@app.command("add")
def add(name: Name, as_json: output.AsJson = False) -> None:
    """Offer the plugin of an installed package to everybody. For admins."""
    body = {"name": name, "kind": "package", "shared": True}
    with connection.connected() as client:
        _print(connection.checked(client.post("/plugins", json=body)), as_json)


@app.command("add-mcp")
def add_mcp(
    name: Annotated[str, typer.Argument(help="How it is called: its tools are named NAME__tool.")],
    url: Annotated[str, typer.Argument(help="Where the server answers (MCP over HTTP).")],
    with_token: Annotated[bool, typer.Option("--token", help="Ask for its token, or read it from a pipe.")] = False,
    shared: Annotated[bool, typer.Option("--shared", help="For everybody. For admins.")] = False,
    private: Annotated[bool, typer.Option("--private", help="It may lie in a private network. For admins.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Add a server of tools; enable it for an avatar afterwards."""
    body: dict[str, Any] = {"name": name, "kind": "mcp", "url": url, "shared": shared or private}
    if with_token:
        body["token"] = _token()
    with connection.connected() as client:
        _print(connection.checked(client.post("/plugins", json={**body, "allow_private": private})), as_json)


@app.command("enable")
def enable(
    name: Name,
    avatar: Of = None,
    tool: Tool = None,
    always: Annotated[bool, typer.Option("--always", help="Allow it once for all: calls are not asked about.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Enable a plugin for an avatar; without one, for the place."""
    _switch(name, avatar, tool, True, True if always else None, as_json)


@app.command("disable")
def disable(name: Name, avatar: Of = None, tool: Tool = None, as_json: output.AsJson = False) -> None:
    """Disable a plugin for an avatar; without one, for the place."""
    _switch(name, avatar, tool, False, None, as_json)


@app.command("refresh")
def refresh(name: Name, as_json: output.AsJson = False) -> None:
    """Look at a plugin's tools again; those that have changed are asked about anew."""
    with connection.connected() as client:
        plugin = _plugin(client, name)
        _print(connection.checked(client.patch(f"/plugins/{plugin['plugin_id']}", json={"refresh": True})), as_json)


@app.command("remove")
def remove(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a plugin, with all that avatars were permitted of it."""
    with connection.connected() as client:
        plugin = _plugin(client, name)
        if not yes:
            typer.confirm(f"remove {plugin['name']}?", abort=True)
        connection.checked(client.delete(f"/plugins/{plugin['plugin_id']}"))


@app.command("log")
def log(
    name: Annotated[str | None, typer.Argument(help="Only this plugin's, by its name or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    as_json: output.AsJson = False,
) -> None:
    """List calls of tools, the newest first."""
    with connection.connected() as client:
        place = f"/plugins/{_plugin(client, name)['plugin_id']}/invocations" if name else "/plugins/invocations"
        calls = connection.checked(client.get(place, params={"limit": limit}))["items"]
    output.print_rows(calls, _CALLS, as_json=as_json, empty="no tool was called")


def _switch(name: str, avatar: str | None, tool: str | None, enabled: bool, always: bool | None, as_json: bool) -> None:
    with connection.connected() as client:
        plugin = _plugin(client, name)
        if avatar is None:
            if tool or always:
                raise typer.BadParameter("--tool and --always are said of an avatar: --avatar NAME")
            place = f"/plugins/{plugin['plugin_id']}"
            _print(connection.checked(client.patch(place, json={"enabled": enabled})), as_json)
            return
        said = {"enabled": enabled, **({} if always is None else {"always": always})}
        tools = [tool] if tool else [one["name"] for one in plugin["tools"]] if always else []
        wish: dict[str, Any] = {"plugin_id": plugin["plugin_id"], "tools": {one: said for one in tools}}
        if not tool or enabled:
            wish["enabled"] = enabled
        place = f"/avatars/{_avatar(client, avatar)}/plugins"
        found = connection.checked(client.put(place, json={"items": [wish]}))["items"]
    _print(next(one for one in found if one["plugin_id"] == plugin["plugin_id"]), as_json)


def _plugin(client: httpx.Client, name: str) -> dict[str, Any]:
    """A plugin by its name, one's own first, or by its id."""
    found = [one for one in connection.everything(client, "/plugins") if name in (one["name"], str(one["plugin_id"]))]
    if not found:
        raise typer.BadParameter(f"there is no plugin {name}; see `anima plugin list`")
    return min(found, key=lambda one: bool(one["shared"]))


def _avatar(client: httpx.Client, name: str) -> str:
    return str(connection.find_avatar(client, name)["avatar_id"])


def _told(tool: dict[str, Any]) -> str:
    """A tool in a word or two: what is off, what is asked about."""
    said = {"off": tool.get("enabled") is False, "asks": tool.get("approval") == "ask"}
    marks = ", ".join(word for word, holds in said.items() if holds)
    return f"{tool['name']} ({marks})" if marks else str(tool["name"])


def _token() -> str:
    """The token from a hidden prompt, or the first line of a pipe: never from the command line."""
    import getpass
    import sys

    return getpass.getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _print(plugin: dict[str, Any], as_json: bool) -> None:
    shown = plugin if as_json else {**plugin, "tools": [_told(one) for one in plugin["tools"]]}
    output.print_fields(shown, as_json=as_json)
