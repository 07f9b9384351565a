"""What a publisher's server states of a file before it sends it: its size and its sha256."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from anima.vendors.assets.source import SourceFailed

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = 10.0
_MOST_MOVES = 3


def stated(url: str) -> tuple[int | None, str]:
    """Size and sha256 of a large file, as a model hub answers them before it sends one to where the bytes lie.

    Followed is only a move within the publisher's own server; another one's word would not be the publisher's.
    Raises SourceFailed.
    """
    for _ in range(_MOST_MOVES):
        status, headers = _asked(url)
        if status >= 400:
            raise SourceFailed(f"it answered with status {status}")
        digest = str(headers.get("x-linked-etag", "")).strip('"').lower()
        if _SHA256.fullmatch(digest):
            size = str(headers.get("x-linked-size", ""))
            return int(size) if size.isdigit() else None, digest
        moved = urljoin(url, str(headers.get("location", "")))
        if moved == url or urlsplit(moved)[:2] != urlsplit(url)[:2]:
            break
        url = moved
    raise SourceFailed("it does not state the file's sha256")


def _asked(url: str) -> tuple[int, Any]:
    import httpx

    try:
        answer = httpx.head(url, timeout=_SECONDS, headers={"accept-encoding": "identity"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceFailed(f"{type(error).__name__}: {error}") from None
    return answer.status_code, answer.headers
