"""The words of feeling, English and French: how a text is cut into tokens, and what is known of each. Pure.

An entry is a word, a word with a final * for any ending, or several words. Of those that begin at a token the longest
says how the text is to be taken; all of them say what else they stand for (arousal, kinds).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from anima.kernel.terms import Language, fold

Role = Literal["", "not", "more", "less", "but", "turn", "zero"]

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]", re.UNICODE)
_FACE = re.compile(r"(?<!\w)(?:[:;=]['-]?[)(dDpPc|/\\]+|[>]:\(|xD+|<3+|\^\^|-_-|D:)(?!\w)")
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)$")
_RUN = re.compile(r"(.)\1{2,}")
_LAUGH = re.compile(r"^(?:(?:ha|ah|he|eh|hi){2,}h?|lo+l+|l+m+f?a+o+|mdr+|x?ptd?r+|xd+|rofl)$")
_PHRASE = 1.8
"""What the mildest of the unpleasant phrases weighs: a phrase says more than a word."""
_LEAST_STEM = 3
_MOST_LOOKED_UP = 5000
_JOINTS = frozenset("-'")
_MAY_LAUGH = frozenset("hlmpxrea")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a word or a phrase."""

    value: float = 0.0
    arousal: float = 0.0
    kinds: frozenset[str] = frozenset()
    role: Role = ""


@dataclass(slots=True)
class Lexicon:
    """Entries by their first word (the rest in order, the longest first), and by the stem of a word."""

    words: dict[str, Entry] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[str, ...], Entry]]] = field(default_factory=dict)
    stems: dict[str, Entry] = field(default_factory=dict)
    looked_up: dict[str, Entry | None] = field(default_factory=dict)

    def word(self, token: str) -> Entry | None:
        """What is known of one word."""
        found = self.words.get(token)
        if found is not None or len(token) <= _LEAST_STEM:
            return found
        if token in self.looked_up:
            return self.looked_up[token]
        if len(self.looked_up) >= _MOST_LOOKED_UP:
            self.looked_up.clear()
        found = self.looked_up[token] = self._stemmed(token)
        return found

    def _stemmed(self, token: str) -> Entry | None:
        for end in range(len(token), _LEAST_STEM - 1, -1):
            if (found := self.stems.get(token[:end])) is not None:
                return found
        return None

    def of_phrases(self, tokens: list[str], at: int) -> Iterator[tuple[int, Entry]]:
        """The phrases that begin at a token, with their lengths, the longest first."""
        for rest, entry in self.phrases.get(tokens[at], ()):
            if tokens[at + 1 : at + 1 + len(rest)] == list(rest):
                yield len(rest) + 1, entry


@dataclass(frozen=True, slots=True)
class Faces:
    """Emojis and faces made of signs: their value, arousal, and those that go with either feeling."""

    values: Mapping[str, float]
    arousal: Mapping[str, float]
    either: frozenset[str]


def straight(text: str) -> str:
    """With plain apostrophes."""
    return text.replace("’", "'").replace("ʼ", "'")


def tokens_of(text: str) -> tuple[list[str], int]:
    """Its words as the lexica have them (folded, "don't" as dont, "j'ai" as j ai), and how many were drawn out."""
    found, drawn, plain = [], 0, fold(straight(text))
    runs = _RUN.search(plain) is not None
    for token in _TOKEN.findall(plain):
        if token in _JOINTS:
            continue
        if token[0] in _MAY_LAUGH and _LAUGH.match(token):
            found.append("haha")
            continue
        short = _RUN.sub(r"\1", token) if runs else token
        drawn += short != token and token[0].isalpha()
        found += _parts(short)
    return found, drawn


def faces_of(text: str) -> list[str]:
    """Faces made of signs."""
    return [found.replace("-", "") if found[0] in ":;=" else found for found in _FACE.findall(text)]


def _parts(token: str) -> list[str]:
    before, mark, after = token.partition("'")
    if not mark:
        return [token]
    if after == "ll":  # "I'll" is not ill
        return [before, after]
    return [before, *_parts(after)] if _ELIDED.match(before) else [before + after.replace("'", "")]


@lru_cache(maxsize=4)
def lexicon(language: Language) -> Lexicon:
    """The lexicon of a language, read once."""
    data: dict[str, Any] = _read(f"lexicon_{language}.json")
    made = Lexicon()
    for role in ("not", "more", "less", "but", "turn", "zero"):
        _add(made, data[role], Entry(role=role))
    for strength, entries in data["words"].items():
        _add(made, entries, Entry(value=float(strength)))
    for strength, entries in data["phrases"].items():
        value = float(strength)
        _add(made, entries, Entry(value=-_PHRASE if value == -1.0 else value))
    for strength, entries in data["arousal"].items():
        _add(made, entries, Entry(arousal=float(strength)))
    for kind, entries in data["kinds"].items():
        _add(made, entries, Entry(kinds=frozenset({kind})))
    for several in made.phrases.values():
        several.sort(key=lambda one: -len(one[0]))
    return made


@lru_cache(maxsize=1)
def faces() -> Faces:
    """Emojis and faces, read once."""
    data: dict[str, Any] = _read("lexicon_emoji.json")
    values = {each: float(strength) for strength, all_of in data["words"].items() for each in all_of.split()}
    arousal = {each: float(strength) for strength, all_of in data["arousal"].items() for each in all_of.split()}
    return Faces(values, arousal, frozenset(data["either"].split()))


def _read(name: str) -> Any:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _add(made: Lexicon, entries: str, what: Entry) -> None:
    for entry in entries.split(","):
        written = entry.strip()
        tokens, _ = tokens_of(written.rstrip("*!"))
        if not tokens:
            continue
        if len(tokens) > 1:
            _add_phrase(made, tokens, what)
        else:
            place = made.stems if written.endswith("*") else made.words
            place[tokens[0]] = _joined(place.get(tokens[0]), what)


def _add_phrase(made: Lexicon, tokens: list[str], what: Entry) -> None:
    several = made.phrases.setdefault(tokens[0], [])
    for place, (rest, known) in enumerate(several):
        if list(rest) == tokens[1:]:
            several[place] = (rest, _joined(known, what))
            return
    several.append((tuple(tokens[1:]), what))


def _joined(known: Entry | None, what: Entry) -> Entry:
    """Both; of two values the stronger, of two roles the first."""
    if known is None:
        return what
    return replace(
        known,
        value=max(known.value, what.value, key=abs),
        arousal=max(known.arousal, what.arousal, key=abs),
        kinds=known.kinds | what.kinds,
        role=known.role or what.role,
    )
