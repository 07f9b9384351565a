"""Lines that help in a crisis, by country: data with dates and sources, and how they are told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PLACE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be called, written to, or looked up. `source`, `checked`, `how`: where the number was read."""

    name: str
    phone: str
    text: str
    url: str
    hours: str
    source: str
    checked: str
    how: str

    def as_json(self) -> dict[str, str]:
        """What an answer shows."""
        return {"name": self.name, "phone": self.phone, "text": self.text, "url": self.url, "hours": self.hours}


@dataclass(frozen=True, slots=True)
class Help:
    """What there is in a country; none: anywhere."""

    country: str | None
    emergency: str
    lines: tuple[Line, ...]

    def told(self, words: dict[str, Any]) -> str:
        """The lines as a list in a language's words (of words.json)."""
        return "\n".join(_told(line, words) for line in self.lines)

    def first(self) -> str:
        """The first line in a few words."""
        line = self.lines[0]
        return f"{line.name} ({line.phone or line.text or line.url})"

    def call(self, words: dict[str, Any]) -> str:
        """The emergency number, in words where the country is not known."""
        return self.emergency if self.country else str(words["anywhere"])

    def as_json(self) -> dict[str, Any]:
        """All that is known of it."""
        return {"country": self.country, "emergency": self.emergency, "lines": [asdict(line) for line in self.lines]}


def of_country(country: str | None) -> Help:
    """Help in a country, by its two letters; the international directories where it is unknown or not in the data."""
    return _all()[0].get(country or "") or anywhere()


def anywhere() -> Help:
    """Where help can be found in any country."""
    return _all()[1]


def countries() -> list[str]:
    """The countries of the data."""
    return sorted(_all()[0])


def checked() -> str:
    """When the data was looked through."""
    return str(_data()["checked"])


def words(language: str) -> dict[str, Any]:
    """What is said, by name, in a language (English where there is no such)."""
    every = _words()
    return every.get(language, every["en"])


@cache
def _words() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((_PLACE / "words.json").read_text("utf-8"))
    return found


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_PLACE / "resources.json").read_text("utf-8"))
    return found


@cache
def _all() -> tuple[dict[str, Help], Help]:
    data = _data()
    by_country = {code: _help(code, of) for code, of in data["countries"].items()}
    return by_country, _help(None, data["international"])


def _help(country: str | None, of: dict[str, Any]) -> Help:
    return Help(country, of["emergency"], tuple(Line(**line) for line in of["lines"]))


def _told(line: Line, words: dict[str, Any]) -> str:
    ways = [line.phone, words["text"].format(text=line.text) if line.text else "", line.url.removeprefix("https://")]
    contact = f" {words['or']} ".join(way for way in ways if way)
    hours = f" ({line.hours})" if line.phone and line.hours not in ("", "24/7") else ""
    return str(words["line"]).format(name=line.name, contact=contact, hours=hours)
