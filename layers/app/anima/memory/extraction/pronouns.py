"""Who is meant: names told of somebody who was spoken of just before ("We have a dog now. Her name is Luna")."""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from anima.kernel.terms import fold
from anima.memory.extraction import words_en, words_fr
from anima.memory.extraction.clauses import Clause
from anima.memory.extraction.kinds import is_adjective, is_name, is_own
from anima.memory.extraction.spelling import Plain, plain
from anima.memory.extraction.values import EDGES, proper_name


def _longest_first(*words: str) -> str:
    return "|".join(sorted({each for one in words for each in one.split("|")}, key=len, reverse=True))


_KEYS = {
    who: key
    for words in (words_fr.KIN, words_en.KIN)
    for key, kin in words.items()
    for who in kin.replace("?", "").split("|")
}
_KIN = _longest_first(*words_en.KIN.values(), *words_fr.KIN.values())
_ANIMALS = _longest_first(words_en.ANIMALS, words_fr.ANIMALS)
_SPOKEN_OF = re.compile(
    rf"\b(?:(?:my|our|mon|ma|notre) (?:[a-z-]+ ){{0,2}}?(?:(?P<kin>{_KIN})|(?P<animal>{_ANIMALS}))"
    rf"|(?:a|an|une?|another|new) (?:[a-z-]+ ){{0,2}}?(?:(?P<other>{_ANIMALS})|(?P<one>son|daughter|brother|sister|boyfriend|girlfriend|fils|fille|frere|soeur|copain|copine)))\b"
)
_CALLED = re.compile(
    r"\b(?:(?:his|her|its|their) names?(?:'s| is| was| are| were)|(?:he|she|it)(?:'s| is| was) (?:called|named)|(?:i|we) (?:called|named) (?:him|her|it)"
    r"|(?:il|elle) s'appel(?:le|ait)|(?:il|elle) se nomme|son (?:pre)?nom,? (?:est|c'est|etait)|(?:je l'ai|on l'a|nous l'avons) appelee?) "
)
_GIRL, _BOY = (
    "baby girl|little girl|girl|daughter|petite fille|fillette|fille",
    "baby boy|little boy|boy|son|petit garcon|garcon|fils",
)
# Somebody is new in a family: whose child it is makes what it is to the speaker.
_BORN = re.compile(
    rf"\b(?:(?P<own>i|we|i've|we've|j'ai|on a|nous avons|je viens d'|on vient d')|(?:my|our|mon|ma|notre) (?:[a-z-]+ ){{0,2}}?(?P<kin>{_KIN})(?: [a-z'-]+){{0,4}}?) ?(?:(?:just|recently|finally|also|a|vient) )*"
    rf"(?:had|have|has|got|gave birth to|given birth to|welcomed|adopted|expecting|eu|avoir|adopte|accouche d'|accueilli|a) ?(?:an?|the|their|our|his|her|une?) (?:[a-z-]+ ){{0,2}}?"
    rf"(?:(?P<girl>{_GIRL})|(?P<boy>{_BOY})|baby|child|kid|newborn|bebe|enfant)\b(?P<called>,? (?:named|called|nommee?|appelee?|prenommee?|qui s'appelle) |, )?"
)
_FRENCH_BORN = re.compile(r"\b(?:eu|avoir|adopte|accouche|accueilli)\b")
# What the child of a relative is to the speaker: key; a girl, a boy, either, in English; the same in French.
_CHILDREN: dict[str | None, tuple[str, tuple[str, str, str], tuple[str, str, str]]] = {
    None: ("child", ("daughter", "son", "child"), ("fille", "fils", "enfant")),
    "partner": ("child", ("daughter", "son", "child"), ("fille", "fils", "enfant")),
    "child": ("relative", ("granddaughter", "grandson", "grandchild"), ("petite-fille", "petit-fils", "petit-enfant")),
    "sibling": ("relative", ("niece", "nephew", "niece or nephew"), ("nièce", "neveu", "nièce ou neveu")),
    "mother": ("sibling", ("sister", "brother", "sibling"), ("sœur", "frère", "frère ou sœur")),
    "father": ("sibling", ("sister", "brother", "sibling"), ("sœur", "frère", "frère ou sœur")),
}
_SHE, _HE = re.compile(r"(?:her|she|elle)\b"), re.compile(r"(?:his|him|he|il)\b")
_OURS = frozenset({"partner", "child"})
_AND_I = re.compile(r"(?: [a-z'-]+){0,2}? (?:and (?:i|me)|et (?:moi|je))\b")
_FEW_WORDS = 3
_TASTE = re.compile(
    r"\b(?:i|je|j')(?: really| absolutely| just)? ?(?:(?P<dislike>hate|can't stand|don't like|despise|loathe|can't bear|deteste|n'aime pas|aime pas|hais|supporte pas|ne supporte pas)|love|adore|like|aime|kiffe) (?:them|it|those|that|ca|cela|that stuff)\b"
)
_SUBJECT = re.compile(r"(?P<what>[^,]{2,30}?),? (?:is|are|c'est|est|sont) ", re.I)
_ASKING = re.compile(
    r"(?:and|i|my|it|this|that|he|she|they|we|there|je|mon|ma|mes|il|elle|on|ca|ce|you|me|why|what|how|who|where|when|which|really|sure|ok|right|et|toi|quoi|pourquoi|comment|qui|ou|quand|vraiment|ah|oui|non|yes|no|seriously|remember|serieux)\b"
)


@dataclass(frozen=True, slots=True)
class Meant:
    """Somebody by name, with what they are to the speaker."""

    key: str
    name: str
    kind: str
    relation: str


def _name_in(text: str) -> str:
    name = proper_name(text, strict=True)
    return name if name and is_name(fold(name)) and not is_adjective(name) else ""


@dataclass(frozen=True, slots=True)
class _Born:
    """A child that somebody has got: whose (None: the speaker's own), a girl or a boy as far as that was said."""

    of: str | None
    sex: int | None
    french: bool

    def told(self, said: str) -> tuple[str, str, str] | None:
        """Key, kind, and what the child is to the speaker, where `said` names it; None where that is nothing."""
        if self.of not in _CHILDREN:
            return None
        sex = self.sex if self.sex is not None else 0 if _SHE.search(said) else 1 if _HE.search(said) else 2
        key, *words = _CHILDREN[self.of]
        return key, "person", words[self.french][sex]


@dataclass(slots=True)
class Spoken:
    """Whom a message has spoken of last, as its clauses are read in order."""

    _last: tuple[str, str, str] | None = field(default=None)
    _born: _Born | None = field(default=None)
    _asked: str | None = field(default=None)

    def taste(self, clause: Clause) -> tuple[str, str] | None:
        """What is liked or not, where it was only asked about before: "Mushrooms? I hate them"."""
        asked, self._asked = self._asked, None
        if (subject := _SUBJECT.match(clause.text)) and clause.states:
            self._asked = subject["what"]
        if clause.question and len(clause.text.split()) <= _FEW_WORDS:
            self._asked = clause.text.strip(EDGES)
            return None
        found = _TASTE.search(plain(clause.text).text) if asked else None
        if found is None or asked is None or not asked or is_own(asked) or _ASKING.match(fold(asked)):
            return None
        return ("dislikes" if found["dislike"] else "likes", asked)

    def meant(self, clause: Clause) -> Iterator[Meant]:
        """The names that the clause tells of those spoken of before; then it is remembered whom it speaks of."""
        whole = plain(clause.text)
        start = 0
        for called in _CALLED.finditer(whole.text):
            self._note(whole.text[start : called.start()])
            start = called.end()
            first, last = whole.span(called.end(), len(whole.text))
            whom = self._born.told(called.group()) if self._born is not None else self._last
            if whom is not None and (name := _name_in(clause.text[first:last])):
                yield Meant(whom[0], name, *whom[1:])
        self._note(whole.text[start:])
        yield from self._named_at_birth(clause, whole)

    def _named_at_birth(self, clause: Clause, whole: Plain) -> Iterator[Meant]:
        """The name in "My brother had a girl called Frida"."""
        found = _BORN.search(whole.text)
        whom = self._born.told("") if found is not None and found["called"] and self._born is not None else None
        if found is None or whom is None or found.end() >= len(whole.text):
            return
        first, last = whole.span(found.end(), len(whole.text))
        if name := _name_in(clause.text[first:last]):
            yield Meant(whom[0], name, *whom[1:])

    def _note(self, text: str) -> None:
        born = _BORN.search(text)
        if born is not None:
            sex = 0 if born["girl"] else 1 if born["boy"] else None
            of = None if born["own"] else _KEYS.get(born["kin"], "")
            self._born = _Born(of, sex, _FRENCH_BORN.search(born.group()) is not None)
            text = text[born.end() :]
        anothers = False
        for found in _SPOKEN_OF.finditer(text):
            self._born = None
            if anothers and (found["one"] or found["other"]):
                self._last = None  # "My brother has a dog": it is his
                continue
            who = found["kin"] or found["one"]
            animal = found["animal"] or found["other"]
            if who is not None and who in _KEYS:
                self._last = (_KEYS[who], "person", who)
                anothers = found["kin"] is not None and _KEYS[who] not in _OURS and not _AND_I.match(text, found.end())
            elif animal is not None:
                self._last = ("pet", "animal", animal)
