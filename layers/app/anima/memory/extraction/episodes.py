"""Episodes: milestones and moments of strong feeling that a person tells, in their own words; few rather than many."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from typing import Literal

from anima.kernel.terms import fold, tokenise
from anima.memory.extraction.clauses import Clause, clauses, straight
from anima.memory.extraction.entities import ANIMALS, KIN
from anima.memory.facts_model import Moment

Sentiment = Literal["very_negative", "negative", "neutral", "positive", "very_positive"]
_MAX_TITLE, _MAX_SUMMARY = 120, 600
_FEW_WORDS = 4

_I = r"\b(?:i|we)(?:'ve)?(?: \w+ly| just| finally| have| also| both)*"
_JE = r"\b(?:j'ai|je viens de|je me suis|je suis|on a|nous avons)(?: enfin| vraiment| tous les deux)*"
_ACCENTS = str.maketrans({"e": "[eéèê]", "a": "[aàâ]", "i": "[iîï]", "u": "[uûü]", "œ": "(?:oe|œ)"})
_LIVING = (
    rf"(?:{KIN}|{ANIMALS}|best friend|friends?|meilleure? amie?|amie?|teacher|professeure?|mentor)".replace("oe", "œ")
).translate(_ACCENTS)
_TEST = r"(?:\w+ )?(?:exams?|tests?|finals?|bar|boards|driving|interviews?|class|course|degree|year|school|viva|defen[cs]e|audition|citizenship|examens?|bac|brevet|permis|concours|dipl[oô]me|partiels?|code|licence|master|th[eè]se|entretiens?)\b"
_PRIZE = r"(?:prize|race|award|cup|title|tournament|championship|medal|lottery|competition|contest|election|trophy|case|marathon|prix|course|coupe|titre|tournoi|championnat|médaille|loterie|concours|élection|trophée|procès)\b"
# (type, importance, how it feels, pattern)
_MILESTONES: tuple[tuple[str, float, int, re.Pattern[str]], ...] = tuple(
    (kind, importance, feeling, re.compile(pattern, re.I))
    for kind, importance, feeling, pattern in (
        (
            "milestone",
            8,
            2,
            rf"{_I} (?:got married|got engaged|became (?:a )?(?:parents?|mother|father|mum|mom|dad))\b",
        ),
        (
            "milestone",
            8,
            2,
            r"\bi'm (?:getting married|pregnant|engaged)\b|\bmy (?:son|daughter|baby) was born\b|\bwe're (?:having a baby|expecting)\b",
        ),
        (
            "milestone",
            7,
            1,
            rf"{_I} (?:got (?:the|a|my) (?:\w+ )?(?:job|promotion|scholarship|visa|degree|licen[cs]e)|got promoted|got hired|was promoted|was hired)\b",
        ),
        (
            "milestone",
            7,
            1,
            rf"{_I} (?:graduated|passed (?:my|the) {_TEST}|finished my (?:thesis|degree|book|marathon)|won (?:the|a|my|first) (?:\w+ ){{0,2}}?{_PRIZE}|retired)\b",
        ),
        (
            "milestone",
            6,
            0,
            rf"{_I} (?:moved (?:to|into|out)\b(?! of| (?:the|a|an) (?:next|other|left|right|front|back|kitchen|sofa|couch|living|table|corner|shade|bed|chair|second|first|third|different|better)\b)|bought (?:a|my first|our first) (?:house|flat|apartment|home)|started (?:a|my) (?:new job|business|company))\b",
        ),
        (
            "loss",
            8,
            -2,
            rf"\bmy (?:[\w'-]+ ){{0,3}}?{_LIVING}(?: [\w'-]+){{0,3}}? (?:died|passed away|was killed)\b|\bi lost my (?:mother|mum|mom|father|dad|wife|husband|son|daughter|brother|sister|grand\w+|dog|cat|best friend)\b",
        ),
        (
            "loss",
            7,
            -2,
            rf"{_I} (?:broke up|got divorced|are getting divorced|got fired|was fired|was laid off|lost my job|lost my home|failed (?:my|the) {_TEST})\b",
        ),
        (
            "loss",
            7,
            -2,
            r"\b(?:i|my \w+)(?:'ve| has| have)? (?:was|were|been|got) (?:\w+ )?(?:diagnosed|hospitali[sz]ed|robbed|attacked)\b|\bi had (?:a|an) (?:\w+ )?(?:accident|miscarriage|heart attack|stroke)\b",
        ),
        (
            "milestone",
            8,
            2,
            rf"{_JE} (?:mariée?s?|fiancée?s?|devenue? (?:maman|papa|père|mère)|eu un bébé)\b|\b(?:on s'est|nous nous sommes) (?:mariée?s|fiancée?s|pacsée?s)\b|\bje (?:me marie|suis enceinte)\b|\b(?:mon fils|ma fille) est née?\b",
        ),
        (
            "milestone",
            7,
            1,
            rf"{_JE} (?:décroché|obtenu|eu|reçu) (?:le|la|un|une|mon|ma) (?:\w+ )?(?:poste|boulot|travail|promotion|diplôme|bourse|permis|bac|visa|concours)\b",
        ),
        (
            "milestone",
            7,
            1,
            rf"{_JE} (?:réussi (?:mon|ma|mes|le|l')[^\W\d_]* ?{_TEST}|été (?:promue?|embauchée?)|gagné (?:le|la|un|une|mon) (?:\w+ ){{0,2}}?{_PRIZE}|terminé (?:ma thèse|mes études)|pris ma retraite)",
        ),
        (
            "milestone",
            6,
            0,
            rf"{_JE} (?:déménagé|emménagé|acheté (?:un|une|notre) (?:maison|appartement)|monté (?:ma|mon) (?:boîte|entreprise))\b",
        ),
        (
            "loss",
            8,
            -2,
            rf"\b(?:ma|mon) (?:[\w'-]+ ){{0,2}}?{_LIVING}(?: [\w'-]+){{0,2}}? (?:est (?:morte?|décédée?)|nous a quittés?|vient de mourir)\b|\bj'ai perdu (?:ma|mon) (?:mère|père|femme|mari|fils|fille|frère|sœur|soeur|grand-\w+|chien|chat|meilleure? amie?)\b",
        ),
        (
            "loss",
            7,
            -2,
            rf"{_JE} (?:séparée?s?|divorcée?s?|été (?:virée?|licenciée?|hospitalisée?|cambriolée?)|perdu mon (?:travail|emploi|boulot)|raté (?:mon|ma|mes|le) (?:bac|brevet|exam\w*|permis|concours|dipl[oô]me|ann[ée]e|partiels?|entretiens?|code|licence|master|th[eè]se|soutenance))\b|\bj'ai eu un (?:grave )?accident\b",
        ),
    )
)
_FEELINGS = {
    2: "overjoyed thrilled ecstatic delighted elated proud wonderful amazing fantastic incredible joy blessed"
    " ravie ravi comble comblee extatique fier fiere merveilleux merveilleuse genial geniale formidable incroyable emerveille emerveillee",
    1: "happy glad pleased excited grateful relieved great hopeful lucky good love loved enjoyed"
    " heureux heureuse content contente excite excitee soulage soulagee reconnaissant reconnaissante chance joyeux joyeuse",
    -1: "sad worried anxious nervous lonely upset angry tired stressed scared afraid disappointed frustrated ashamed guilty hurt bad jealous"
    " triste inquiet inquiete anxieux anxieuse seul seule fache fachee enerve enervee stresse stressee decu decue peur honte jaloux jalouse",
    -2: "devastated heartbroken miserable terrified hopeless depressed furious desperate awful terrible horrible grief crying cried sobbing"
    " devaste devastee effondre effondree desespere desesperee terrifie terrifiee furieux furieuse deprime deprimee affreux atroce pleure",
}
_WEIGHT = {word: weight for weight, words in _FEELINGS.items() for word in words.split()}
_NOT = frozenset("not never no t hardly pas plus jamais sans ne".split())
_MUCH = frozenset(
    "so very really extremely incredibly absolutely totally completely utterly tellement tres vraiment extremement trop".split()
)
_FELT = re.compile(
    r"\b(?:i'm|i am|i feel|i've been|i was|i felt|i'm feeling|makes me|made me|je suis|je me sens|j'ai|j'étais|me rend|ça m'a)\b",
    re.I,
)

_OF_THE_TALK = re.compile(  # joy at an answer, or anger at it, is no moment of a life
    r"\b(?:answers?|repl(?:y|ies)|explanations?|your?|thanks?|thank you|this (?:code|text|poem|recipe|list|result)|réponses?|explications?|merci|ton|ta|tes|toi|ce (?:code|texte|poème))\b",
    re.I,
)


def feeling(text: str) -> float:
    """What feeling words say, about -3 (despair) to 3 (joy); a negation turns one round, an adverb adds to it."""
    words = tokenise(text)
    total = 0.0
    for at, word in enumerate(words):
        weight: float = _WEIGHT.get(word, 0)
        if not weight:
            continue
        before = words[max(0, at - 3) : at]
        weight *= 1.5 if _MUCH & set(before) else 1.0
        total += -0.5 * weight if _NOT & set(before) else weight
    return max(-3.0, min(3.0, total))


def sentiment(felt: float) -> Sentiment:
    """A feeling as one of five words."""
    for limit, name in ((-2.0, "very_negative"), (-0.5, "negative")):
        if felt <= limit:
            return name  # type: ignore[return-value]
    if felt >= 2.0:
        return "very_positive"
    return "positive" if felt >= 0.5 else "neutral"


def moment(text: str) -> Moment | None:
    """The one episode that a message tells, if it does: a milestone before a feeling."""
    told = [clause for clause in clauses(text) if clause.believable or _told_of_kin(clause)]
    for clause in told:
        for kind, importance, tone, pattern in _MILESTONES:
            if pattern.search(clause.plain):
                felt = max(-3.0, min(3.0, tone + feeling(text)))
                return _moment(kind, clause, told, importance + min(1.0, 0.5 * abs(feeling(text))), felt)
    for clause in told:
        felt = feeling(clause.text)
        if (
            abs(felt) >= 2
            and not _OF_THE_TALK.search(clause.plain)
            and _FELT.search(clause.plain)
            and len(clause.text.split()) >= _FEW_WORDS
        ):
            return _moment("emotional_moment", clause, told, 3.0 + abs(felt), felt)
    return None


def _told_of_kin(clause: Clause) -> bool:
    return not (clause.question or clause.supposed or clause.reported) and "we" in fold(straight(clause.text)).split()


def _moment(kind: str, clause: Clause, told: list[Clause], importance: float, felt: float) -> Moment:
    """Title and summary are the person's own clauses: the one that tells it, and those around."""
    title = clause.text[:_MAX_TITLE].strip()
    at = told.index(clause)
    around = ". ".join(each.text for each in told[max(0, at - 1) : at + 3])
    return Moment(kind, title, around[:_MAX_SUMMARY], round(min(10.0, importance), 2), sentiment(felt))
