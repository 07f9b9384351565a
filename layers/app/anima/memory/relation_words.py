"""Relations in words, English and French: read out of facts and sentences, and told again. Pure.

Only what somebody plainly says is read: a name, a word of kinship, another name. Names are what begins with a capital.
"""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal

from anima.kernel.terms import STOP_WORDS, Language, fold, tokenise
from anima.memory.relations import ME, Relation

Gender = Literal["f", "m", ""]

# predicate | gender | words, English ones first; the first two of each are those that are used to tell it.
_WORDS = """
sibling | f | sister, sœur, soeur, sis
sibling | m | brother, frère, bro
sibling |   | sibling, frère ou sœur, twin, jumeau, jumelle
parent | f | mother, mère, mum, mom, maman, mama
parent | m | father, père, dad, papa
parent |   | parent, parent
child | f | daughter, fille
child | m | son, fils
child |   | child, enfant, kid
partner | f | wife, femme, épouse, girlfriend, copine, compagne, fiancée
partner | m | husband, mari, époux, boyfriend, copain, compagnon, fiancé
partner |   | partner, partenaire, spouse
grandparent | f | grandmother, grand-mère, grandma, granny, mamie
grandparent | m | grandfather, grand-père, grandpa, papi
grandparent |   | grandparent, grand-parent
grandchild | f | granddaughter, petite-fille
grandchild | m | grandson, petit-fils
grandchild |   | grandchild, petit-enfant
aunt_or_uncle | f | aunt, tante
aunt_or_uncle | m | uncle, oncle
aunt_or_uncle |   | aunt or uncle, oncle ou tante
niece_or_nephew | f | niece, nièce
niece_or_nephew | m | nephew, neveu
niece_or_nephew |   | niece or nephew, neveu ou nièce
cousin | f | cousin, cousine
cousin |   | cousin, cousin
parent_in_law | f | mother-in-law, belle-mère
parent_in_law | m | father-in-law, beau-père
parent_in_law |   | parent-in-law, beau-parent
child_in_law | f | daughter-in-law, belle-fille
child_in_law | m | son-in-law, gendre
child_in_law |   | child-in-law, beau-fils ou belle-fille
sibling_in_law | f | sister-in-law, belle-sœur
sibling_in_law | m | brother-in-law, beau-frère
sibling_in_law |   | sibling-in-law, beau-frère ou belle-sœur
friend |   | friend, ami, amie
colleague |   | colleague, collègue, coworker, boss, manager
pet |   | pet, animal, dog, cat, chien, chienne, chat, chatte
owner |   | owner, maître
"""
_VERBS: dict[str, tuple[str, str]] = {
    "lives_in": ("{} lives in {}", "{} habite dans ce lieu : {}"),
    "located_in": ("{} is in {}", "{} se trouve dans ce lieu : {}"),
    "works_for": ("{} works for {}", "{} travaille pour {}"),
    "employs": ("{} employs {}", "{} emploie {}"),
    "works_in": ("{} works in {}", "{} travaille dans ce lieu : {}"),
    "older_than": ("{} is older than {}", "{} a plus d'années que {}"),
    "younger_than": ("{} is younger than {}", "{} a moins d'années que {}"),
    "before": ("{} was before {}", "{} était avant {}"),
    "after": ("{} was after {}", "{} était après {}"),
    "follows": ("{} keeps to this diet: {}", "{} suit ce régime : {}"),
    "excludes": ("A {} diet has no {}", "Un régime {} exclut ceci : {}"),
    "allergic_to": ("{} is allergic to {}", "{} ne supporte pas ceci (allergie) : {}"),
    "avoids": ("{} does not eat {}", "{} ne mange pas ceci : {}"),
}
# Words of a question that ask for a relation which is no kinship.
_ASKED: dict[str, frozenset[str]] = {
    "lives_in": frozenset(
        "live lives living country city town region where habite habites habitent vit pays ville ou".split()
    ),
    "located_in": frozenset("country city town region where pays ville ou trouve".split()),
    "works_in": frozenset("work works job country city where travaille travailles pays ville ou".split()),
    "colleague": frozenset("work works working travaille travailles bosse".split()),
    "works_for": frozenset("work works employer travaille employeur".split()),
    "older_than": frozenset("older oldest younger youngest age aine ainee age agee jeune vieux vieille".split()),
    "younger_than": frozenset("older oldest younger youngest age aine ainee age agee jeune vieux vieille".split()),
    "before": frozenset("before after first earlier later avant apres abord".split()),
    "after": frozenset("before after first earlier later avant apres abord".split()),
    "avoids": frozenset("eat food cook order dinner lunch allowed can manger mange cuisiner repas puis".split()),
}
DIETS: dict[str, tuple[str, ...]] = {
    "vegan": ("meat", "fish", "eggs", "milk", "cheese", "butter", "honey", "chicken", "beef", "pork"),
    "vegetarian": ("meat", "fish", "chicken", "beef", "pork"),
    "pescatarian": ("meat", "chicken", "beef", "pork"),
    "végane": ("viande", "poisson", "œufs", "lait", "fromage", "beurre", "miel", "poulet", "bœuf", "porc"),
    "végétarien": ("viande", "poisson", "poulet", "bœuf", "porc"),
}
_DIET_WORDS = {"végétarienne": "végétarien", "végan": "végane", "végétalien": "végane", "végétalienne": "végane"}


@dataclass(frozen=True, slots=True)
class _Kin:
    predicate: str
    gender: Gender


def _kin() -> tuple[dict[str, _Kin], dict[tuple[str, Gender], tuple[str, str]]]:
    read: dict[str, _Kin] = {}
    told: dict[tuple[str, Gender], tuple[str, str]] = {}
    genders: dict[str, Gender] = {"f": "f", "m": "m"}
    for line in _WORDS.strip().splitlines():
        predicate, gender, words = (part.strip() for part in line.split("|"))
        listed = [word.strip() for word in words.split(",")]
        told[predicate, genders.get(gender, "")] = (listed[0], listed[1])
        for word in listed:
            read.setdefault(fold(word), _Kin(predicate, genders.get(gender, "")))
    return read, told


KIN_WORDS, _TOLD = _kin()
_KIN = (
    "(?:"
    + "|".join(sorted(map(re.escape, {*KIN_WORDS, *(w for _, ws in _TOLD.items() for w in ws)}), key=len)[::-1])
    + ")"
)
_N = r"[^\W\d_a-zà-ÿœ][\w-]*(?: [^\W\d_a-zà-ÿœ][\w-]*){0,2}"
_OF = r"(?:of |de |du |d['’])"
_MY = r"(?:[Mm]y|[Mm]on|[Mm]a)"
_WHO = rf"(?:{_MY} {_KIN}|{_N}|\b(?:me|I|moi|je)\b)"
_IS = r"(?:is|was|est)"
# Each reads `b` as the kin `k` of `a`, or `a` PREDICATE `b`.
_KINSHIP = [
    re.compile(rf"(?P<a>{_WHO})['’]s (?P<k>{_KIN})(?:(?:['’]s name)? {_IS}(?: called| named)?|,)? (?P<b>{_N})"),
    re.compile(rf"(?P<b>{_N}) {_IS} (?P<a>{_WHO})['’]s (?P<k>{_KIN})\b"),
    re.compile(rf"(?P<b>{_N}) {_IS} (?:the |la |le |l['’])?(?P<k>{_KIN}) {_OF}(?P<a>{_WHO})"),
    re.compile(
        rf"(?:[Tt]he|[Ll]a|[Ll]e|[Ll]['’]) ?(?P<k>{_KIN}) {_OF}(?P<a>{_WHO}) (?:{_IS}(?: called)?|s['’]appelle) (?P<b>{_N})"
    ),
    re.compile(
        rf"(?P<a>{_WHO}) (?:has|have|['’]?ve|a|ai) (?:an?|one|une?) (?:\w+ )?(?P<k>{_KIN}),? (?:called|named|qui s['’]appelle|appelée?|nommée?) (?P<b>{_N})"
    ),
    re.compile(rf"(?P<b>{_N}),? (?:{_IS} )?(?P<a>my|mon|ma) (?P<k>{_KIN})\b"),
    re.compile(
        rf"\b(?P<a>{_MY}) (?P<k>{_KIN})(?:['’]s name is| {_IS}(?: called| named)?| s['’]appelle|,)? (?P<b>{_N})"
    ),
]
_STATED: list[tuple[str, re.Pattern[str]]] = [
    (
        "partner",
        re.compile(rf"(?P<a>{_WHO}) (?:{_IS}|am|suis) (?:married to|mariée? (?:à|avec)|engaged to) (?P<b>{_WHO})"),
    ),
    (
        "older_than",
        re.compile(
            rf"(?P<a>{_WHO}) (?:{_IS}|am|suis) (?:older than|plus (?:âgée?|vieux|vieille) qu(?:e |['’]))(?: ?)(?P<b>{_WHO})"
        ),
    ),
    (
        "younger_than",
        re.compile(rf"(?P<a>{_WHO}) (?:{_IS}|am|suis) (?:younger than|plus jeune qu(?:e |['’]))(?: ?)(?P<b>{_WHO})"),
    ),
    ("lives_in", re.compile(rf"(?P<a>{_WHO}) (?:lives? in|habite (?:à|en|au|aux)|vit (?:à|en|au|aux)) (?P<b>{_N})")),
    ("works_for", re.compile(rf"(?P<a>{_WHO}) (?:works? (?:for|at)|travaille (?:chez|pour)) (?P<b>{_N})")),
    (
        "located_in",
        re.compile(
            rf"(?P<a>{_N}) (?:is (?:a (?:\w+ )?(?:city|town|village|region|district|part) )?(?:in|of)|lies in|(?:est|se trouve) (?:une? \w+ )?(?:en|au|aux|dans|du|de la)) (?P<b>{_N})"
        ),
    ),
]
_PLURAL = re.compile(
    rf"(?P<a>{_N}) (?:and|et) (?P<b>{_N}) (?:are|sont) (?P<k>siblings|brothers|sisters|married|cousins|friends|colleagues|frères|sœurs|mariés|amis|amies|collègues)\b"
)
_PLURALS = {
    **dict.fromkeys(("siblings", "brothers", "sisters", "frères", "sœurs"), "sibling"),
    **dict.fromkeys(("married", "mariés"), "partner"),
    **dict.fromkeys(("friends", "amis", "amies"), "friend"),
    **dict.fromkeys(("colleagues", "collègues"), "colleague"),
    "cousins": "cousin",
}
_PARTS = re.compile(r"(?<=[.!?;\n])\s+|\n")
_DENIED = re.compile(
    r"\b(?:not|never|no longer|isn['’]t|wasn['’]t|n['’]\w+|ne|used to|if|si|maybe|perhaps|peut-être)\b", re.I
)
_VALUE = re.compile(r"^(?P<name>.+?) \((?P<k>[^()]+)\)$")
_NO_NAMES = frozenset(
    {
        *STOP_WORDS["en"],
        *STOP_WORDS["fr"],
        *KIN_WORDS,
        "yes",
        "no",
        "oui",
        "non",
        "hello",
        "hi",
        "bonjour",
        "well",
        "yesterday",
        "today",
        "god",
    }
)
_BY_KEY = {"home": "lives_in", "employer": "works_for", "allergy": "allergic_to"}
_KEYS = {
    "partner": "partner",
    "mother": "parent",
    "father": "parent",
    "child": "child",
    "sibling": "sibling",
    "relative": "",
    "friend": "friend",
    "colleague": "colleague",
    "pet": "pet",
}


@dataclass(slots=True)
class Read:
    """What a statement says: relations between nodes, how the nodes are called, and who is a woman or a man."""

    relations: list[Relation] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    genders: dict[str, Gender] = field(default_factory=dict)

    def node(self, name: str) -> str:
        """The node of a name; of "my sister" one of its own, of "I" the speaker's."""
        bare = fold(" ".join(name.split()))
        if bare in ("i", "me", "my", "mon", "ma", "moi", "je"):
            return ME
        words = bare.split(" ", 1)
        if words[0] in ("my", "mon", "ma") and len(words) > 1 and (kin := KIN_WORDS.get(words[1])):
            unnamed = f"{ME}/{kin.predicate}/{kin.gender}"
            self.add(unnamed, kin, ME)
            return unnamed
        self.names.setdefault(bare, name.strip())
        return bare

    def add(self, subject: str, kin: _Kin, object_: str) -> None:
        """Somebody is somebody's kin."""
        self.relations.append(Relation(subject, kin.predicate, object_))
        if kin.gender and kin.predicate not in ("pet", "owner"):
            self.genders[subject] = kin.gender


def of_fact(key: str, value: object) -> Read:
    """What a fact of the person says, by its key; nothing where its value names nobody."""
    read, root, text = Read(), key.partition(":")[0], str(value).strip()
    if (verb := _BY_KEY.get(root)) and text:
        read.relations.append(Relation(ME, verb, read.node(text)))
    elif root == "diet":
        for diet in (_DIET_WORDS.get(word, word) for word in text.casefold().split()):
            read.relations += [Relation(ME, "follows", read.node(diet))] if diet in DIETS else []
    elif root in _KEYS:
        found = _VALUE.match(text)
        name = found["name"] if found else text
        kin = KIN_WORDS.get(fold(found["k"])) if found else KIN_WORDS.get(root)
        kin = _Kin(_KEYS[root], "") if kin is None and _KEYS[root] else kin
        if kin is not None and _is_name(name):
            read.add(read.node(name), kin, ME)
    return read


def of_named(name: str, relation: str) -> Read:
    """What is known of somebody by what they are to the person ("Ana", "sister")."""
    read = Read()
    if (kin := KIN_WORDS.get(fold(relation))) is not None and _is_name(name):
        read.add(read.node(name), kin, ME)
    return read


def of_text(text: str) -> Read:
    """What sentences plainly say; what asks, denies or supposes says nothing."""
    read = Read()
    for sentence in _PARTS.split(text):
        if not sentence.rstrip().endswith("?") and not _DENIED.search(sentence):
            _read_sentence(sentence, read)
    return read


def of_times(begun: Mapping[str, datetime], ended: Mapping[str, datetime]) -> tuple[dict[str, Read], Read]:
    """What the times at which things began and ended say, by the id of who says it; and the order of these times."""
    said: dict[str, Read] = {}
    moments = sorted({*begun.values(), *ended.values()})
    for names, after in ((begun, True), (ended, False)):
        for key, moment in names.items():
            number, _, name = key.partition("|")
            read = said.setdefault(number, Read())
            thing, when = read.node(name), _moment(moment, read)
            read.relations.append(Relation(when, "before", thing) if after else Relation(thing, "before", when))
    order = Read()
    for earlier, later in pairwise(moments):
        order.relations.append(Relation(_moment(earlier, order), "before", _moment(later, order)))
    return said, order


def is_moment(node: str) -> bool:
    """Whether a node is a moment and nothing that anybody named."""
    return node.startswith("t:")


def _moment(at: datetime, read: Read) -> str:
    node = f"t:{at.isoformat()}"
    read.names[node] = f"{at:%Y-%m-%d}"
    return node


def diets() -> Read:
    """What diets leave out, which everybody knows."""
    read = Read()
    for diet, without in DIETS.items():
        read.relations += [Relation(read.node(diet), "excludes", read.node(food)) for food in without]
    return read


def _read_sentence(sentence: str, read: Read) -> None:
    for pattern in _KINSHIP:
        for found in pattern.finditer(sentence):
            if _is_somebody(found["a"]) and _is_name(found["b"]):
                read.add(read.node(found["b"]), KIN_WORDS[fold(found["k"])], read.node(found["a"]))
    for predicate, pattern in _STATED:
        for found in pattern.finditer(sentence):
            if _is_somebody(found["a"]) and _is_somebody(found["b"]):
                read.relations.append(Relation(read.node(found["a"]), predicate, read.node(found["b"])))
    for found in _PLURAL.finditer(sentence):
        if _is_name(found["a"]) and _is_name(found["b"]):
            read.relations.append(Relation(read.node(found["a"]), _PLURALS[found["k"]], read.node(found["b"])))


def _is_name(text: str) -> bool:
    words = text.split()
    return bool(words) and words[0][:1].isupper() and fold(words[0]) not in _NO_NAMES


def _is_somebody(text: str) -> bool:
    return _is_name(text) or fold(text.split()[0]) in ("my", "mon", "ma", "me", "i", "moi", "je")


def asked(question: str) -> frozenset[str]:
    """The predicates that the words of a question ask for."""
    words = set(tokenise(question))
    joined = f" {' '.join(tokenise(question))} "
    kin = {of.predicate for word, of in KIN_WORDS.items() if f" {' '.join(tokenise(word))} " in joined}
    return frozenset(kin | {predicate for predicate, named in _ASKED.items() if named & words})


def told(relation: Relation, names: Mapping[str, str], genders: Mapping[str, Gender], language: Language | None) -> str:
    """A relation as a sentence about the user."""
    french = language == "fr"
    who, whose = _named(relation.subject, names, french), _named(relation.object, names, french)
    if (verb := _VERBS.get(relation.predicate)) is not None:
        sentence = verb[french].format(who, whose)
    else:
        gender = genders.get(relation.subject, "")
        words = _TOLD.get((relation.predicate, gender)) or _TOLD[relation.predicate, ""]
        sentence = _french(who, words[1], gender, whose) if french else f"{who} is {_possessive(whose)} {words[0]}"
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _named(node: str, names: Mapping[str, str], french: bool) -> str:
    if node == ME:
        return "l'utilisateur" if french else "the user"
    if node.startswith(f"{ME}/"):
        _, predicate, gender = node.split("/")
        genders: dict[str, Gender] = {"f": "f", "m": "m"}
        words = _TOLD.get((predicate, genders.get(gender, ""))) or _TOLD[predicate, ""]
        return f"{'la' if gender == 'f' else 'le'} {words[1]} de l'utilisateur" if french else f"the user's {words[0]}"
    return names.get(node, node)


def _possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _french(who: str, word: str, gender: Gender, whose: str) -> str:
    article = "l'" if fold(word)[:1] in "aeiou" else "la " if gender == "f" else "le "
    return f"{who} est {article}{word} {_of(whose)}"


def _of(whose: str) -> str:
    return f"d'{whose}" if fold(whose)[:1] in "aeiouh" else f"de {whose}"


def sentences_of(reads: Mapping[str, Read]) -> Iterator[tuple[str, Relation]]:
    """Every relation that statements say, with the id of its statement."""
    for number, read in sorted(reads.items()):
        for relation in read.relations:
            yield number, relation
