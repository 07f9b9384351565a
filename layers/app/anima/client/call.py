"""A request as data, before anything is sent: what every operation of the client describes and both colours run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar
from urllib.parse import quote

T = TypeVar("T")

API = "/api/v1"


class Unset(Enum):
    """What was not given, where None says something of its own."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Given:
    """What one call of an operation fills in: the names in its path, the query, and one kind of body."""

    at: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    media_type: str | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `keyed`: it goes out with an Idempotency-Key of its own and may be sent again; so may a GET,
    and what is `harmless` twice though it is no GET.

    `answer` is what its answer is read as: a type of `results`, None for an empty one, bytes for a file. An `open`
    call carries no credentials. A `path` with a scheme is an address outside the API (a presigned upload).
    """

    method: str
    path: str
    answer: Any = None
    given: Given = field(default_factory=Given)
    keyed: bool = False
    harmless: bool = False
    open: bool = False
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.keyed or self.harmless or self.method in ("GET", "HEAD")

    def headers(self) -> dict[str, str]:
        """The headers that it has by itself."""
        made = dict(self.given.headers)
        if self.keyed:
            made.setdefault("Idempotency-Key", self.key)
        if self.given.files is not None:  # the same bytes, however often they are sent
            made["Content-Type"] = f"multipart/form-data; boundary={self.key}"
        elif self.given.body is not None:
            made["Content-Type"] = "application/json"
        elif self.given.content is not None:
            made["Content-Type"] = self.given.media_type or "application/octet-stream"
        return made

    def content(self) -> bytes | None:
        """The body as bytes; none where it is a form or there is none."""
        if self.given.body is not None:
            return json.dumps(plain(self.given.body), ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self.given.content

    def params(self) -> list[tuple[str, str]]:
        """The query, a list of values as the name several times."""
        pairs: list[tuple[str, str]] = []
        for name, value in self.given.query.items():
            several = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, text_of(one)) for one in several if one is not None]
        return pairs


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait between two calls."""

    seconds: float


Steps = Generator["Call | Pause", Any, T]
"""Calls one after another, each of which is answered before the next is made; what it returns is the result."""


def filled(path: str, at: Mapping[str, object]) -> str:
    """The address of a route: `/sessions/{session_id}` below the API, `//healthz` from the root."""
    place = path.format_map({name: quote(text_of(value), safe="") for name, value in at.items()})
    return place[1:] if place.startswith("//") else API + place


def present(**values: object) -> dict[str, object]:
    """The values that were given: neither None nor UNSET."""
    return {name: value for name, value in values.items() if value is not None and value is not UNSET}


def changed(**values: object) -> dict[str, object]:
    """The values that were given, None among them: it empties a field."""
    return {name: value for name, value in values.items() if value is not UNSET}


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else text_of(value)


def text_of(value: object) -> str:
    """A value as it stands in an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat is not None else str(value)
