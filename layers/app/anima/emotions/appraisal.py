"""What a message means for whoever is spoken to: how it feels, how stirring, how new, whether it goes well. Pure.

At once by words and phrases, English and French; what is appraised are Scherer's checks (Appraisal Processes in
Emotion, 2001): novelty, pleasantness, goals, and whom it concerns. The vector of the message is not asked: the embedder
tells what a text is about, and hardly how it feels (measured: docs/feeling.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anima.emotions import cues
from anima.emotions.reading import Reading, read
from anima.kernel.terms import Language, fold

KINDS = ("praised", "insulted", "joy", "sadness", "anger", "fear", "surprise", "affection", "farewell")
_CONTENT = re.compile(r"[^\W\d_]{4,}")
_SURE = 0.1
"""From here on a message is pleasant, or unpleasant."""
_FEW = 3
"""So few words are meant for whom they are sent to, without saying so."""
_CALM = 0.3
_PASSING = 0.9
"""So much of how a dislike or a question feels passes whoever hears it by."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a message means. `kinds` are those names of KINDS that apply; `addressed`: it speaks of the avatar.

    sentiment, feedback, toward_avatar and goal are -1..1, arousal and novelty 0..1. `sure` (0..1): how far the words
    bear the sentiment out. `passing`: so much of the sentiment is of tastes and questions, which nobody else need feel.
    """

    sentiment: float = 0.0
    arousal: float = _CALM
    novelty: float = 0.5
    feedback: float = 0.0
    toward_avatar: float = 0.0
    goal: float = 0.0
    kinds: frozenset[str] = frozenset()
    addressed: bool = False
    sure: float = 0.0
    passing: float = 0.0

    @property
    def moving(self) -> float:
        """So much of the sentiment moves whoever hears it, -1 to 1."""
        return self.sentiment - self.passing


NOTHING = Appraisal()
"""Of a message that means nothing."""


def appraise(
    text: str,
    language: Language | None = None,
    before: Sequence[str] = (),
) -> Appraisal:
    """Appraises a message. `before`: what the person said last."""
    found = read(text, language)
    score = found.sentiment
    words = found.tokens
    spoken_to = cues.addressed(words) or _exclaimed(found)
    told = cues.feedback(words, found.language)
    toward = _toward(found, score, spoken_to)
    heard = found if toward else _heard(text, found)
    left = heard.sentiment
    return Appraisal(
        sentiment=score,
        arousal=min(1.0, _arousal(heard, left) + (0.1 if toward < -_SURE else 0.0)),
        novelty=_novelty(text, before, found),
        feedback=told,
        toward_avatar=toward,
        goal=_goal(heard, left),
        kinds=_kinds(heard, left, toward),
        addressed=spoken_to,
        sure=min(1.0, abs(score) * 1.5),
        passing=_PASSING * (score - left),
    )


def _heard(text: str, found: Reading) -> Reading:
    """The message as whoever hears it takes it: that somebody hates olives is good to know, and no sorrow."""
    felt = cues.without_what_is_not_felt(found.tokens, found.language)
    return found if felt == found.tokens else read(text, found.language, felt)


def _exclaimed(found: Reading) -> bool:
    """An insult of a word or two, without saying whom it is for."""
    return "insult" in found.kinds and sum(word.isalnum() for word in found.tokens) <= _FEW


_YOU_ARE = re.compile(
    r"\b(?:youre|you are|you were|u r|ur so|tu es|t es|tu etais|vous etes|you (?:keep|never|always))\b"
    r"|\bi (?:\w+ )?(?:hate|despise|detest|loathe|cant stand) (?:you|u)\b(?! (?:to|when|for))"
    r"|\b(?<!ne )(?<!n )(?:te|vous) (?:deteste|hais|meprise)\b(?! (?:pas|plus|jamais))"
)


def _toward(found: Reading, score: float, spoken_to: bool) -> float:
    """How kind it is to the avatar; what somebody complains about is not unkind to it."""
    if not spoken_to:
        return 0.0
    if score < 0.0:
        meant = found.kinds & {"insult"} or found.turned & {"praise"} or _YOU_ARE.search(" ".join(found.tokens))
        return score if meant else 0.0
    return score if found.kinds & {"praise", "affection"} else 0.5 * score


def _arousal(found: Reading, score: float) -> float:
    stirred = 0.14 * found.arousal + 0.1 * min(found.marks, 3) + 0.2 * min(found.drawn, 2)
    stirred += 0.15 * min(found.capitals, 2) + 0.1 * abs(score)
    if found.arousal < 2.0 and not found.marks:
        stirred += 0.08 * found.calm
    return min(1.0, max(0.0, _CALM - 0.05 + stirred))


def _novelty(text: str, before: Sequence[str], found: Reading) -> float:
    """The share of its longer words that were not said before; half where nothing was."""
    said = {fold(word) for word in _CONTENT.findall(text)}
    known = {fold(word) for each in before for word in _CONTENT.findall(each)}
    share = len(said - known) / len(said) if said and before else 0.5
    return min(1.0, share + (0.3 if "surprise" in found.kinds else 0.0))


def _goal(found: Reading, score: float) -> float:
    if "progress" in found.kinds and score > -_SURE:
        return 0.5 + 0.5 * max(0.0, score)
    return -0.5 + 0.5 * min(0.0, score) if "setback" in found.kinds and score < _SURE else 0.0


def _kinds(found: Reading, score: float, toward: float) -> frozenset[str]:
    named = found.kinds
    signs = {
        "praised": toward > _SURE and bool(named & {"praise", "affection"}),
        "insulted": toward < -_SURE,
        "joy": "joy" in named and score > _SURE,
        "sadness": "sadness" in named and score < _SURE,
        "anger": "anger" in named and score < 0.0,
        "fear": "fear" in named and score < _SURE,
        "surprise": "surprise" in named,
        "affection": "affection" in named and score > 0.0,
        "farewell": "farewell" in named,
    }
    return frozenset(name for name, applies in signs.items() if applies)
