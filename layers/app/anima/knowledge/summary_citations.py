"""Which chunk of a document each sentence of a summary rests on. Pure.

Code says it, by the words that they share; marks that a model wrote itself were never offered: they are taken out and
counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from anima.kernel.terms import Language, terms
from anima.knowledge.summary_model import Piece

_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+\s+|\n+")
_MARK = re.compile(r"(?<![ \t])[ \t]*+\[\d{1,3}\]")
_LEAST_SHARE, _LEAST_COMMON = 0.5, 3
_QUOTE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Cited:
    """A text with its marks, what they stand for, how many marks were invented, and how many sentences have none."""

    text: str
    citations: list[dict[str, Any]]
    invented: int
    uncited: int


@dataclass(slots=True)
class Marks:
    """The numbers of the chunks that are cited, in the order in which they come."""

    document_id: int
    numbers: dict[int, int] = field(default_factory=dict)
    found: list[dict[str, Any]] = field(default_factory=list)

    def of(self, piece: Piece, quote: str) -> int:
        """The number of a chunk; a new one where it was not cited yet."""
        if piece.chunk_id not in self.numbers:
            self.numbers[piece.chunk_id] = len(self.numbers) + 1
            self.found.append(
                {
                    "marker": self.numbers[piece.chunk_id],
                    "document_id": self.document_id,
                    "chunk_id": piece.chunk_id,
                    "location": piece.location,
                    "quote": " ".join(quote.split())[:_QUOTE_CHARS],
                }
            )
        return self.numbers[piece.chunk_id]


def cite(text: str, pieces: Sequence[Piece], document_id: int, language: Language | None) -> Cited:
    """The text with a mark behind each sentence that rests on a chunk."""
    index = _Index.of(pieces, language)
    marks, told, uncited = Marks(document_id), [], 0
    bare = _MARK.sub("", text)
    for sentence in sentences(bare):
        piece = index.best(sentence)
        if piece is None:
            uncited += bool(sentence.strip())
            told.append(sentence)
        else:
            told.append(marked(sentence, marks.of(piece, index.quote(piece, sentence))))
    return Cited("".join(told).strip(), marks.found, len(_MARK.findall(text)), uncited)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text with the space behind each; joined they are the text again."""
    ends = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(ends) if end > begin]


def marked(sentence: str, marker: int) -> str:
    """A sentence with a mark before its last punctuation."""
    at = len(sentence.rstrip().rstrip("\"'”’»)").rstrip(".!?…:;,"))
    return f"{sentence[:at]} [{marker}]{sentence[at:]}"


@dataclass(frozen=True, slots=True)
class _Index:
    """The chunks of a document by their terms."""

    pieces: Sequence[Piece]
    language: Language | None
    holders: dict[str, list[int]]

    @classmethod
    def of(cls, pieces: Sequence[Piece], language: Language | None) -> _Index:
        holders: dict[str, list[int]] = defaultdict(list)
        for number, piece in enumerate(pieces):
            for term in set(terms(piece.text, language)):
                holders[term].append(number)
        return cls(pieces, language, dict(holders))

    def best(self, sentence: str) -> Piece | None:
        """The chunk that holds most of a sentence, if it holds enough; rare words weigh more than frequent ones."""
        said = set(terms(sentence, self.language))
        common: Counter[int] = Counter()
        weight: dict[int, float] = defaultdict(float)
        for term in said:
            for number in self.holders.get(term, ()):
                common[number] += 1
                weight[number] += 1 / len(self.holders[term])
        if not common:
            return None
        best = max(common, key=lambda number: (common[number], weight[number], -number))
        enough = common[best] >= _LEAST_COMMON and common[best] >= _LEAST_SHARE * len(said)
        return self.pieces[best] if enough or common[best] == len(said) else None

    def quote(self, piece: Piece, sentence: str) -> str:
        """The sentence of a chunk that has most in common with what is said."""
        said = set(terms(sentence, self.language))
        parts = [part.strip() for part in sentences(piece.text) if part.strip()]
        return max(parts, key=lambda part: len(said & set(terms(part, self.language))), default="")
