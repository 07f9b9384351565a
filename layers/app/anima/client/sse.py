"""Server-sent events out of the bytes of a stream, however these are cut."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 16_000_000
"""An event that is larger is none of ours: a stream without an end is not kept in memory."""


class EventTooLarge(ValueError):
    """An event does not end."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name and its text."""

    name: str
    data: str


@dataclass(slots=True)
class Parser:
    """Takes the bytes as they come and gives the events that are complete (as the HTML standard reads them)."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    _rest: str = ""
    _name: str = ""
    _data: list[str] = field(default_factory=list)
    _size: int = 0

    def feed(self, received: bytes) -> Iterator[Event]:
        """The events that end in these bytes. Raises EventTooLarge."""
        self._rest += self._decoder.decode(received)
        self._size += len(received)
        lines = self._rest.split("\n")
        self._rest = lines.pop()
        for line in lines:
            event = self._line(line.removesuffix("\r"))
            if event is not None:
                self._size = len(self._rest)
                yield event
        if self._size > MOST_BYTES:
            raise EventTooLarge(f"an event of more than {MOST_BYTES} bytes")

    def _line(self, line: str) -> Event | None:
        if line == "":
            event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif not name:
            self._size = len(self._rest)  # a comment that keeps the line alive
        return None
