"""What drives what: from an appraisal to modulators, from concentrations to feelings, by tables. Pure.

`DRIVES`, `FEELINGS`, `EMOTIONS` and `TRAITS` are what docs/feeling.md shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from anima.emotions.appraisal import Appraisal
from anima.neuromodulation import STANDARD, burst, deviation, effect, level
from anima.neuromodulation.dynamics import decayed
from anima.neuromodulation.model import Profile
from anima.personality.model import BigFive

REWARD = {"moving": 0.8, "feedback": 0.3, "goal": 0.2, "toward_avatar": 0.3}
"""How good a turn was, -1 to 1: so much of each."""

DRIVES: dict[str, dict[str, float]] = {
    "dopamine": {"error": 1.0},
    "serotonin": {"reward": 0.25},
    "norepinephrine": {"stirred": 1.2, "surprise": 0.3, "threat": 0.4},
    "acetylcholine": {"novelty": 0.8, "surprise": 0.3},
    "gaba": {"stirred": 0.15, "calm": 0.4, "threat": -0.9},
    "oxytocin": {"toward_avatar": 0.7},
}
"""Drive of a turn on each modulator: the sum of signals (see `signals`) by weight."""

FEELINGS: dict[str, dict[str, float]] = {
    "valence": {"dopamine": 0.6, "serotonin": 0.5, "oxytocin": 0.25, "norepinephrine": -0.1},
    "arousal": {"norepinephrine": 0.5, "dopamine": 0.15, "acetylcholine": 0.15, "gaba": -0.25},
}
"""Valence is the tanh of the sum, arousal 0.3 and the sum, of how far receptors are from what they do at rest."""

EMOTIONS: dict[str, dict[str, float]] = {
    "joy": {"dopamine": 0.9, "serotonin": 0.5, "oxytocin": 0.2},
    "sadness": {"dopamine": -0.7, "serotonin": -0.7, "norepinephrine": -0.2},
    "anger": {"norepinephrine": 0.8, "dopamine": -0.3, "serotonin": -0.3, "oxytocin": -0.5},
    "fear": {"norepinephrine": 0.5, "gaba": -0.7, "dopamine": -0.3},
    "surprise": {"norepinephrine": 0.4, "acetylcholine": 0.5},
    "affection": {"oxytocin": 0.9},
    "curiosity": {"acetylcholine": 0.6, "dopamine": 0.3},
    "calm": {"gaba": 0.6, "norepinephrine": -0.6},
}
"""How strong an emotion is, 0 to 1, by the same deviations; below FAINT it is none."""

TRAITS: dict[str, tuple[str, float]] = {
    "dopamine": ("extraversion", 0.4),
    "serotonin": ("neuroticism", -0.5),
    "norepinephrine": ("neuroticism", 0.4),
    "acetylcholine": ("openness", 0.4),
    "gaba": ("conscientiousness", 0.3),
    "oxytocin": ("agreeableness", 0.4),
}
"""By which trait a baseline is higher (or lower), and by how much from 0 to 1; at 0.5 it is the profile's."""

NAMES = tuple(STANDARD)
REST = 0.3
"""Arousal at rest."""
FAINT = 0.15
_EXPECTED = 0.5
"""Somebody in the best of moods (serotonin) expects half of the best turn: mood as the running average of reward
(Eldar, Rutledge, Dolan & Niv, Trends Cogn. Sci. 20, 2016)."""
_SMALL_ERROR = 0.3


@lru_cache(maxsize=256)
def resting(traits: BigFive) -> Profile:
    """The profile of somebody with these traits: baselines are theirs."""
    moved = []
    for modulator in STANDARD.modulators:
        trait, by = TRAITS[modulator.name]
        share = 1.0 + by * (float(getattr(traits, trait)) - 0.5)
        moved.append(modulator.resting_at(modulator.baseline * share))
    return Profile(STANDARD.name, tuple(moved), STANDARD.effects)


def resting_at(rest: Sequence[float]) -> Profile:
    """The profile of somebody with these baselines, in the order of NAMES."""
    pairs = zip(STANDARD.modulators, rest, strict=True)
    return Profile(STANDARD.name, tuple(modulator.resting_at(c) for modulator, c in pairs), STANDARD.effects)


def baselines(profile: Profile) -> list[float]:
    """The baselines in the order of NAMES."""
    return [each.baseline for each in profile.modulators]


def after(profile: Profile, concentrations: Sequence[float], seconds: float) -> list[float]:
    """Concentrations after so many seconds without drive."""
    pairs = zip(profile.modulators, concentrations, strict=True)
    return [decayed(modulator, c, seconds) for modulator, c in pairs]


def moved(profile: Profile, concentrations: Sequence[float], drives: Sequence[float]) -> list[float]:
    """Concentrations after a turn's drives."""
    triples = zip(profile.modulators, concentrations, drives, strict=True)
    return [burst(modulator, c, drive) for modulator, c, drive in triples]


def drives(appraisal: Appraisal, profile: Profile, concentrations: Sequence[float]) -> list[float]:
    """The drives of a turn in the order of NAMES; what is expected of it rests on serotonin as it is."""
    found = signals(appraisal, deviations(profile, concentrations)["serotonin"])
    return [sum(weight * found[signal] for signal, weight in DRIVES[name].items()) for name in NAMES]


def signals(appraisal: Appraisal, serotonin: float) -> dict[str, float]:
    """What a turn signals: reward, its error of prediction, surprise, stir, novelty, calm, threat, affection."""
    reward = sum(weight * float(getattr(appraisal, name)) for name, weight in REWARD.items())
    reward = min(1.0, max(-1.0, reward))
    told = abs(reward) > 0.02 or bool(appraisal.kinds)
    error = reward - _EXPECTED * serotonin if told else 0.0  # what says nothing disappoints nobody
    calm = max(0.0, appraisal.moving) * max(0.0, 0.5 - appraisal.arousal)
    return {
        "reward": reward,
        "error": error,
        "surprise": max(0.0, abs(error) - _SMALL_ERROR) + (0.3 if "surprise" in appraisal.kinds else 0.0),
        "stirred": max(0.0, appraisal.arousal - REST - 0.05),
        "novelty": max(0.0, appraisal.novelty - 0.5),
        "calm": calm,
        "threat": (0.6 if "fear" in appraisal.kinds else 0.0) + (0.6 if "insulted" in appraisal.kinds else 0.0),
        "toward_avatar": appraisal.toward_avatar,
    }


def deviations(profile: Profile, concentrations: Sequence[float]) -> dict[str, float]:
    """How far the receptors of each modulator are from what they do at rest, -1 to 1."""
    pairs = zip(profile.modulators, concentrations, strict=True)
    return {modulator.name: deviation(modulator, c) for modulator, c in pairs}


def valence(away: Mapping[str, float]) -> float:
    """-1 to 1."""
    return math.tanh(sum(weight * away[name] for name, weight in FEELINGS["valence"].items()))


def arousal(away: Mapping[str, float]) -> float:
    """0 to 1; REST at rest."""
    return min(1.0, max(0.0, REST + sum(weight * away[name] for name, weight in FEELINGS["arousal"].items())))


def emotions(away: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Emotions that are more than faint, the strongest first."""
    found = ((name, sum(weight * away[one] for one, weight in parts.items())) for name, parts in EMOTIONS.items())
    strong = [(name, round(min(1.0, strength), 3)) for name, strength in found if strength >= FAINT]
    return tuple(sorted(strong, key=lambda one: -one[1]))


def attention(profile: Profile, concentrations: Sequence[float]) -> float:
    """The gain of attention, from norepinephrine: 1 at rest."""
    declared = next(each for each in profile.effects if each.target == "attention")
    return effect(declared, profile, concentrations[NAMES.index(declared.modulator)])


def replay(profile: Profile, concentrations: Sequence[float]) -> float:
    """How much acetylcholine there is, 0 to 1 (0.5 at rest): how much a sleep replays."""
    return level(profile["acetylcholine"], concentrations[NAMES.index("acetylcholine")])
