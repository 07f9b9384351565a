"""The protocol's own client, for one list or one call at a time, within one deadline for all of it.

What a server says of its tools is data: names and schemas are bounded here and cleaned by who keeps them.
"""

from __future__ import annotations

import base64
import binascii
import contextvars
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from anima.kernel.addresses import Checked, check_public
from anima.kernel.errors import AnimaError
from anima.vendors.mcp.errors import ToolsChanged, Unreached, WrongServer

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

T = TypeVar("T")

MAX_TOOLS = 64
_MAX_PAGES = 8
_MAX_TEXT = 200_000
_MAX_IMAGES = 4
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server of tools: its address, a token for it, and whether an admin lets it lie in a network of one's own."""

    url: str
    token: str | None = None
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server describes it."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answered: its text, images as bytes, and whether the tool calls it an error."""

    text: str
    images: tuple[bytes, ...]
    failed: bool


def tools(server: Server, *, until: float) -> list[Listed]:
    """All tools of a server. Raises Unreached, WrongServer, and what `kernel.addresses` raises.

    `until` is a moment of time.monotonic() at which it ends in any case.
    """
    return _with(server, until, _listed)


def call(
    server: Server, name: str, arguments: dict[str, Any], *, same: Callable[[Listed], bool], until: float
) -> Answer:
    """Calls a tool, if the server still describes it as it was (`same`).

    Raises ToolsChanged, Unreached, WrongServer, and what `kernel.addresses` raises.
    """

    async def work(client: Client) -> Answer:
        found = {one.name: one for one in await _listed(client)}
        if name not in found or not same(found[name]):
            raise ToolsChanged(tool=name)
        return _answer(await client.call_tool(name, arguments), server)

    return _with(server, until, work)


def _with(server: Server, until: float, work: Callable[[Client], Awaitable[T]]) -> T:
    import anyio
    import httpx2
    from mcp import MCPError

    logging.getLogger("mcp.client").setLevel(logging.CRITICAL)  # what fails is told by what is raised
    checked = check_public(server.url, anywhere=server.anywhere)
    failures = (*(OSError, httpx2.HTTPError, httpx2.InvalidURL, MCPError, ValueError, TypeError, RuntimeError),)

    def run() -> T:
        return anyio.run(_connected, checked, server, until, work)

    try:
        # On a thread of its own, for the caller's may have a loop that runs.
        with ThreadPoolExecutor(1, thread_name_prefix="mcp") as alone:
            return alone.submit(contextvars.copy_context().run, run).result()
    except TimeoutError:
        raise Unreached(what="The server of tools", host=checked.host, reason="it takes too long") from None
    except BaseExceptionGroup as group:
        raise _told(_first(group), checked, server) from None
    except failures as error:
        raise _told(error, checked, server) from None


async def _connected(checked: Checked, server: Server, until: float, work: Callable[[Client], Awaitable[T]]) -> T:
    import anyio
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    from anima.vendors.mcp.transport import Pinned

    left = max(until - time.monotonic(), 0.0)
    headers = {"User-Agent": "anima"} | ({"Authorization": f"Bearer {server.token}"} if server.token else {})
    timeout = httpx2.Timeout(max(left, 0.1), connect=_CONNECT_SECONDS)
    with anyio.fail_after(left):
        async with httpx2.AsyncClient(
            transport=Pinned(checked), headers=headers, timeout=timeout, trust_env=False
        ) as http:
            transport = streamable_http_client(server.url, http_client=http, terminate_on_close=False)
            async with Client(transport, cache=None, read_timeout_seconds=max(left, 0.1)) as client:
                return await work(client)


async def _listed(client: Client) -> list[Listed]:
    found: list[Listed] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += [Listed(one.name, one.description or "", one.input_schema) for one in page.tools]
        cursor = page.next_cursor
        if not cursor or len(found) >= MAX_TOOLS:
            break
    return found[:MAX_TOOLS]


def _answer(result: CallToolResult, server: Server) -> Answer:
    texts: list[str] = []
    images: list[bytes] = []
    for part in result.content:
        if part.type == "text":
            texts.append(part.text)
        elif part.type == "image" and len(images) < _MAX_IMAGES:
            try:
                images.append(base64.b64decode(part.data, validate=True))
            except (binascii.Error, ValueError):
                texts.append("[an image that cannot be read]")
        else:
            texts.append(f"[{part.type} is left out]")
    if not texts and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return Answer(_without_token("\n\n".join(texts), server)[:_MAX_TEXT], tuple(images), bool(result.is_error))


def _without_token(text: str, server: Server) -> str:
    """What a server says, without the token that it was sent: it may be an admin's, and the reader somebody else."""
    return text.replace(server.token, "[token]") if server.token else text


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that says most of several: one of ours, else the innermost first."""
    leaves = list(_leaves(group.exceptions))
    return next((one for one in leaves if isinstance(one, AnimaError)), leaves[0])


def _leaves(errors: Sequence[BaseException]) -> Sequence[BaseException]:
    found: list[BaseException] = []
    for error in errors:
        found += _leaves(error.exceptions) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _told(error: BaseException, checked: Checked, server: Server) -> BaseException:
    """An error of the client's as ours; what is no failure of the server's stays what it is."""
    import httpx2
    from mcp import MCPError

    if isinstance(error, AnimaError) or not isinstance(error, Exception):
        return error
    if isinstance(error, httpx2.HTTPStatusError) and error.response.status_code in (401, 403):
        return WrongServer(host=checked.host, reason="it does not let us in")
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        return Unreached(what="The server of tools", host=checked.host, reason="it takes too long")
    if isinstance(error, (OSError, httpx2.TransportError)):
        return Unreached(what="The server of tools", host=checked.host, reason="it does not answer")
    if isinstance(error, MCPError):
        said = _without_token(str(error), server)[:200]
        return WrongServer(host=checked.host, reason=f"it answers with an error: {said}")
    return WrongServer(host=checked.host, reason="it does not speak the protocol")
