"""What a person comes back to: the same thing done in several messages, on several days, is a habit. Pure.

Patterns propose (English and French), each from one clause of one message in the person's own words; the judge that
disposes of a model's proposals disposes of these too. Only what it takes in enough messages recurs.
"""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel.terms import fold
from anima.memory.extraction import words_en, words_fr
from anima.memory.extraction.clauses import clauses
from anima.memory.extraction.judge import judge
from anima.memory.extraction.proposals import Proposal
from anima.memory.facts_model import Found

LEAST = 3
"""So many messages must bear it."""
LEAST_DAYS = 2
"""On so many days: what is told three times in an hour is one telling."""
_ING = r"(?P<v>[a-z]{3,}ing)\b"
_NO_HABIT = frozenset(
    "being doing going coming getting having making taking trying thinking looking working sleeping waiting talking feeling saying living missing crying dying"
    " wedding building meeting morning evening something anything nothing everything shopping king ring thing bring spring string".split()
)
_GAMES = (
    r"(?P<v>tennis|football|soccer|basketball|volleyball|badminton|squash|golf|rugby|hockey|cricket|ping[ -]pong|padel|handball"
    r"|baseball|foot|basket|volley|pétanque)\b"
)
_INSTRUMENTS = (
    r"(?P<v>piano|guitar|violin|cello|flute|clarinet|trumpet|saxophone|sax|drums|harp|organ|accordion|ukulele|bass|viola|oboe|banjo|mandolin"
    r"|guitare|violon|violoncelle|flûte|clarinette|trompette|batterie|harpe|orgue|accordéon|basse|alto|hautbois)\b"
)
_SPORT = re.compile("|".join((words_en.SPORTS, words_en.EXERCISES, words_fr.SPORTS, words_fr.EXERCISES)), re.I)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.I))
    for key, pattern in (
        ("hobby", rf"\bi (?:\w+ly )?(?:go|went|was|am going) (?:out )?{_ING}"),
        ("hobby", rf"\bi(?:'ve| have) (?:\w+ly )?been {_ING}"),
        ("hobby", rf"\bi'm going {_ING}"),
        ("hobby", rf"\bi (?:enjoyed|loved|did some|spent \w+ (?:\w+ )?) ?{_ING}"),
        (
            "hobby",
            r"\bj(?:'ai|e) (?:encore |souvent |beaucoup )?(?:re)?fai[st] (?:encore |souvent )?(?:du|de la|de l') ?(?P<v>[a-zà-ÿ]{4,})\b",
        ),
        ("sport", rf"\bi (?:\w+ly )?(?:play|played|was playing) (?:some )?{_GAMES}"),
        ("sport", rf"\bi(?:'ve| have) (?:been )?play(?:ed|ing) (?:some )?{_GAMES}"),
        ("sport", rf"\bj(?:'ai|e) (?:encore |souvent |beaucoup )?(?:re)?jou[eé] (?:au|aux|à la) {_GAMES}"),
        (
            "instrument",
            rf"\bi (?:\w+ly )?(?:practi[cs]ed?|played?|was practi[cs]ing|was playing) (?:the|my) {_INSTRUMENTS}",
        ),
        ("instrument", rf"\bi(?:'ve| have) been (?:practi[cs]ing|playing) (?:the|my) {_INSTRUMENTS}"),
        (
            "instrument",
            rf"\bj(?:'ai|e) (?:encore |souvent |beaucoup )?(?:re)?(?:jou[eé]|travaill[eé]|pratiqu[eé])e? (?:du |de la |de l'|mon |ma |le |la |l'){_INSTRUMENTS}",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Saying:
    """A message of the person's own."""

    message_id: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A fact, and the messages that bear it, each with its own words as evidence; the oldest first."""

    key: str
    value: str
    found: list[tuple[int, Found]]


def recurring(said: Sequence[Saying], least: int = LEAST) -> list[Recurrence]:
    """What at least so many messages bear, on different days; the most frequent first."""
    by_key: dict[str, dict[int, Found]] = {}
    days: dict[str, set[str]] = {}
    for each in sorted(said, key=lambda one: (one.at, one.message_id)):
        for found in _borne(each):
            by_key.setdefault(found.key, {}).setdefault(each.message_id, found)
            days.setdefault(found.key, set()).add(each.at.date().isoformat())
    often = [
        Recurrence(key, str(next(iter(of.values())).value), list(of.items()))
        for key, of in by_key.items()
        if len(of) >= least and len(days[key]) >= LEAST_DAYS
    ]
    return sorted(often, key=lambda each: (-len(each.found), each.key))


def _borne(said: Saying) -> Iterator[Found]:
    """What the patterns propose of a message and the judge lets stand."""
    proposed = list(_proposed(said.text))
    if proposed:
        yield from judge(said.text, proposed).found


def _proposed(text: str) -> Iterator[Proposal]:
    for clause in clauses(text):
        if not clause.believable:
            continue
        for key, pattern in _PATTERNS:
            match = pattern.search(clause.plain)
            if match is not None and (value := match.group("v").lower()) not in _NO_HABIT:
                named = "sport" if key == "hobby" and _SPORT.fullmatch(fold(value)) else key
                yield Proposal(key=named, value=value, evidence=clause.text)
