"""Where a command takes a personality from: a ready one, a JSON file, a character card, or what is piped in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from anima import personality as personalities
from anima.cli import connection
from anima.kernel.errors import BadInput, FieldError

_CARD_HEADS = (b"\x89PNG", b"PK\x03\x04")


def is_ready(source: str) -> bool:
    """Whether a source is the name of a ready personality."""
    return source in personalities.ready()


def content(source: str) -> bytes:
    """The bytes of a source that is no ready personality. Raises ServerRefused, BadInput."""
    if source == "-":
        return sys.stdin.buffer.read()
    path = Path(source)
    if path.is_dir():
        raise BadInput(reason=f"{source} is a folder", fields=[FieldError("source", "a file")])
    if not path.exists() and not path.suffix:
        known = ", ".join(personalities.ready())
        wrong = FieldError("source", f"a file, - for what is piped in, or one of {known}")
        raise BadInput(reason=f"{source} is neither a file nor a ready personality (there are {known})", fields=[wrong])
    return connection.read_file(path)


def text_of(data: bytes, source: str) -> str:
    """A personality's JSON as text. Raises BadInput where it is no UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = FieldError("source", "JSON in UTF-8, or a character card")
        raise BadInput(reason=f"{source} is no UTF-8 text (byte {error.start})", fields=[wrong]) from None


def is_card(data: bytes) -> bool:
    """Whether some bytes are a character card rather than a personality of ours."""
    if data.startswith(_CARD_HEADS):
        return True
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "persona" not in found and ("spec" in found or "first_mes" in found)


def load(source: str) -> dict[str, Any]:
    """The personality in a source, valid. Raises what is wrong with it, with line and column."""
    if is_ready(source):
        return personalities.load_ready(source)
    data = content(source)
    if is_card(data):
        return from_card(data)
    return personalities.read_text(text_of(data, source))


def from_card(data: bytes) -> dict[str, Any]:
    """The personality in a character card; what of it is not used is said beside."""
    from anima.personality import cards

    found, left_out = cards.personality(cards.read(data))
    for told in left_out:
        print(f"note: {told}", file=sys.stderr)
    return found
