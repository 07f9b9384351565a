"""Whether two facts under different keys, or in different words, are the same one. Pure.

The texts of "has the child Tom" and "has the child Tim" are near each other as well, and "The user is vegan" is nearer
to "is vegetarian" (a cosine of 0.91) than many paraphrases are: so what names somebody must share its words, and
nearness alone counts only from 0.92 on (measured with the default embedder: doctor and physician 0.93, software
developer and software engineer 0.95; doctor and nurse 0.77, coffee and tea 0.75).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from anima.kernel.terms import Language, terms, tokenise
from anima.memory.keys import KEYS
from anima.memory.model import root

_NEAR_WITH_WORDS = 0.88
_NEAR_ALONE = 0.92
_LANGUAGES: tuple[Language, ...] = ("en", "fr")
_NEGATIONS = frozenset("no not never without non ne pas sans jamais plus aucun aucune".split())
# Keys of one category under which the same thing may be said.
_FAMILIES = (
    frozenset({"hobby", "sport", "instrument", "skill"}),
    frozenset({"goal", "plan"}),
    frozenset({"owns", "vehicle"}),
)


class Saying(Protocol):
    """A key with its value."""

    @property
    def key(self) -> str: ...

    @property
    def value(self) -> Any: ...


Held = TypeVar("Held", bound=Saying)


def alike(one: Saying, other: Saying) -> bool:
    """Whether two keys are of one kind, so that their values may say the same."""
    first, second = root(one.key), root(other.key)
    return first == second or any(first in family and second in family for family in _FAMILIES)


def means_same(new: Saying, key: str, value: Any, cosine: float) -> bool:
    """Whether a new fact is the one that is held under `key`, said in other words."""
    first, second = root(new.key), root(key)
    kind = KEYS.get(first)
    if new.key == key and str(new.value) == str(value):
        return False
    if kind is None or kind.type != "text":
        return False
    if _denies(new.value) != _denies(value):
        return False
    words, held = _words(new.value), _words(value)
    if first != second:
        family = any(first in each and second in each for each in _FAMILIES)
        return family and bool(words) and (words == held or (_within(words, held) and cosine >= _NEAR_WITH_WORDS))
    if _within(words, held):
        return cosine >= _NEAR_WITH_WORDS
    return cosine >= _NEAR_ALONE and not kind.other and not words & held


def ended(key: str, about: Any, held: Iterable[Held]) -> list[Held]:
    """Of the facts that are held those that an open ending (`extraction.endings`) is of: their value has its words."""
    known = [each for each in held if _has_words(str(about), each.value)]
    for kinds in key.partition(":")[0].split(">"):
        of = [each for each in known if kinds == "*" or root(each.key) in kinds.split("|")]
        if of:
            return of
    return []


def _has_words(about: str, value: Any) -> bool:
    if not about:
        return True
    both = ((frozenset(terms(about, one)), frozenset(terms(str(value), one))) for one in _LANGUAGES)
    return any(bool(words) and words <= theirs for words, theirs in both)


def _denies(value: Any) -> bool:
    return not _NEGATIONS.isdisjoint(tokenise(str(value)))


def _words(value: Any) -> frozenset[str]:
    text = str(value)
    return frozenset(terms(text, "en")) | frozenset(terms(text, "fr"))


def _within(words: frozenset[str], held: frozenset[str]) -> bool:
    return bool(words) and bool(held) and (words <= held or held <= words)
