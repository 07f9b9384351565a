"""Expressions of time in a text, English and French: which span of time "last spring" or "il y a deux ans" means.

Pure. Spans are half open, in the zone of the moment at which the words were said.
"""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel.terms import fold


@dataclass(frozen=True, slots=True)
class Expression:
    """Words at `start` to `end` of a text that mean the time from `since` until just before `until`."""

    start: int
    end: int
    since: datetime
    until: datetime


Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_MONTHS = (
    *("january|janvier|jan", "february|fevrier|feb", "march|mars|mar", "april|avril|apr", "may|mai", "june|juin|jun"),
    *("july|juillet|jul", "august|aout|aug", "september|septembre|sept|sep", "october|octobre|oct"),
    *("november|novembre|nov", "december|decembre|dec"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_WEEKDAYS = ("monday|lundi", "tuesday|mardi", "wednesday|mercredi", "thursday|jeudi", "friday|vendredi")
_WEEKEND = ("saturday|samedi", "sunday|dimanche")
_WEEKDAY = {name: day for day, names in enumerate((*_WEEKDAYS, *_WEEKEND)) for name in names.split("|")}
# The month in which a season begins (northern).
_SEASON = {
    **{"spring": 3, "printemps": 3, "summer": 6, "ete": 6},
    **{"autumn": 9, "fall": 9, "automne": 9, "winter": 12, "hiver": 12},
}
_NUMBER = {
    **{word: 1 for word in ("a", "an", "one", "un", "une")},
    **{word: 2 for word in ("two", "deux", "a couple of", "couple of")},
    **{word: 3 for word in ("three", "trois", "a few", "few", "several", "quelques", "plusieurs")},
    **{"four": 4, "quatre": 4, "five": 5, "cinq": 5, "six": 6, "seven": 7, "sept": 7, "eight": 8, "huit": 8},
    **{"nine": 9, "neuf": 9, "ten": 10, "dix": 10, "eleven": 11, "onze": 11, "twelve": 12, "douze": 12},
}
_UNIT = {
    **{"day": "day", "jour": "day", "week": "week", "semaine": "week", "month": "month", "moi": "month"},
    **{"year": "year", "an": "year", "annee": "year", "weekend": "weekend", "week-end": "weekend", "night": "day"},
    **{"decade": "decade", "mois": "month", "nuit": "day"},
}


def _any(names: dict[str, int] | dict[str, str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_M, _Y, _D = rf"(?P<month>{_any(_MONTH)})\.?", r"(?P<year>(?:19|20)\d\d)", r"(?P<day>[0-3]?\d)(?:st|nd|rd|th|er)?"
_N = rf"(?P<n>\d{{1,3}}|{_any(_NUMBER)})"
_U = rf"(?P<unit>{_any(_UNIT)})s?"
_W = rf"(?P<weekday>{_any(_WEEKDAY)})"
_S = rf"(?P<season>{_any(_SEASON)})"
_PART = r"(?:(?P<part>beginning|start|early|middle|mid|late|end|debut|milieu|mi|fin)[ -](?:of |de |du |d')?)"
# Months and years without a day or a year beside them mean a time only behind such a word ("may" and "mars" do not).
_AT = r"(?P<lead>(?:in|of|during|since|until|till|by|before|after|from|around|early|late|en|au mois de|depuis|jusqu'en|avant|apres) )"
_LAST, _NEXT, _THIS = r"(?:last|past|previous)", r"(?:next|coming)", r"(?:this)"


def _shifted(at: datetime, months: int) -> datetime:
    """The first of the month so many months from that of `at`."""
    count = at.year * 12 + at.month - 1 + months
    year = min(max(count // 12, 1), 9998)
    return _midnight(at).replace(year=year, month=count % 12 + 1, day=1)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _day_of(at: datetime, year: int, month: int, day: int) -> Span | None:
    try:
        since = _midnight(at).replace(year=year, month=month, day=day)
    except ValueError:
        return None
    return since, since + _DAY


def _months_of(at: datetime, year: int, month: int, count: int = 1) -> Span:
    since = _midnight(at).replace(year=year, month=month, day=1)
    return since, _shifted(since, count)


def _dated(found: dict[str, str], at: datetime) -> Span | None:
    """A day of a month; without a year the last such day that is not to come."""
    month, day = _MONTH[found["month"]], int(found["day"])
    if found.get("year"):
        return _day_of(at, int(found["year"]), month, day)
    span = _day_of(at, at.year, month, day)
    return _day_of(at, at.year - 1, month, day) if span is None or span[0] > at else span


def _numbered(found: dict[str, str], at: datetime) -> Span | None:
    """2023-03-13 and 13/03/2023 (the day first, unless it cannot be)."""
    day, month = int(found["day"]), int(found["number"])
    if month > 12 >= day:
        day, month = month, day
    return _day_of(at, int(found["year"]), month, day) if 1 <= month <= 12 else None


def _monthly(found: dict[str, str], at: datetime) -> Span | None:
    month = _MONTH[found["month"]]
    year = int(found["year"]) if found.get("year") else at.year - (month > at.month)
    if found.get("last") and month == at.month:
        year -= 1
    return _part(_months_of(at, year, month), found.get("part"))


def _yearly(found: dict[str, str], at: datetime) -> Span | None:
    return _part(_months_of(at, int(found["year"]), 1, 12), found.get("part"))


def _part(span: Span, part: str | None) -> Span:
    """The beginning, the middle or the end of a span: a third of it."""
    third = (span[1] - span[0]) / 3
    if part in ("beginning", "start", "early", "debut"):
        return span[0], span[0] + third
    if part in ("middle", "mid", "milieu", "mi"):
        return span[0] + third, span[1] - third
    return (span[1] - third, span[1]) if part else span


def _seasonal(found: dict[str, str], at: datetime) -> Span | None:
    """A season: of a year, or the last that began before now (with `last`: that is over), or the next."""
    month = _SEASON[found["season"]]
    if found.get("year"):
        return _months_of(at, int(found["year"]), month, 3)
    span = _months_of(at, at.year, month, 3)
    if found.get("next"):
        return span if span[0] > at else _months_of(at, at.year + 1, month, 3)
    over = span[1] if found.get("last") else span[0]
    while over > at:
        span = _months_of(at, span[0].year - 1, month, 3)
        over = span[1] if found.get("last") else span[0]
    return span


def _beside(found: dict[str, str], at: datetime) -> Span | None:
    """The last, this or the next day, week, weekend, month, year."""
    return _unit(at, _UNIT[found["unit"]], -1 if found.get("last") else 1 if found.get("next") else 0)


def _unit(at: datetime, unit: str, step: int) -> Span | None:
    today = _midnight(at)
    monday = today - at.weekday() * _DAY
    if unit == "day":
        return today + step * _DAY, today + (step + 1) * _DAY
    if unit == "week":
        return monday + 7 * step * _DAY, monday + 7 * (step + 1) * _DAY
    if unit == "weekend":
        return monday + (5 + 7 * step) * _DAY, monday + (7 + 7 * step) * _DAY
    months = {"month": 1, "year": 12, "decade": 120}[unit]
    first = _shifted(at, 0) if unit == "month" else _shifted(at, 1 - at.month)
    return _shifted(first, months * step), _shifted(first, months * (step + 1))


def _ago(found: dict[str, str], at: datetime) -> Span | None:
    """So long ago, or so long from now: half a unit around that moment; a day is that day."""
    n, unit = _number(found["n"]), _UNIT[found["unit"]]
    n = -n if found.get("ahead") else n
    if unit == "day":
        return _unit(at, "day", -n)
    if unit in ("week", "weekend"):
        middle, half = at - 7 * n * _DAY, 3.5 * _DAY
    else:
        months = {"month": 1, "year": 12, "decade": 120}[unit]
        back = _shifted(at, -months * n)
        middle, half = back + (at - _shifted(at, 0)), months * 15 * _DAY
    return middle - half, middle + half


def _lately(found: dict[str, str], at: datetime) -> Span | None:
    """The last two weeks: from then until now."""
    n, unit = _number(found.get("n") or "a"), _UNIT[found["unit"]]
    days = {"day": 1, "week": 7, "weekend": 7, "month": 30.4, "year": 365.25, "decade": 3652.5}[unit]
    return at - n * days * _DAY, at


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBER[word]


def _on_weekday(found: dict[str, str], at: datetime) -> Span | None:
    """The last such day before today; the next one where that is said."""
    back = (at.weekday() - _WEEKDAY[found["weekday"]]) % 7 or 7
    since = _midnight(at) + ((7 - back if back < 7 else 7) if found.get("next") else -back) * _DAY
    return since, since + _DAY


def _near_day(step: int) -> Callable[[dict[str, str], datetime], Span | None]:
    return lambda _found, at: _unit(at, "day", step)


_Reader = Callable[[dict[str, str], datetime], Span | None]
# Tried in this order at each place of the text: what says more comes first.
_READERS: tuple[tuple[str, _Reader], ...] = (
    (r"(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)-(?P<day>\d\d)(?!\d)", _numbered),
    (r"(?P<day>\d{1,2})[/.](?P<number>\d{1,2})[/.](?P<year>(?:19|20)\d\d)(?!\d)", _numbered),
    (rf"{_D}(?: of)? {_M}(?:,? {_Y})?(?!\w)", _dated),
    (rf"{_M} {_D}(?!\d)(?:,? {_Y})?(?!\w)", _dated),
    (rf"{_PART}?(?:the )?{_M}(?: of|,)? {_Y}(?!\w)", _monthly),
    (rf"{_S}(?: of| de)?(?: l'annee)? {_Y}(?!\w)", _seasonal),
    (rf"(?P<last>{_LAST}) {_S}(?!\w)|{_S} (?P<last_>dernier|passe)(?!\w)", _seasonal),
    (rf"(?P<next>{_NEXT}) {_S}(?!\w)|{_S} (?P<next_>prochain)(?!\w)", _seasonal),
    (rf"(?:this|cet?|in the|during the|en|au|l'|cet) ?{_S}(?!\w)(?! \w+ (?:down|off|out))", _seasonal),
    (rf"(?P<last>{_LAST}) {_M}(?!\w)|{_M} (?P<last_>dernier)(?!\w)", _monthly),
    (rf"{_AT}{_PART}?{_M}(?!\w)", _monthly),
    (rf"{_N} {_U} (?:ago|earlier)(?!\w)|il y a {_N.replace('<n>', '<n_>')} {_U.replace('<unit>', '<unit_>')}(?!\w)", _ago),
    (rf"(?P<ahead>in|dans) {_N} {_U}(?!\w)", _ago),
    (rf"(?:the|these|les|ces) (?:last|past|{_N.replace('<n>', '<n_>')} dernier(?:e)?s) (?:{_N} )?{_U}(?!\w)", _lately),
    (rf"(?P<last>{_LAST}) {_U}(?!\w)|{_U.replace('<unit>', '<unit_>')} (?P<last_>derniere?|passee?)(?!\w)", _beside),
    (rf"(?P<next>{_NEXT}) {_U}(?!\w)|{_U.replace('<unit>', '<unit_>')} (?P<next_>prochaine?)(?!\w)", _beside),
    (rf"(?:{_THIS}|ce|cette) {_U}(?:-ci)?(?!\w)", _beside),
    (rf"(?P<next>{_NEXT}) {_W}(?!\w)|{_W.replace('<weekday>', '<weekday_>')} (?P<next_>prochain)(?!\w)", _on_weekday),
    (rf"(?:(?:{_LAST}|on|this|le) )?{_W}(?: dernier)?(?!\w)", _on_weekday),
    (r"(?:the day before yesterday|avant-hier)(?!\w)", _near_day(-2)),
    (r"(?:yesterday|hier|last night)(?!\w)", _near_day(-1)),
    (r"(?:today|tonight|this (?:morning|afternoon|evening)|aujourd'hui|ce (?:matin|soir)|cet apres-midi)(?!\w)", _near_day(0)),
    (r"(?:tomorrow|demain)(?!\w)", _near_day(1)),
    (rf"{_AT}?{_PART}?(?:the year |l'annee )?{_Y}(?![\w/.-]\d|\w)", _yearly),
)  # fmt: skip


def _compiled() -> Iterator[tuple[re.Pattern[str], _Reader]]:
    """The readers, names that occur twice in one of them made different."""
    for pattern, reader in _READERS:
        taken: set[str] = set()

        def once(found: re.Match[str], taken: set[str] = taken) -> str:
            name = found.group(1)
            while name in taken:
                name += "_"
            taken.add(name)
            return f"(?P<{name}>"

        yield re.compile(r"(?<![\w/.-])" + "(?:" + re.sub(r"\(\?P<(\w+)>", once, pattern) + ")"), reader


_PATTERNS = tuple(_compiled())


def expressions(text: str, at: datetime) -> list[Expression]:
    """The times that a text speaks of, in its order, none inside another; relative ones count from `at`."""
    plain = _plain(text)
    found: list[Expression] = []
    for pattern, reader in _PATTERNS:
        for match in pattern.finditer(plain):
            if any(match.start() < one.end and one.start < match.end() for one in found):
                continue
            groups = {name.rstrip("_"): value for name, value in match.groupdict().items() if value}
            try:
                span = reader(groups, at)
            except (ValueError, OverflowError):  # beyond the years that there are
                continue
            if span is not None and span[0] < span[1]:
                begins = match.start() + len(groups.get("lead", ""))
                found.append(Expression(begins, match.end(), *span))
    return sorted(found, key=lambda one: one.start)


def _plain(text: str) -> str:
    """Letters folded one by one, so that places stay what they are; curly apostrophes are straight."""
    letters = (letter if len(folded := fold(letter)) != 1 else folded for letter in text)
    return "".join(letters).replace("’", "'")
