"""Cuts what a reader gives into chunks: below one heading, on one page, by sentences up to a number of tokens.

Takes blocks as they come and holds a few paragraphs of them, however long the document. Deterministic: the same
document gives the same chunks, so that an ingestion that was cut off can go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from anima.vendors.readers.model import Block

MAX_TOKENS = 200
MAX_CHARS = 2_000
_MAX_WORD_CHARS = 150  # no more tokens than that, whatever they are
_MAX_CONTEXT_CHARS = 120
_COUNTED_AT_ONCE = 256

CountTokens = Callable[[Sequence[str]], list[int]]

# A sentence ends before white space and anything but a small letter; a line ends one where a list, table, quote,
# heading, code or speaker follows. Possessive, so that no text takes more than linear time.
_SENTENCE_END = re.compile(
    r"(?<![.!?…])[.!?…]++(?:[ \xa0\u202f]?»)?+[\"'”’»)\]]*+(?=\s++[^\sa-zà-öø-ÿ])|[。！？]"
    r"|\n(?=[ \t]*+(?:[-*+•|>#]|\d++[.)]|```|[^\s:]*+:\s))"
)
_PARAGRAPH_END = re.compile(r"\n[ \t]*+\n\s*+")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[a-z]|mr|mrs|ms|dr|prof|mme|mlle|vs|e\.g|i\.e|cf|fig|pp|art)\.$", re.I)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the document's text and where it stands; `indexed` is it below its title and headings.

    The keys of `location` that apply: char_start and char_end in the text of all blocks, heading, page, slide, sheet,
    row_start and row_end, line_start and line_end, second_start and second_end, speaker.
    """

    index: int
    text: str
    token_count: int
    location: dict[str, Any]
    indexed: str


class _Unit(NamedTuple):
    """A sentence or line of a block, or what takes its place.

    `gap` is the text between it and the unit before, None where they do not stand together. `paragraph` counts the
    tokens of the paragraph that it opens, until they are too many for a chunk.
    """

    text: str
    start: int
    gap: str | None
    opens: bool
    line: int | None
    block: Block
    tokens: int = 0
    paragraph: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def chunks(blocks: Iterable[Block], count_tokens: CountTokens, title: str = "") -> Iterator[Chunk]:
    """The chunks of a document: at most MAX_TOKENS and MAX_CHARS each, every word in one of them at least."""
    units = _paragraphs(_measured(_units(blocks), count_tokens))
    for index, group in enumerate(_groups(units)):
        yield _chunk(index, group, title)


def _units(blocks: Iterable[Block]) -> Iterator[_Unit]:
    """The sentences of all blocks, with their places in the text that the blocks are when joined."""
    end = 0  # of the block before
    gap: str | None = None
    for number, block in enumerate(blocks):
        follows = end + len(block.joint) if number else 0
        at = follows if block.offset is None else block.offset
        if at != follows:
            gap = None
        gap = None if gap is None or len(gap) > MAX_CHARS else gap + block.joint
        end, done, line = at + len(block.text), 0, block.place.line
        for start, stop, opens in _lines(block.text) if block.kind == "code" else _sentences(block.text):
            between = block.text[done:start]
            line = None if line is None else line + between.count("\n")
            yield _Unit(block.text[start:stop], at + start, None if gap is None else gap + between, opens, line, block)
            line = None if line is None else line + block.text.count("\n", start, stop)
            gap, done = "", stop
        gap = None if gap is None else gap + block.text[done:]


def _lines(text: str) -> Iterator[tuple[int, int, bool]]:
    """The lines of a piece of code that are not blank; one after a blank line begins a paragraph."""
    start, opens = 0, True
    for line in text.split("\n"):
        kept = line.rstrip()
        if kept:
            yield start, start + len(kept), opens
        opens = not kept
        start += len(line) + 1


def _sentences(text: str) -> Iterator[tuple[int, int, bool]]:
    """The sentences of a text: start, end, whether a paragraph begins; white space around them left out."""
    begin = 0
    for found in _PARAGRAPH_END.finditer(text):
        yield from _opening(_split(text, begin, found.start()))
        begin = found.end()
    yield from _opening(_split(text, begin, len(text)))


def _opening(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    for number, (start, end) in enumerate(spans):
        yield start, end, number == 0


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


def _measured(units: Iterable[_Unit], count_tokens: CountTokens) -> Iterator[_Unit]:
    """The units with their tokens, counted many at a time; those too long in pieces that are not."""
    (ends,) = count_tokens([""])
    held: list[_Unit] = []
    for unit in units:
        held.append(unit)
        if len(held) == _COUNTED_AT_ONCE:
            yield from _counted(held, ends, count_tokens)
            held.clear()
    yield from _counted(held, ends, count_tokens)


def _counted(units: Sequence[_Unit], ends: int, count_tokens: CountTokens) -> Iterator[_Unit]:
    for unit, count in zip(units, count_tokens([unit.text for unit in units]), strict=True):
        if count - ends <= MAX_TOKENS and len(unit.text) <= MAX_CHARS:
            yield unit._replace(tokens=count - ends)
        else:
            yield from _pieces(unit, lambda texts: [number - ends for number in count_tokens(texts)])


def _pieces(unit: _Unit, count: CountTokens) -> Iterator[_Unit]:
    """A long sentence cut between words; a long word cut anywhere."""
    words = [
        (at, min(at + _MAX_WORD_CHARS, found.end()))
        for found in re.finditer(r"\S+", unit.text)
        for at in range(found.start(), found.end(), _MAX_WORD_CHARS)
    ]
    counted = count([unit.text[start:end] for start, end in words])
    begin, last, tokens = 0, 0, 0  # what stands before the first word of code belongs to it
    done = 0
    for (start, end), number in zip(words, counted, strict=True):
        if last > begin and (tokens + number > MAX_TOKENS or end - begin > MAX_CHARS):
            yield _piece(unit, begin, last, done, tokens)
            begin, tokens, done = start, 0, last
        last, tokens = end, tokens + number
    yield _piece(unit, begin, last, done, tokens)


def _piece(unit: _Unit, begin: int, end: int, done: int, tokens: int) -> _Unit:
    """A part of a unit, after one that ended at `done`."""
    if begin == 0:
        return unit._replace(text=unit.text[:end], tokens=tokens)
    line = None if unit.line is None else unit.line + unit.text.count("\n", 0, begin)
    text, gap = unit.text[begin:end], unit.text[done:begin]
    return unit._replace(text=text, start=unit.start + begin, gap=gap, opens=False, line=line, tokens=tokens)


def _paragraphs(units: Iterable[_Unit]) -> Iterator[_Unit]:
    """The units; one that opens a paragraph knows the tokens of it, or that they are too many."""
    held: list[_Unit] = []
    total = 0
    for unit in units:
        if held and (unit.opens or total > MAX_TOKENS):
            yield held[0]._replace(paragraph=total)
            yield from held[1:]
            held, total = [], 0
        held.append(unit)
        total += unit.tokens
    if held:
        yield held[0]._replace(paragraph=total)
        yield from held[1:]


def _groups(units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
    """Neighbours that fit in one chunk; one that begins within a paragraph or talk repeats the sentence before it."""
    group: list[_Unit] = []
    tokens = 0
    for unit in units:
        if group and (_parted(group[-1], unit) or _is_full(group[0], tokens, unit)):
            yield group
            group = _repeated(group, unit)
            tokens = sum(each.tokens for each in group)
        group.append(unit)
        tokens += unit.tokens
    if group:
        yield group


def _parted(last: _Unit, unit: _Unit) -> bool:
    """Whether two neighbours never share a chunk: they stand apart, on two pages, or below two headings.

    Headings go with what follows them.
    """
    one, other = last.block, unit.block
    if unit.gap is None:
        return True
    if one is other:
        return False
    if (one.place.page, one.place.slide, one.place.sheet) != (other.place.page, other.place.slide, other.place.sheet):
        return True
    return one.kind != "heading" and (other.kind == "heading" or one.heading != other.heading)


def _is_full(first: _Unit, tokens: int, unit: _Unit) -> bool:
    """Whether the next unit starts a new chunk: it does not fit, or its paragraph does not and may start one."""
    if tokens + unit.tokens > MAX_TOKENS or unit.end - first.start > MAX_CHARS:
        return True
    return unit.opens and tokens >= MAX_TOKENS // 2 and tokens + unit.paragraph > MAX_TOKENS


def _repeated(group: Sequence[_Unit], unit: _Unit) -> list[_Unit]:
    last = group[-1]
    goes_on = not unit.opens or (_is_spoken(unit.block) and _is_spoken(last.block))
    if not goes_on or unit.block.kind == "code" or _parted(last, unit):
        return []
    short = last.tokens <= MAX_TOKENS // 4 and last.tokens + unit.tokens <= MAX_TOKENS
    return [last] if short and len(group) > 1 and unit.end - last.start <= MAX_CHARS else []


def _is_spoken(block: Block) -> bool:
    """Whether it is a part of a talk, in which one thing that is said answers another."""
    return block.place.speaker is not None or block.place.second is not None


def _chunk(index: int, group: Sequence[_Unit], title: str) -> Chunk:
    text = group[0].text + "".join((unit.gap or "") + unit.text for unit in group[1:])
    indexed = indexed_text(title, group[-1].block.heading, text)
    return Chunk(index, text, sum(unit.tokens for unit in group), _location(group), indexed)


def indexed_text(title: str, headings: Iterable[str], text: str) -> str:
    """What of a passage is embedded and looked for by its words: it stands below its title and headings."""
    above = " > ".join(dict.fromkeys(filter(None, (title, *headings))))[:_MAX_CONTEXT_CHARS]
    return f"{above}\n{text}" if above else text


def _location(group: Sequence[_Unit]) -> dict[str, Any]:
    """Where a chunk stands, with the keys that apply to its kind of file."""
    first, last = group[0].block.place, group[-1].block.place
    lines = [unit.line + unit.text.count("\n") for unit in group[-1:] if unit.line is not None]
    speakers = dict.fromkeys(unit.block.place.speaker for unit in group if unit.block.place.speaker)
    found: dict[str, Any] = {
        "page": first.page,
        "slide": first.slide,
        "sheet": first.sheet,
        "row_start": first.row,
        "row_end": last.row,
        "heading": " > ".join(group[-1].block.heading) or None,
        "line_start": group[0].line,
        "line_end": lines[0] if lines else None,
        "second_start": first.second,
        "second_end": last.second_end,
        "speaker": ", ".join(speakers) or None,
    }
    kept = {name: value for name, value in found.items() if value is not None}
    return {"char_start": group[0].start, "char_end": group[-1].end, **kept}
