"""Plain text: one section; the chunker sees its paragraphs."""

from __future__ import annotations

from anima.knowledge.parsers import Parsed, Section


def read(text: str) -> Parsed:
    """The text as it is."""
    return Parsed(text, [Section(0, len(text))], has_lines=True)
