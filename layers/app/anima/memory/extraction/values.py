"""Values of facts: cut from the words around them, split where several are listed, checked for their type."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re

from anima.memory.keys import KEYS

_MAX_CHARS = 100
_MAX_WORDS = 8
_STOP = re.compile(
    r"(?:\s+|^)(?:because|since|but|so|although|though|when|whenever|while|which|who|where|that|if|unless|until|these days|nowadays"
    r"|at the moment|right now|now|today|lately|any ?more|too|as well|at all|not|please|remember|so much|very much|a lot"
    r"|more than|ever since|for (?:years|ages|now|the moment|a living|\w+ (?:years|months|weeks))|and (?:i|my|we|he|she|it|they|you|that)"
    r"|parce|car|mais|donc|quand|lorsque|qui|que|où|si|depuis|en ce moment|maintenant|aujourd'hui|désormais|actuellement"
    r"|aussi|beaucoup|énormément|vraiment|par-dessus tout|plus que|pas du tout|pas|et non|et plus|et (?:je|j'\w+|mon|ma|mes|il|elle|on|nous))\b.*",
    re.I | re.S,
)
_EDGES = ' \t\n,.!?;:()[]{}"“”«»…—–-'
_EMPTY = frozenset(
    "it this that them him her you me us myself yourself something anything everything nothing one so how what why when to do"
    " ça cela ceci lui elle eux toi vous moi nous rien tout quelque chose le la les y en".split()
)
_LIST = re.compile(r"\s*,\s*(?:and|or|et|ou)?\s*|\s+(?:and|or|et|ou|ni)\s+", re.I)
_NUMBER_WORDS = {
    **{
        word: n
        for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve thirteen".split())
    },
    **{word: n for n, word in enumerate("fourteen fifteen sixteen seventeen eighteen nineteen".split(), 14)},
    **{word: n * 10 for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)},
    **{word: n for n, word in enumerate("dix onze douze treize quatorze quinze seize".split(), 10)},
    **{word: n * 10 for n, word in enumerate("vingt trente quarante cinquante soixante".split(), 2)},
    **{"un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9},
}
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|fevr|mars|avr|mai|juin|juil|août|aout|sept|déc)",
    re.I,
)

_CLOSED = {
    "marital_status": re.compile(
        r"\b(?:married|single|divorced|widow\w*|engaged|separated|mariée?|célibataire|divorcée?|veuve|veuf|fiancée?|pacsée?|séparée?)\b",
        re.I,
    ),
    "favorite_season": re.compile(r"\b(?:spring|summer|autumn|fall|winter|printemps|été|automne|hiver)\b", re.I),
}


def trimmed(value: str) -> str:
    """The value without what follows it in its clause; empty where nothing is left that says something."""
    cut = _STOP.sub("", value).strip(_EDGES)
    words = cut.split()
    if not words or len(words) > _MAX_WORDS or len(cut) > _MAX_CHARS or cut.casefold() in _EMPTY:
        return ""
    return cut


def items(value: str) -> list[str]:
    """The parts of a list, up to the first that is none ("olives, capers and old jokes")."""
    found = []
    for part in _LIST.split(_STOP.sub("", value)):
        item = trimmed(part)
        if not item:
            break
        found.append(item)
    return found


def capitalised(value: str) -> bool:
    """Whether a name stands in it: a word with a capital."""
    return any(word[:1].isupper() for word in re.split(r"[\s'-]+", value))


def proper_name(value: str, strict: bool) -> str:
    """The leading words with a capital, at most three; not `strict`, the first word will do."""
    words = value.strip(_EDGES).split()
    taken = []
    for word in words[:3]:
        if not word[:1].isupper():
            break
        taken.append(word.strip(_EDGES))
        if word[-1:] in ",.;:!?":
            break
    if taken or strict or not words:
        return " ".join(taken)
    bare = words[0].strip(_EDGES)
    return bare if bare.isalpha() and bare.casefold() not in _EMPTY and len(words) <= 2 else ""


def number(value: str) -> int | None:
    """A number in figures or in words up to ninety-nine; nothing where there is none."""
    if found := re.search(r"\d+", value):
        return int(found.group())
    parts = [_NUMBER_WORDS[word] for word in re.split(r"[\s-]+", value.casefold()) if word in _NUMBER_WORDS]
    if len(parts) >= 2 and parts[0] == 4 and parts[1] == 20:  # quatre-vingt
        parts = [80, *parts[2:]]
    return sum(parts) if parts else None


def typed(name: str, value: object) -> object | None:
    """The value as its key wants it, or None where it does not fit (an age of 2019, a retired marital status)."""
    text = str(value).strip(' \t\n,.!?;:"“”«»…')
    if not text or len(text) > _MAX_CHARS:
        return None
    if name in _CLOSED and not _CLOSED[name].search(text):
        return None
    kind = KEYS[name].type
    if kind == "age":
        years = number(text)
        return years if years is not None and 0 < years < 120 else None
    if kind == "date":
        return text if _MONTH.search(text) or re.search(r"\d{1,2}[./-]\d|\b(?:19|20)\d\d\b", text) else None
    if kind == "name":
        return text if re.fullmatch(r"[^\W\d_][\w.'’ -]{0,60}", text) and len(text.split()) <= 4 else None
    return text if re.search(r"[^\W_]", text) else None
