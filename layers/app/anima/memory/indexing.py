"""What facts and episodes are found by: the text that is embedded, and the terms that words match. Pure."""

from __future__ import annotations

from anima.kernel.terms import terms
from anima.memory.keys import KEYS, reading


def text_terms(text: str) -> list[str]:
    """The different terms of a text."""
    return sorted(set(terms(text)))


def fact_text(key: str, value: object) -> str:
    """What of a fact is embedded."""
    return reading(key, value, True, "")


def fact_terms(key: str, value: object, evidence: str) -> list[str]:
    """The terms of a fact: of its words, of its value in both languages, and those that alone ask for its key."""
    kind = KEYS.get(key.partition(":")[0])
    asks = (
        " ".join(sorted(word for ask in kind.asks if len(ask) == 1 for word in ask)) if kind else key.replace("_", " ")
    )
    both = f"{asks} {value}"
    return sorted({*terms(evidence), *terms(both, "en"), *terms(both, "fr")})


def episode_text(title: str, summary: str) -> str:
    """What of an episode is embedded."""
    return summary if title in summary else f"{title}. {summary}"
