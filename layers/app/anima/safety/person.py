"""What somebody says of their age, whether they doubt whom they talk with, and what is sexual. By rules alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anima.kernel import clock
from anima.safety.engine import Book, book
from anima.safety.normal import normal

_ENOUGH = 2.5
_ENOUGH_OF_AGE = 3.5
_MOST_OF_AGE = 7.0
_OF_AGE = 18
_BORN = re.compile(r"(?<= )(?P<born>born in|nee? en|nee? le [^|]{1,20}?|born on [^|]{1,20}?) (?P<year>20\d\d) ")


def says_minor(text: str) -> bool:
    """Whether the writer says that they are not of age; "I am 15", not "I am 15 minutes late" nor "when I was 15".

    Clues of different kinds (an age, a class at school, rules at home) add up; what tells of an adult is taken off.
    """
    whole = _BORN.sub(_born_late, normal(text))
    rules = book("person_age")
    read = rules.without("age-void", whole)
    weight = min(_MOST_OF_AGE, max(_sum(rules, "age-sure", whole), _sum(rules, "age", read)))
    if weight < _ENOUGH_OF_AGE:
        return False
    now = rules.without("adult-void", whole)
    against = (match.rule.weight for match in rules.matches("age-adult", now, frozenset(now.split())))
    return weight - max(against, default=0.0) >= _ENOUGH_OF_AGE


def _sum(rules: Book, section: str, read: str) -> float:
    """What the rules that fit weigh together; of each class (the name up to its first hyphen) the heaviest counts."""
    heaviest: dict[str, float] = {}
    for match in rules.matches(section, read, frozenset(read.split())):
        kind = match.rule.name.partition("-")[0]
        heaviest[kind] = max(heaviest.get(kind, 0.0), match.rule.weight)
    return sum(heaviest.values())


def _born_late(found: re.Match[str]) -> str:
    """A year of birth that leaves somebody under age today is written as a word that the rules know."""
    return found.group() if clock.now().year - int(found["year"]) >= _OF_AGE else f"{found['born']} bornlate "


def doubts(text: str) -> bool:
    """Whether the writer asks, or seems not to know, whether they talk with a human being."""
    read = normal(text)
    words = frozenset(read.split())
    rules = book("person_doubt")
    found = any(match.rule.weight >= _ENOUGH for match in rules.matches("doubt", read, words))
    return found and not any(rules.matches("doubt-not", read, words))


def sexual(text: str) -> bool:
    """Whether something sexual is asked for; what is asked in order to learn, or about what was suffered, is not."""
    return _says("sexual", text)


def sexual_answer(text: str) -> bool:
    """Whether an answer is sexual."""
    return _says("sexual-out", text)


def encourages(text: str) -> bool:
    """Whether an answer speaks for dying or hurting oneself, names means, or tells somebody to keep silent."""
    read = normal(text)
    words = frozenset(read.split())
    return _has("encourage", read, words) and not _has("encourage-not", read, words, least=0)


def denies_ai(text: str) -> bool:
    """Whether an answer claims to come from a human being, or from no machine."""
    return _says("deny", text)


def admits_ai(texts: Sequence[str]) -> bool:
    """Whether an answer says that it comes from an AI."""
    return any(_says("admit", text, least=0) for text in texts)


def _says(section: str, text: str, least: float = _ENOUGH) -> bool:
    read = normal(text)
    return _has(section, read, frozenset(read.split()), least)


def _has(section: str, read: str, words: frozenset[str], least: float = _ENOUGH) -> bool:
    return any(match.rule.weight >= least for match in _book().matches(section, read, words))


def _book() -> Book:
    return book("person")
