"""How a message feels, and how kind it is to whom it is sent, by its words in English and French."""

from __future__ import annotations

from anima.emotions.appraisal import appraise
from anima.emotions.reading import read
from anima.kernel.terms import Language

_MOST_CHARS = 4000
_SHARED = 0.5
"""What is pleasant and not meant for the avatar is shared with it: so much of it is kindness."""


def sentiment(text: str, language: Language | None = None) -> float:
    """How a text feels: -1 (unpleasant) to 1 (pleasant); 0 where no word tells."""
    return read(text[:_MOST_CHARS], language).sentiment


def kindness(text: str, language: Language | None = None) -> float:
    """How kind a message is to the avatar, -1 to 1.

    Who complains about the weather, mourns, or hates olives is not unkind to it.
    """
    told = appraise(text[:_MOST_CHARS], language)
    if told.toward_avatar:
        return told.toward_avatar
    return max(0.0, told.sentiment) * _SHARED
