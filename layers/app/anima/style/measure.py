"""What one message tells of how its writer writes: numbers and little words, never what it is about. Pure.

Length, formality, emojis, punctuation, case, address (tu, vous) and language are read from the writer's own words:
code, quotations, addresses and what looks pasted are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anima.kernel.terms import language_of
from anima.style.words import CASUAL, FORMAL, GOODBYES, GREETINGS, LAUGHS, POLITE, RELAXED, TU, VOUS

MOST_WORDS = 120
"""A message of more words than this is hardly ever typed in a talk: it was pasted, unless most are so."""
_MOST_CHARS = 20_000
_OWN_LINE = 40
"""So many words, at most, has what somebody writes before or after what they pasted."""

_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CITED = re.compile(r"^\s*>.*$", re.MULTILINE)
_QUOTED = re.compile(r"«[^»]{60,}»|“[^”]{60,}”|\"[^\"\n]{60,}\"")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934-\u2935\u2b05-\u2b55]"
)
_PICTOGRAM = rf"(?:[\U0001f000-\U0001f3fa\U0001f400-\U0001faff]|{_PICTURE})[\ufe0f\U0001f3fb-\U0001f3ff\u20e3]*"
_EMOJI = re.compile(rf"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTOGRAM}(?:\u200d{_PICTOGRAM})*")
_EMOTICON = re.compile(r"(?<!\w)(?:[:;=]['’]?-?[)(DPpO3|/]|[xX]D|<3|\^\^)(?!\w)")
_DRAWN = re.compile(r"([a-zà-ÿ])\1{2,}")
_CONTRACTED = re.compile(r"\b\w+(?:n't|'(?:m|re|ve|ll|d))\b|\b(?:it|that|what|there|he|she)'s\b")
_FULL = re.compile(
    r"\b(?:i am|i have|i will|i would|do not|does not|did not|is not|was not|it is|that is|cannot|we are)\b"
)
_PAS = re.compile(r"\b(?:n'|ne\b)")
_END = re.compile(r"[.!?…][\"'»”)\s]*$")
_FRENCH_CHAT = frozenset(
    "mdr ptdr jsp tkt jsuis jvais jte g c cc slt stp ouais wesh coucou salut bonjour bonsoir".split()
)


@dataclass(frozen=True, slots=True)
class Measures:
    """A message in numbers: its words and emojis, and the rest from 0 to 1; `marks` are habitual little words.

    `expressive` tells of its punctuation, `ended` that its last sentence has an end mark. `long` means that it is so
    long that it was most likely pasted.
    """

    words: int
    formality: float
    emoji: float
    exclamation: float
    expressive: float
    ended: float
    lower_case: float
    tu: float
    vous: float
    language: str | None
    greeting: str | None
    marks: tuple[str, ...] = ()
    long: bool = False


def measured(text: str, language: str | None = None) -> Measures | None:
    """What a message tells; none where it holds no words and no emojis of the writer's own."""
    own, long = own_words(text[:_MOST_CHARS])
    plain = own.replace("’", "'")
    emojis = len(_EMOJI.findall(plain)) + 0.5 * len(_EMOTICON.findall(plain))
    bare = _EMOTICON.sub(" ", _EMOJI.sub(" ", plain)).strip()
    words = _WORD.findall(bare)
    if not words and not emojis:
        return None
    folded = [word.casefold() for word in words]
    return Measures(
        words=len(words),
        formality=_formality(bare, words, folded),
        emoji=float(emojis),
        exclamation=float("!" in bare),
        expressive=_expressive(bare),
        ended=float(_END.search(bare) is not None),
        lower_case=_lower_case(words),
        tu=float(any(word in TU or word.startswith("t'") for word in folded)),
        vous=float(any(word in VOUS or word.endswith("-vous") for word in folded)),
        language=language_of(own) or _chatted(folded) or language,
        greeting=_greeting(folded),
        marks=_marks(folded),
        long=long,
    )


def own_words(text: str) -> tuple[str, bool]:
    """What the writer wrote themselves, and whether even that is too long to have been."""
    for pattern in (_FENCED, _CITED, _QUOTED, _ADDRESS):
        text = pattern.sub(" ", text)
    if len(_WORD.findall(text)) <= MOST_WORDS:
        return text.strip(), False
    lines = [line for line in text.splitlines() if line.strip()]
    ends = [line for line in (lines[0], lines[-1]) if len(lines) > 1 and len(_WORD.findall(line)) <= _OWN_LINE]
    return ("\n".join(ends[:1]), False) if ends else (text.strip(), True)


def _short(word: str) -> str:
    """A word without letters that were drawn out ("hiiii", "coucouuu")."""
    return _DRAWN.sub(r"\1", word)


def _greeting(folded: list[str]) -> str | None:
    """What a message begins with, if that is a greeting."""
    begun = [" ".join(folded[:2]), *map(_short, folded[:2])]
    return next((words for words in begun if words in GREETINGS), None)


def _marks(folded: list[str]) -> tuple[str, ...]:
    """The greeting, laughs, and the goodbye of a message."""
    greeting = _greeting(folded)
    inside = [short for word in folded if (short := _short(word)) in LAUGHS]
    last = [short for word in folded[-2:] if (short := _short(word)) in GOODBYES]
    return tuple(dict.fromkeys([*([greeting] if greeting else []), *inside, *last]))[:3]


def _chatted(folded: list[str]) -> str | None:
    return "fr" if any(word in _FRENCH_CHAT for word in folded) else None


def _lower_case(words: list[str]) -> float:
    """1 where the first word begins small and no "i" stands tall."""
    first = next((word for word in words if word[0].isalpha()), None)
    return float(first is not None and first[0].islower() and "I" not in words)


def _expressive(text: str) -> float:
    """0 for plain punctuation, 1 for marks that are heaped up."""
    if re.search(r"[!?]{2,}", text):
        return 1.0
    return 0.6 if "!" in text else 0.3 if re.search(r"\.{3}|…", text) else 0.0


def _formality(text: str, words: list[str], folded: list[str]) -> float:
    """0 (chat) to 1 (letters); 0.5 for what tells nothing: a sum of hints, bounded."""
    small = text.casefold()
    casual = sum(word in CASUAL or _short(word) in CASUAL for word in folded) + (" c " in f" {small} ")
    formal = sum(word in FORMAL for word in folded) + len(re.findall(POLITE, small))
    relaxed = sum(word in RELAXED for word in folded)
    score = 0.5 + _hints(formal, 0.25, 0.45) - _hints(casual, 0.35, 0.5) - _hints(relaxed, 0.06, 0.12)
    score += 0.25 * any(word in VOUS or word.endswith("-vous") for word in folded)
    score -= 0.05 * any(word in TU for word in folded) + 0.15 * (_DRAWN.search(small) is not None)
    score += 0.12 * (_FULL.search(small) is not None) - 0.05 * (_CONTRACTED.search(small) is not None)
    score -= 0.06 * (" pas" in f" {small}" and _PAS.search(small) is None)
    return round(min(1.0, max(0.0, score + _polish(text, words))), 3)


def _hints(count: int, first: float, most: float) -> float:
    return 0.0 if not count else min(most, first + (count - 1) * (most - first) / 2)


def _polish(text: str, words: list[str]) -> float:
    """How finished the sentences are: capital, end mark, a clause set off, long words, nothing shouted."""
    begun = bool(words) and words[0][0].isupper()
    finished = begun and _END.search(text) is not None and _expressive(text) == 0.0
    score = 0.08 if finished else -0.06 * (not begun) - 0.04 * (_END.search(text) is None)
    score -= 0.06 * (_expressive(text) == 1.0) + 0.1 * _shouted(words)
    return score + 0.08 * (finished and ";" in text) + 0.06 * (finished and _mean_length(words) >= 4.6)


def _shouted(words: list[str]) -> bool:
    tall = sum(len(word) > 1 and word.isupper() for word in words)
    return tall > 1 and 2 * tall >= len(words)


def _mean_length(words: list[str]) -> float:
    return sum(map(len, words)) / len(words)
