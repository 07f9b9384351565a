"""What a character remembers more of: what is emotional, recent, important, or about people. Pure."""

from __future__ import annotations

import math
import re
from datetime import datetime

from anima.memory.model import Candidate
from anima.personality.model import MemoryWeights

PLAIN = MemoryWeights()
"""The middle: nothing is remembered more than anything else."""
NAME = re.compile(r"(?<=[\w,;] )(?!I\b)[A-ZÀ-Þ][a-zà-ÿ]+")
"""A name in the middle of a sentence."""
_LEANING, _MOST_LEANING, _RECENT_DAYS = 0.06, 0.1, 14.0
_FELT = re.compile(
    r"\b(?:love[ds]?|hate[ds]?|happy|glad|joy|sad|cr(?:y|ied|ying)|afraid|scared|fear|worr(?:y|ied)|angry|furious|proud"
    r"|ashamed|guilt\w*|lonely|alone|miss(?:ed)?|hurt\w*|grief|griev\w*|died|death|lost|wedding|born|excited|jealous"
    r"|heart\w*|hope[ds]?|dream\w*|aim(?:e|ais|ait|é)\w*|adore|déteste|heureu\w+|triste\w*|pleur\w+|peur|inquiet\w*"
    r"|colère|fi[eè]re?|honte|seule?|manque|bless\w+|deuil|mort\w*|perdue?|mariage|né|née|jalou\w+|cœur|coeur|espoir"
    r"|espère|rêve\w*)\b",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"\b(?:my|our|his|her|mon|ma|mes|notre|nos) (?:\w+ )?(?:mother|father|mum|mom|dad|parents?|brothers?|sisters?|sons?"
    r"|daughters?|child(?:ren)?|kids?|wife|husband|partner|girlfriend|boyfriend|friends?|uncle|aunt|cousins?|grand\w+"
    r"|boss|colleagues?|neighbou?rs?|teacher|mère|père|maman|papa|frères?|sœurs?|fils|fille|enfants?|femme|mari"
    r"|copine?|amie?s?|oncle|tante|chef|collègues?|voisine?s?)\b",
    re.IGNORECASE,
)


def leans(one: Candidate, importance: float, at: datetime, weights: MemoryWeights) -> float:
    """What a character adds to the score of a memory, or takes from it: nothing in the middle (every weight 1), and at
    most a tenth, so that it decides between memories that answer about as well and never buries what was asked for.
    """
    if weights == PLAIN:
        return 0.0
    age = max(0.0, (at - (one.last_recalled or one.made_at)).total_seconds() / 86400)
    leaning = (
        (weights.emotional - 1.0) * (_FELT.search(one.text) is not None)
        + (weights.recent - 1.0) * math.exp(-age / _RECENT_DAYS)
        + (weights.importance - 1.0) * importance
        + (weights.people - 1.0) * (_PEOPLE.search(one.text) is not None or NAME.search(one.text) is not None)
    )
    return max(-_MOST_LEANING, min(_MOST_LEANING, _LEANING * leaning))
