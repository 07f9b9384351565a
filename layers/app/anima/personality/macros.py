"""Macros of character cards ("{{char}}", "<USER>", "{{random:a,b}}"): replaced by words when a card comes in.

Only the macros named here are known; each becomes words of the card itself or the two names. Nothing can be read
through one, and what is no macro stays as it stands. After "Curly Braced Syntaxes" of character card V3.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

MAX_ROLL = 1_000_000
_MACRO = re.compile(r"\{\{([^{}]{1,2000})\}\}|<(bot|char|user)>", re.IGNORECASE)
_NAMES = {"char": "{{char}}", "bot": "{{char}}", "user": "{{user}}"}
_OPTIONS = re.compile(r"(?:\\,|[^,])+")


def kept(text: str, char: str = "{{char}}") -> str:
    """A text in which every macro but {{char}} and {{user}} is replaced; these two are written just so, or the first
    as the nickname `char`.

    What would be drawn by lot (random, pick, roll) is drawn once, the same for the same text: a character stays
    who it is, and a prompt is the same for the same input.
    """
    if "{{" not in text and "<" not in text:
        return text
    seed = zlib.crc32(text.encode("utf-8", "replace"))
    return _MACRO.sub(lambda found: _replaced(found, seed, char), text)


def _replaced(found: re.Match[str], seed: int, char: str) -> str:
    inner = (found[1] or found[2]).strip()
    if name := _NAMES.get(inner.lower()):
        return char if name == "{{char}}" else name
    for separator in ("::", ":"):
        kind, sign, given = inner.partition(separator)
        known = _KNOWN.get(kind.strip().lower())
        if sign and known is not None:
            return known(given, seed ^ found.start())
    return "" if inner.startswith("//") or inner.lower() == "original" else found[0]


def _chosen(given: str, seed: int) -> str:
    options = [one.replace("\\,", ",").strip() for one in _OPTIONS.findall(given)]
    return options[seed % len(options)] if options else ""


def _rolled(given: str, seed: int) -> str:
    sides = given.strip().lower().removeprefix("d")
    most = int(sides) if sides.isdecimal() and len(sides) < 8 else 0
    return str(1 + seed % most) if 0 < most <= MAX_ROLL else ""


_KNOWN: dict[str, Callable[[str, int], str]] = {
    "random": _chosen,
    "pick": _chosen,
    "roll": _rolled,
    "hidden_key": lambda _given, _seed: "",
    "comment": lambda _given, _seed: "",
    "reverse": lambda given, _seed: given.strip()[::-1],
}
