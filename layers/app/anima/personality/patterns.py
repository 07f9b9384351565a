"""Regular expressions that strangers wrote, as keys of lorebooks: only those that cannot take long are ever run.

What may take long in a backtracking matcher multiplies: repetitions and choices. A pattern is read only where the
product of these stays small, without references, lookarounds and repeated groups; `*` and `+` end after some letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_PATTERN_CHARS = 300
MAX_PATTERNS = 2
"""Of an entry; the specification lets an application look at the first alone."""
MAX_TEXT_CHARS = 2_000
MAX_WAYS = 100
_REPEATS = 50
_TOKEN = re.compile(
    r"(?P<escape>\\[^0-9a-zA-Z]|\\[wWdDsSbBntr])|(?P<set>\[\^?(?:\\[^0-9a-zA-Z]|\\[wWdDsSntr]|[^\\\]\[])+\])"
    r"|(?P<open>\((?:\?:)?(?!\?))|(?P<close>\))(?P<maybe>\??)(?![*+{])"
    r"|(?P<star>[*+])(?P<lazy>\??)(?![*+{?])|(?P<counted>\{(?P<least>\d{1,2})(?:,(?P<most>\d{1,2}))?\})(?![*+{?])"
    r"|(?P<option>\?)(?![*+{?])|(?P<or>\|)|(?P<plain>[^\\\[\](){}*+?|])",
    re.DOTALL,
)
_SLASHED = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)


def read(keys: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """The patterns of an entry; those that are no simple ones are left out, so that they call nothing up."""
    found = (compiled(key) for key in keys[:MAX_PATTERNS])
    return tuple(one for one in found if one is not None)


def found(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    """Whether one of them is found in the end of a text."""
    return any(pattern.search(text[-MAX_TEXT_CHARS:]) for pattern in patterns)


def compiled(key: str) -> re.Pattern[str] | None:
    """A pattern as cards write it (`/dragons?/i`, or without slashes); None where it is not a simple one."""
    slashed = _SLASHED.fullmatch(key.strip())
    body, flags = (slashed[1], slashed[2]) if slashed else (key, "i")
    source = _bounded(body) if 0 < len(body) <= MAX_PATTERN_CHARS else None
    if source is None:
        return None
    try:
        return re.compile(source, (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0))
    except (re.error, OverflowError, RecursionError):
        return None


def _bounded(body: str) -> str | None:
    """The pattern with bounds on what repeats; None where it can go too many ways, or has something unknown."""
    made: list[str] = []
    ways, place = 1, 0
    choices = [1]
    while place < len(body):
        token = _TOKEN.match(body, place)
        if token is None:
            return None
        place = token.end()
        made.append(_written(token))
        ways *= _ways(token)
        if token["open"]:
            choices.append(1)
        elif token["or"]:
            choices[-1] += 1
        elif token["close"] and len(choices) > 1:
            ways *= choices.pop()
        if ways > MAX_WAYS:
            return None
    return "".join(made)


def _written(token: re.Match[str]) -> str:
    if token["star"]:
        least = 0 if token["star"] == "*" else 1
        return f"{{{least},{_REPEATS}}}{token['lazy']}"
    return token[0]


def _ways(token: re.Match[str]) -> int:
    if token["star"]:
        return _REPEATS
    if token["counted"]:
        return max(1, int(token["most"] or token["least"]) - int(token["least"]) + 1)
    return 2 if token["option"] or token["maybe"] else 1
