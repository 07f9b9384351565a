"""Citations by code: which passage a sentence of an answer rests on. Pure.

A model's own marks are taken only where they fit; marks that were not offered are stripped, also from a stream.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from anima.chat.model import Citation, Passage, sentences, shortened
from anima.kernel.terms import Language, language_of, terms

_MARK = re.compile(r"\[(\d{1,3})\]\Z")
_MARK_CHARS = 5
_BLANKS = " \t"
_QUOTE_CHARS = 300


@dataclass(frozen=True, slots=True)
class _Source:
    """A passage with its terms, and those of each of its sentences."""

    passage: Passage
    language: Language | None
    terms: frozenset[str]
    by_sentence: list[tuple[str, frozenset[str]]]

    @classmethod
    def of(cls, passage: Passage) -> _Source:
        language = language_of(passage.text)
        parts = [part.strip() for part in sentences(passage.text) if part.strip()]
        by_sentence = [(part, frozenset(terms(part, language))) for part in parts]
        return cls(passage, language, frozenset(terms(passage.text, language)), by_sentence)

    def shared(self, sentence: str) -> tuple[int, float]:
        """How many terms a sentence shares with the passage, and their share of all that it has."""
        said = set(terms(sentence, self.language))
        common = len(said & self.terms)
        return common, common / len(said) if said else 0.0

    def quote(self, sentence: str) -> str:
        """The sentence of the passage that has most in common with what was said."""
        said = set(terms(sentence, self.language))
        best = max(self.by_sentence, key=lambda part: len(said & part[1]), default=("", frozenset()))
        return shortened(best[0], _QUOTE_CHARS)


class Cited(NamedTuple):
    """An answer with the marks that hold, what they stand for in the order of their numbers, and how many did not."""

    text: str
    citations: list[Citation]
    invented: int


def cite(text: str, passages: Sequence[Passage]) -> Cited:
    """Gives each sentence the marks of the passages that it rests on; a model's own ones go where they do not hold."""
    sources = {passage.marker: _Source.of(passage) for passage in passages}
    cited: dict[int, Citation] = {}
    marked: list[str] = []
    invented = 0
    in_code = False
    for sentence in sentences(text):
        begun_in_code, in_code = in_code, in_code ^ bool(sentence.count("`") % 2)
        if begun_in_code or in_code or "``" in sentence:
            marked.append(sentence)
            continue
        parts = sentence.split("`")  # what stands between two backticks is code, and no mark in it is one
        own: list[int] = []
        parts[::2] = [_without_marks(part, (), own) for part in parts[::2]]
        bare = "`".join(parts)
        markers = _markers(bare, own, sources)
        invented += sum(number not in markers for number in own)
        for marker in markers:
            cited.setdefault(marker, _citation(sources[marker], bare))
        marked.append(_with_marks(bare, markers))
    return Cited("".join(marked).strip(), [cited[marker] for marker in sorted(cited)], invented)


def _without_marks(text: str, offered: Collection[int], dropped: list[int]) -> str:
    """The text without the marks that were not offered, nor those that come together when one within them goes.

    The blanks before a mark go with it; its number joins `dropped`.
    """
    kept: list[str] = []
    for piece in text.split("]")[:-1]:
        kept.extend(f"{piece}]")
        mark = _MARK.search("".join(kept[-_MARK_CHARS:]))
        if mark is not None and (number := int(mark[1])) not in offered:
            dropped.append(number)
            del kept[-len(mark[0]) :]
            while kept and kept[-1] in _BLANKS:
                kept.pop()
    return "".join(kept) + text.rpartition("]")[2]


def _open_from(text: str) -> int:
    """Where the marks begin that may be open at the end of a text, with the blanks before them; else its length."""
    at = len(text.rstrip(_BLANKS))
    while True:
        begin = at
        while at - begin < 3 and text[begin - 1 : begin].isdecimal():
            begin -= 1
        if text[begin - 1 : begin] != "[":
            return at
        at = begin - 1
        while text[at - 1 : at] in (" ", "\t"):
            at -= 1


def _markers(bare: str, own: Sequence[int], sources: dict[int, _Source]) -> list[int]:
    """The passages that a sentence rests on: those that it names and shares words with, else the one it is made of."""
    named = [number for number in dict.fromkeys(own) if number in sources and sources[number].shared(bare)[0]]
    if named or bare.rstrip().endswith("?"):
        return named
    scored = [(source.shared(bare), -marker) for marker, source in sources.items()]
    if not scored:
        return []
    (common, share), negative = max(scored, key=lambda item: (item[0][1], item[0][0], item[1]))
    rests = share == 1.0 or (common >= 2 and share >= 0.6) or (common >= 3 and share >= 0.5)
    return [-negative] if common and rests else []


def _citation(source: _Source, sentence: str) -> Citation:
    passage = source.passage
    return Citation(
        passage.marker,
        passage.document_id,
        passage.chunk_id,
        passage.title,
        passage.source_uri,
        passage.location,
        source.quote(sentence),
    )


def _with_marks(sentence: str, markers: Sequence[int]) -> str:
    """The marks before the sentence's last punctuation."""
    if not markers:
        return sentence
    at = len(sentence.rstrip().rstrip("\"'”’»)").rstrip(".!?…:;,"))
    return sentence[:at] + "".join(f" [{marker}]" for marker in markers) + sentence[at:]


@dataclass(slots=True)
class Strainer:
    """Lets a stream of text through without the marks that were not offered; code (between backticks) as it is.

    `dropped` counts those.
    """

    offered: Collection[int]
    dropped: int = 0
    _held: str = field(default="")
    _in_code: bool = field(default=False)

    def feed(self, text: str) -> str:
        """What can be shown now; the beginning of a mark is held back until it is whole."""
        ready = self._strained(self._held + text)
        at = _open_from(ready)
        self._held = ready[at:]
        return ready[:at]

    def rest(self) -> str:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return held

    def _strained(self, text: str) -> str:
        dropped: list[int] = []
        parts = text.split("`")
        for number, part in enumerate(parts):
            if number:
                self._in_code = not self._in_code
            if not self._in_code:
                parts[number] = _without_marks(part, self.offered, dropped)
        self.dropped += len(dropped)
        return "`".join(parts)
