"""Which gaps matter, which are the same, which passage fills one, and which may be brought up now. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from anima.curiosity.model import Aside, Kind
from anima.kernel.terms import Question, coverage, fold, terms, tokenise

_WEIGHT: dict[Kind, float] = {"unknown": 0.6, "contradiction": 0.55, "unexplained": 0.4}
_PER_MENTION = 0.1
_SAME = 0.75
"""The share of words, of all that two questions have, from which they ask the same."""
_MENTIONED, _RATHER_MENTIONED, _SIMILAR = 0.6, 0.4, 0.5
_SMALL_TALK = 3
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_ANSWER_CHARS = 400


def score(kind: Kind, mentions: int) -> float:
    """How much a gap matters (0-1): by its kind, and more the oftener it shows; what is asked in vain most."""
    return min(1.0, _WEIGHT[kind] + _PER_MENTION * (mentions - 1))


def folded(kind: Kind, text: str) -> str:
    """What two gaps about the same have in common: the stems of their words, in order of the alphabet."""
    stems = sorted(set(terms(text))) or [fold(text)]
    return f"{kind}:{' '.join(stems)}"[:500]


def same(one: str, others: Iterable[str]) -> str | None:
    """Of the folded gaps the one that asks the same as `one`, the nearest first; nothing where none does."""
    words = _words(one)
    near = [(len(words & _words(other)) / max(1, len(words | _words(other))), other) for other in others]
    close = [(share, other) for share, other in near if share >= _SAME and _kind(other) == _kind(one)]
    return max(close)[1] if close else None


def is_asked(name: str, questions: Iterable[str]) -> bool:
    """Whether a question names somebody or something: what is asked of it is the gap, not what it is."""
    words = set(tokenise(name))
    return any(words <= set(tokenise(question)) for question in questions)


def _kind(key: str) -> str:
    return key.partition(":")[0]


def _words(key: str) -> frozenset[str]:
    return frozenset(key.partition(":")[2].split())


def answers(question: Question, title: str, text: str, similarity: float | None = None) -> bool:
    """Whether a passage may fill a gap: it has most of the question's words, or many and its meaning.

    What only repeats the question fills none.
    """
    if fold(question.text).strip(" ?!.") in fold(text) and len(text) < len(question.text) + 40:
        return False
    share = coverage(question, f"{title}\n{text}")
    return share >= _MENTIONED or (share >= _RATHER_MENTIONED and (similarity or 0.0) >= _SIMILAR)


def excerpt(question: Question, text: str) -> str:
    """The sentences of a passage that have most of the question, in order, in at most 400 characters."""
    parts = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    best = sorted(range(len(parts)), key=lambda number: (-coverage(question, parts[number]), number))
    chosen: list[int] = []
    for number in best[:3]:
        if sum(len(parts[one]) + 1 for one in [*chosen, number]) <= _ANSWER_CHARS:
            chosen.append(number)
    told = " ".join(parts[number] for number in sorted(chosen))
    return told or " ".join(text.split())[:_ANSWER_CHARS]


def fitting(asides: Sequence[Aside], question: Question) -> Aside | None:
    """What may be brought up in a turn that asks nothing: what has to do with what was said, findings first.

    To a word of small talk ("Good morning!") anything fits; in another matter nothing does.
    """
    said = set(question.terms)
    near = [(len(said & _terms(one)), one) for one in asides]
    close = [(met, one) for met, one in near if met]
    if not close and len(set(question.words)) <= _SMALL_TALK:
        close = near
    ordered = sorted(close, key=lambda each: (each[1].document_id is None, -each[0], -each[1].score, each[1].gap_id))
    return ordered[0][1] if ordered else None


def _terms(aside: Aside) -> set[str]:
    return {*terms(aside.question), *terms(aside.subject), *terms(aside.answer or "")}
