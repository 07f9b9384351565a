"""From a personality to a prompt: the same for the same input, short, and with what changes at the end.

`system` depends on the personality alone, so that a model that has read it once need not read it again; level
and mood are in `state`, which goes behind everything that stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from anima.personality.model import (
    Example,
    Modifiers,
    Mood,
    MoodKind,
    Personality,
    Sampling,
    level_for,
    mood_kind,
)

Frames = dict[str, Any]
"""Sentences around a personality's own values, by what stands in them; `frames.json` has them by language."""

_FRAMES: dict[str, Frames] = json.loads(resources.files(__package__).joinpath("frames.json").read_text("utf-8"))
_FRENCH_NAMES = {"french", "français", "francais", "fr"}

_MARKED = 0.3
"""How far from the middle (0.5) a trait lies that is worth a word."""

_OWN_TEMPERATURE = 0.3
"""Where offsets start from if a personality sets no temperature."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A prompt in its parts, and how to draw the reply."""

    system: str
    examples: tuple[Example, ...]
    state: str
    reminder: str
    sampling: Sampling


def compile_parts(personality: Personality, affinity: float, mood: Mood | None, *, name: str | None = None) -> Compiled:
    """The parts of the prompt for an affinity (0-100) and a mood, under the avatar's own name if given."""
    called = _line(name or personality.persona.name)
    frames = _frames_for(personality.persona.language)
    level = level_for(personality, affinity)
    kind = mood_kind(personality, mood.name) if mood else MoodKind(personality.default_mood)
    felt = mood.intensity if mood else 0.0
    changes = [level.modifiers, kind.modifiers]
    return Compiled(
        system=_system(personality, frames, called),
        examples=personality.examples,
        state=_state(personality, frames, affinity, mood),
        reminder=_reminder(personality, frames, called, changes),
        sampling=_sampling(personality.sampling, changes, felt),
    )


def compile_prompt(personality: Personality, affinity: float, mood: Mood | None, *, name: str | None = None) -> str:
    """The whole prompt as one text, what changes last."""
    parts = compile_parts(personality, affinity, mood, name=name)
    return "\n\n".join(part for part in (parts.system, parts.state, parts.reminder) if part)


def _frames_for(language: str) -> Frames:
    """French ones for French, English ones for any other language (they name the language of the reply)."""
    return _FRAMES["fr" if language.strip().casefold() in _FRENCH_NAMES else "en"]


def _system(personality: Personality, frames: Frames, name: str) -> str:
    persona = personality.persona
    opening = [frames["name"].format(name), _line(persona.description)]
    voice = [
        frames["language"].format(_line(persona.language)),
        _framed(frames["tone"], persona.tone),
        _framed(frames["style"], persona.style),
        frames["emojis"][persona.emojis],
    ]
    topics = [
        _framed(frames["expertise"], _listed(persona.expertise)),
        _framed(frames["interests"], _listed(personality.interests)),
        _framed(frames["values"], _listed(personality.values)),
        _framed(frames["phrases"], _listed(f'"{_line(phrase)}"' for phrase in persona.phrases)),
    ]
    limits = [f"- {_line(limit)}" for limit in persona.limits]
    paragraphs = [opening, voice, _character(personality, frames), topics]
    return "\n".join(part for part in (*map(_sentences, paragraphs), *limits) if part)


def _character(personality: Personality, frames: Frames) -> list[str]:
    traits = [
        frames["traits"][name][value > 0.5]
        for name, value in asdict(personality.big_five).items()
        if abs(value - 0.5) >= _MARKED - 1e-9
    ]
    return [
        _framed(frames["character"], ", ".join(traits)),
        _framed(frames["humour"], frames["humours"].get(personality.humour_style or "", "")),
        _framed(frames["love"], frames["loves"].get(personality.love_language or "", "")),
        _framed(frames["attachment"], frames["attachments"].get(personality.attachment_style or "", "")),
    ]


def _state(personality: Personality, frames: Frames, affinity: float, mood: Mood | None) -> str:
    said: list[str] = []
    if personality.levels:
        level = level_for(personality, affinity)
        said += [frames["level"].format(_line(level.name)), *map(_line, level.modifiers.instructions)]
    if mood is not None:
        kind = mood_kind(personality, mood.name)
        felt = frames["strength"][_band(mood.intensity)].format(_line(mood.name))
        said += [frames["mood"].format(felt), *map(_line, kind.modifiers.instructions)]
    return _sentences(said)


def _band(intensity: float) -> int:
    return 0 if intensity < 0.35 else 1 if intensity < 0.7 else 2


def _reminder(personality: Personality, frames: Frames, name: str, changes: list[Modifiers]) -> str:
    persona = personality.persona
    tone = next((each.tone for each in reversed(changes) if each.tone), persona.tone or persona.style)
    length = frames["length"][_verbosity(personality.sampling, changes)]
    return _sentences([frames["stay"].format(name, _line(tone)) if tone else "", length])


def _verbosity(base: Sampling, changes: list[Modifiers]) -> str:
    return next((each.verbosity for each in reversed(changes) if each.verbosity), base.verbosity)


def _sampling(base: Sampling, changes: list[Modifiers], felt: float) -> Sampling:
    level, mood = changes
    offset = level.temperature + mood.temperature * felt
    temperature = base.temperature
    if offset:
        start = _OWN_TEMPERATURE if temperature is None else temperature
        temperature = round(min(2.0, max(0.0, start + offset)), 3)
    return Sampling(temperature, base.max_reply_tokens, _verbosity(base, changes))


def _line(text: str) -> str:
    return " ".join(text.split())


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(_line, texts))


def _framed(frame: str, value: str) -> str:
    return frame.format(_line(value).rstrip(".")) if value.strip() else ""


def _sentences(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)
