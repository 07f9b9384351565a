"""Cuts a document into chunks: by section, then by sentences up to a number of tokens.

Deterministic: the same document gives the same chunks, so that an ingestion that was cut off can go on.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from anima.knowledge.parsers import Parsed, Section

MAX_TOKENS = 200
MAX_CHARS = 2_000
_MAX_WORD_CHARS = 150  # no more tokens than that, whatever they are
_MAX_CONTEXT_CHARS = 120

CountTokens = Callable[[Sequence[str]], list[int]]

# A sentence ends before white space and anything but a small letter; a line ends one where a list, table, quote,
# heading, code or speaker follows. Possessive, so that no text takes more than linear time.
_SENTENCE_END = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s++[^\sa-zà-öø-ÿ])|[。！？]"
    r"|\n(?=[ \t]*+(?:[-*+•|>#]|\d++[.)]|```|[^\s:]*+:\s))"
)
_PARAGRAPH_END = re.compile(r"\n[ \t]*+\n\s*+")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[a-z]|mr|mrs|ms|dr|prof|mme|vs|e\.g|i\.e|cf|fig)\.$", re.I)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the document's text and where it stands; `indexed` is it below its title and headings."""

    index: int
    text: str
    token_count: int
    location: dict[str, Any]
    indexed: str


class _Unit(NamedTuple):
    """A sentence, or what takes its place: characters of the text, tokens, and whether a paragraph begins."""

    start: int
    end: int
    tokens: int
    opens_paragraph: bool


def chunks(parsed: Parsed, count_tokens: CountTokens, title: str = "") -> list[Chunk]:
    """The chunks of a document: at most MAX_TOKENS and MAX_CHARS each, every word in one of them at least."""
    spans = [span for section in parsed.sections for span in _sentences(parsed.text, section)]
    units = iter(_measured(parsed.text, spans, count_tokens))
    line_ends = [found.start() for found in re.finditer("\n", parsed.text)] if parsed.has_lines else None
    cut: list[Chunk] = []
    pending = next(units, None)
    for section in parsed.sections:
        inside: list[_Unit] = []
        while pending is not None and pending.start < section.end:
            inside.append(pending)
            pending = next(units, None)
        for group in _groups(inside):
            cut.append(_chunk(len(cut), parsed.text, section, group, line_ends, title))
    return cut


def _sentences(text: str, section: Section) -> Iterator[tuple[int, int, bool]]:
    """The sentences of a section: start, end, whether a paragraph begins; white space around them left out."""
    begin = section.start
    ends = [found.span() for found in _PARAGRAPH_END.finditer(text, section.start, section.end)]
    for stop, following in [*ends, (section.end, section.end)]:
        opens = True
        for start, end in _split(text, begin, stop):
            yield start, end, opens
            opens = False
        begin = following


def _split(text: str, begin: int, stop: int) -> Iterator[tuple[int, int]]:
    start = begin
    for found in _SENTENCE_END.finditer(text, begin, stop):
        if found.group().startswith(".") and _ABBREVIATION.search(text, max(start, found.end() - 8), found.end()):
            continue
        yield from _stripped(text, start, found.end())
        start = found.end()
    yield from _stripped(text, start, stop)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if kept := piece.strip():
        left = start + len(piece) - len(piece.lstrip())
        yield left, left + len(kept)


def _measured(text: str, spans: Sequence[tuple[int, int, bool]], count_tokens: CountTokens) -> Iterator[_Unit]:
    """The sentences with their tokens; those too long in pieces that are not."""
    (ends,) = count_tokens([""])
    counted = count_tokens([text[start:end] for start, end, _ in spans])
    for (start, end, opens), count in zip(spans, counted, strict=True):
        if count - ends <= MAX_TOKENS and end - start <= MAX_CHARS:
            yield _Unit(start, end, count - ends, opens)
        else:
            yield from _pieces(text, start, end, opens, lambda texts: [n - ends for n in count_tokens(texts)])


def _pieces(text: str, start: int, end: int, opens: bool, count: CountTokens) -> Iterator[_Unit]:
    """A long sentence cut between words; a long word cut anywhere."""
    words = [
        (at, min(at + _MAX_WORD_CHARS, found.end()))
        for found in re.compile(r"\S+").finditer(text, start, end)
        for at in range(found.start(), found.end(), _MAX_WORD_CHARS)
    ]
    counted = count([text[word_start:word_end] for word_start, word_end in words])
    begin, last, tokens = start, start, 0
    for (word_start, word_end), number in zip(words, counted, strict=True):
        if last > begin and (tokens + number > MAX_TOKENS or word_end - begin > MAX_CHARS):
            yield _Unit(begin, last, tokens, opens)
            begin, tokens, opens = word_start, 0, False
        last, tokens = word_end, tokens + number
    yield _Unit(begin, last, tokens, opens)


def _groups(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """Neighbours that fit in one chunk; a chunk that begins within a paragraph repeats the sentence before it."""
    group: list[_Unit] = []
    for position, unit in enumerate(units):
        if group and _is_full(group, units, position):
            yield group
            group = _repeated(group, unit)
        group.append(unit)
    if group:
        yield group


def _is_full(group: Sequence[_Unit], units: Sequence[_Unit], position: int) -> bool:
    """Whether the next unit starts a new chunk: it does not fit, or its paragraph does not and may start one."""
    unit, tokens = units[position], _tokens(group)
    if tokens + unit.tokens > MAX_TOKENS or unit.end - group[0].start > MAX_CHARS:
        return True
    if not unit.opens_paragraph or tokens < MAX_TOKENS // 2:
        return False
    for following in units[position : position + MAX_TOKENS]:
        if following.opens_paragraph and following is not unit:
            return False
        tokens += following.tokens
        if tokens > MAX_TOKENS:
            return True
    return False


def _repeated(group: Sequence[_Unit], unit: _Unit) -> list[_Unit]:
    last = group[-1]
    short = last.tokens <= MAX_TOKENS // 4 and last.tokens + unit.tokens <= MAX_TOKENS
    fits = short and len(group) > 1 and unit.end - last.start <= MAX_CHARS
    return [last] if fits and not unit.opens_paragraph else []


def _tokens(group: Sequence[_Unit]) -> int:
    return sum(unit.tokens for unit in group)


def _chunk(
    index: int,
    text: str,
    section: Section,
    group: Sequence[_Unit],
    line_ends: Sequence[int] | None,
    title: str,
) -> Chunk:
    start, end = group[0].start, group[-1].end
    location: dict[str, Any] = {"char_start": start, "char_end": end}
    if section.page is not None:
        location["page"] = section.page
    if section.heading:
        location["heading"] = " > ".join(section.heading)
    if line_ends is not None:
        location["line_start"] = bisect_left(line_ends, start) + 1
        location["line_end"] = bisect_left(line_ends, end) + 1
    piece = text[start:end]
    above = " > ".join(dict.fromkeys(filter(None, (title, *section.heading))))[:_MAX_CONTEXT_CHARS]
    indexed = f"{above}\n{piece}" if above else piece
    return Chunk(index, piece, _tokens(group), location, indexed)
