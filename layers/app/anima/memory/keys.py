"""The kinds of facts: a fixed list, with category, type, how each reads, and the words that ask for it.

A person has one of most of them (`home`); of the others many, each under a key of its own: what is liked or owned
is part of the key (`dislikes:olives`), so that one does not overwrite another.
"""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from anima.kernel.terms import tokenise

Type = Literal["text", "name", "age", "date"]
_MAX_SUBJECT_CHARS = 60


@dataclass(frozen=True, slots=True)
class Key:
    """A kind of fact. `sentence` takes the value; `asks` are sets of words, any of which asks for it."""

    name: str
    category: str
    sentence: str
    asks: tuple[frozenset[str], ...]
    many: bool = False
    type: Type = "text"
    other: bool = False
    """Whether somebody else than the speaker stands in the value ("My wife is Anna")."""


def _words(asks: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(tokenise(phrase)) for phrase in asks.split("|"))


# name | category | sentence after "The user" | words that ask
_ONE = """
name; personal_info; is called {}; name|i called|nom|je appelle|m appelle|prenom
nickname; personal_info; has the nickname {}; nickname|surnom
age; personal_info; is {} years old; old|age|ans
birthday; personal_info; has their birthday on {}; birthday|born when|when born|anniversaire|ne quand|nee quand
nationality; personal_info; is {} by nationality; nationality|citizen|nationalite
pronouns; personal_info; uses the pronouns {}; pronouns|pronoms
religion; personal_info; is of the religion {}; religion|believe
marital_status; personal_info; is {}; married|single|divorced|marie|mariee|celibataire
home; location; lives in {}; live|home|address|habite|vis|domicile|habitais
hometown; location; comes from {}; hometown|from where|where from|born where|where born|grew up|viens|origine|ne ou|nee ou
job; work; works as {}; job|work|profession|do living|occupation|metier|travail|travaille|boulot|fais vie|fais la vie
employer; work; works for {}; employer|company|work for|work where|where work|employeur|entreprise|travaille ou
schedule; work; has the working hours {}; schedule|shift|shifts|hours|horaires
school; education; studies at {}; school|university|college|study where|where study|universite|ecole|etudes ou
field_of_study; education; studies {}; study|studying|major|degree|etudie|etudes
partner; family; has the partner {}; partner|wife|husband|girlfriend|boyfriend|spouse|femme|mari|copain|copine|compagne|compagnon|epouse
mother; family; has the mother {}; mother|mom|mum|mere|maman
father; family; has the father {}; father|dad|pere|papa
diet; health; keeps to this diet: {}; diet|vegetarian|vegan|eat meat|regime|vegetarien|vegetarienne|not eat|don t eat|mange pas|mange plus|ne mange
favorite_food; preferences; likes to eat {} best; favorite food|favourite food|favorite dish|favourite dish|favorite meal|favourite meal|plat prefere|nourriture preferee
favorite_drink; preferences; likes to drink {} best; favorite drink|favourite drink|boisson preferee
favorite_color; preferences; has the favourite colour {}; color|colour|couleur
favorite_music; preferences; likes {} best in music; favorite music|favourite music|favorite band|favourite band|favorite song|favourite song|musique preferee|groupe prefere|chanson preferee
favorite_book; preferences; has the favourite book {}; favorite book|favourite book|livre prefere|roman prefere
favorite_film; preferences; has the favourite film {}; favorite film|favourite film|favorite movie|favourite movie|film prefere
favorite_place; preferences; has the favourite place {}; favorite place|favourite place|endroit prefere|lieu prefere
favorite_season; preferences; has the favourite season {}; season|saison
favorite_animal; preferences; has the favourite animal {}; favorite animal|favourite animal|animal prefere
team; interests; supports {}; team|club|support|equipe|supporte
"""
_MANY = """
language; personal_info; speaks {}; speak|language|languages|langue|langues|parle|parles
lived_in; location; once lived in {}; lived|used live|habitais|vecu
past_job; work; once worked as {}; used work|worked|former job|before work|ancien metier
child; family; has the child {}; child|children|son|daughter|kids|kid|enfant|enfants|fils|fille
sibling; family; has the sibling {}; sibling|siblings|brother|sister|brothers|sisters|frere|soeur|freres|soeurs
relative; family; has this relative: {}; relative|grandmother|grandfather|grandma|grandpa|uncle|aunt|cousin|nephew|niece|oncle|tante|cousine|neveu
friend; relationships; has the friend {}; friend|friends|ami|amie|amis
colleague; relationships; works with {}; colleague|boss|manager|coworker|collegue|chef|patron|patronne
pet; pets; has this pet: {}; pet|pets|dog|cat|animal|animals|chien|chat|chienne|chatte|animaux
allergy; health; is allergic to {}; allergic|allergy|allergies|allergie|allergique
condition; health; has this condition: {}; health|illness|condition|disease|diagnosed|sante|maladie|suffer|sick|ill|souffre|souffres|malade
medication; health; takes {}; medication|medicine|take|medicament|traitement
fear; health; is afraid of {}; afraid|fear|fears|scared|scares|phobia|peur|phobie
likes; preferences; likes {}; like|love|enjoy|likes|aime|adore|plait
dislikes; preferences; dislikes {}; hate|dislike|dislikes|stand|loathe|deteste|aime pas|horreur|supporte pas
hobby; interests; does this in their free time: {}; hobby|hobbies|free time|spare time|weekend|weekends|loisir|loisirs|passe temps|temps libre
sport; interests; does this sport: {}; sport|sports|exercise|train|play|entraine
instrument; interests; plays the {}; instrument|play|music|joue
skill; interests; can do this: {}; skill|good at|sais faire|doue
goal; plans; has the goal: {}; goal|dream|dreams|ambition|objectif|reve|save for|saving|economise|economises|mets cote
plan; plans; plans this: {}; plan|plans|planning|doing|prevu|projet|projets
travel_plan; plans; plans to travel to {}; trip|travel|going where|where going|vacation|holiday|holidays|voyage|vacances|partir
visited; experiences; has been to {}; visited|been|travelled|traveled|visite|alle|voyage
vehicle; possessions; drives {}; car|drive|bike|vehicle|motorcycle|voiture|moto|velo|conduis
owns; possessions; owns {}; own|have|possede
"""
_TYPES: dict[str, Type] = {"name": "name", "nickname": "name", "age": "age", "birthday": "date"}
_OTHERS = frozenset({"partner", "mother", "father", "child", "sibling", "relative", "friend", "colleague", "pet"})


def _catalogue() -> dict[str, Key]:
    found = {}
    for lines, many in ((_ONE, False), (_MANY, True)):
        for line in lines.strip().splitlines():
            name, category, sentence, asks = (part.strip() for part in line.split(";"))
            type_ = _TYPES.get(name, "text")
            found[name] = Key(name, category, sentence, _words(asks), many, type_, name in _OTHERS)
    return found


KEYS: dict[str, Key] = _catalogue()

_OWN_NAMES = frozenset({"name", "nickname"})
_FIRST_PERSON = frozenset("i me my mine m je j mon ma mes moi me mien mienne".split())
_YOUR_WORDS = re.compile(
    r"\b(did|have|had) you (say|tell|said|told|suggest|recommend|mention)|\b(tu m'as|as-tu|avais-tu) (dit|conseillé|racont)",
    re.I,
)
_MY_WORDS = re.compile(r"\bdid i (say|tell|mention)|\bi (told|said)|\b(ai-je|j'ai|t'ai-je) (dit|racont)", re.I)
# Everything that is kept of the person answers these, whatever its words and its meaning.
_OF_ALL = re.compile(
    r"\b(?:know|remember(?:ed)?|learn(?:ed|t)?|recall) (?:anything |everything |all )?(?:about|of) me\b"
    r"|\btell me (?:everything |something )?about (?:me|myself)\b|\bwho am i(?=\W*$)"
    r"|\b(?:sais|savez|souviens|souvenez|retenu|appris|connais)\b.{0,20}\b(?:de|sur) moi\b|\bqui suis[- ]je(?=\W*$)",
    re.I,
)


# What is talked of, and the facts that one who knows the person has in mind then.
_OCCASIONS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(
            r"\b(?:cook(?:ing)?|bak(?:e|ing)|dinner|lunch|supper|breakfast|brunch|barbecue|bbq|recipes?|restaurants?|menu|meal|snack"
            r"|cuisin\w+|d[iî]ner|d[ée]jeuner|souper|brunch|repas|recettes?|restau\w*|ap[ée]ro|go[uû]ter)\b",
            re.I,
        ),
        frozenset({"diet", "allergy", "favorite_food", "dislikes"}),
    ),
    (
        re.compile(
            r"\b(?:medicines?|medication|pills?|painkillers?|antibiotics?|prescri\w+|dentist|surgery|aspirin|ibuprofen"
            r"|m[ée]dicaments?|comprim[ée]s?|antibiotiques?|ordonnance|dentiste|op[ée]ration|aspirine|ibuprof[èe]ne)\b",
            re.I,
        ),
        frozenset({"allergy", "condition", "medication"}),
    ),
)
_NAME_OF_ANOTHER = re.compile(
    r"\b(?:name|names) of (?:my|our|the)\b|\b(?:my|our) [\w' -]{2,30}['’]s name\b|\bnoms? (?:de|du|des) (?:mon|ma|mes|notre|nos|la|le|l['’])?"
    r"|\b(?:my|our|mon|ma|notre) (?!name\b|nom\b)[\w-]+ (?:is |was )?(?:called|named|s['’]appelle)",
    re.I,
)


def occasion_keys(text: str) -> frozenset[str]:
    """The keys of facts that come to mind when something is talked of: diet and allergies where one cooks."""
    return frozenset[str]().union(*(names for pattern, names in _OCCASIONS if pattern.search(text)))


def asks_for_all(question: str) -> bool:
    """Whether a question is after all that is known of its speaker: "What do you remember about me?"."""
    return _OF_ALL.search(question) is not None


def asked_keys(question: str) -> frozenset[str]:
    """The keys of facts that a question about the speaker asks for; none for a question about something else."""
    if asks_for_all(question):
        return frozenset(KEYS)
    words = frozenset(tokenise(question))
    if not words & _FIRST_PERSON:
        return frozenset()
    asked = {key.name for key in KEYS.values() if any(ask <= words for ask in key.asks)}
    of_another = bool(asked & _OTHERS) or _NAME_OF_ANOTHER.search(question) is not None
    return frozenset(asked - _OWN_NAMES if of_another else asked)


def asked_speaker(question: str) -> str | None:
    """Whose words a question is after: "What did you tell me …" the assistant's, "What did I say …" the user's."""
    if _YOUR_WORDS.search(question):
        return "assistant"
    return "user" if _MY_WORDS.search(question) else None


_ARTICLES = re.compile(r"^(the|a|an|my|some|le|la|les|l'|l’|un|une|des|du|de la|mon|ma|mes)\b\s*", re.I)


def subject(value: str) -> str:
    """A value as part of a key: lower case, no article, words joined by hyphens."""
    bare = _ARTICLES.sub("", value.strip())
    return "-".join(tokenise(bare))[:_MAX_SUBJECT_CHARS].strip("-")


def full_key(name: str, value: object) -> str:
    """The key of a fact: its kind, and for those of which one has many, what it is about."""
    key = KEYS.get(name)
    return f"{name}:{subject(str(value))}" if key is not None and key.many else name


def rivals(key: str) -> tuple[str, ...]:
    """Keys that cannot hold beside this one: what is liked is not disliked."""
    name, _, about = key.partition(":")
    opposite = {"likes": "dislikes", "dislikes": "likes"}.get(name)
    return (f"{opposite}:{about}",) if opposite else ()


def reading(key: str, value: object, confirmed: bool, evidence: str) -> str:
    """A fact as a sentence: as a fact where it is confirmed, else as what was said, in the person's words."""
    if not confirmed and evidence:
        return 'The user said: "' + evidence.replace('"', "'") + '"'
    kind = KEYS.get(key.partition(":")[0])
    if kind is None:
        return f"Of the user, {key.replace('_', ' ')}: {value}."
    return _of_somebody(kind, str(value)) if kind.other else f"The user {kind.sentence.format(value)}."


_NAMED_SO = re.compile(r"(?P<name>[^(),]+) \((?P<relation>[^()]+)\)")
_SEVERAL = re.compile(r" (?:and|et) ")
_COUNTED = re.compile(r"(?:an?|one|two|three|four|five|six|\d+|une?|deux|trois|quatre|cinq|des|several|some) ", re.I)
_ONLY = re.compile(r"(?:only child|(?:fille|fils|enfant) unique)$", re.I)


def _of_somebody(kind: Key, value: str) -> str:
    """A fact about somebody of the speaker's: by name and relation, as "Ana (sister)", or how many there are."""
    named = _NAMED_SO.fullmatch(value)
    if named is not None and not _SEVERAL.search(named["name"]):
        return f"{named['name']} is the user's {named['relation']}."
    if _COUNTED.match(value):
        return f"The user has {value}."
    return f"The user is an {value}." if _ONLY.match(value) else f"The user {kind.sentence.format(value)}."
