"""How a file that somebody brought is given to a browser: under which type, and which part of it.

What could run in a page of ours is never shown as what it is: it is downloaded, or plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from anima.kernel.errors import BadInput

_PIECE_BYTES = 1 << 18
_SHOWN = re.compile(
    r"application/pdf|image/(png|jpeg|gif|webp|avif|bmp|tiff|heic|heif)|(audio|video)/[a-z0-9.+-]+", re.IGNORECASE
)
_HARMFUL_TEXT = re.compile(r"text/(html|xml|xsl.*|.*xhtml.*)", re.IGNORECASE)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_NO_SCRIPTS = "default-src 'none'; frame-ancestors 'self'"


class UnfitRange(BadInput):
    """The file has {size} bytes, and none of those that were asked for."""

    status = 416
    slug = "unfit-range"


def shown_as(mime_type: str | None) -> tuple[str, bool]:
    """The type under which a file is given, and whether a browser may show it itself."""
    kind = mime_type or ""
    if _SHOWN.fullmatch(kind):
        return kind, True
    if kind.startswith("text/") and not _HARMFUL_TEXT.fullmatch(kind):
        return "text/plain; charset=utf-8", True
    return "application/octet-stream", False


def disposition(name: str | None, shown: bool) -> str:
    """The Content-Disposition of a file, whatever its name holds."""
    kind = "inline" if shown else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}" if name else kind


def headers(mime_type: str | None, name: str | None) -> dict[str, str]:
    """What keeps a file from being more than a file. A PDF has no sandbox: browsers would not show it in one."""
    kind, shown = shown_as(mime_type)
    return {
        "Content-Type": kind,
        "Content-Disposition": disposition(name, shown),
        "Content-Security-Policy": _NO_SCRIPTS if kind == "application/pdf" else f"{_NO_SCRIPTS}; sandbox",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "private, max-age=3600",
        "Accept-Ranges": "bytes",
    }


def part(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the number of bytes that a Range header asks for; None for the whole.

    One that is not understood, or names several parts, is as if it were not there. Raises UnfitRange.
    """
    found = _RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or found.group() == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    if start > end or start >= size:
        raise UnfitRange(reason="the range", size=size)
    return start, end - start + 1


def pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    """Up to `length` bytes of an open file, which is closed at the end."""
    with file:
        while length > 0 and (piece := file.read(min(_PIECE_BYTES, length))):
            length -= len(piece)
            yield piece


@dataclass(frozen=True, slots=True)
class Served:
    """An answer that gives a file or a part of it; what a streaming response is made of, in its order."""

    content: Iterator[bytes]
    status_code: int
    headers: dict[str, str]


def served(
    opened: Callable[[int], BinaryIO], size: int, mime_type: str | None, name: str | None, asked: str | None
) -> Served:
    """The answer to who asks for a file, or by a Range header for a part; `opened` gives it from a byte on.

    Raises UnfitRange.
    """
    wanted = part(asked, size)
    start, length = wanted or (0, size)
    told = {**headers(mime_type, name), "Content-Length": str(length)}
    if wanted is not None:
        told["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    return Served(pieces(opened(start), length), 200 if wanted is None else 206, told)


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"example": "the bytes of the file"}}},
    206: {"description": "A part", "content": {"application/octet-stream": {"example": "some bytes of the file"}}},
}
"""How the route of such an answer is documented."""
