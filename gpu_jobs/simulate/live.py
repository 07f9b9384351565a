"""The live page of a run that stands alone: `/visualisation`, samples as server-sent events, the console's files.

It runs in threads of its own beside the run and only reads `live.jsonl`: a browser that hangs, too many of them, or a
port that is taken cost the run nothing. A page elsewhere cannot read it: the Host must be an address or a name that
the file allows (so that a name that is pointed here is refused), an Origin this server's own or an allowed one.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anima
from anima.kernel.errors import AnimaError

from .live_samples import Samples

MOST_CLIENTS = 32
"""Connections at a time; further ones are answered 503."""
_CLIENT_SECONDS = 10.0
"""A client that takes nothing for so long has hung up."""
_GOODBYE_SECONDS = 1.0
_STATIC = Path(anima.__file__).resolve().parent / "console" / "static"
_PAGE = Path(__file__).resolve().parent / "live.html"
_STYLE = Path(__file__).resolve().parent / "live.css"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_INLINE = re.compile(r"<script type=\"(?:importmap|module)\">(.*?)</script>", re.DOTALL)


class LiveNotServed(AnimaError):
    """The live plot cannot be served at {host}:{port}: {reason}. The run goes on without it."""

    slug = "live-not-served"


@contextmanager
def serving(simulation: Any, folder: Path, tell: Callable[[dict[str, Any]], None]) -> Iterator[str | None]:
    """Serves the live page of the run in `folder` for as long as it lasts, where the file wants one; its address.

    `tell` hears {"live": address}, or {"live": null, "reason": words} where it cannot be served. Never raises.
    """
    if not simulation.visualisation.enable_live_plot:
        yield None
        return
    network = simulation.network_settings
    try:
        server = LiveServer(
            Samples(folder / "live.jsonl"),
            host=network.host,
            port=network.port,
            origins=tuple(network.allowed_origins),
            near=simulation.security.see == "this_machine",
            title=simulation.environment.id,
            label=simulation.physics().label,
            every=1.0 / simulation.visualisation.refresh_hz,
        )
    except LiveNotServed as error:
        tell({"live": None, "reason": error.detail})
        yield None
        return
    tell({"live": server.url})
    with server.running():
        yield server.url


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may ask: hosts by which this server is known, and origins of pages that may read it."""

    host: str
    origins: tuple[str, ...]
    near: bool = False

    def reaches(self, peer: str) -> bool:
        """Whether who asks from this address may: where only this machine may see the run, nobody else does."""
        return not self.near or (_is_address(peer) and ipaddress.ip_address(peer).is_loopback)

    def knows(self, host: str | None) -> bool:
        """Whether a Host header names this server: an address, localhost, or a name that was configured."""
        name = _hostname(f"//{host or ''}")
        names = {"localhost", self.host.lower(), *(_hostname(one) for one in self.origins)}
        return bool(name) and (name in names or _is_address(name))

    def lets_in(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this origin may read: its own, or one that is allowed."""
        return origin is None or origin in (f"http://{host}", *self.origins) or "*" in self.origins


def _hostname(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).hostname or ""
    return ""


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


class LiveServer(ThreadingHTTPServer):
    """The server; bound when it is made. Raises LiveNotServed."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 2 * MOST_CLIENTS

    def __init__(
        self,
        samples: Samples,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        origins: Sequence[str] = (),
        near: bool = False,
        title: str = "",
        label: str = "",
        every: float = 0.1,
    ) -> None:
        self.samples, self.title, self.label, self.every = samples, title, label, every
        self.gate = Gate(host, tuple(origins), near)
        self.over = threading.Event()
        self._clients: set[threading.Thread] = set()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self.address_family = found[0]
            super().__init__((str(found[4][0]), port), _Client)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LiveNotServed(host=host, port=port, reason=reason) from None

    def server_bind(self) -> None:
        """Binds without asking the network for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the page is."""
        name = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(name, name)  # noqa: S104 - told, not bound
        return f"http://{reached}:{self.server_port}/visualisation"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serves in a thread; at the end the pages that watch hear of it, for a second at most."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, name="live", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            for client in list(self._clients):
                client.join(_GOODBYE_SECONDS / max(1, len(self._clients)))
            self.shutdown()
            self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each client, up to a bound."""
        self._clients = {one for one in self._clients if one.is_alive()}
        if len(self._clients) >= MOST_CLIENTS:
            request.setblocking(False)
            with suppress(OSError):
                request.send(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._clients.add(thread)
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or sent nonsense is no error of the run."""

    @property
    def page(self) -> tuple[bytes, str]:
        """The page, and the policy that belongs to it."""
        text = _PAGE.read_text(encoding="utf-8")
        for name, value in {"TITLE": escape(self.title), "LABEL": escape(self.label), "IMPORTS": _imports()}.items():
            text = text.replace(f"@{name}@", value)
        hashes = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE.findall(text))
        policy = (
            f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; connect-src 'self'; font-src 'self'; "
            "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return text.encode(), policy


def _imports() -> str:
    """The import map of the console's modules, which lie below `/static/vendor`; empty where they were not fetched."""
    with suppress(OSError, ValueError):
        names: Mapping[str, str] = json.loads((_STATIC / "vendor" / "importmap.json").read_text(encoding="utf-8"))
        return json.dumps({"imports": {name: f"/static/vendor/{file}" for name, file in names.items()}})
    return '{"imports": {}}'


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


class _Client(BaseHTTPRequestHandler):
    """One request of one client."""

    server: LiveServer
    timeout = _CLIENT_SECONDS
    server_version, sys_version = "anima", ""

    def do_GET(self) -> None:
        """Answers, where the client may ask."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        if not self.server.gate.reaches(self.client_address[0]):
            return self._refuse(403, "Only this machine may see the run: see security.see.")
        if not self.server.gate.knows(host):
            return self._refuse(421, "This server is not known by that name: see network_settings.")
        if not self.server.gate.lets_in(origin, host):
            return self._refuse(403, "A page of another origin may not read this: see network_settings.")
        path = urlsplit(self.path).path
        if path == "/visualisation":
            return self._page()
        if path == "/visualisation/live":
            return self._stream(origin)
        if path == "/visualisation/live.css":
            return self._answer(200, _STYLE.read_bytes(), _KINDS[".css"])
        if path == "/":
            return self._answer(302, b"", "text/plain", {"Location": "/visualisation"})
        return self._file(path)

    do_HEAD = do_GET  # noqa: N815 - http.server finds methods by this name

    def _page(self) -> None:
        content, policy = self.server.page
        self._answer(200, content, "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    def _file(self, path: str) -> None:
        """A file of the console; nothing that lies elsewhere, whatever the path says."""
        name = unquote(path).removeprefix("/static/")
        wanted = (_STATIC / name).resolve() if "\0" not in name else _STATIC
        kind = _KINDS.get(wanted.suffix)
        if not path.startswith("/static/") or kind is None or not wanted.is_relative_to(_STATIC):
            return self._refuse(404, "There is nothing here; the page is at /visualisation.")
        try:
            content = wanted.read_bytes()
        except OSError:
            return self._refuse(404, "There is no such file.")
        return self._answer(200, content, kind)

    def _stream(self, origin: str | None) -> None:
        """Samples as they come, those that are kept first; the event `end` when the run is over."""
        allowed = {"Access-Control-Allow-Origin": origin} if origin is not None else {}
        self._head(200, "text/event-stream", allowed)
        if self.command == "HEAD":
            return
        told = self.headers.get("Last-Event-ID", "")
        last, quiet = int(told) if told.isdecimal() and len(told) < 16 else 0, 0.0
        while True:
            over = self.server.over.is_set()  # before the look, so that the last lines are not missed
            new = self.server.samples.after(last)
            if new:
                last, quiet = new[-1][0], 0.0
                self.wfile.write(b"".join(b"event: sample\nid: %d\ndata: %s\n\n" % one for one in new))
            elif quiet >= _CLIENT_SECONDS:
                self.wfile.write(b": still there\n\n")
                quiet = 0.0
            if over:
                self.wfile.write(b"event: end\ndata: {}\n\n")
                return
            self.server.over.wait(self.server.every)
            quiet += self.server.every

    def _refuse(self, status: int, words: str) -> None:
        self._answer(status, words.encode(), "text/plain; charset=utf-8")

    def _answer(self, status: int, content: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self._head(status, kind, {"Content-Length": str(len(content)), **(more or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, kind: str, more: Mapping[str, str]) -> None:
        self.send_response(status)
        always = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
        for name, value in {"Content-Type": kind, **always, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Requests are no news of the run."""
