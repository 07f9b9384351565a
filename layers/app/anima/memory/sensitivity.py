"""What a text is about, as far as it may have to stay at home: categories of memory, by lexicon, English and French.

Pure. A word counts in the language of the text ("pain" is none in French); where that is not clear, in both. `*` stands
for any ending, `_` for a blank. Facts have their category by their key, which says more than words do.
"""

# ruff: noqa: E501 (lists of words)
from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import lru_cache
from importlib import resources

from anima.kernel.terms import Language, fold, language_of
from anima.memory.keys import KEYS, asked_keys

FINANCE, INTIMATE, BELIEFS = "finance", "intimate", "beliefs"
_OF_KEY = {"religion": BELIEFS, "marital_status": "relationships", "partner": "relationships"}

_WORDS: dict[str, dict[Language, str]] = json.loads(
    resources.files("anima.memory").joinpath("sensitive_words.json").read_text(encoding="utf-8")
)
CATEGORIES = tuple(dict.fromkeys([*(key.category for key in KEYS.values()), *_WORDS]))
"""Every category that a text or a fact may be in."""

# What names another thing than it seems to.
_NOT_MEANT = re.compile(
    r"\b(?:sick of|sick and tired|pain au chocolat|pain in the neck|no pain no gain|drug store|insane in|sense of humou?r|heart of|at heart|by heart|health bar"
    r"|data (?:bank|base)|bank holiday|river bank|blood orange|virus scan\w*|computer virus|anti-?virus|file system|mother tongue|mother nature|father christmas|parent (?:class|node|folder|directory)"
    r"|child (?:class|node|process)|kid(?:s|ding)? (?:aside|me)|job queue|steve jobs|cron jobs?|stroke of|cancer sign|single (?:file|line|word)|married to the idea|oh my god|thank god|god knows|dieu merci|mon dieu"
    r"|memory bank|langue maternelle|maladie de jeunesse|travaux publics|budget airline|love to|doctor who|nurse shark|depression (?:era|of 19\d\d)|great depression|dog days|hot ?dogs?|cat pictures?|aids? (?:in|the|us)|to lent|lent (?:me|him|her|us))\b"
)
_APART = re.compile(r"[^\w\-]+")


@lru_cache(maxsize=len(_WORDS) * 2)
def _pattern(category: str, language: Language) -> re.Pattern[str]:
    words = _WORDS[category][language].split()
    return re.compile(
        "(?<![^ ])(?:" + "|".join(word.replace("_", " ").replace("*", r"[\w-]*") for word in words) + ")(?![^ ])"
    )


def categories(text: str, of: Collection[str] = CATEGORIES) -> frozenset[str]:
    """The categories that a text is in, among those asked for."""
    plain = _NOT_MEANT.sub(" ", fold(text).replace("’", "'"))
    words, spoken = " ".join(_APART.sub(" ", plain).split()), language_of(text)
    patterns = {
        one: [_pattern(one, each) for each in ([spoken] if spoken else _WORDS[one])] for one in {*of} & {*_WORDS}
    }
    return frozenset(one for one, either in patterns.items() if any(pattern.search(words) for pattern in either))


def asked(question: str, of: Collection[str] = CATEGORIES) -> frozenset[str]:
    """The categories that a question is in: by its words, and by the facts of its speaker that it asks for."""
    wanted = (of_fact(name, KEYS[name].category) for name in asked_keys(question))
    return categories(question, of) | (frozenset().union(*wanted) & frozenset(of))


def keys_of(of: Collection[str]) -> list[str]:
    """The keys whose facts are in one of these categories though their own category is another."""
    return sorted(name for name, category in _OF_KEY.items() if category in of)


def of_fact(key: str, category: str = "") -> frozenset[str]:
    """The categories of a fact: that of its key, and the more telling one that some keys have."""
    name = key.partition(":")[0]
    own = category or (KEYS[name].category if name in KEYS else "")
    return frozenset({own, _OF_KEY.get(name, own)} - {""})
