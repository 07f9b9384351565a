"""Values of facts: cut from the words around them, split where several are listed, checked for their type."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re

from anima.kernel.terms import fold
from anima.memory.extraction.kinds import is_name
from anima.memory.extraction.numbers import number
from anima.memory.keys import KEYS

_MAX_CHARS = 100
MAX_WORDS = 8
_STOP = re.compile(
    r"(?:\s+|^)(?:because|since|but|so|although|though|when|whenever|while|which|who|whose|where|that|if|unless|until|till|these days|nowadays|btw|by the way|lol|haha|tbh|ngl|fyi|mdr|though"
    r"|at the moment|right now|now|today|lately|any ?more|(?:as )?you (?:already |should |must )?(?:know|remember|see)|mind you|i mean|i swear|i tell you|(?:comme )?(?:tu|vous) (?:le )?(?:sais|savez|vois|voyez)|je te (?:le )?(?:dis|jure)|too|as well|at all|not|please|remember|so much|very much|a lot|again|already|last (?:year|month|week|spring|summer|autumn|fall|winter|night|\w+day)|next (?:year|month|week|spring|summer|autumn|winter)"
    r"|more than|ever since|for (?:years|ages|now|the moment|a living|(?:about |over |almost )?\w+ (?:years|months|weeks|decades))|especially|particularly|notably|such as|including|surtout|notamment|and (?:i|i'm|my|we|he|she|it|it's|they|you|that|like|love|hate|play|live|work|have|take|want|think|go|get|prefer|enjoy|drive|speak|study|can't|don't|never)|(?:et|mais) (?:habite|travaille|joue|deteste|adore|aime|parle|fais|suis|ai|vis|n'aime)|in (?:the )?(?:19|20)\d\d|back in|years ago|\w+ (?:years|months|weeks) ago|for my|for me|every (?:day|week|year|morning|\w+day)"
    r"|parce|car|mais|donc|quand|lorsque|qui|que|qu'\w+|où|ou que|si|depuis|en ce moment|maintenant|aujourd'hui|désormais|actuellement|depuis \w+|il y a|ça fait|en (?:19|20)\d\d|hein|quoi|l'an|l'année|le mois dernier|tous les|toutes les|chaque"
    r"|aussi|en fait|finalement|beaucoup|énormément|vraiment|par-dessus tout|plus que|pas du tout|pas|et non|et plus|et (?:je|j'\w+|mon|ma|mes|il|elle|on|nous)|:\)|;\)|xd)(?=\s|$|[,.;:!?'’)])(?!-).*",
    re.I | re.S,
)
EDGES = ' \t\n,.!?;:()[]{}"“”«»…—–-*_~'
"""What is no part of a value at its ends."""
EMPTY = frozenset(
    "it this that them him her you me us myself yourself something anything everything nothing one so how what why when to do someone somebody everyone people there here them all some more less it's much"
    " ça ca cela ceci lui elle eux toi vous moi nous rien tout quelque chose le la les y en quelqu'un beaucoup comment quand ce une un".split()
)
"""What says nothing by itself."""
LIST = re.compile(r"\s*,\s*(?:and|or|et|ou|especially|mainly|surtout)?\s*|\s+(?:and|or|et|ou|ni|nor)\s+|\s*&\s*", re.I)
NOT_THAT = re.compile(r",? (?:but |and |et |mais )?(?:not|never|pas|non)\b.*", re.I | re.S)
_PEOPLE_WHO = re.compile(r"(?:people|those|drivers|kids|men|women|(?:les )?gens|ceux|celles) (?:who|that|qui) ", re.I)
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|fevr|mars|avr|mai|juin|juil|août|aout|sept|déc)",
    re.I,
)
_CLOSED = {
    "marital_status": re.compile(
        r"\b(?:married|single|divorced|widow\w*|engaged|separated|mariée?|célibataire|celibataire|marie|divorcée?|divorce|veuve|veuf|fiancée?|fiance|pacsée?|pacse|séparée?|separe)\b",
        re.I,
    ),
    "favorite_season": re.compile(
        r"\b(?:spring|summer|autumn|fall|winter|printemps|été|ete|automne|hiver|season|saison)\b", re.I
    ),
}


def trimmed(value: str) -> str:
    """The value without what follows it in its clause; empty where nothing is left that says something."""
    cut = (value if _PEOPLE_WHO.match(value) else _STOP.sub("", value)).strip(EDGES)
    words = cut.split()
    if not words or len(words) > MAX_WORDS or len(cut) > _MAX_CHARS or fold(cut) in EMPTY:
        return ""
    return cut


def items(value: str) -> list[str]:
    """The parts of a list, up to the first that is none ("olives, capers and old jokes")."""
    found = []
    for part in [value] if _PEOPLE_WHO.match(value) else LIST.split(_STOP.sub("", NOT_THAT.sub("", value))):
        item = trimmed(part)
        if not item:
            break
        found.append(item)
    return found


def capitalised(value: str) -> bool:
    """Whether a name stands in it: a word with a capital."""
    return any(word[:1].isupper() for word in re.split(r"[\s'’-]+", value))


def proper_name(value: str, strict: bool) -> str:
    """The leading words with a capital, at most three; not `strict`, the first word will do."""
    words = value.strip(EDGES).split()
    taken: list[str] = []
    for word in words[:3]:
        if not word[:1].isupper() or (taken and fold(word.strip(EDGES)) in {"i", "i'm", "je"}):
            break
        taken.append(word.strip(EDGES))
        if word[-1:] in ",.;:!?)":
            break
    if taken or strict or not words:
        return " ".join(taken)
    bare = words[0].strip(EDGES)
    return bare if bare.isalpha() and fold(bare) not in EMPTY and is_name(fold(bare)) else ""


def caseless(text: str) -> bool:
    """Whether somebody writes without capitals, so that their lack means nothing."""
    return not any(each.isupper() for each in text)


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
