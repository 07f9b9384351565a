"""Rules that read: a small language for patterns over normal text, made into regular expressions once. Pure.

A file of rules holds groups (`@NAME: a | b c`, going on in indented lines) and, under `[section]`, rules
(`name weight flags: pattern`). Parts joined by `&` stand in one sentence, in any order. A part is a row of elements:
words (`die/dying`, `end_it/die`, `suicid*`, `really?`), groups (`{WANT}`, `{WANT}?`), `~3` (up to three words, none of
which denies or names somebody else), `..3` (any words), `^` (a clause begins), `$` (it ends), `!a/b` (the next word is
none of these). Flags: `light` (people say it for fun too), `acute` (it may be happening now), `now` (counts though the
past is spoken of), `deniable` (of parts in any order: a word that denies among them takes it back), `unless=A+B` (not
where the message has one of these groups), `with=A` (only where it has).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_PLACE = Path(__file__).parent / "rules"
_HEAD = re.compile(r"(?P<name>[\w-]+) (?P<weight>[\d.]+)(?P<flags>(?: [\w=+]+)*): (?P<pattern>.+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern with what it weighs. `keys`: without one of these words it cannot match."""

    name: str
    section: str
    weight: float
    pattern: re.Pattern[str]
    keys: frozenset[str]
    prefixes: tuple[str, ...]
    flags: frozenset[str]
    unless: re.Pattern[str] | None = None
    needs: re.Pattern[str] | None = None
    beside: tuple[re.Pattern[str], ...] = ()

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the rule fits: from the first to the last of its parts."""
        for found in self.pattern.finditer(text):
            begin, end = text.rfind("|", 0, found.start()) + 1, text.find("|", found.end() - 1)
            others = [part.search(text, begin, end + 2) for part in self.beside]
            if all(others):
                spans = [found.span(), *(other.span() for other in others if other)]
                yield min(start for start, _ in spans), max(stop for _, stop in spans)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a rule was found."""

    rule: Rule
    start: int
    end: int


@dataclass(slots=True)
class Book:
    """Rules of one file, by section, and its groups."""

    sections: dict[str, list[Rule]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)

    index: dict[str, tuple[dict[str, list[int]], list[int]]] = field(default_factory=dict)

    def matches(self, section: str, text: str, words: frozenset[str]) -> Iterator[Match]:
        """Every rule of a section that a text fits, where it does first; `words` are those of the text."""
        for rule in self._candidates(section, words):
            if rule.needs is not None and not rule.needs.search(text):
                continue
            for start, end in rule.found(text):
                if rule.unless is None or not rule.unless.search(text):
                    yield Match(rule, start, end)
                    break

    def all_matches(self, section: str, text: str, words: frozenset[str]) -> Iterator[Match]:
        """The same with every place at which a rule fits."""
        for rule in self._candidates(section, words):
            for found in rule.pattern.finditer(text):
                yield Match(rule, found.start(), found.end())

    def without(self, section: str, text: str) -> str:
        """The text without what the rules of a section fit; a word that no rule knows stands in its place."""
        for rule in self._candidates(section, frozenset(text.split())):
            text = rule.pattern.sub("… ", text)
        return text

    def _candidates(self, section: str, words: frozenset[str]) -> list[Rule]:
        """Rules of which one of the words that they need is there, in the order of the file."""
        rules = self.sections.get(section, [])
        if section not in self.index:
            self.index[section] = _indexed(rules)
        by_word, prefixed = self.index[section]
        found = {number for word in words if word in by_word for number in by_word[word]}
        for number in prefixed:
            if number not in found and any(word.startswith(rules[number].prefixes) for word in words):
                found.add(number)
        return [rules[number] for number in sorted(found)]


def _indexed(rules: list[Rule]) -> tuple[dict[str, list[int]], list[int]]:
    """Which rules each word calls up, and those that are called up by beginnings of words."""
    by_word: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for key in rule.keys:
            by_word.setdefault(key, []).append(number)
    return by_word, [number for number, rule in enumerate(rules) if rule.prefixes]


@cache
def book(name: str) -> Book:
    """The rules of a file, read once."""
    made = Book()
    lines = list(_lines((_PLACE / f"{name}.txt").read_text("utf-8")))
    for line in lines:
        if line.startswith("@"):
            group, _, members = line[1:].partition(":")
            made.groups.setdefault(group.strip(), []).extend(_members(members))
    section = ""
    for line in lines:
        if line.startswith("@"):
            continue
        if line.startswith("["):
            section = line.strip("[] ")
            made.sections.setdefault(section, [])
        else:
            made.sections[section].append(_rule(made, section, line))
    return made


def _lines(text: str) -> Iterator[str]:
    """Lines without comments; one that is indented goes on with the one before."""
    whole = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            whole += " " + line.strip()
            continue
        if whole:
            yield whole
        whole = line.rstrip()
    if whole:
        yield whole


def _members(text: str) -> list[str]:
    return [" ".join(member.split()) for member in text.split("|") if member.strip()]


def _rule(of: Book, section: str, line: str) -> Rule:
    found = _HEAD.fullmatch(line)
    if found is None:
        raise ValueError(f"not a rule: {line}")
    flags = found["flags"].split()
    named = dict(flag.split("=") for flag in flags if "=" in flag)
    parts = [part.split() for part in found["pattern"].split(" & ")]
    first, *beside = (re.compile(r"(?<![^ ])" + "".join(_element(of, one) for one in part)) for part in parts)
    keys = min((_keys(of, part) for part in parts), key=lambda words: (len(words & _common(of)), len(words)))
    return Rule(
        found["name"],
        section,
        float(found["weight"]),
        first,
        frozenset(key for key in keys if not key.endswith("*")),
        tuple(key[:-1] for key in keys if key.endswith("*")),
        frozenset(flag for flag in flags if "=" not in flag),
        _any_of(of, named.get("unless")),
        _any_of(of, named.get("with")),
        tuple(beside),
    )


def _common(of: Book) -> set[str]:
    return set(of.groups.get("COMMON", []))


def _any_of(of: Book, group: str | None) -> re.Pattern[str] | None:
    if group is None:
        return None
    members = [member for name in group.split("+") for member in of.groups[name]]
    return re.compile("(?<![^ ])" + "(?:" + "|".join(_phrase(of, member) for member in members) + ")")


def _element(of: Book, element: str) -> str:
    """One element as a regular expression that takes the blank behind it too."""
    if element == "^":
        return r"(?<=[|,] )"
    if element == "$":
        return r"(?=[|,] )"
    if element.startswith("~"):
        return f"(?:{_between(of)} ){{0,{int(element[1:])}}}?"
    if element.startswith(".."):
        return rf"(?:[^\s|]+ ){{0,{int(element[2:])}}}?"
    if element.startswith("!"):
        return f"(?!{'|'.join(_choice(of, choice) for choice in element[1:].split('/'))})"
    optional = "?" if element.endswith("?") else ""
    return f"(?:{'|'.join(_choice(of, choice) for choice in element.rstrip('?').split('/'))}){optional}"


def _choice(of: Book, choice: str) -> str:
    """One of the choices of an element: a group, the end of a clause, or words joined by `_`."""
    if choice == "$":
        return r"(?=[|,] )"
    if choice.startswith("{"):
        return "|".join(_phrase(of, member) for member in _longest_first(of.groups[choice.strip("{}")]))
    return "".join(f"{_word(word)} " for word in choice.split("_"))


def _phrase(of: Book, phrase: str) -> str:
    """The words of a member of a group; it may name other groups."""
    return "".join(_element(of, part) for part in phrase.split())


def _longest_first(members: list[str]) -> list[str]:
    return sorted(members, key=lambda member: -len(member))


def _word(word: str) -> str:
    return re.escape(word[:-1]) + r"[^\s|,]*" if word.endswith("*") else re.escape(word)


def _between(of: Book) -> str:
    """A word that may stand between two elements."""
    barred = "|".join(_word(word) for word in [*of.groups.get("NOT", []), *of.groups.get("ELSE", [])])
    return rf"(?!(?:{barred}) )[^\s|]+" if barred else r"[^\s|]+"


def _keys(of: Book, elements: list[str]) -> set[str]:
    """First words of the element with the fewest common ones: one of them must be there."""
    choices = [_first_words(of, element) for element in elements if _is_needed(element)]
    return min(choices, key=lambda words: (len(words & _common(of)), len(words)))


def _is_needed(element: str) -> bool:
    return not element.startswith(("~", "^", "$", "!", "..")) and not element.endswith("?")


def _first_words(of: Book, element: str) -> set[str]:
    found: set[str] = set()
    for choice in element.split("/"):
        if choice == "$":
            return set(of.groups["COMMON"])
        if not choice.startswith("{"):
            found.add(choice.split("_")[0])
            continue
        for member in of.groups[choice.strip("{}")]:
            found |= next((_first_words(of, part) for part in member.split() if _is_needed(part)), set())
    return found
