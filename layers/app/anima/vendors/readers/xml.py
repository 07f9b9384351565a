"""XML as it comes: what opens, what closes and the text between, for parts of any size. No tree is made.

Entities that a file declares are refused, and nothing is fetched: neither swells what is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Literal, NamedTuple, NoReturn
from xml.parsers import expat

from anima.vendors.readers.errors import Unreadable

_PIECE = 1 << 16


class Event(NamedTuple):
    """`name` without its namespace, the text for `text`.

    Attributes go by name too; those of relationships (`r:id`) keep that prefix, for both may stand side by side.
    """

    kind: Literal["start", "end", "text"]
    name: str
    attributes: Mapping[str, str]


_NONE: Mapping[str, str] = {}


def events(stream: IO[bytes]) -> Iterator[Event]:
    """The events of a part, in order. Raises Unreadable for XML that is damaged or declares entities."""
    found: list[Event] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, given: found.append(Event("start", _local(name), _named(given)))
    parser.EndElementHandler = lambda name: found.append(Event("end", _local(name), _NONE))
    parser.CharacterDataHandler = lambda text: found.append(Event("text", text, _NONE))
    parser.EntityDeclHandler = _refuse
    try:
        while data := stream.read(_PIECE):
            parser.Parse(data, False)
            yield from found
            found.clear()
        parser.Parse(b"", True)
        yield from found
    except expat.ExpatError as error:
        raise Unreadable(reason="its XML is damaged") from error


def _refuse(*_: object) -> NoReturn:
    raise Unreadable(reason="its XML declares entities")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _named(given: Mapping[str, str]) -> Mapping[str, str]:
    if not given:
        return _NONE
    return {("r:" if "/relationships " in name else "") + _local(name): value for name, value in given.items()}
