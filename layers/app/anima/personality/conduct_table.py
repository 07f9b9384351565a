"""What each value of a personality does to conduct, as declared data; `conduct.py` applies it, the documents print it.

Psychology gives the directions, not the sizes: talkativeness, questions and exclamation marks rise with extraversion,
emotional memory with neuroticism (mood-congruent recall), variety of words with openness, as studies of traits in
language find (Mairesse et al. 2007, J. Artificial Intelligence Research 30; Yarkoni 2010, J. Research in Personality
44). The sizes are chosen so that a reader of a few replies notices the ends and not the middle.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Effect(NamedTuple):
    """What a value adds to a target: `low` at its lowest, `high` at its highest, in between by a straight line
    through nothing in the middle.
    """

    target: str
    low: float
    high: float


TARGETS: Final = {
    "sentences": "length",
    "questions": "questions",
    "exclamations": "exclamation marks",
    "emojis": "emojis",
    "temperature": "temperature",
    "top_p": "top_p",
    "emotional": "memory: emotional",
    "recent": "memory: recent",
    "importance": "memory: important",
    "people": "memory: people",
}
"""What may be changed, and how the documents call it."""

GRADED: Final[dict[str, tuple[Effect, ...]]] = {
    "big_five.openness": (
        Effect("questions", -0.3, 0.4),
        Effect("temperature", -0.1, 0.25),
        Effect("top_p", -0.1, 0.1),
        Effect("emojis", 0.0, 0.2),
    ),
    "big_five.conscientiousness": (
        Effect("sentences", -0.1, 0.1),
        Effect("exclamations", 0.3, -0.3),
        Effect("temperature", 0.1, -0.15),
        Effect("importance", -0.3, 0.4),
    ),
    "big_five.extraversion": (
        Effect("sentences", -0.5, 0.5),
        Effect("questions", -0.8, 0.8),
        Effect("exclamations", -0.8, 1.0),
        Effect("emojis", 0.0, 0.8),
        Effect("people", -0.2, 0.4),
    ),
    "big_five.agreeableness": (
        Effect("sentences", -0.15, 0.1),
        Effect("questions", -0.3, 0.3),
        Effect("exclamations", -0.2, 0.3),
        Effect("emojis", 0.0, 0.5),
        Effect("people", -0.2, 0.3),
    ),
    "big_five.neuroticism": (
        Effect("temperature", -0.05, 0.1),
        Effect("exclamations", -0.2, 0.2),
        Effect("emotional", -0.3, 0.6),
        Effect("recent", 0.0, 0.2),
    ),
    "advanced_parameters.proactivity": (Effect("questions", -0.6, 0.6), Effect("sentences", -0.1, 0.1)),
    "emotions.valence": (
        Effect("sentences", -0.2, 0.1),
        Effect("exclamations", -0.6, 0.4),
        Effect("emojis", -0.4, 0.3),
    ),
    "emotions.arousal": (Effect("temperature", 0.0, 0.15), Effect("exclamations", 0.0, 0.5)),
}
"""Values that run from a low to a high end. Valence runs from -1 to 1; arousal from 0, which is its middle, to 1."""

NAMED: Final[dict[str, dict[str, dict[str, float]]]] = {
    "humour_style": {
        "witty": {"temperature": 0.05, "sentences": -0.1},
        "sarcastic": {"exclamations": -0.8, "sentences": -0.2, "emojis": -0.3},
        "wholesome": {"exclamations": 0.5, "emojis": 0.5, "people": 0.1},
        "dark": {"exclamations": -0.6, "temperature": 0.05, "emotional": 0.1},
        "absurd": {"temperature": 0.25, "top_p": 0.05},
    },
    "love_language": {
        "words": {"sentences": 0.15, "emotional": 0.15, "exclamations": 0.2},
        "time": {"questions": 0.5, "recent": 0.4},
        "gifts": {"importance": 0.4, "emojis": 0.2},
        "touch": {"emotional": 0.3, "emojis": 0.4},
        "service": {"importance": 0.2, "recent": 0.2, "sentences": 0.1},
    },
    "attachment_style": {
        "secure": {"people": 0.15, "temperature": -0.05},
        "anxious": {"questions": 0.9, "emotional": 0.4, "recent": 0.3, "exclamations": 0.2},
        "avoidant": {"questions": -0.9, "sentences": -0.25, "emotional": -0.3, "emojis": -0.4},
        "fearful": {"questions": -0.4, "sentences": -0.15, "emotional": 0.3, "exclamations": -0.4},
    },
}
"""Values that are one of a few names."""

SENTENCES: Final[dict[str, int | None]] = {"brief": 3, "moderate": 6, "detailed": None}
"""How many sentences a reply has at most, by verbosity; none: as many as it needs."""

QUESTIONS: Final[dict[str, int]] = {"none": 0, "few": 1, "many": 3}
"""How many questions a reply asks at most, where `advanced_parameters.questions` says so."""
