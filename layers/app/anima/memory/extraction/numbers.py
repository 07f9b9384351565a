"""Numbers in figures or in words, English and French, up to ninety-nine."""

from __future__ import annotations

import re

_WORDS = {
    **{
        word: n
        for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve thirteen".split())
    },
    **{word: n for n, word in enumerate("fourteen fifteen sixteen seventeen eighteen nineteen".split(), 14)},
    **{word: n * 10 for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)},
    **{word: n for n, word in enumerate("dix onze douze treize quatorze quinze seize".split(), 10)},
    **{word: n * 10 for n, word in enumerate("vingt trente quarante cinquante soixante".split(), 2)},
    **{"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "vingts": 20},
    **{"septante": 70, "huitante": 80, "nonante": 90},
}
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
NUMBER = rf"(?:\d{{1,3}}|(?:{_ANY})(?:(?:-| et |-et-)(?:{_ANY}))*)"
"""A pattern for one, in small letters."""


def number(value: str) -> int | None:
    """A number in figures or in words up to ninety-nine; nothing where there is none."""
    if found := re.search(r"\d+", value):
        return int(found.group()[:9])
    parts = [_WORDS[word] for word in re.split(r"[\s-]+", value.casefold()) if word in _WORDS]
    if len(parts) >= 2 and parts[0] == 4 and parts[1] == 20:  # quatre-vingt
        parts = [80, *parts[2:]]
    return sum(parts) if parts else None
