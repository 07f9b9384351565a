"""Shapes of values: how a rule wants what stands at the value's place read, as a name, a place, a list of tastes."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anima.kernel.terms import fold
from anima.memory.extraction.kinds import is_adjective, is_job, is_language, is_name, is_nationality, is_own, odd
from anima.memory.extraction.values import (
    EDGES,
    EMPTY,
    LIST,
    MAX_WORDS,
    NOT_THAT,
    capitalised,
    caseless,
    items,
    proper_name,
    trimmed,
)
from anima.memory.facts_model import Named

_MAX_ITEM_WORDS = 6
_NO_TASTE = re.compile(
    r"^(?:it\b|you\b|u\b|him\b|her\b|them\b|me\b|us\b|this\b|that\b|these\b|those\b|your\b|how\b|what\b|when\b|where\b|the (?:way|idea|fact|sound|look|part|one|second|first|third|last|new|thought|feeling of|sound of|other)\b|to (?:know|hear|see you|think|say|admit|ask|be|think|tell|disagree|disappoint|break)|being able|seeing you|talking (?:to|with) you|chatting|a good\b"
    r"|ca\b|cela\b|te\b|toi\b|vous\b|lui\b|leur\b|comment\b|ce que\b|ce qu'|quand\b|la (?:facon|maniere)\b|l'idee\b|le fait\b|cette?\b|ce\b|cet\b|ces\b|ton\b|ta\b|tes\b|votre\b|vos\b|que\b|qu'|savoir\b|devoir\b|te\b|t'|me dire\b|la (?:deuxieme|premiere|seconde)|le (?:deuxieme|premier|second|nouveau)\b|bien (?:ton|ta|ce|cette|quand)|mon\b|ma\b|mes\b|my\b|en savoir|etre\b|everything about|everyone|one\b|it's|there|some (?:help|advice)|vous|parler avec toi|beaucoup$)"
)
_NO_ALLERGEN = re.compile(
    r"\b(?:mondays?|mornings?|work|working|people|stupid\w*|idiots?|bullshit|nonsense|effort|exercise|housework|lundis?|travail|boulot|cons?|betise|effort|gens|reunions?|meetings?|drama|politics|love|commitment|school|maths?|reveil|matins?)\b"
)
_NO_PLACE = re.compile(
    r"^(?:demain|hier|ce soir|tomorrow|tonight|today|fear|peace|sin|hope|style|denial|hell|pain|bed|pyjamas|pajamas|love|trouble|vain|general|fact|short|theory|practice|it|this|that|my|the|an?|your|our|here|there|town|front|time|bits|person|silence|harmony|constant|paix|enfer|reve|ville|couple|colocation|coloc|famille|appartement|maison|moi|toi|ma|mon|mes|la|le|les|un|une|ce|cette|concert|train|retard|reunion|cours|peur|loin|ici|la-bas|location|hlm|foyer|bed|sleep|work|school|church|boulangerie|home|go|get|see|be|do|have|make|buy|take|meet|try|all|both|another|some)\b"
)
_CALLED = re.compile(
    r"(?:,|:| -)?(?: (?:named|called|who is (?:named|called)|who's called|whose name is|by the name of|qui s'appelle(?:nt)?|nommée?s?|appelée?s?|nommees?|appelees?|qui répond au nom de|du nom de|baptisée?|il s'appelle|elle s'appelle)) |, (?:il|elle) s'appelle |, |: | - ",
    re.I,
)
_COUNT = re.compile(r"^(?:an?|one|une?|some|des) ", re.I)
_LAST_NAME = re.compile(r"(?<=\w)\s+[^A-ZÀ-Þ0-9]*$")
_WORKPLACE = re.compile(r"^(?:an?|the|our|my|une?|la|le|les|l'|des)\b", re.I)
_NO_WORKPLACE = re.compile(
    r"^(?:the |a |my |an |la |le |les |l'|un |une |ma |mon |our )?(?:moment|time|weekends?|office|table|desk|morning|evening|night|nights|past|same|living|dark|rain|home|free|myself|peanuts|years|ages|it|him|her|them|you|me|a while|minutes?|hours?|days?|week|month|pace|distance|computer|laptop|project|paper|book|thesis|something|moi|toi|lui|rien|week-end|maison|temps|matin|soir|nuit|jour|bureau|moment|noir|plaisir|calme|projet|article|full speed|least|hard|best|problem|that|this|what|money|rire|chaine|perte)\b"
)
_CAPITAL_PLACES = frozenset("UK USA US UAE NYC LA DC NZ SF NY LA TX CA".split())
_CLUBS = frozenset({"team", "school", "employer", "past_job"})
_GOES_ON = re.compile(r"\s*(?!(?:and|but|et|mais|from|by|btw|de|though|in|here|–|-)\b)[^\s,.!?;:()–—-]")
_OF_SOMETHING = re.compile(r"\s+(?:de|in|from) [a-zà-ÿ]")
_SOON = re.compile(
    r"\b(?:today|tonight|tomorrow|this (?:report|one|task|question|problem|code|bug|text|chapter|thing)|ce soir|demain|aujourd'hui|ce (?:rapport|texte|code|probleme)|in a minute|right now|later)\b"
)
_ON_A_DAY = re.compile(r"\s+on (?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|(?:the )?\d).*", re.I | re.S)
_ARTICLE = re.compile(r"^(?:the|an?|une?|la|le|les) ")
_CAPITAL = re.compile(r"(?:(?<=^)|(?<=[\s'’-]))[^\W\d_a-zà-ÿ]")
# Small letters that may stand before the name of a place: "the hills above Funchal".
_BEFORE_NAMES = frozenset(
    "the a an of in on at near above by from and outside north south east west northern southern eastern western central upper lower old new small little tiny big village town city suburb suburbs"
    " outskirts hills coast centre center heart middle downtown side end edge part island region area country countryside state county district mountains port harbour harbor bay lake river valley beach castle station foot shore banks edges farm"
    " la le les l un une de du des d pres a au aux en dans sur et petit petite vieux vieille nord sud est ouest banlieue quartier centre campagne region cote bord village ville ile coeur environs hauteurs fin haute basse port quai place plage vallee lac baie pied bourg bled hameau mer montagne cotes ferme".split()
)
_ENDS = frozenset({"goal", "plan"})
_NO_END = frozenset(
    "write learn buy open become be get make do have go see find build start try finish sleep eat ecrire apprendre faire avoir etre aller voir dormir manger partir devenir acheter finir".split()
)
_VAGUE = re.compile(r"(?:it|this|that|ca|cela|you|your|how|what|tes?|ton|vous)\b")
_MAX_DATE_WORDS, _MAX_PETS, _MAX_LANGUAGES = 6, 6, 8
_MAX_WORKPLACE_WORDS = 5


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text, and whom or what it names."""

    text: str
    about: Named | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What stands at a value's place: the kind of fact, how it is to be read, what the one named is to the speaker."""

    key: str
    text: str
    how: frozenset[str]
    relation: str | None = None
    small: bool = False
    """Whether its clause is written without capitals, so that their lack means nothing."""


def fitting(key: str, text: str, how: frozenset[str], relation: str | None, clause: str) -> list[Value]:
    """The values in what stood at the value's place of a clause; none where the rule does not want them."""
    said = Said(key, text, how, relation, caseless(clause))
    for shape, read in _SHAPES.items():
        if shape in how:
            return list(read(said))
    value = trimmed(text.partition(",")[0])
    return [Value(f"no {value}" if "no" in how else value)] if value and not odd(value) else []


def _names(said: Said) -> Iterator[Value]:
    """A name; `alone`: only where nothing else follows it, and it is no nationality."""
    bare = said.text.strip(EDGES)
    strict = "strict" in said.how
    name = proper_name(bare, strict=strict or not said.small)
    if not _may_be_called(name, bare) or (strict and (name.endswith("ing") or (name.isupper() and len(name) > 1))):
        return
    rest = bare[len(name) :]
    if "first" in said.how and rest:
        return
    if "alone" in said.how and (_GOES_ON.match(rest) or _OF_SOMETHING.match(rest)):
        return
    yield Value(name)


def _may_be_called(name: str, around: str) -> bool:
    if not name or odd(name) or name.endswith(("'s", "’s")):
        return False
    return is_name(fold(around)) and not is_adjective(name.split()[0])


def _kin(said: Said) -> Iterator[Value]:
    """Somebody or an animal by name: "Clara (wife)"; a name only where it is one."""
    bare = said.text.strip(EDGES)
    name = proper_name(bare, strict=True)
    if not _may_be_called(name, name) or (name.isupper() and len(name) > 3):
        return
    if "head" in said.how and bare[len(name) :].strip(EDGES):
        return
    kind = "animal" if "animal" in said.how else "person"
    yield Value(f"{name} ({said.relation})", Named(name, kind, said.relation))


def _pets(said: Said) -> Iterator[Value]:
    """An animal, with its name if it has one: "Rex (dog)"."""
    called = _CALLED.search(said.text)
    kind, rest = (said.text[: called.start()], said.text[called.end() :]) if called else (said.text, "")
    animal = _COUNT.sub("", trimmed(kind))
    if not animal or odd(animal):
        return
    names = _pet_names(rest, plainly=called is not None and bool(called.group().strip(" ,:-")))
    if not names:
        yield Value(animal, Named(animal, "animal", animal))
    else:
        joined = " and ".join(names) if len(names) < 3 else ", ".join(names)
        yield Value(f"{joined} ({animal})", Named(names[0], "animal", animal))


def _pet_names(rest: str, plainly: bool) -> list[str]:
    """The names that follow; `plainly` said to be names, one in small letters will do."""
    found = [proper_name(part, strict=True) for part in re.split(r",| and | et | & ", rest)[:_MAX_PETS]]
    names = [name for name in found if name and not is_adjective(name)]
    if not names and plainly and len(rest.split()) <= 2 and (name := proper_name(rest, strict=False)):
        return [name]
    return names


def _places(said: Said) -> Iterator[Value]:
    """Places by name; a list of them where the rule takes several."""
    text = _ON_A_DAY.sub("", said.text)
    for part in items(text) if "list" in said.how else [trimmed(text.partition(",")[0])]:
        value = _LAST_NAME.sub("", part) if capitalised(part) else part
        named = _ARTICLE.sub("", value)
        if not named or odd(value) or not is_name(fold(named)) or not _written_as_place(said, value):
            return
        yield Value(value, Named(value, "organisation" if said.key in _CLUBS else "place"))


def _written_as_place(said: Said, value: str) -> bool:
    if capitalised(value):
        small = [word for word in re.split(r"[\s'’]+", fold(value[: _CAPITAL.search(value).start()])) if word]  # type: ignore[union-attr]
        if set(small) - _BEFORE_NAMES:
            return False
        return said.key in _CLUBS or not value.isupper() or value in _CAPITAL_PLACES
    return said.small and "strict" not in said.how and _small_place(value)


def _small_place(value: str) -> bool:
    if _NO_PLACE.match(fold(value)) or len(value.split()) > 3 or fold(value) in EMPTY:
        return False
    return re.fullmatch(r"[a-zà-ÿ][a-zà-ÿ' -]{2,30}", value) is not None and not value.endswith(("ing", "ly", "ment"))


def _employers(said: Said) -> Iterator[Value]:
    value = trimmed(said.text.partition(",")[0])
    words = len(value.split())
    if not value or odd(value) or _NO_WORKPLACE.match(value):
        return
    if capitalised(value):
        yield Value(value, Named(proper_name(value, strict=True) or value, "organisation"))
    elif "strict" not in said.how and words <= _MAX_WORKPLACE_WORDS and (_WORKPLACE.match(value) or said.small):
        yield Value(value)


def _jobs(said: Said) -> Iterator[Value]:
    value = trimmed(said.text.partition(",")[0])
    if value and not odd(value) and is_job(value):
        yield Value(value)


def _tastes(said: Said) -> Iterator[Value]:
    """What is liked or not: things, not the talk itself, nor the ones talked to."""
    if _NO_TASTE.match(fold(said.text.strip(EDGES))):
        return
    for part in items(said.text):
        item = re.sub(r"^to (?=\w)", "", part)
        if _NO_TASTE.match(fold(part)) or is_own(item) or len(item.split()) > _MAX_ITEM_WORDS or odd(item):
            return
        yield Value(item)


def _languages(said: Said) -> Iterator[Value]:
    for part in LIST.split(NOT_THAT.sub("", said.text))[:_MAX_LANGUAGES]:
        words = (word.strip(EDGES) for word in re.split(r"[\s'’]+", part))
        language = next((word for word in words if is_language(word)), None)
        if language is not None:
            yield Value(f"{language} (learning)" if "learning" in said.how else language)


def _nationalities(said: Said) -> Iterator[Value]:
    value = trimmed(said.text)
    if value and is_nationality(value):
        yield Value(value)


def _dates(said: Said) -> Iterator[Value]:
    value = said.text.strip(EDGES)
    if len(value.split()) <= _MAX_DATE_WORDS:
        yield Value(value)


def _households(said: Said) -> Iterator[Value]:
    yield Value(said.text.strip(EDGES))


def _phrases(said: Said) -> Iterator[Value]:
    """A phrase of a few words that stands for itself, or several where they are listed."""
    if "taste" in said.how:
        yield from _tastes(said)
        return
    for item in items(said.text) if "list" in said.how else [trimmed(said.text)]:
        folded = fold(item)
        if not item or odd(item) or len(item.split()) > MAX_WORDS or folded in EMPTY or _VAGUE.match(folded):
            return
        if said.key in _ENDS and (folded in _NO_END or _SOON.search(fold(said.text))):
            return
        if "allergen" in said.how and _NO_ALLERGEN.search(folded):
            return
        yield Value(re.sub(r"^to (?=\w)", "", item) if said.key in _ENDS else item)


_SHAPES: dict[str, Callable[[Said], Iterator[Value]]] = {
    "name": _names,
    "kin": _kin,
    "pet": _pets,
    "place": _places,
    "employer": _employers,
    "job": _jobs,
    "lang": _languages,
    "nationality": _nationalities,
    "date": _dates,
    "household": _households,
    "np": _phrases,
    "list": _phrases,
}
