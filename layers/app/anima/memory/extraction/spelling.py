"""A message as rules read it: small letters without accents, straight apostrophes, chat spelling written out.

Every character of the plain form knows where it stands in the message, so that what is found in the one is cut from
the other as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from anima.kernel.terms import fold

_APOSTROPHES = frozenset("’‘ʼ`´")
_EN_NEGATED = "do|does|did|is|are|was|were|wo|would|could|should|have|has|had"
_FR_VERBS = (
    "suis|vis|bosse|travaille|fais|mange|bois|prends|joue|parle|deteste|hais|viens|pars|vais|veux|peux|sais|pense|crois|conduis|roule"
    "|cours|nage|peins|chante|danse|reve|compte|kiffe|supporte|loge|reside|tiens|pratique|collectionne|cherche|prefere|dois|dors"
)
_VOWEL_VERBS = (
    "ai|aime|adore|habite|etais|avais|etudie|apprends|ecoute|ecris|aurai|enseigne|essaie|espere|aimerais|irai|avoue"
)
# What is written in haste, and how it is written in full; none of these is a word of the other language.
_IN_FULL: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), full)
    for pattern, full in (
        (r"\bi ?m\b(?! ?ea)|\bi am\b|\bima(?= a\b)", "i'm"),
        (r"\bive\b|\bi ve\b|\bi have(?= (?:been|always|never|lived|worked|loved|known|just|recently|had)\b)", "i've"),
        (r"\bwe are\b", "we're"),
        (r"\bwe have(?= (?:been|always|just|recently|lived)\b)", "we've"),
        (r"\b(?:cannot|can not|cant)\b", "can't"),
        (rf"\b(?P<verb>{_EN_NEGATED})(?: not|nt)\b", lambda found: f"{found['verb']}n't"),
        (r"\bill(?= be\b)|\bi will\b", "i'll"),
        (r"\bgonna\b", "going to"),
        (r"\bfave?\b|\bfavs\b", "favourite"),
        (r"\bluv\b", "love"),
        (r"\brly\b", "really"),
        (r"\bpref\b", "prefere"),
        (r"\bj'?ador\b", "j'adore"),
        (r"\bwanna\b", "want to"),
        (r"\bany more\b", "anymore"),
        (r"\b(?:bday|b-day)\b", "birthday"),
        (rf"\bj ?(?=(?:{_VOWEL_VERBS})\b)", "j'"),
        (rf"\b(?:j'|j)(?=(?:{_FR_VERBS})\b)", "je "),
        (r"\b(?:chui|chuis|jsuis|j'suis)\b", "je suis"),
        (r"\bj'?m'?appelle\b|\bje mappelle\b", "je m'appelle"),
        (r"\bsappelle\b", "s'appelle"),
        (r"\bcest\b|\bc est\b", "c'est"),
        (r"\banniv\b'?", "anniversaire"),
        (r"\bappart\b'?", "appartement"),
        (r"\bdapres\b", "d'apres"),
    )
)


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in its plain form; `places[i]` is where character i stands in what was written."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The same stretch in what was written."""
        if start >= end:
            return (0, 0)
        return self.places[start], self.places[end - 1] + 1


@lru_cache(maxsize=4096)
def _letter(character: str) -> str:
    if character in _APOSTROPHES:
        return "'"
    return " " if character.isspace() else fold(character)


def plain(text: str) -> Plain:
    """The plain form of a text: linear in its length."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in _letter(character):
            if letter == " " and letters and letters[-1] == " ":
                continue
            letters.append(letter)
            places.append(place)
    written = Plain("".join(letters), tuple(places))
    for pattern, full in _IN_FULL:
        written = _replaced(written, pattern, full)
    return written


def _replaced(written: Plain, pattern: re.Pattern[str], full: str | Callable[[re.Match[str]], str]) -> Plain:
    if pattern.search(written.text) is None:
        return written
    text: list[str] = []
    places: list[int] = []
    last = 0
    for found in pattern.finditer(written.text):
        start, end = found.span()
        new = full if isinstance(full, str) else full(found)
        text += [written.text[last:start], new]
        places += written.places[last:start]
        width = max(end - start, 1)
        places += [
            written.places[min(start + at * width // max(len(new), 1), len(written.places) - 1)]
            for at in range(len(new) - 1)
        ]
        places += [written.places[min(start + width, len(written.places)) - 1]] * bool(new)
        last = end
    text.append(written.text[last:])
    places += written.places[last:]
    return Plain("".join(text), tuple(places))
