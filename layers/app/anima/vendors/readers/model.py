"""What readers give: blocks of text in reading order with their places, progress, and what could not be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

BlockKind = Literal["text", "heading", "code"]

BLOCK_CHARS = 8_000
"""No block is longer; a paragraph or line that is comes in several."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands in its file: pages, slides, rows and lines from 1, seconds from the beginning."""

    page: int | None = None
    slide: int | None = None
    sheet: str | None = None
    row: int | None = None
    line: int | None = None
    line_end: int | None = None
    second: float | None = None
    second_end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row, heading, utterance or piece of code.

    `joint` is the white space between it and the block before. `offset` is the character of the file's text at
    which it begins, where the file is text; otherwise blocks follow each other, each after its joint. A block of
    kind `code` is cut only at the ends of its lines; the path `heading` of a heading ends with itself.
    """

    text: str
    heading: tuple[str, ...] = ()
    place: Place = field(default_factory=Place)
    kind: BlockKind = "text"
    joint: str = "\n\n"
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reader is. `unit` is pages, slides, rows, seconds, bytes or chapters."""

    done: int
    total: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that nothing could read, such as "page 3", and why."""

    what: str
    reason: str


Item: TypeAlias = Block | Progress | Unread


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reader takes on before it gives up with TooMuch, and what its process may use."""

    expanded_bytes: int = 2 << 30
    """All parts of an archive, unpacked."""
    ratio: int = 200
    """How many times larger than packed a part may be that is large unpacked."""
    parts: int = 20_000
    pages: int = 20_000
    rows: int = 20_000_000
    tree_bytes: int = 64 << 20
    """A page of HTML, whose tree is made in memory."""
    memory_bytes: int = 2 << 30
    """What the process of `read_apart` may hold."""
    cpu_seconds: int = 3_600


_PLACE = tuple(each.name for each in fields(Place))


def to_json(item: Item) -> str:
    """An item as one line of JSON, without what is left at its default."""
    if isinstance(item, Block):
        place = {name: value for name in _PLACE if (value := getattr(item.place, name)) is not None}
        given: dict[str, Any] = {"text": item.text, "heading": item.heading, "place": place, "kind": item.kind}
        given |= {"joint": item.joint, "offset": item.offset}
        usual: dict[str, Any] = {"heading": (), "place": {}, "kind": "text", "joint": "\n\n", "offset": None}
        return json.dumps({name: value for name, value in given.items() if usual.get(name, ...) != value})
    if isinstance(item, Progress):
        return json.dumps({"done": item.done, "total": item.total, "unit": item.unit})
    return json.dumps({"unread": item.what, "reason": item.reason})


def from_json(line: str | bytes) -> Item:
    """What `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    given = json.loads(line)
    if "text" in given:
        heading, place = tuple(given.pop("heading", ())), Place(**given.pop("place", {}))
        return Block(**given, heading=heading, place=place)
    if "unread" in given:
        return Unread(given["unread"], given["reason"])
    return Progress(given["done"], given["total"], given["unit"])
