"""Fetches a file from an address that somebody named: from public addresses only, within limits of size and time."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from anima.kernel.addresses import Checked, check_public
from anima.kernel.errors import TooLarge
from anima.vendors.web.decoding import Packed, unpacked
from anima.vendors.web.errors import NotFetched, NotReached

if TYPE_CHECKING:
    import ssl

    import httpcore

REDIRECTS = 5
SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS = [("User-Agent", "anima"), ("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Connection", "close")]
# What there are readers for; what a file really is, its bytes tell later.
_TYPES = re.compile(
    r"(text|image|audio|video)/.+|application/("
    r"pdf|x-pdf|json|.+\+json|xml|.+\+xml|xhtml|javascript|x-javascript|typescript|x-sh|x-python.*|rtf|yaml|x-yaml|toml|sql"
    r"|csv|epub\+zip|vnd\.openxmlformats-officedocument\..+|ogg|mp4|octet-stream|binary|x-download|force-download|zip)"
)
_FILENAME = re.compile(r"filename\*\s*=\s*utf-8''([^;]+)|filename\s*=\s*\"([^\"]*)\"|filename\s*=\s*([^;\s]+)", re.I)
_MAX_NAME = 200
_UNQUOTED = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched: from where in the end, what the server called it, its bytes in numbers."""

    url: str
    name: str | None
    media_type: str | None
    size: int
    sha256: str


def fetch(url: str, path: Path, *, max_bytes: int, seconds: float = SECONDS) -> Fetched:
    """Writes what an http(s) address gives to `path`, following up to five redirects, each checked like the first.

    Raises BadAddress, PrivateAddress and UnknownHost (`kernel.addresses`), TooLarge, NotFetched for what will not be
    better the next time, NotReached for what may be; then there may be a part of it at `path`.
    """
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        checked = check_public(url)
        with _failures_told(checked, seconds), _answer(checked, deadline) as response:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status not in _MOVED or "location" not in headers:
                return _taken(checked, response, headers, path, max_bytes)
            url = urljoin(url, headers["location"].strip())
    raise NotFetched(host=checked.host, reason=f"it leads on more than {REDIRECTS} times")


@contextmanager
def _answer(checked: Checked, deadline: float) -> Iterator[httpcore.Response]:
    import httpcore

    from anima.vendors.web.connection import Pinned

    backend = Pinned(checked, deadline)
    timeouts = {"timeout": {"connect": _CONNECT_SECONDS}}
    with (
        httpcore.ConnectionPool(ssl_context=_ssl_context(), network_backend=backend) as pool,
        pool.stream("GET", _as_sent(checked), headers=_HEADERS, extensions=timeouts) as response,
    ):
        yield response


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _as_sent(checked: Checked) -> str:
    """The URL in ASCII, without its fragment, for the host that was checked."""
    parts = urlsplit(checked.url)
    path, query = (quote(text, safe=_UNQUOTED) for text in (parts.path or "/", parts.query))
    return f"{checked.scheme}://{checked.host_header}{path}{'?' if query else ''}{query}"


@contextmanager
def _failures_told(checked: Checked, seconds: float) -> Iterator[None]:
    import httpcore

    try:
        yield
    except httpcore.ConnectTimeout:
        raise NotReached(host=checked.host, reason="it does not answer") from None
    except httpcore.TimeoutException:
        raise NotReached(host=checked.host, reason=f"it took longer than {seconds:g} s") from None
    except httpcore.ConnectError as error:
        if "certificate" in str(error).lower():
            raise NotFetched(host=checked.host, reason="its certificate is not valid for it") from None
        raise NotReached(host=checked.host, reason="it cannot be connected to") from None
    except httpcore.RemoteProtocolError:
        raise NotReached(host=checked.host, reason="its answer broke off or is no HTTP") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        raise NotReached(host=checked.host, reason="the connection broke off") from None
    except Packed as error:
        raise NotFetched(host=checked.host, reason=str(error)) from None


def _taken(
    checked: Checked, response: httpcore.Response, headers: Mapping[str, str], path: Path, max_bytes: int
) -> Fetched:
    if response.status != 200:
        failed = NotReached if response.status in _LATER else NotFetched
        raise failed(host=checked.host, reason=f"it answered with status {response.status}")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower() or None
    if media_type is not None and not _TYPES.fullmatch(media_type):
        raise NotFetched(host=checked.host, reason=f"there is no reader for {media_type[:100]}")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(f"{int(declared)} bytes", max_bytes)
    size, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        for piece in unpacked(response.iter_stream(), headers.get("content-encoding", "").strip().lower()):
            size += len(piece)
            if size > max_bytes:
                raise _too_large("more", max_bytes)
            digest.update(piece)
            file.write(piece)
    return Fetched(checked.url, _name(checked.url, headers), media_type, size, digest.hexdigest())


def _too_large(size: str, max_bytes: int) -> TooLarge:
    return TooLarge(what="document", size=size, limit=f"{max_bytes} bytes")


def _name(url: str, headers: Mapping[str, str]) -> str | None:
    """The file's name: as the server says, else the end of the address."""
    found = _FILENAME.search(headers.get("content-disposition", ""))
    given = next((group for group in found.groups() if group), "") if found else urlsplit(url).path
    name = PurePosixPath(unquote(given).replace("\\", "/")).name.replace("\x00", "")
    return name[:_MAX_NAME] or None
