"""Facts that a person states plainly, in English or French, found by patterns: what they yield counts as said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anima.kernel.terms import fold
from anima.memory.extraction import rules_en, rules_fr
from anima.memory.extraction.clauses import Clause, clauses, speaks_of_change, straight
from anima.memory.extraction.values import capitalised, items, proper_name, trimmed, typed
from anima.memory.facts_model import Found
from anima.memory.keys import KEYS, full_key

_MAX_ITEM_WORDS = 5
_NATIONALITIES = {fold(word) for word in rules_en.NATIONALITIES | rules_fr.NATIONALITIES}
_JOBS = {fold(word) for word in rules_en.OCCUPATIONS | rules_fr.OCCUPATIONS}
_NO_JOBS = {fold(word) for word in rules_en.NO_OCCUPATIONS}
_JOB_ENDING = re.compile(r"(?:er|or|ist|ian|ologist|keeper|maker)$")
_NOT_A_NAME = re.compile(
    r"^(?:so|not|very|really|sure|sorry|fine|ok|okay|here|from|in|at|a|an|the|très|pas|un|une|de|à)\b", re.I
)
_CALLED = re.compile(r",? (?:named|called|qui s'appelle|nommée?|appelée?) ", re.I)
_INSTEAD = re.compile(
    r"(?:,|,? and|,? et) (?:not|non)(?: pas)? (?:in |to |at |à |au |aux |en |du |de |des )?(?P<v>[^,.;]+)", re.I
)
_COUNT = re.compile(r"^(?:an?|one|une?) ", re.I)
_LAST_NAME = re.compile(r"(?<=\w)\s+[^A-ZÀ-Þ]*$")
_HAVE = re.compile(r"\b(?:i(?:'ve got|'ve| have)|suffer\w* from)\b", re.I)


@dataclass(frozen=True, slots=True)
class _Rule:
    key: str
    pattern: re.Pattern[str]
    how: frozenset[str]
    cut: re.Pattern[str] | None


def _rule(key: str, pattern: str, how: str, lead: str) -> _Rule:
    """`lead` is what may stand before the statement; a rule matches only from there."""
    words = how.split()
    cuts = next((word.removeprefix("cut=") for word in words if word.startswith("cut=")), None)
    cut = re.compile(rf"\s+(?:{cuts})\b.*", re.I | re.S) if cuts else None
    return _Rule(key, re.compile(lead + pattern, re.I | re.S), frozenset(words), cut)


_RULES = [
    _rule(key, pattern, how, lead)
    for rules, lead in ((rules_en.RULES, rules_en.LEAD), (rules_fr.RULES, rules_fr.LEAD))
    for key, pattern, how in rules
]


def found(name: str, value: object, evidence: str, *, confirmed: bool, gone: bool = False) -> Found:
    """A fact under its key; category follows from the kind."""
    return Found(
        full_key(name, value), KEYS[name].category, value, evidence, confirmed, gone, speaks_of_change(evidence)
    )


def facts(text: str) -> list[Found]:
    """What the person states of themselves in this message; of two values for one thing the last counts."""
    by_key: dict[tuple[str, bool], Found] = {}
    for clause in clauses(text):
        if not clause.believable:
            continue
        for each in _of_clause(clause):
            by_key.pop((each.key, each.gone), None)
            by_key[each.key, each.gone] = each
    return list(by_key.values())


def _of_clause(clause: Clause) -> Iterator[Found]:
    taken: set[str] = set()
    for rule in _RULES:
        match = rule.pattern.match(clause.plain)
        if match is None or rule.key in taken:
            continue
        start, end = match.span("v")
        values = _values(rule, clause.text[start:end], match)
        for value in values:
            fitting = typed(rule.key, value)
            if fitting is not None:
                taken.add(rule.key)
                yield found(rule.key, fitting, clause.text, confirmed=True, gone="gone" in rule.how)
        if values and (instead := _INSTEAD.search(straight(clause.text[start:]))):
            yield from _replaced(rule, instead.group("v"), clause)


def _replaced(rule: _Rule, said: str, clause: Clause) -> Iterator[Found]:
    """What holds no more by "Porto, not Lisbon"."""
    value = trimmed(said)
    if value and _fits(rule, value):
        yield found(rule.key, value, clause.text, confirmed=True, gone=True)


def _values(rule: _Rule, said: str, match: re.Match[str]) -> list[str]:
    """The values in what stood at the value's place; none where the rule does not want them."""
    if "have" in rule.how and not _HAVE.search(match.group()):
        return []
    if rule.cut is not None:
        said = rule.cut.sub("", said)
    if "name" in rule.how:
        return _names(rule, said)
    if "kin" in rule.how:
        name = proper_name(said, strict=True)
        return [f"{name} ({match.group('k').lower()})"] if name and fold(name) not in _NATIONALITIES else []
    if "list" in rule.how:
        return [item for item in items(said) if _fits(rule, item) and len(item.split()) <= _MAX_ITEM_WORDS]
    if "pet" in rule.how:
        return _pet(said)
    value = trimmed(said.partition(",")[0])
    if "place" in rule.how:
        value = _LAST_NAME.sub("", value)
    if not value or not _fits(rule, value):
        return []
    return [f"no {value}"] if "no" in rule.how else [value]


def _names(rule: _Rule, said: str) -> list[str]:
    """A name; `alone`: only where nothing else follows it, and it is no nationality."""
    name = proper_name(said, strict="strict" in rule.how)
    if not name or _NOT_A_NAME.match(said) or fold(name.split()[0]) in _NATIONALITIES:
        return []
    rest = said.strip()[len(name) :]
    if "alone" in rule.how and re.match(r"\s*[^\s,.!?;:()–—-]", rest):
        return []
    return [name]


def _pet(said: str) -> list[str]:
    """An animal, with its name if it has one: "Rex (dog)"."""
    kind, _, rest = _CALLED.sub("\n", straight(said)).partition("\n")
    name, animal = proper_name(rest, strict=True), trimmed(kind)
    return [f"{name} ({_COUNT.sub('', animal)})" if name else _COUNT.sub("", animal)] if animal else []


def _fits(rule: _Rule, value: str) -> bool:
    if "place" in rule.how and not capitalised(value):
        return False
    if "nationality" in rule.how:
        return fold(value) in _NATIONALITIES
    return "job" not in rule.how or _is_job(value)


def _is_job(value: str) -> bool:
    words = fold(value).split()
    if not words or len(words) > 5 or set(words) & _NO_JOBS:
        return False
    return bool(set(words) & _JOBS) or _JOB_ENDING.search(words[-1]) is not None
