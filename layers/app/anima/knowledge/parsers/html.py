"""HTML: what a reader of the page reads, one line a block, cut at its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anima.knowledge.errors import Unreadable
from anima.knowledge.parsers import Parsed, Section

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


@dataclass(slots=True)
class _Page:
    """The lines so far, the line being written, and the headings above it."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    length: int = 0
    start: int = 0
    has_body: bool = False
    in_heading: bool = False
    path: list[tuple[int, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def end_line(self) -> None:
        line = _BLANKS.sub(" ", "".join(self.line)).strip()
        self.line.clear()
        if line:
            self.has_body = self.has_body or not self.in_heading
            self.lines.append(line + "\n\n")
            self.length += len(line) + 2

    def end_section(self) -> None:
        """Closes a section; one that is only headings goes with what follows."""
        if self.has_body:
            self.sections.append(Section(self.start, self.length, tuple(title for _, title in self.path)))
            self.start, self.has_body = self.length, False

    def parsed(self) -> Parsed:
        self.end_line()
        self.has_body = True
        self.end_section()
        return Parsed("".join(self.lines), self.sections)


def read(text: str) -> Parsed:
    """The page's text below its title, without scripts, styles, navigation and forms.

    Raises Unreadable for a page nested so deeply that building its tree would take minutes.
    """
    from selectolax.lexbor import LexborHTMLParser

    if _depth(text) > _MAX_DEPTH:
        raise Unreadable(reason="the HTML is nested too deeply")
    tree = LexborHTMLParser(text)
    page = _Page()
    titled = tree.css_first("title")
    if titled is not None and (title := _BLANKS.sub(" ", titled.text()).strip()):
        page.path = [(0, title)]
    if tree.root is not None:
        for node, opening in _walk(tree.root):
            _write(page, node, opening)
    return page.parsed()


def _depth(text: str) -> int:
    """How deeply the elements of a page are nested, at most."""
    depth = deepest = 0
    for closing, name in _TAG.findall(text):
        if name.lower() not in _OPEN_ENDED:
            depth = max(0, depth + (-1 if closing else 1))
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


def _write(page: _Page, node: LexborNode, opening: bool) -> None:
    if node.is_text_node:
        if opening:
            page.line.append(node.text_content or "")
        return
    tag = node.tag or ""
    if tag in {"td", "th"} and not opening:
        page.line.append(" ")
    if tag not in _BLOCKS:
        return
    page.end_line()
    if tag in _HEADINGS:
        page.in_heading = opening
        if opening:
            page.end_section()
            title = _BLANKS.sub(" ", node.text()).strip()
            level = _HEADINGS[tag]
            page.path = [*(each for each in page.path if each[0] < level), (level, title)]
