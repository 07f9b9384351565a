"""From a personality, and how things stand, to its conduct: what code sets and keeps, whatever the model does.

What a personality states (temperature, top_p, verbosity, sentences, questions, emojis) wins; its traits, humour, love
language and attachment fill in what it does not state, by `conduct_table.py`; level, mood, feelings and the person's
own way of writing then move the result. Pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from anima.personality.conduct_table import GRADED, NAMED, QUESTIONS, SENTENCES
from anima.personality.model import (
    Conduct,
    Emotions,
    MemoryWeights,
    Modifiers,
    Personality,
    Sampling,
    StyleProfile,
)

MARKED = 0.3
"""How far from the middle (0.5) a trait lies that is worth a word."""

_OWN_TEMPERATURE = 0.3
"""Where offsets start from if a personality sets no temperature."""
_OWN_TOP_P = 0.9
_USUAL_WORDS = 15.0
"""So long is a usual message of a person: one who writes so is neither terse nor long."""
_PACE = {"quick": 0.8, "slow": 1.2}
_ASKS_BACK = 1.9
_LOW_SPIRITS = -0.3
"""Below this valence nothing is put before or behind what somebody says."""
_LOWER_CASE = 0.8

Shifts = defaultdict[str, float]
"""What is added to each target; nothing to what is not named."""


def conduct(
    personality: Personality,
    sampling: Sampling,
    emotions: Emotions | None,
    style: StyleProfile | None,
    words: dict[str, dict[str, list[str]]],
) -> Conduct:
    """The conduct that a personality has with these feelings towards somebody who writes so.

    `sampling` is what level and mood made of the personality's own; `words` are openings by trait and asks by source,
    in the language of the reply.
    """
    shifts = _shifts(personality, emotions)
    score = 1.0 + shifts["questions"]
    low = emotions is not None and emotions.valence < _LOW_SPIRITS
    openings = () if low else _openings(personality, words["openings"])
    asks_back = _asks_back(personality, score) and not low
    return Conduct(
        max_sentences=_sentences(personality, sampling.verbosity, shifts["sentences"], style),
        max_questions=_questions(personality, score),
        emojis=_emojis(personality, shifts["emojis"], style),
        exclamations=_exclamations(personality, shifts["exclamations"], style),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_reply_tokens=sampling.max_reply_tokens,
        asks_back=asks_back,
        asks=_asks(personality, words["asks"]) if asks_back else (),
        openings=openings,
        opening_share=round(min(0.5, 0.1 * len(openings)), 3),
        lower_case=_lower_case(personality, style),
        memory=_memory(shifts),
    )


def drawn(
    personality: Personality, level: Modifiers, mood: Modifiers, felt: float, emotions: Emotions | None
) -> Sampling:
    """How replies are drawn under the modifiers of a level and of a mood that is felt (0-1)."""
    base, own, moved = personality.sampling, _own_shifts(personality), _felt_shifts(emotions)
    offset = level.temperature + mood.temperature * felt + moved["temperature"]
    verbosity = mood.verbosity or level.verbosity or base.verbosity
    return Sampling(
        _drawn(base.temperature, _OWN_TEMPERATURE, own["temperature"], offset, most=2.0),
        base.max_reply_tokens,
        verbosity,
        _drawn(base.top_p, _OWN_TOP_P, own["top_p"], 0.0, most=1.0),
    )


def _drawn(stated: float | None, usual: float, own: float, offset: float, *, most: float) -> float | None:
    """What is stated, else what the traits make of the usual; then the offset. None: as the model has it."""
    if stated is None and not own and not offset:
        return None
    start = usual + own if stated is None else stated
    return round(min(most, max(0.0, start + offset)), 3)


def graded(personality: Personality) -> dict[str, float]:
    """The personality's own graded values, 0-1, by the key that the table has for them."""
    traits = {f"big_five.{name}": value for name, value in asdict(personality.big_five).items()}
    return traits | {"advanced_parameters.proactivity": personality.manner.proactivity}


def _own_shifts(personality: Personality) -> Shifts:
    """What the personality alone adds, by target."""
    total: Shifts = defaultdict(float)
    for key, value in graded(personality).items():
        _add(total, _graded(key, value))
    for key, table in NAMED.items():
        _add(total, table.get(getattr(personality, key) or "", {}))
    return total


def _felt_shifts(emotions: Emotions | None) -> Shifts:
    total: Shifts = defaultdict(float)
    if emotions is not None:
        _add(total, _graded("emotions.valence", 0.5 + emotions.valence / 2.0))
        _add(total, _graded("emotions.arousal", 0.5 + emotions.arousal / 2.0))
    return total


def _shifts(personality: Personality, emotions: Emotions | None) -> Shifts:
    total = _own_shifts(personality)
    _add(total, _felt_shifts(emotions))
    return total


def _add(total: Shifts, shifts: Mapping[str, float]) -> None:
    for target, amount in shifts.items():
        total[target] += amount


def _graded(key: str, value: float) -> dict[str, float]:
    """What a value of 0-1 adds: a straight line from the low end to nothing in the middle, and on to the high end."""
    away = min(1.0, max(-1.0, 2.0 * value - 1.0))
    return {each.target: (each.high if away > 0 else -each.low) * away for each in GRADED[key]}


def _sentences(personality: Personality, verbosity: str, shift: float, style: StyleProfile | None) -> int | None:
    """Stated; else by verbosity and traits. Both follow the person's length as far as mimicry goes."""
    stated, usual = personality.manner.max_sentences, SENTENCES[verbosity]
    if stated is None and usual is None:
        return None
    whole = float(stated) if stated is not None else (usual or 0) * min(1.6, max(0.4, 1.0 + shift))
    if style is not None and style.words is not None:
        pace = _PACE.get(style.rhythm or "", 1.0)
        likeness = (pace * max(1.0, style.words) / _USUAL_WORDS) ** personality.manner.mimicry
        whole = min(float(stated or math.inf), whole * min(1.6, max(0.4, likeness)))
    return max(1, min(20, round(whole)))


def _questions(personality: Personality, score: float) -> int:
    stated = personality.manner.questions
    return QUESTIONS[stated] if stated else max(0, min(3, round(score)))


def _asks_back(personality: Personality, score: float) -> bool:
    stated = personality.manner.questions
    return stated == "many" if stated else score >= _ASKS_BACK


def _emojis(personality: Personality, shift: float, style: StyleProfile | None) -> str:
    stated = personality.persona.emojis
    if stated is not None:
        return stated
    likeness = 0.0 if style is None or style.emoji is None else min(2.0, 2.0 * style.emoji) * personality.manner.mimicry
    score = shift + 1.4 * likeness
    return "none" if score < 0.7 else "few" if score < 1.5 else "many"


def _exclamations(personality: Personality, shift: float, style: StyleProfile | None) -> str:
    likeness = 0.0 if style is None or style.exclamation is None else style.exclamation - 0.3
    score = 1.0 + shift + 2.0 * likeness * personality.manner.mimicry
    return "none" if score < 0.5 else "few" if score < 1.75 else "many"


def _lower_case(personality: Personality, style: StyleProfile | None) -> bool:
    """Only one who mimics strongly writes without capitals, and only with one who always does."""
    share = style.lower_case if style else None
    return share is not None and share >= _LOWER_CASE and personality.manner.mimicry >= 0.75


def _openings(personality: Personality, words: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(word for end in marked(personality) for word in words.get(end, ()))


def marked(personality: Personality) -> Iterator[str]:
    """The traits that are worth a word, as `openness_high`, in their order."""
    for name, value in asdict(personality.big_five).items():
        if abs(value - 0.5) >= MARKED - 1e-9:
            yield f"{name}_{'high' if value > 0.5 else 'low'}"


def strongest(personality: Personality) -> list[str]:
    """The traits that are worth a word, the strongest first."""
    away = {name: abs(value - 0.5) for name, value in asdict(personality.big_five).items()}
    return sorted(marked(personality), key=lambda end: -away[end.rpartition("_")[0]])


def _asks(personality: Personality, words: dict[str, list[str]]) -> tuple[str, ...]:
    own = (*words.get(personality.love_language or "", ()), *words.get(personality.attachment_style or "", ()))
    return (*own, *words["any"])


def _memory(shifts: Shifts) -> MemoryWeights:
    names = ("emotional", "recent", "importance", "people")
    return MemoryWeights(**{name: round(min(2.0, max(0.4, 1.0 + shifts[name])), 3) for name in names})
