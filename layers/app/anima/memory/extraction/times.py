"""From when and until when something held, as a clause says it: "since 2019", "for six years", "jusqu'en mars". Pure."""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel.terms import fold
from anima.memory.extraction.numbers import NUMBER, number
from anima.memory.time_expressions import Expression, expressions

_MAX_CHARS = 400
_DAYS = {
    "day": 1,
    "jour": 1,
    "week": 7,
    "semaine": 7,
    "month": 30.44,
    "mois": 30.44,
    "year": 365.25,
    "an": 365.25,
    "annee": 365.25,
}
_FOR = re.compile(
    rf"\b(?:for|depuis|ca fait)(?: about| almost| over| nearly| around| environ| presque| plus de| the last| the past)? (?P<n>{NUMBER}|an?) (?P<unit>{'|'.join(_DAYS)})e?s?\b"
)
_SINCE = re.compile(
    r"\b(?:since|as of|from|between|depuis|de|entre|a partir de|des)(?: early| late| mid| le| la| the| l'| debut| fin| around| about)? ?$"
)
_UNTIL = re.compile(
    r"\b(?:until|till|up to|through|jusqu'(?:a|en|au)|jusque(?: en)?)(?: early| late| le| la| the| l'| fin| debut| around| about)? ?(?:l')?$"
)
_TO = re.compile(r"\b(?:to|and|a|et|au) ?$")
_ENDED = re.compile(
    r"\b(?:left|quit|moved|came|emigrated|arrivee?|venue?|retired|stopped|sold|gave up|lost|quitte|arrete|demissionne|vendu|perdu|demenage de)\b"
)
_ENDED_THEN = re.compile(
    rf",? (?:i|we|je|j'|on|nous)(?:'ve| have| avons| ai|ai| a| suis| sommes)? ?(?:(?:just|finally|enfin) )?{_ENDED.pattern}"
)
_AGO = re.compile(r"\bago$|^il y a\b")
_BOND = re.compile(
    r"\b(?:i|we)(?:'ve|'m|'re|'d)?\b(?: (?!is\b|was\b)[a-z]+){0,3}? (?:have|had|got|get|gotten|own|owned|adopted|bought|rescued|took in|fostered|inherited|married|marry|engaged|met|known|dating|dated|seeing|together|keep|kept|expecting)\b"
    r"|\b(?:i'm|we're|i've been|we've been) (?:with|married|engaged|dating|seeing|together)\b|\b(?:has|have) been (?:my|our|with (?:me|us))\b|\bbecame (?:my|our)\b"
    r"|(?:\bj'ai|\bon a|\bnous avons|\bje viens d'|\bon vient d')(?: [a-z]+){0,2}? ?(?:un|une|deux|trois|eu|adopte|adopter|achete|recueilli|rencontre|epouse|mon|ma|notre)\b"
    r"|\b(?:je suis|je me suis|on est|on s'est|nous sommes|je sors|je vis|je connais)\b|\best (?:devenue? )?(?:mon|ma|notre)\b"
)


@dataclass(frozen=True, slots=True)
class Held:
    """When something began and when it ended, as far as that was said."""

    since: datetime | None = None
    until: datetime | None = None


def held(text: str, at: datetime | None, *, past: bool = False) -> Held:
    """When what a clause says, said `at` that time, held; what is `past` had ended by then at the latest."""
    if at is None:
        return Held()
    said = text[:_MAX_CHARS]
    plain = "".join(folded if len(folded := fold(each)) == 1 else each for each in said.replace("’", "'"))
    since, until = _bounds(plain, expressions(said, at), past)
    ended = until if past else at
    if since is None and ended is not None and (lasted := _FOR.search(plain)):
        since = ended - timedelta(days=_DAYS[lasted["unit"]] * (number(lasted["n"]) or 1))
    return Held(since, min(until or at, at) if past else until)


def of_a_bond(text: str) -> bool:
    """Whether the times of a clause may be of what somebody is to the speaker, who got, met, married, has had them.

    Else they are of what that one did or had done: "My dog Biscuit turned five yesterday".
    """
    plain = fold(text[:_MAX_CHARS].replace("’", "'"))
    return _BOND.search(plain) is not None


def _bounds(plain: str, named: list[Expression], past: bool) -> tuple[datetime | None, datetime | None]:
    since: datetime | None = None
    until: datetime | None = None
    for each in named:
        before = plain[: each.start]
        if _UNTIL.search(before) or (since is not None and _TO.search(before)):
            until = each.until if past and re.fullmatch(r"\d{4}", plain[each.start : each.end]) else each.since
        elif _SINCE.search(before):
            since = each.since
        elif past and (_ENDED.search(before) or _ENDED_THEN.match(plain, each.end)):
            until = until or _moment(each, plain)
        elif past:
            since, until = since or each.since, until or each.until
        else:
            since = since or _moment(each, plain)
    return since, until


def _moment(each: Expression, plain: str) -> datetime:
    """When it was: of "two years ago", which means about then, the middle."""
    if _AGO.search(plain[each.start : each.end]):
        return each.since + (each.until - each.since) / 2
    return each.since
