"""Tools: the catalogue of plugins, what each avatar may use, what was called, and calls that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from anima.client.call import UNSET, Given, Unset, changed, present
from anima.client.operations import listing, operation, streaming
from anima.client.results.talk import Answer
from anima.client.results.tools import InstalledPackage, Invocation, PermittedList, PermittedPlugin, Plugin, WaitingTool

State = Literal["waiting", "approved", "denied", "running", "done", "failed"]


class Tools:
    """Tools."""

    @listing("/plugins", Plugin)
    def list_plugins(self) -> Given:
        """The plugins that there are for you."""
        return Given()

    @operation("POST", "/plugins", Plugin)
    def add_plugin(
        self,
        name: str,
        *,
        kind: Literal["mcp", "package"] = "mcp",
        url: str | None = None,
        token: str | None = None,
        shared: bool = False,
        allow_private: bool = False,
        config: Mapping[str, Any] | None = None,
    ) -> Given:
        """Adds a remote MCP server by its address, or (admins) an installed package; nothing is permitted by it yet."""
        given = present(url=url, token=token, config=config)
        return Given(body={"name": name, "kind": kind, "shared": shared, "allow_private": allow_private, **given})

    @operation("GET", "/plugins/installed", tuple[InstalledPackage, ...])
    def list_installed(self) -> Given:
        """Plugins of installed packages, which may be added (admins)."""
        return Given()

    @operation("GET", "/plugins/{plugin_id}", Plugin)
    def get_plugin(self, plugin_id: int) -> Given:
        """One plugin, with its tools."""
        return Given({"plugin_id": plugin_id})

    @operation("PATCH", "/plugins/{plugin_id}", Plugin)
    def change_plugin(
        self,
        plugin_id: int,
        *,
        enabled: bool | Unset = UNSET,
        config: Mapping[str, Any] | Unset = UNSET,
        token: str | Unset = UNSET,
        refresh: bool = False,
    ) -> Given:
        """Changes a plugin; with `refresh` looks at its tools anew."""
        return Given(
            {"plugin_id": plugin_id}, body=changed(enabled=enabled, config=config, token=token, refresh=refresh)
        )

    @operation("DELETE", "/plugins/{plugin_id}")
    def delete_plugin(self, plugin_id: int) -> Given:
        """Takes a plugin out of the catalogue."""
        return Given({"plugin_id": plugin_id})

    @listing("/plugins/invocations", Invocation)
    def list_invocations(self, *, avatar_id: UUID | str | None = None, state: State | None = None) -> Given:
        """What was called for you, newest first."""
        return Given(query=present(avatar_id=avatar_id, state=state))

    @listing("/plugins/{plugin_id}/invocations", Invocation)
    def list_plugin_invocations(self, plugin_id: int, *, state: State | None = None) -> Given:
        """What was called of one plugin, newest first."""
        return Given({"plugin_id": plugin_id}, present(state=state))

    @listing("/avatars/{avatar_id}/plugins", PermittedPlugin)
    def list_permissions(self, avatar_id: UUID | str) -> Given:
        """What an avatar may use."""
        return Given({"avatar_id": avatar_id})

    @operation("PUT", "/avatars/{avatar_id}/plugins", PermittedList)
    def permit(self, avatar_id: UUID | str, wishes: Sequence[Mapping[str, Any]]) -> Given:
        """Says what an avatar may use: for each `plugin_id` whether it is `enabled`, and of its `tools` too."""
        return Given({"avatar_id": avatar_id}, body={"items": wishes})

    @listing("/tool-calls", WaitingTool)
    def list_waiting_tools(self, session_id: int | None = None) -> Given:
        """Calls that wait until you allow them."""
        return Given(query=present(session_id=session_id))

    @operation("POST", "/tool-calls/{invocation_id}", Answer)
    def decide_tool_call(self, invocation_id: int, approve: bool, *, always: bool = False) -> Given:
        """Allows a call or denies it, and goes on with its turn; `always`: this tool is not asked about again."""
        return Given({"invocation_id": invocation_id}, body={"approve": approve, "always": always})

    @streaming("POST", "/tool-calls/{invocation_id}")
    def stream_tool_call(self, invocation_id: int, approve: bool, *, always: bool = False) -> Given:
        """Allows a call or denies it, and hears the rest of its turn as it comes."""
        body = {"approve": approve, "always": always, "stream": True}
        return Given({"invocation_id": invocation_id}, body=body, headers={"Accept": "text/event-stream"})
