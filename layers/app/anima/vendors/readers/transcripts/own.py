"""Turns in the form of our own: {"title", "turns": [{"id", "session", "date", "speaker", "text"}]}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.vendors.readers.transcripts.errors import TranscriptDamaged, UnknownVersion
from anima.vendors.readers.transcripts.model import TEXT_CHARS, LeftOut, Said, identity, moment, named, storable

KNOWN = {"id", "session", "date", "speaker", "text"}


def turn(given: Any, place: int) -> Said | LeftOut:
    """One turn. Raises UnknownVersion, and TranscriptDamaged for a value that is none."""
    if not isinstance(given, Mapping) or "text" not in given or "speaker" not in given:
        raise UnknownVersion(reason=f"turn {place} has no speaker or no text")
    speaker, text = named(given["speaker"]), given["text"]
    if not isinstance(text, str) or not speaker:
        raise TranscriptDamaged(reason=f"the speaker and the text of turn {place} are text")
    try:
        at = moment(given.get("date"))
    except ValueError as error:
        raise TranscriptDamaged(reason=f"the date of turn {place}: {error}") from None
    told = storable(text)[:TEXT_CHARS].strip()
    if not told:
        return LeftOut("empty")
    return Said(identity(given.get("session")), identity(given.get("id")) or str(place), at, speaker, told)
