"""HTML: what a reader of the page reads, block by block, below its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from anima.vendors.readers.decoding import decode
from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import BLOCK_CHARS, Block, BlockKind, Item, Limits, Progress

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_UNREAD = {"script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "head", "form"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "br", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
    *_HEADINGS,
}
_BLANKS = re.compile(r"\s+")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.I)
# Never closed, or closed by what follows them.
_OPEN_ENDED = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"),
    *("p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "option", "html", "head", "body"),
}
_MAX_DEPTH = 5_000
_HEADING_CHARS = 500


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The blocks of a page below its title. Raises TooMuch for one whose tree memory should not hold."""
    size = path.stat().st_size
    if size > limits.tree_bytes:
        raise TooMuch(reason=f"a page of {size} bytes; {limits.tree_bytes} are read")
    yield from blocks(decode(path.read_bytes()))
    yield Progress(size, size, "bytes")


def blocks(text: str, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """The page's text below `above` and its title, without scripts, styles, navigation and forms.

    Raises Unreadable for a page nested so deeply that building its tree would take minutes.
    """
    from selectolax.lexbor import LexborHTMLParser

    if _depth(text) > _MAX_DEPTH:
        raise Unreadable(reason="the HTML is nested too deeply")
    tree = LexborHTMLParser(text)
    page = _Page(above=above)
    titled = tree.css_first("title")
    if titled is not None and not above and (title := _plain(titled.text())):
        page.path = [(0, title)]
    if tree.root is not None:
        for node, opening in _walk(tree.root):
            yield from page.write(node, opening)
    yield from page.end_line()


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()[:_HEADING_CHARS]


def _depth(text: str) -> int:
    """How deeply the elements of a page are nested, at most; an end of what is not open ends nothing."""
    depth = deepest = 0
    are_open: dict[str, int] = {}
    for found in _TAG.finditer(text):
        name = found[2].lower()
        if name in _OPEN_ENDED:
            continue
        step = -1 if found[1] else 1
        if step > 0 or are_open.get(name, 0) > 0:
            are_open[name] = are_open.get(name, 0) + step
            depth += step
            deepest = max(deepest, depth)
    return deepest


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every node when it opens, every element also when it closes; unread ones not at all. No recursion."""
    node: LexborNode | None = root
    while node is not None:
        skipped = node.tag in _UNREAD
        if not skipped:
            yield node, True
            if node.child is not None:
                node = node.child
                continue
            yield node, False
        while node is not None and node.next is None:
            node = None if node.mem_id == root.mem_id else node.parent
            if node is not None:
                yield node, False
        node = None if node is None or node.mem_id == root.mem_id else node.next


@dataclass(slots=True)
class _Page:
    """The line being written, and the headings above it."""

    above: tuple[str, ...] = ()
    line: list[str] = field(default_factory=list)
    kind: BlockKind = "text"
    in_row: bool = False
    path: list[tuple[int, str]] = field(default_factory=list)

    def write(self, node: LexborNode, opening: bool) -> Iterator[Block]:
        if node.is_text_node:
            if opening:
                self.line.append(node.text_content or "")
            return
        tag = node.tag or ""
        if tag in {"td", "th"} and not opening:
            self.line.append(" | ")
        if tag not in _BLOCKS or (self.in_row and tag in {"p", "div", "br"}):
            return
        yield from self.end_line()
        self.in_row = opening if tag == "tr" else self.in_row
        if tag in _HEADINGS:
            self.kind = "heading" if opening else "text"
            if opening:
                level = _HEADINGS[tag]
                self.path = [*(each for each in self.path if each[0] < level), (level, _plain(node.text()))]
        elif tag == "pre":
            self.kind = "code" if opening else "text"

    def end_line(self) -> Iterator[Block]:
        written = "".join(self.line)
        self.line.clear()
        text = written.strip("\n").rstrip() if self.kind == "code" else _BLANKS.sub(" ", written).strip().strip("| ")
        heading = (*self.above, *(title for _, title in self.path if title))
        joint = "\n\n"
        while text.strip():
            at = _cut_at(text)
            yield Block(text[:at].rstrip(), heading, kind=self.kind, joint=joint)
            text, joint = text[at:].lstrip("\n" if self.kind == "code" else None), "\n" if self.kind == "code" else " "


def _cut_at(text: str) -> int:
    if len(text) <= BLOCK_CHARS:
        return len(text)
    at = max(text.rfind("\n", 0, BLOCK_CHARS), text.rfind(" ", BLOCK_CHARS // 2, BLOCK_CHARS))
    return at + 1 if at > 0 else BLOCK_CHARS
