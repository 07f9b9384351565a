"""Which sentences of a text say most of it: by their words, by where they stand, and by what is asked. Pure.

The weight of a sentence is that of its words in the whole text (SumBasic: Nenkova and Vanderwende, 2005), more for the
title's words and for what stands at the beginning (MEAD: Radev et al., 2004). What a chosen sentence has said counts
less in those that are chosen after it, so that none says it again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from anima.kernel.terms import Language, language_of, terms

_END = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s++[^\sa-zà-öø-ÿ])|[。！？]|\n[ \t]*+\n\s*+|\n(?=[ \t]*+[-*+•#|>])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[a-z]|mr|mrs|ms|dr|prof|st|mme|mlle|mm|vs|e\.g|i\.e|cf|fig|figs|eq|no|al|etc|p\. ex|art|vol)\.$",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"^[\s#>*+•|-]+|[*_`|]{1,3}")
_FENCED = re.compile(r"^[ \t]*+(```|~~~).*?(?:^[ \t]*+\1[^\n]*+$|\Z)", re.MULTILINE | re.DOTALL)
_SET_IN = re.compile(r"(?:\A|(?<=\n\n))(?:(?: {4}|\t)[^\n]*+(?:\n|\Z))++")
_HEADING = re.compile(r"^#{2,6} [^\n]*+\n(?=[^\n])", re.MULTILINE)
_LETTER = re.compile(r"[^\W\d_]")
_HANGING = re.compile(
    r"^(?:this|that|these|those|it|they|he|she|such|however|but|and|so|thus|therefore|moreover|also|then"
    r"|il|elle|ils|elles|ce|cela|ceci|cet|cette|ces|ainsi|mais|et|donc|or|de plus|en outre|toutefois|cependant)\b",
    re.IGNORECASE,
)
_LEAST_WORDS, _MOST_WORDS = 4, 60
_TITLE_WEIGHT = 2.0
_BEGINNING = 0.6
_HANGING_WEIGHT = 0.75
_QUESTION_WEIGHT = 0.5
_ASKED_WEIGHT = 4.0  # a sentence that holds all that is asked for stands before any that is only central


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the chunk it stands in; `order` counts through the document."""

    order: int
    chunk_id: int
    text: str


def split(text: str) -> list[str]:
    """The sentences of a text, each on one line without its markup; headings, rows of tables and examples of code are
    left out.
    """
    told = _HEADING.sub("\n", _SET_IN.sub(_if_told, _FENCED.sub("\n\n", text)))
    return [line for line in (_line(piece) for piece in _pieces(told)) if _is_prose(line)]


def _if_told(block: re.Match[str]) -> str:
    """A paragraph that is set in stays where it ends as prose does; else it is Markdown's code."""
    return block.group() if block.group().rstrip().endswith((".", "!", "?", "…")) else "\n"


def _pieces(text: str) -> Iterator[str]:
    begin = 0
    for found in _END.finditer(text):
        if found.group().startswith(".") and _ABBREVIATION.search(text, max(begin, found.end() - 9), found.end()):
            continue
        yield text[begin : found.end()]
        begin = found.end()
    yield text[begin:]


def _line(piece: str) -> str:
    return " ".join(_MARKUP.sub("", piece).split())


def _is_prose(line: str) -> bool:
    words = len(line.split())
    letters = len(_LETTER.findall(line))
    unspaced = letters > 12 and line[-1:] in "。！？"
    return (words >= _LEAST_WORDS or unspaced) and letters >= 0.5 * len(line.replace(" ", ""))


def sentences(chunks: Iterable[tuple[int, str]]) -> list[Sentence]:
    """The sentences of chunks (id, text) in order; what neighbours share by their overlap comes once."""
    found: list[Sentence] = []
    before: set[str] = set()
    for chunk_id, text in chunks:
        lines = split(text)
        found += [Sentence(0, chunk_id, line) for line in lines if line not in before]
        before = set(lines)
    return [Sentence(order, one.chunk_id, one.text) for order, one in enumerate(found)]


@dataclass(slots=True)
class _Weighed:
    """A sentence with its terms and what it weighs besides them."""

    sentence: Sentence
    terms: frozenset[str]
    factor: float
    asked: float

    def score(self, weights: dict[str, float]) -> float:
        """How much it says of what is not said yet."""
        central = sum(weights[term] for term in self.terms) / math.sqrt(max(6, len(self.terms)))
        return self.factor * (central + _ASKED_WEIGHT * self.asked)


def choose(
    found: Sequence[Sentence],
    number: int,
    *,
    title: str = "",
    asked: Collection[str] = (),
    language: Language | None = None,
) -> list[Sentence]:
    """The `number` sentences that say most, best first; with `asked` (stems) those that have to do with them."""
    spoken = language or language_of(" ".join(one.text for one in found[:200]))
    weighed = _weighed(found, frozenset(terms(title, spoken)), frozenset(asked), spoken)
    weights = _weights(weighed, frozenset(terms(title, spoken)))
    chosen: list[Sentence] = []
    while weighed and len(chosen) < number:
        best = max(weighed, key=lambda one: (one.score(weights), -one.sentence.order))
        weighed = [one for one in weighed if one is not best and not _says_again(one, best)]
        chosen.append(best.sentence)
        for term in best.terms:
            weights[term] *= weights[term]
    return chosen


def in_order(chosen: Iterable[Sentence]) -> list[Sentence]:
    """Sentences in the order in which they stand in the document."""
    return sorted(chosen, key=lambda one: one.order)


def _weighed(
    found: Sequence[Sentence], title: frozenset[str], asked: frozenset[str], language: Language | None
) -> list[_Weighed]:
    every = [_Weighed(one, frozenset(terms(one.text, language)), 1.0, 0.0) for one in found]
    usable = [one for one in every if one.terms and len(one.sentence.text.split()) <= _MOST_WORDS and one.terms - title]
    for one in usable:
        one.factor = _factor(one.sentence)
        one.asked = len(one.terms & asked) / len(asked) if asked else 0.0
    return usable


def _factor(sentence: Sentence) -> float:
    """What a sentence weighs by its place and its kind."""
    factor = 1.0 + _BEGINNING * math.exp(-sentence.order / 4)
    if _HANGING.match(sentence.text):
        factor *= _HANGING_WEIGHT
    return factor * (_QUESTION_WEIGHT if sentence.text.endswith("?") else 1.0)


def _weights(weighed: Sequence[_Weighed], title: frozenset[str]) -> dict[str, float]:
    """The weight of each term: the share of sentences that hold it, more where the title holds it too."""
    counted = Counter(term for one in weighed for term in one.terms)
    most = max(counted.values(), default=1)
    return {term: min(1.0, n / most * (_TITLE_WEIGHT if term in title else 1.0)) for term, n in counted.items()}


def _says_again(one: _Weighed, chosen: _Weighed) -> bool:
    """Whether a sentence repeats a chosen one."""
    common = len(one.terms & chosen.terms)
    return common >= 0.8 * min(len(one.terms), len(chosen.terms)) and common >= 3
