"""Draws a personality at random from a seed: always valid, and of one piece, for tone, humour, attachment and examples
follow from its traits.
"""

from __future__ import annotations

import json
import random
from functools import cache
from importlib import resources
from typing import Any

from anima.kernel.errors import BadInput, FieldError

_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_MOST_SAID = 2
_FAR = 0.2
"""How far from the middle a trait lies that its tone and its sentence tell of."""


class UnknownLanguage(BadInput):
    """Personalities are drawn in {known}, not in {language}."""

    slug = "unknown-language"
    quoted = ("language",)


def random_personality(seed: int | str, language: str = "en") -> dict[str, Any]:
    """The JSON of a personality in English ("en") or French ("fr"); the same for the same seed.

    Raises UnknownLanguage.
    """
    words = _words()
    if language not in words:
        known = " and ".join(words)
        wrong = [FieldError("language", f"one of {', '.join(words)}")]
        raise UnknownLanguage(known=known, language=language[:40], fields=wrong)
    # A word as seed is hashed by its text, not by Python's own hash, which differs from run to run.
    return _drawn(random.Random(f"{language}:{seed}"), words[language])  # noqa: S311 - no secret


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath("random_words.json").read_text("utf-8"))
    return found


def _drawn(chance: random.Random, words: dict[str, Any]) -> dict[str, Any]:
    traits = {name: round(min(1.0, max(0.0, chance.gauss(0.5, 0.25))), 2) for name in _TRAITS}
    trade = chance.choice(words["trades"])
    told = _told(traits, words)
    attachment = _attachment(chance, traits)
    return {
        "persona": {
            "name": chance.choice(words["names"]),
            "description": words["description"].format(trade=trade["trade"], trait=" ".join(t["text"] for t in told)),
            "language": words["language"],
            "tone": ", ".join(each["tone"] for each in told),
            "style": words["styles"][_band(traits["extraversion"])],
            "expertise": trade["expertise"],
            "limits": words["limits"],
        },
        "hierarchical_config": {"enabled": True, "relationship_levels": [_level(each) for each in words["levels"]]},
        "default_mood": next(iter(words["moods"])),
        "moods": [_mood(name, each, traits) for name, each in words["moods"].items()],
        "big_five": traits,
        "humour_style": _humour(chance, traits),
        "love_language": chance.choice(("words", "time", "gifts", "touch", "service")),
        "attachment_style": attachment,
        "interests": trade["interests"],
        "values": chance.sample(words["values"], 3),
        "scenario": trade["scene"],
        "advanced_parameters": {
            "verbosity": _verbosity(traits),
            "mimicry": round(0.3 + 0.4 * traits["agreeableness"], 2),
        },
        "examples": _examples(chance, words, traits, trade),
    }


def _told(traits: dict[str, float], words: dict[str, Any]) -> list[dict[str, str]]:
    """What is said of the traits that stand out most."""
    marked = sorted(traits, key=lambda name: -abs(traits[name] - 0.5))[:_MOST_SAID]
    ends = [f"{name}_{_band(traits[name])}" for name in marked if abs(traits[name] - 0.5) >= _FAR]
    return [words["traits"][end] for end in ends] or [words["traits"]["middle"]]


def _band(value: float) -> str:
    return "high" if value >= 0.5 + _FAR else "low" if value <= 0.5 - _FAR else "middle"


def _verbosity(traits: dict[str, float]) -> str:
    return "brief" if traits["extraversion"] < 0.4 else "moderate"


def _humour(chance: random.Random, traits: dict[str, float]) -> str:
    """Kind people do not mock; the imaginative are absurd."""
    if traits["agreeableness"] < 0.4:
        return chance.choice(("sarcastic", "dark", "witty"))
    return chance.choice(("absurd", "witty") if traits["openness"] > 0.6 else ("wholesome", "witty"))


def _attachment(chance: random.Random, traits: dict[str, float]) -> str:
    """Steady people are secure; of those who are not, the warm cling and the cool keep their distance."""
    if traits["neuroticism"] < 0.55:
        return "secure" if traits["agreeableness"] >= 0.35 else "avoidant"
    return "anxious" if traits["agreeableness"] >= 0.5 else chance.choice(("fearful", "avoidant"))


def _level(words: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": words["name"],
        "affinity_range": words["range"],
        "modifiers": {"instructions": [words["instruction"]]},
    }


def _mood(name: str, words: dict[str, Any], traits: dict[str, float]) -> dict[str, Any]:
    """A mood; whoever is more sensitive stays in it for longer."""
    if not words["triggers"]:
        return {"name": name}
    return {
        "name": name,
        "triggers": words["triggers"],
        "modifiers": {"instructions": [words["instruction"]]},
        "decay": round(2.0 - 1.5 * traits["neuroticism"], 2),
    }


def _examples(
    chance: random.Random, words: dict[str, Any], traits: dict[str, float], trade: dict[str, Any]
) -> list[dict[str, str]]:
    replies = words["replies"][_band(traits["extraversion"])]
    interest = chance.choice(trade["interests"])
    return [
        {"user": question, "reply": reply.format(interest=interest)}
        for question, reply in zip(words["questions"], replies, strict=True)
    ]
