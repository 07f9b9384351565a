"""Whether somebody is in danger by what they write: evidence of rules, weighed in its context, and of its wording.

Pure, by code alone. What is found adds up: a plain statement is enough alone, hints are so together. Ways of speaking
are taken out first; what is denied, long over, told of somebody else, studied or made up is weighed as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal

from anima.safety import wording
from anima.safety.engine import Book, Match, book
from anima.safety.normal import normal

Kind = Literal["none", "concern", "crisis", "crisis_other"]

CRISIS = 2.5
CONCERN = 1.0
_FURTHER = 0.6  # what each further piece of evidence counts beside the strongest
_BEFORE = 0.4  # what the last messages count, where this one says something too
_ASIDE = 0.3  # of what is studied or made up
_NOW = re.compile(r" (?:want|going|will|am|wish|need|plan|veux|vais|suis|envie|voudrais|compte) ")
_OF_ONESELF = re.compile(r"(?:^| )(?:i|my|me|myself|je|j|me|m|moi|mes|mon|ma) ")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a message says of danger; `evidence` are names of rules, never words. `worry`: worth a gentle word."""

    kind: Kind
    score: float
    acute: bool
    evidence: tuple[str, ...]
    worry: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """A message with what stands around its evidence."""

    text: str
    words: frozenset[str]
    marks: frozenset[str]  # which sections of context have a match anywhere: serious, laugh, topic
    past: tuple[tuple[int, int], ...]
    present: tuple[tuple[int, int], ...]
    topic: tuple[tuple[int, int], ...]

    def sentence(self, match: Match) -> tuple[int, int]:
        """Where the sentence of a match begins and ends."""
        begin = self.text.rfind("|", 0, match.start) + 1
        end = self.text.find("|", match.end - 1)
        return begin, len(self.text) if end < 0 else end


def detect(text: str, recent: Sequence[str] = (), vector: Sequence[float] | None = None) -> Finding:
    """What a message says; `recent` are the same person's last ones, the newest last, which can make hints clear.

    `vector` is its embedding, where wording.py knows its model.
    """
    plain = normal(text)
    score, other, acute, names = _weighed(plain)
    if score >= CONCERN:
        before = max((_weighed(normal(one))[0] for one in recent[-3:]), default=0.0)
        score += _BEFORE * min(before, CRISIS)
    likely = wording.logit(plain, score, vector) if any(map(str.isalpha, plain)) else wording.HARMLESS
    if score >= CRISIS and likely >= wording.HARMLESS:
        return Finding("crisis", round(score, 2), acute, names)
    if other >= CRISIS:
        return Finding("crisis_other", round(other, 2), acute, names)
    if likely >= wording.DANGER:
        return Finding("crisis", round(score, 2), False, (*names, "wording"))
    strongest = max(score, other)
    heard = strongest >= CONCERN or likely >= wording.HINT
    return Finding("concern" if heard else "none", round(strongest, 2), False, names, likely >= wording.WORRY)


def score(text: str) -> float:
    """The evidence of the rules alone; nothing where it speaks of somebody else."""
    of_self, other, _, _ = _weighed(normal(text))
    return of_self if of_self >= CRISIS or other < CRISIS else 0.0


def _weighed(plain: str) -> tuple[float, float, bool, tuple[str, ...]]:
    """Evidence of oneself, of somebody else, whether it may be happening now, and the names of the rules."""
    if not _tells(plain):  # most messages: nothing more is looked at
        return 0.0, 0.0, False, ()
    reading = _read(plain)
    of_self: dict[str, float] = {}
    of_other: dict[str, float] = {}
    acute = False
    others = [(one, match) for one in _books() for match in one.matches("other", reading.text, reading.words)]
    for one in _books():
        for match in one.matches("self", reading.text, reading.words):
            if _denied(one, reading, match):
                continue
            weight = _in_context(reading, match)
            if _reported(one, reading, match) or _covered(one, reading, match, [other for _, other in others]):
                of_other[match.rule.name] = weight
                continue
            of_self[match.rule.name] = weight
            acute = acute or ("acute" in match.rule.flags and weight >= CRISIS)
    for one, match in others:
        if not _denied(one, reading, match):
            of_other[match.rule.name] = _of_another(reading, match)
            acute = acute or ("acute" in match.rule.flags and of_other[match.rule.name] >= CRISIS)
    names = tuple(name for name, weight in chain(of_self.items(), of_other.items()) if weight > 0)
    return _sum(of_self), _sum(of_other), acute, names


def _tells(plain: str) -> bool:
    words = frozenset(plain.split())
    return any(any(one.matches(section, plain, words)) for one in _books() for section in ("self", "other"))


def _sum(weights: dict[str, float]) -> float:
    ordered = sorted(weights.values(), reverse=True)
    return ordered[0] + _FURTHER * sum(ordered[1:4]) if ordered else 0.0


def _books() -> tuple[Book, ...]:
    return book("crisis_en"), book("crisis_fr")


def _read(text: str) -> _Reading:
    words = frozenset(text.split())
    for one in _books():
        text = _without_idioms(one, text, words)
    words = frozenset(text.split())
    marks = frozenset(section for section in ("serious", "laugh") if any(_spans(section, text, words)))
    past, present = tuple(_spans("past", text, words)), tuple(_spans("present", text, words))
    return _Reading(text, words, marks, past, present, tuple(_spans("topic", text, words)))


def _spans(section: str, text: str, words: frozenset[str]) -> Iterator[tuple[int, int]]:
    for one in _books():
        for match in one.all_matches(section, text, words):
            yield match.start, match.end


def _without_idioms(one: Book, text: str, words: frozenset[str]) -> str:
    """The text with every way of speaking made into blanks of the same number of words."""
    spans = sorted((match.start, match.end) for match in one.all_matches("idiom", text, words))
    parts, at = [], 0
    for start, end in spans:
        if end <= at:
            continue
        start = max(start, at)
        parts += [text[at:start], "_ " * text.count(" ", start, end)]
        at = end
    return "".join([*parts, text[at:]])


def _denied(one: Book, reading: _Reading, match: Match) -> bool:
    """Whether a word that denies stands shortly before. Where the match begins with its subject only "not that" does;
    a rule that holds a word that denies begins with it.
    """
    if match.rule.beside:  # most such rules say themselves what denies
        near = reading.text[max(0, match.start - 20) : match.end].rsplit("|", 1)[-1].split()
        return "deniable" in match.rule.flags and not _deniers(one).isdisjoint(near)
    before = reading.text[: match.start].rsplit("|", 1)[-1].split()[-3:]
    said = reading.text[match.start : match.end]
    if said.startswith(_SUBJECTS):
        return before[-2:] in _NOT_THAT
    if _YOURS.search(reading.text, max(0, match.start - 12), match.start):
        return True
    return any(word in _deniers(one) for word in before) and not _DENYING.match(said)


_SUBJECTS = ("i ", "je ", "j ")
_NOT_THAT = (["not", "that"], ["not", "saying"], ["not", "like"], ["pas", "que"], ["pas", "comme"])


_DENYING = re.compile(
    r"(?:not|no|never|nothing|plus|pas|jamais|rien|personne|aucun|ne|n|sans|pourquoi|why|how|what|a quoi|comment) "
)


@cache
def _denying_words(groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset(groups)


def _deniers(one: Book) -> frozenset[str]:
    return _denying_words(tuple(one.groups["NOT"])) - {"sans", "without"}


def _in_context(reading: _Reading, match: Match) -> float:
    """What a match about oneself weighs where it stands."""
    weight, (begin, end) = match.rule.weight, reading.sentence(match)
    words = f" {reading.text[match.start : match.end]}"
    if _over(reading, match, words, begin, end):
        return 0.0
    studied = any(begin <= start < end for start, _ in reading.topic)
    if "light" in match.rule.flags and (studied or "laugh" in reading.marks) and "serious" not in reading.marks:
        return min(weight, CONCERN)
    return weight * _ASIDE if studied and not _OF_ONESELF.search(words) else weight


def _over(reading: _Reading, match: Match, words: str, begin: int, end: int) -> bool:
    """Whether it is told as something of the past, and nothing says that it is back."""
    if "now" in match.rule.flags:
        return False
    told = [start for start, _ in reading.past if begin <= start < end]
    here = _part(reading.text, match, begin, end)
    if not told or any(here[0] <= start < here[1] for start, _ in reading.present):
        return False
    return not _NOW.search(words) or any(
        "," not in reading.text[min(start, match.start) : match.start] for start in told
    )


def _part(text: str, match: Match, begin: int, end: int) -> tuple[int, int]:
    """What stands between the commas around a match."""
    after = text.find(",", match.end)
    return max(begin, text.rfind(",", 0, match.start) + 1), end if after < 0 else min(end, after)


def _of_another(reading: _Reading, match: Match) -> float:
    begin, end = reading.sentence(match)
    here = _part(reading.text, match, begin, end)
    again = any(here[0] <= start < here[1] for start, _ in reading.present)
    if any(begin <= start < end for start, _ in reading.past) and not again:
        return 0.0
    made_up = bool(reading.topic)
    near = re.search(r" (?:my|mon|ma|mes) ", f" {reading.text[begin : match.end]}")
    return match.rule.weight * (_ASIDE if made_up and not near else 1.0)


def _covered(one: Book, reading: _Reading, match: Match, others: list[Match]) -> bool:
    """Whether nothing in the words is one's own, and they are somebody else's: their subject stands just before."""
    if match.rule.beside:  # in any order: whose it is, a rule of others knows better
        begin, end = reading.sentence(match)
        return any(begin <= other.start < end and other.rule.weight >= CRISIS for other in others)
    if _OF_ONESELF.search(f" {reading.text[match.start : match.end]}"):
        return False
    begin, _ = _part(reading.text, match, *reading.sentence(match))
    before = reading.text[begin : match.start].split()[-4:]
    if not _elses(one).isdisjoint(before) and not {"i", "je", "j"} & set(before):
        return True
    return any(other.start < match.end and match.start < other.end for other in others)


def _elses(one: Book) -> frozenset[str]:
    return _denying_words(tuple(one.groups["ELSE"])) - _NOBODYS


_NOBODYS = frozenset({"it", "you", "we", "who", "tu", "vous", "on", "toi"})
_YOURS = re.compile(r"(?<![^ ])(?:you|tu|vous|on) (?:a |avez |as |ne |n |to )?$")


def _reported(one: Book, reading: _Reading, match: Match) -> bool:
    """Whether somebody else is told to have said it: "she texted me i want to die"."""
    before = reading.text[max(0, match.start - 60) : match.start]
    return _saying(one).search(before) is not None


def _saying(one: Book) -> re.Pattern[str]:
    return _saying_of(
        tuple(one.groups.get("PERSON", one.groups.get("QUI", ()))),
        tuple(one.groups.get("SAYS", one.groups.get("DIT", ()))),
    )


@cache
def _saying_of(persons: tuple[str, ...], verbs: tuple[str, ...]) -> re.Pattern[str]:
    who, says = "|".join(map(re.escape, persons)), "|".join(map(re.escape, verbs))
    return re.compile(
        rf"(?<![^ ])(?:{who}) (?:[^ |,]+ ){{0,2}}(?:{says}) (?:(?:me|to|that|m|que|qu|a|,|\||like) ){{0,3}}$"
    )
