"""A turn whose client tells the conversation so far itself, as clients without sessions do. Pure.

Nothing of it is remembered: the same lines come with every call. What the client says as the system is background.
"""

from __future__ import annotations

from collections.abc import Sequence

from anima.conversations.model import Past
from anima.gateway.model import estimate_tokens
from anima.kernel import clock
from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.personality.model import LoreEntry

MOST_LINES = 2000
MOST_CHARS = 2_000_000
_LINES_READ = 40
_CHARS_A_TOKEN = 3
_ROLES = ("user", "assistant", "system")

History = Sequence[tuple[str, str]]


def check(history: History, stored: int | None) -> None:
    """Raises BadInput where a stored conversation is named too, or a line cannot be one; TooLarge."""
    if stored is not None:
        wrong = FieldError("history", "left out: the stored conversation counts")
        raise BadInput(reason="a conversation is either told or stored", fields=[wrong])
    size = sum(len(text) for _, text in history)
    if len(history) > MOST_LINES or size > MOST_CHARS:
        limit = f"{MOST_LINES} of {MOST_CHARS} characters"
        raise TooLarge(what="conversation", size=f"{len(history)} messages of {size} characters", limit=limit)
    for role, text in history:
        if role not in _ROLES or not storable(text):
            wrong = FieldError("history", f"lines of {', '.join(_ROLES)}: text without NUL and lone surrogates")
            raise BadInput(reason="the conversation holds what is no line of one", fields=[wrong])


def storable(text: str) -> bool:
    """Whether a database can hold a text."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def read(history: History) -> list[tuple[str, str]]:
    """The lines that a turn reads, at their places: older ones are empty."""
    first = len(history) - _LINES_READ
    return [(role, text if role == "system" or number >= first else "") for number, (role, text) in enumerate(history)]


def past(history: History) -> list[Past]:
    """The newest lines as messages. Their ids are below zero, and a line keeps its own while others follow it."""
    now = clock.now()
    lines = [
        Past(-number, None, role, text, now)
        for number, (role, text) in enumerate(history, 1)
        if role != "system" and text.strip()
    ]
    return lines[-_LINES_READ:]


def background(history: History | None, room: int) -> list[LoreEntry]:
    """What the client says as the system, cut to `room` tokens: something to know, like lore."""
    told = "\n\n".join(text.strip() for role, text in history or () if role == "system" and text.strip())
    if not told:
        return []
    kept = told if estimate_tokens(told) <= room else told[: room * _CHARS_A_TOKEN]
    return [LoreEntry(keys=(), content=kept, name="what the client says")]
