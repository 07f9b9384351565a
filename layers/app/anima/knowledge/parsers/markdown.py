"""Markdown: the source as it is, cut at its headings; each section knows the path of headings above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from anima.knowledge.parsers import Parsed, Section


class _Heading(NamedTuple):
    start: int
    end: int
    level: int
    title: str


def read(text: str) -> Parsed:
    """Sections begin at a heading (the first at the start); one that is only a heading goes with the next."""
    return Parsed(text, list(_sections(text, list(_headings(text)))), has_lines=True)


def _headings(text: str) -> Iterator[_Heading]:
    from markdown_it import MarkdownIt

    offsets = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    blocks = MarkdownIt("commonmark").disable("inline").parse(text)
    for token, inline in pairwise(blocks):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            first, last = token.map
            end = min(offsets[last], len(text))
            yield _Heading(offsets[first], end, int(token.tag[1:]), _plain(inline.content))


def _plain(title: str) -> str:
    """A heading without its marks of emphasis and code."""
    return title.replace("*", "").replace("`", "").strip()


def _sections(text: str, headings: Sequence[_Heading]) -> Iterator[Section]:
    start, body = 0, 0
    path: list[_Heading] = []
    for heading in headings:
        if text[body : heading.start].strip():
            yield Section(start, heading.start, tuple(each.title for each in path))
            start = heading.start
        body = heading.end
        path = [*(each for each in path if each.level < heading.level), heading]
    yield Section(start, len(text), tuple(each.title for each in path))
