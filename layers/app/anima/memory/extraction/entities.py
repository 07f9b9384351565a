"""Who and what a message names: people, animals, places, organisations, things, events. Pure."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anima.kernel.terms import STOP_WORDS, fold
from anima.memory.extraction import words_en, words_fr
from anima.memory.extraction.clauses import MAX_CHARS, clauses, own_words, straight
from anima.memory.extraction.kinds import is_adjective, is_name
from anima.memory.extraction.pronouns import Spoken
from anima.memory.extraction.spelling import plain
from anima.memory.facts_model import Named

_MAX_NAMES = 20
_MAX_CHARS = 60
KIN = "|".join(  # what people are to one, in both languages, the longer words first
    sorted(
        {who for words in (words_en.KIN, words_fr.KIN) for each in words.values() for who in each.split("|")},
        key=len,
        reverse=True,
    )
)
ANIMALS = "|".join(sorted({*words_en.ANIMALS.split("|"), *words_fr.ANIMALS.split("|")}, key=len, reverse=True))
_OWN = re.compile(
    rf"\b(?:my|our|mon|ma|mes|notre|nos) (?!favou?rite )(?:[a-z-]+ )?(?:(?P<kin>{KIN})|(?P<animal>{ANIMALS}))\b"
    r"(?: (?:[a-z]+ )?(?:is called|is named|'s called|named|called|s'appelle|c'est|is)|'s name is|,|:)? ?"
)
_NAME = re.compile(
    r"(?:(?!(?:[JCDLMNST]|Qu)['’][a-zà-ÿ])[A-ZÀ-ÖØ-Þ][\w'’]*(?:-[A-ZÀ-ÖØ-Þ]?\w+)*)(?: (?:of|de|du|des|la|le|the|and|&|von|van|del|di)(?= [A-ZÀ-ÖØ-Þ])(?: (?:la|le|der|los))?)?(?: [A-ZÀ-ÖØ-Þ0-9][\w'’-]*)*"
)
_IN = re.compile(r"\b(?:in|near|around|outside|throughout|a|au|aux|en|vers|pres de)$")
_TO = re.compile(
    r"\b(?:mov\w+|trip|travel\w*|fly\w*|flew|going|went|go|been|back|home|train|flight|visit\w*|come|came|comes|born|i'm|left|leave|leaving|viens|vient|pars|part|voyage|retour|quitte|vol|train|originaire|je suis|demenag\w*|habit\w+|vis|vit)(?: back| away| out| over| here)?(?: (?:to|from|of|at|for|de|du|d'|pour))?(?: the| la| le| l')?$"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:with|met|meet|meeting|call(?:ed)?|named|told|saw|love|miss|mr|mrs|ms|dr|avec|rencontre|vu|appelle|nommee?|m|mme|for|pour|and|et|visiting|uncle|aunt|tante|oncle)$"
)
_ORGANISATION = re.compile(
    r"\b(?:inc|ltd|llc|gmbh|corp|bank|university|college|school|hospital|institute|company|group|club|fc|united|church|museum|universite|ecole|lycee|hopital|banque|societe|mairie|association)\b"
)
_WORK_BEFORE = re.compile(
    r"\b(?:(?:work(?:s|ed|ing)?|job|intern\w*|hired|employed|position) (?:for|at|by|with)|join(?:ed)?|(?:travaill\w+|boss\w+|embauchee?|stage|poste) (?:chez|pour|a)|support|supporte)$"
)
_EVENT = re.compile(
    r"\b(?:festival|marathon|olympics|wedding|world cup|christmas|easter|halloween|eid|ramadan|diwali|hanukkah|thanksgiving|conference|concert|noel|paques|toussaint|mariage|coupe du monde|tour de france|carnival|carnaval|expo)\b"
)
_PERSON_AFTER = re.compile(
    rf"^(?:'s (?:{KIN})\b| is [a-z-]+'s (?:{KIN})\b|'s (?:birthday|mother|mom|mum|dad|wife|husband|house|name)|,? (?:says?|said|told|thinks?|loves?|likes|hates|wants|lives|works|called|asked|came|is (?:a|an|my|so|really|coming|visiting)|and i|who|a dit|pense|aime|adore|deteste|veut|habite|travaille|est (?:un|une|mon|ma|venue?)|et moi|qui)\b)"
)
_DATES = re.compile(
    r"^(?:mon|tues|wednes|thurs|fri|satur|sun)days?$|^(?:lun|mar|mercre|jeu|vendre|same)dis?$|^dimanches?$|^(?:january|february|march|april|may|june|july|august|september|october|november|december|janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)$"
)
_WHEN = frozenset(
    "since last next this until till by from before after during early late mid around every on in at the of morning afternoon evening night weekend week month year spring summer autumn fall winter today yesterday tomorrow"
    " depuis dernier derniere prochain prochaine ce cette jusqu avant apres pendant vers chaque en au a le la matin soir nuit semaine mois an annee printemps ete automne hiver hier demain debut fin".split()
)
_SELF = re.compile(
    r"(?: (?:and|et|&))?(?: (?:I|I['’](?:m|ve|ll|d)|J['’]\w*|Je))+$"
)  # the speaker, behind a name: "in Paris I …"
_OWN_NAME = re.compile(r"\b(?:my name(?: is|'s)|i'm called|call me|je m'appelle|mon (?:pre)?nom est|moi,? c'est)$")
_ARTICLES = frozenset("the a an le la les un une my our mon ma mes".split())
_COMMON = frozenset(
    "i i'm i'll i've i'd ok okay yes no hi hello hey thanks please sorry oh ah lol omg btw je j'ai oui non bonjour salut merci bref cv pc tv dvd usb ai pdf url html css sql api mr mrs ms dr english god".split()
)


def named(text: str, exclude: Sequence[str] = ()) -> list[Named]:
    """Everybody and everything that a message names, each once: by a relation to the speaker or with a capital.

    `exclude`: names that are not meant, as the assistant's own.
    """
    told = own_words(text[:MAX_CHARS])
    known: dict[str, Named] = {}
    left_out = {fold(each) for each in exclude}
    for each in (*_related(told), *_told_later(told), *_capitalised(told)):
        key = fold(each.name)
        if key in left_out or len(each.name) > _MAX_CHARS:
            continue
        if key not in known or (known[key].relation is None and each.relation is not None):
            known[key] = each
        if len(known) >= _MAX_NAMES:
            break
    return list(known.values())


def _related(told: str) -> Iterator[Named]:
    """Those who are named by what they are to the speaker, with their name where it follows."""
    whole = plain(told)
    for found in _OWN.finditer(whole.text):
        first, last = whole.span(*found.span("kin" if found["kin"] else "animal"))
        relation = told[first:last].lower()
        kind = "person" if found["kin"] else "animal"
        start, end = whole.span(found.end(), len(whole.text)) if found.end() < len(whole.text) else (0, 0)
        follows = _NAME.match(told[start : min(end, start + _MAX_CHARS)]) if end else None
        name = follows.group() if follows is not None and _is_name(follows.group()) else None
        yield Named(_bare(name) if name else relation, kind, relation)


def _told_later(told: str) -> Iterator[Named]:
    """Those whose name is told of somebody who was spoken of before: "We have a dog now. Her name is Luna"."""
    spoken_of = Spoken()
    for clause in clauses(told):
        meant = list(spoken_of.meant(clause))
        if clause.doubt in (None, "reported"):
            yield from (Named(each.name, each.kind, each.relation) for each in meant)


def _capitalised(told: str) -> Iterator[Named]:
    """Names as they are written, with what the words around them tell of their kind."""
    stated, asked = _spoken(told)
    for found in _NAME.finditer(told):
        name, before = (
            _bare(_SELF.sub("", found.group())),
            fold(straight(told[max(0, found.start() - 40) : found.start()])).rstrip(),
        )
        first = not before or before[-1] in '.!?\n:"“«>-*'
        head, _, rest = name.partition(" ")
        if head.casefold() in _ARTICLES:
            name = rest
        elif first and rest and fold(head) in STOP_WORDS["en"] | STOP_WORDS["fr"] | _WHEN:
            name, before = rest, f"{before} {fold(head)}"  # "In Paris …": the capital is that of the sentence
        if not _is_name(name):
            continue
        after = fold(straight(told[found.end() : found.end() + 25]))
        kind = _kind(name, before, after)
        if kind is None and first and " " not in name:
            continue  # the beginning of a sentence is no name by its capital alone
        if _OWN_NAME.search(before):
            continue
        if name not in (stated if kind is None else (stated, asked)[name in asked]):
            continue  # of whom something is only supposed nobody need hear, nor of what is only asked about
        yield Named(name, kind or "thing")


def _spoken(told: str) -> tuple[str, str]:
    """What is stated, and what is asked: not what is only supposed or ordered."""
    parts = list(clauses(told))
    stated = " | ".join(each.text for each in parts if each.doubt in (None, "reported"))
    return stated, " | ".join(each.text for each in parts if each.doubt == "question")


def _bare(name: str) -> str:
    return re.sub(r"['’]s?$", "", name).strip()


def _is_name(name: str) -> bool:
    word = fold(straight(_bare(name)))
    first = word.split()[0] if word else ""
    if not is_name(word) or first in _COMMON or word in STOP_WORDS["en"] | STOP_WORDS["fr"] or len(word) < 2:
        return False
    if re.match(r"(?:i|j|l|d|c|qu|n|s|t|m)'", word) or _is_time(word):
        return False
    return not (is_adjective(word) or (first in STOP_WORDS["en"] | STOP_WORDS["fr"] and " " not in word))


def _is_time(words: str) -> bool:
    """Whether words say when: "since January 2025", "last Friday"."""
    return all(each.isdigit() or each in _WHEN or _DATES.match(each) for each in words.split())


def _kind(name: str, before: str, after: str) -> str | None:
    folded = fold(name)
    if _EVENT.search(folded):
        return "event"
    if _ORGANISATION.search(folded) or _WORK_BEFORE.search(before):
        return "organisation"
    if re.fullmatch(r"[A-Z]{2,5}", name):
        return "organisation"
    if _IN.search(before) or _TO.search(before):
        return "place"
    return "person" if _PERSON_AFTER.match(after) or _PERSON_BEFORE.search(before) else None
