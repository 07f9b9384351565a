"""Readers of documents: bytes become text with its sections. Which reader is taken goes by the content."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anima.knowledge.errors import EmptyDocument, UnknownMedium, Unreadable
from anima.knowledge.parsers import content


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the text below one heading, or one page: characters `start` to `end` of it."""

    start: int
    end: int
    heading: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's text and its sections, in order and without overlap.

    `has_lines` says that lines of the text are lines of the file.
    """

    text: str
    sections: list[Section]
    has_lines: bool = False


def parse(data: bytes, declared: str | None = None) -> Parsed:
    """Reads a document. `declared` (text, markdown, html, pdf) decides only where the content does not.

    Raises Unreadable for a damaged one, UnknownMedium for what nothing here can read, EmptyDocument for one
    without text.
    """
    kind = content.kind(data, declared)
    if kind is None:
        raise UnknownMedium(medium=content.medium(data))
    if declared == "pdf" and kind != "pdf":
        raise Unreadable(reason="it is said to be a PDF and is none")
    parsed = _read(data, kind)
    if not parsed.text.strip():
        if kind == "pdf":
            raise UnknownMedium(medium="a PDF without text, such as scanned pages")
        raise EmptyDocument
    return _trimmed(parsed)


def _read(data: bytes, kind: str) -> Parsed:
    from anima.knowledge.parsers import html, markdown, pdf, plain

    if kind == "pdf":
        return pdf.read(data)
    text = content.decode(data)
    readers = {"html": html.read, "markdown": markdown.read, "text": plain.read}
    return readers[kind](text)


def _trimmed(parsed: Parsed) -> Parsed:
    """Without sections that hold nothing but white space."""
    kept = [section for section in parsed.sections if parsed.text[section.start : section.end].strip()]
    return replace(parsed, sections=kept)
