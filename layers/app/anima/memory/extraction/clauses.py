"""A message in clauses: the person's own words, without quotations, each with what speaks against believing it."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.M)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»")
_SENTENCE = re.compile(r"[^.!?;…\n]+(?:\.(?=\d)[^.!?;…\n]*)*[.!?;…]*")
_MAX_CLAUSE_CHARS = 400
_FIRST = r"(?:i|i'm|i've|i'd|i'll|my|je|j'\w+|mon|ma|mes|moi)\b"
_SPLIT = re.compile(
    rf"(?: ?,)? (?:and|but|so|because|though|although|while|plus|et|mais|donc|car|puis|parce que|alors que) (?={_FIRST})"
    rf"| ?, ?(?={_FIRST})| [-–—] | ?: (?={_FIRST})"
    r"| ?, ?(?=(?:do|did|are|is|isn't|can|could|what|how|which|would|any idea|right|est-ce|tu|peux|connais|quels?|quelles?|comment|et toi)\b)",
    re.I,
)
_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|i've|i'd|my|me|mine|myself|je|j'\w+|mon|ma|mes|moi|m'\w+|me|mien|mienne)\b", re.I
)
_SUPPOSED = re.compile(
    r"\b(?:if i|if my|if only|i wish|imagine|suppose|supposing|pretend|pretending|let's say|what if|as if|would be|might"
    r"|maybe|perhaps|in my (?:novel|story|dream|game)|my character|role-?play"
    r"|si j'\w+|si je|si mon|si ma|imagine|imaginons|supposons|fais comme si|peut-être|serais|aurais|dans mon (?:roman|rêve|jeu)"
    r"|mon personnage|j'aurais aimé)\b",
    re.I,
)
_REPORTED = re.compile(
    r"\b(?:he|she|they|people|everyone|someone|\w+) (?:say|says|said|think|thinks|thought|claim|claims|claimed|believe|believes|joked)"
    r" (?:that )?(?:i|my)\b|\btold (?:me|him|her|them|you) (?:that )?(?:i|my)\b|\baccording to\b"
    r"|\b(?:dit|disent|pense|pensent|croit|croient|prétend|raconte) qu(?:e je|e j'|e mon|e ma|'il|'elle)|\bselon\b|\bd'après\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message with one statement, as it was written."""

    text: str
    question: bool
    supposed: bool
    reported: bool

    @property
    def plain(self) -> str:
        """The text with straight apostrophes, of the same length."""
        return straight(self.text)

    @property
    def first_person(self) -> bool:
        """Whether the speaker speaks of themselves."""
        return _FIRST_PERSON.search(self.plain) is not None

    @property
    def believable(self) -> bool:
        """Whether it states something, in the person's own name."""
        return self.first_person and not (self.question or self.supposed or self.reported)


def straight(text: str) -> str:
    """Typographic apostrophes as straight ones; no character more or less."""
    return text.replace("’", "'").replace("‘", "'").replace("ʼ", "'")


def own_words(text: str) -> str:
    """The message without code, quoted lines and quotations of more than three words, blanked to the same length."""

    def blank(found: re.Match[str]) -> str:
        return " " * len(found.group())

    def blank_long(found: re.Match[str]) -> str:
        return blank(found) if len(found.group().split()) > 3 else found.group()

    return _QUOTED.sub(blank_long, _QUOTED_LINE.sub(blank, _CODE.sub(blank, text)))


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a person's own words, in order."""
    for sentence in _SENTENCE.findall(own_words(text)):
        question = sentence.rstrip().endswith("?")
        reported = _REPORTED.search(straight(sentence)) is not None
        for part in _SPLIT.split(sentence):
            if stripped := part.strip(" \t,.!;…")[:_MAX_CLAUSE_CHARS]:
                supposed = _SUPPOSED.search(straight(stripped)) is not None
                yield Clause(stripped, question and sentence.endswith(part), supposed, reported)


def speaks_of_self(text: str) -> bool:
    """Whether anything in the message is worth asking a model about: a statement in the first person."""
    return any(clause.believable for clause in clauses(text))


_CHANGE = re.compile(
    r"\b(?:now|no longer|any ?more|moved|new|these days|nowadays|just (?:started|became|got|turned)|recently|switched|changed|became|used to"
    r"|maintenant|désormais|ne \w+ plus|n'\w+ plus|nouve(?:au|lle)|déménagé|emménagé|récemment|devenue?|viens de|changé)\b",
    re.I,
)


def speaks_of_change(text: str) -> bool:
    """Whether something is said to be otherwise than before."""
    return _CHANGE.search(straight(text)) is not None
