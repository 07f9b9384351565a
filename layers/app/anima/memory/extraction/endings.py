"""What a person says to be over without saying of which fact: "I don't live there any more", "Forget the camper van".

Pure. Such a statement names at most the thing; which of the facts that hold it ends is found where they are held. It
is a Found that is gone, of no category, under an open key: the kinds of facts that it may be of ("hobby|sport"; after
">" those that are meant where none of the first are held; "*" for any), and as its value what it is about in the
person's words, "" for whichever there is. `likeness.ended` finds those facts.
"""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from anima.memory.extraction import words_en, words_fr
from anima.memory.extraction.clauses import Clause
from anima.memory.extraction.spelling import plain
from anima.memory.extraction.values import EDGES, trimmed
from anima.memory.facts_model import Found

_ANIMALS = "|".join(sorted({*words_en.ANIMALS.split("|"), *words_fr.ANIMALS.split("|")}, key=len, reverse=True))
_THINGS = "vehicle|owns|instrument"
_DOINGS = "hobby|sport|instrument|skill"
_PLANS = "travel_plan|plan|goal"
_TAKEN_BACK = f"vehicle|owns|{_PLANS}|hobby|sport|likes|dislikes|diet"
_MAX_WORDS = 6
_HEAD = r"(?:^|(?:, |and |but |so |et |mais |donc |alors |actually |sorry |oh |en fait |finalement ))(?:,? )?"
_WE = r"(?:i|we)(?:'ve)?(?: just| finally| recently| also| actually)?"
_ON = r"(?:j'ai|on a|nous avons)(?: enfin| finalement| aussi)?"
_MY = r"(?:my|our|the|mon|ma|mes|notre|nos|le |la |les )"
# kinds | pattern, with the thing as group v where one is named
_ENDINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (keys, re.compile(f"{_HEAD}(?:{pattern})"))
    for keys, pattern in (
        (
            "home",
            r"(?:i|we) (?:don't|no longer) live (?:there|here)\b|i've moved out\b|(?:je n'y|j'y|on n'y|on y) (?:habite|vis|vit) plus\b|(?:je|on) (?:n'|ne )?(?:habite|vis|vit) plus (?:la|la-bas|ici)\b",
        ),
        (
            "home",
            rf"{_WE} (?:moved (?:out of|away from|from)|left)(?: {_MY}(?: [a-z-]+){{1,3}}? (?:in|near|at|on))? (?P<v>(?!my\b|the\b|our\b|work\b|home\b|it\b|for\b|at\b|in\b)[a-z][a-z' -]*?)(?= (?:to|for|in|on|at|last|this|when|after|because|two|three|a)\b|[,.]|$)",
        ),
        (
            "home",
            rf"{_ON} (?:quitte|demenage de)(?: (?:mon |ma |notre |le |la |l')(?:[a-z-]+ ){{0,2}}?[a-z-]+ (?:de|du|a|au|en))? (?P<v>(?!mon\b|ma\b|mes\b|le\b|la\b|les\b|l'|notre\b)[a-z][a-z' -]*?)(?= (?:pour|en|il|le|la|a|au|hier|depuis|apres|quand)\b|[,.]|$)",
        ),
        (
            "employer>job",
            r"(?:i|we) (?:don't|no longer) work (?:there|here)\b|(?:je n'y|j'y) (?:travaille|bosse) plus\b",
        ),
        (
            "employer>job",
            rf"{_WE} (?:quit|left|lost) my (?:job|work)\b|i(?:'ve)?(?: just)? (?:resigned|quit work)\b|i (?:got|was) (?:fired|laid off|let go|made redundant)\b",
        ),
        (
            "employer>job",
            rf"{_ON} (?:quitte|perdu|lache) mon (?:travail|job|boulot|emploi|taf|poste)\b|j'ai(?: enfin| finalement)? demissionne\b|j'ai ete (?:viree?|licenciee?)\b|on m'a (?:viree?|licenciee?)\b",
        ),
        (
            "diet",
            r"i'm (?:no longer|not) (?:an? )?(?P<v>vegan|vegetarian|pescatarian|gluten[- ]free|sober|halal|kosher)(?: anymore| any longer)?$",
        ),
        (
            "diet",
            r"je (?:ne )?suis (?:plus|pas) (?P<v>vegane?|vegetarienne?|vegetarien|vegetalienne?|vegetalien|pescetarien)\b",
        ),
        (
            _THINGS,
            rf"{_WE} (?:sold|got rid of|gave away|scrapped|don't (?:have|own)|no longer (?:have|own)) {_MY} ?(?P<v>.+)",
        ),
        (
            _THINGS,
            rf"{_ON} (?:vendu|revendu|donne|jete|bazarde) {_MY} ?(?P<v>.+)|(?:je n'ai|on n'a|nous n'avons|j'ai|on a) plus (?:de |d'|le |la |l'|mon |ma |notre )(?P<w>.+)",
        ),
        (
            _DOINGS,
            rf"{_WE} (?:stopped|quit|gave up|given up)(?: playing| doing| going| practi[sc]ing)?(?: the| my)? (?P<v>(?!my job|work)[a-z].+)|i (?:don't|no longer) (?:play|do|practi[sc]e|go) (?P<w>.+?)(?: anymore| any longer)$|i no longer (?:play|do|practi[sc]e|go) (?P<x>.+)",
        ),
        (
            _DOINGS,
            rf"{_ON} (?:arrete|abandonne|lache)(?: de| d')?(?: faire| jouer)?(?: du | de la | de l'| au | a la | le | la | les | l'| )(?P<v>.+)|je (?:ne )?(?:fais|joue|pratique) plus(?: de | d'| du | de la | de l'| au | a la | le | la )(?P<w>.+)",
        ),
        (
            _PLANS,
            r"(?:the|our|my) (?:trip|holiday|journey|vacation|flight|cruise|weekend)s? (?:to|in) (?P<v>.+?) (?:is|was|are|has been|got|have been) (?:cancell?ed|off|called off)\b|(?:i|we)(?:'ve)? (?:cancell?ed|called off) (?:the|our|my) (?:trip|holiday|journey|vacation|flight)s? to (?P<w>.+)",
        ),
        (
            _PLANS,
            r"(?:i'm|we're|i am|we are) not (?:going|travelling|traveling|flying|moving|visiting)(?: to)? (?P<v>.+?)(?: anymore| any longer| after all)$",
        ),
        (
            _PLANS,
            r"(?:le|notre|mon) (?:voyage|sejour|vol|week-?end) (?:au|aux|a|en|pour) (?P<v>.+?) (?:est|a ete) (?:annule|tombe a l'eau)\b|(?:on|je|nous) (?:ne )?(?:part|pars|partons|va|vais|allons) plus (?:au|aux|a|en) (?P<w>.+)",
        ),
        (
            "pet",
            rf"(?:my|our|mon|ma|notre|nos) (?:[a-z-]+ )?(?P<v>(?:{_ANIMALS})(?: (?!just|has|had|is|est|sadly|recently|suddenly|vient|nous|finally)[a-z'-]+)?) (?:(?:sadly |recently |suddenly |finally )?(?:just |has |has just )?(?:died|passed away)\b|is dead\b|had to be put down\b|est (?:mort|decede)e?s?\b|nous a quittee?s\b|vient de mourir\b)",
        ),
        (
            "partner",
            r"(?:me and my \w+|my \w+ and i|we)(?:'ve)? (?:broke up|broken up|split up|got divorced|separated|are divorcing)\b|i (?:broke up with|left|divorced) my (?:husband|wife|boyfriend|girlfriend|partner)\b",
        ),
        (
            "partner",
            r"on s'est separee?s\b|nous (?:nous sommes separee?s|avons divorce)\b|(?:je me suis|j'ai) (?:separee?|rompu|divorce) (?:de|d'avec|avec) (?:mon|ma) (?:mari|femme|copain|copine|compagnon|compagne|conjointe?)\b|j'ai quitte (?:mon mari|ma femme|mon copain|ma copine)\b",
        ),
        (
            _TAKEN_BACK,
            r"(?:please )?(?:forget|scrap|never ?mind)(?: about)? (?:the|my|our) (?P<v>.+)|oublie(?: pour)? (?:le |la |les |l'|mon |ma |mes |notre )(?P<w>.+)",
        ),
        (
            "*",
            r"(?:please )?forget (?:what|that|everything|all) i(?:'ve)? (?:said|told you|mentioned) (?:about|of|on)(?: the| my| our)? (?P<v>.+)|oublie (?:tout )?ce que (?:j'ai|je t'ai|je) (?:dit|raconte)(?: sur| de| du| des| a propos de| au sujet de)? ?(?:le |la |les |l'|mon |ma |mes )?(?P<w>.+)",
        ),
    )
)
_THERE = re.compile(r"\b(?:there|here|y|la|la-bas|ici)\b|'y\b")
_PLACE = re.compile(r"\b(?:in|at|from|near|to|à|en|au|chez|de) ([A-ZÀ-Þ][\w'’-]+)")
_AND = re.compile(r" (?:and|but|et|mais) ", re.I)
_DIED = re.compile(
    r"\b(?:died|passed away|is dead|put down|est (?:mort|decede)e?s?|nous a quittee?s|vient de mourir)\b"
)


def endings(clause: Clause, at: datetime | None, there: str = "") -> Iterator[Found]:
    """What a clause says to be over, as far as it does not say which fact that is.

    `there` is the place that the message named before: of it the speaker says that they do not live there any more.
    """
    said = plain(clause.text)
    for keys, pattern in _ENDINGS:
        found = pattern.search(said.text)
        if found is None:
            continue
        about = there if _THERE.search(found.group()) else ""
        named = next((each for each in ("v", "w", "x") if found.groupdict().get(each)), None)
        if named is not None:
            start, end = said.span(*found.span(named))
            named_so = _AND.split(clause.text[start:end], maxsplit=1)[0].strip(EDGES)
            about = trimmed(named_so) or named_so  # "car" is a thing here, and no French "because"
            if not about or len(about.split()) > _MAX_WORDS:
                continue
        yield Found(f"{keys}:{about}" if about else keys, "", about, clause.text, True, True, True, None, at)
        return


_LEAVING = re.compile(
    r"\b(?:mov(?:e|ed|ing) (?:[a-z]+ )?(?:of|from)|left|leav(?:e|ing)|quitt\w+|demenag\w+ de|parti\w* de) (?:(?:the|my|our|mon|ma|notre|le|la|l')[ a-z'-]{0,30}? ?(?:in|near|at|de|du|a|au|en) )?(?:the |la |le |l')?$"
)


def leaves(text: str, place: str) -> bool:
    """Whether a clause speaks of leaving this place: a person is at home there no longer."""
    said, name = plain(text).text, plain(place).text
    at = said.find(name)
    return at > 0 and _LEAVING.search(said[:at]) is not None


def place_named(text: str) -> str:
    """The last place or firm that a clause names, "" for none."""
    return next(reversed(_PLACE.findall(text)), "")


def of_the_dead(text: str) -> bool:
    """Whether a clause tells of a death: when that was is not since when somebody was what they were."""
    return _DIED.search(plain(text).text) is not None
