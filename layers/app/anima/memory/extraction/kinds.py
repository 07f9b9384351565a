"""What a word or a few of them may be: a name, somebody's work, a language; and what is none of these. Pure."""

from __future__ import annotations

import re

from anima.kernel.terms import fold
from anima.memory.extraction import words_en, words_fr

_NOT_A_NAME = re.compile(
    r"^(?:so|not|very|really|sure|sorry|fine|ok|okay|here|from|in|at|a|an|the|tres|pas|un|une|de|a|i|i'm|i've|i'll|and|et|batman|superman|god|santa|groot|spartacus|team|god|jesus|monday|tuesday|wednesday|thursday|friday|saturday|sunday|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|january|february|april|june|july|august|september|october|november|december"
    r"|new|same|right|nothing|everyone|everything|still|over|up|down|out|all|hello|look|someone|nobody|sunny|cold|hot|raining|anyone|christmas|noel|dieu|bref|merci|thanks|hi|hey|yes|no|oui|non|it|this|that|he|she|they|we|you|il|elle|on|mais|but|just|my|mon|ma|happy|back|ill|sick|dead|done|tired|bored|gay|trans|bi|straight|english|covid|googling|satan|devil|hell|chatgpt|english|vegan|mr|mrs|dr|great|good|bonne|bon|super|cool|ready|interested|based|working|married)\b"
)
_IN_PART = frozenset("half part quarter a one and et franco anglo moitie d origine born naturalised".split())
_NATIONALITIES = {fold(word) for word in (words_en.NATIONALITIES + " " + words_fr.NATIONALITIES).split()}
_LANGUAGES = set((words_en.LANGUAGES + " " + words_fr.LANGUAGES).split())
_JOBS = set((words_en.OCCUPATIONS + " " + words_fr.OCCUPATIONS).split())
_HYPHENED = {word for word in _JOBS if "-" in word}
_NO_JOBS = set((words_en.NOT_WORK + " " + words_fr.NOT_WORK).split())
_JOB_ENDING = re.compile(
    r"(?:er|or|ist|ician|ologist|keeper|maker|man|woman|smith|wright|ologue|iste|eur|trice|icienne?|logue|graphe)$"
)
_NO_JOB_ENDING = re.compile(
    r"(?:never|ever|over|under|after|other|another|rather|her|better|older|younger|bigger|later|together|for|or|nor|eager|sober|former|killer|number|member|inferieur|superieur|exterieur|interieur|meilleur|heureux|peur|humeur|coeur|seur|erreur|couleur|moteur|douleur|chaleur|odeur|bien|rien|chien|ancien|ancienne|moyen|moyenne|lien|parisien\w*|lyonnais\w*|londonien\w*|alsacien\w*|italien\w*|triste|human|german|roman|woman|man|baby|center|error|mirror|silver|clever|proper|minor|major|superior|poor|senior|junior|sister|brother|mother|father|daughter|cancer|dinner|letter|paper|matter|water|winter|summer|disaster|monster|tiger|beer|career|queer|singular|premiere|derniere|matiere|maniere|lumiere|biere|riviere|entiere)$"
)
_RELIGIONS = re.compile(rf"(?:{words_en.RELIGIONS}|{words_fr.RELIGIONS})$")
_DETERMINERS = re.compile(
    r"^(?:this|that|these|those|your|his|her|their|its|my|our|ce|cet|cette|ces|ton|ta|tes|votre|vos|son|sa|ses|leur|leurs|mon|ma|mes|notre|nos)\b",
    re.I,
)
_ODD = re.compile(
    r"https?:|www\.|[<>{}\[\]|\\=_@#]|\b(?:ignore|instructions?|system prompt|as an ai|assistant|consignes)\b", re.I
)
_MOST_WORK_WORDS = 6


def is_adjective(word: str) -> bool:
    """Whether a word with a capital is of a people, a language or a faith (\"French\"), and no name."""
    folded = fold(word)
    return folded in _NATIONALITIES or folded in _LANGUAGES or _RELIGIONS.fullmatch(folded) is not None


def is_name(word: str) -> bool:
    """Whether a word with a capital, folded, may be a name at all."""
    return _NOT_A_NAME.match(word) is None


def odd(value: str) -> bool:
    """Whether a value is none that a person would say of themselves: markup, an address, an order."""
    return _ODD.search(value) is not None


def is_language(word: str) -> bool:
    """Whether a word names a language."""
    return fold(word) in _LANGUAGES


def is_nationality(value: str) -> bool:
    """Whether a value names one people or more."""
    words = set(re.split(r"[\s,/-]+", fold(value)))
    return bool(words & _NATIONALITIES) and words <= _NATIONALITIES | _IN_PART


def is_own(value: str) -> bool:
    """Whether it speaks of one particular thing ("this", "your idea") rather than of a kind of things."""
    return _DETERMINERS.match(value) is not None


def is_job(value: str) -> bool:
    """Whether it is what somebody works as, by the words known or by how the last one ends."""
    if set(re.split(r"[\s'’]+", fold(value))) & _HYPHENED:
        return True
    words = re.split(r"[\s'’-]+", fold(value))
    if len(words) > _MOST_WORK_WORDS or set(words) & (_NO_JOBS | {"than", "like", "comme"}) or is_own(value):
        return False
    return bool(set(words) & _JOBS) or _ends_as_job(words)


def _ends_as_job(words: list[str]) -> bool:
    of = {"of", "de", "d", "des", "du", "en"}
    head = next((words[at - 1] for at, word in enumerate(words) if at and word in of), words[-1])
    if len(head) <= 4 or head in _NATIONALITIES:
        return False
    return _JOB_ENDING.search(head) is not None and _NO_JOB_ENDING.search(head) is None
