"""From a personality to a prompt: the same for the same input, short, and with what changes at the end.

`system` depends on the personality alone, so that a model that has read it once need not read it again; level
and mood are in `state`, which goes behind everything that stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from anima.personality.conduct import MARKED, conduct, drawn, marked, strongest
from anima.personality.model import (
    Conduct,
    Emotions,
    Example,
    Modifiers,
    Mood,
    MoodKind,
    Personality,
    Sampling,
    StyleProfile,
    level_for,
    mood_kind,
    named,
)

Frames = dict[str, Any]
"""Sentences around a personality's own values, by what stands in them; `frames.json` has them by language."""

_FRAMES: dict[str, Frames] = json.loads(resources.files(__package__).joinpath("frames.json").read_text("utf-8"))
_FRENCH_NAMES = {"french", "français", "francais", "fr"}

_WORTH_A_WORD = 0.25
"""How strong an emotion is that is worth a word."""
_MOST_EMOTIONS = 2
_FORMAL, _CASUAL = 0.7, 0.3
_FOLLOWS, _ECHOES = 0.25, 0.75
"""So strong is the mimicry that takes up a person's register, and their own phrases."""
_MOST_ECHOES = 3
_MOST_DIRECTIONS = 1200
_QUOTES = str.maketrans(dict.fromkeys('"“”„«»', "'"))
_FEW_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class Compiled:
    """A prompt in its parts, and how to draw the reply."""

    system: str
    examples: tuple[Example, ...]
    state: str
    reminder: str
    sampling: Sampling
    conduct: Conduct
    greetings: tuple[str, ...] = ()


def compile_parts(
    personality: Personality,
    affinity: float,
    mood: Mood | None,
    *,
    emotions: Emotions | None = None,
    style: StyleProfile | None = None,
    name: str | None = None,
) -> Compiled:
    """The parts of the prompt for an affinity (0-100) and a mood, under the avatar's own name if given."""
    called = _line(name or personality.persona.name).translate(_QUOTES)
    frames = frames_for(personality.persona.language)
    spoken = frames_for(style.language) if style and style.language else frames
    changes = _changes(personality, affinity, mood)
    sampling = drawn(personality, *changes, mood.intensity if mood else 0.0, emotions)
    acts = conduct(personality, sampling, emotions, style, spoken["words"])

    def said(text: str) -> str:
        return named(text, called, frames["user"])

    return Compiled(
        system=said(_system(personality, frames, called)),
        examples=tuple(Example(said(each.user), said(each.reply)) for each in personality.examples),
        state=said(_state(personality, frames, affinity, mood, emotions)),
        reminder=said(_reminder(personality, frames, called, changes, acts, style)),
        sampling=sampling,
        conduct=acts,
        greetings=tuple(map(said, personality.greetings)),
    )


def compile_prompt(
    personality: Personality,
    affinity: float,
    mood: Mood | None,
    *,
    emotions: Emotions | None = None,
    style: StyleProfile | None = None,
    name: str | None = None,
) -> str:
    """The whole prompt as one text, what changes last."""
    return whole(compile_parts(personality, affinity, mood, emotions=emotions, style=style, name=name))


def whole(parts: Compiled) -> str:
    """A compiled prompt as one text."""
    return "\n\n".join(part for part in (parts.system, parts.state, parts.reminder) if part)


def _changes(personality: Personality, affinity: float, mood: Mood | None) -> tuple[Modifiers, Modifiers]:
    """What the level changes, and then what the mood does."""
    kind = mood_kind(personality, mood.name) if mood else MoodKind(personality.default_mood)
    return level_for(personality, affinity).modifiers, kind.modifiers


def frames_for(language: str) -> Frames:
    """French ones for French, English ones for any other language (they name the language of the reply)."""
    return _FRAMES["fr" if language.strip().casefold() in _FRENCH_NAMES else "en"]


def _system(personality: Personality, frames: Frames, name: str) -> str:
    persona = personality.persona
    opening = [frames["name"].format(name), _line(persona.description)]
    voice = [
        frames["language"].format(_line(persona.language)),
        _framed(frames["tone"], persona.tone),
        _framed(frames["style"], persona.style),
        frames["emojis"][persona.emojis] if persona.emojis else "",
    ]
    topics = [
        _framed(frames["expertise"], _listed(persona.expertise)),
        _framed(frames["interests"], _listed(personality.interests)),
        _framed(frames["values"], _listed(personality.values)),
        _framed(frames["phrases"], _listed(f'"{_quotable(phrase)}"' for phrase in persona.phrases)),
    ]
    limits = [f"- {_line(limit)}" for limit in persona.limits]
    scene = _framed(frames["scenario"], personality.scenario)
    paragraphs = [opening, voice, _character(personality, frames), topics, [scene]]
    wish = _framed(frames["directions"], _quotable(personality.directions))
    return "\n".join(part for part in (*map(_sentences, paragraphs), *limits, wish) if part)


def _character(personality: Personality, frames: Frames) -> list[str]:
    traits = [frames["traits"][end] for end in marked(personality)]
    lead = personality.manner.proactivity
    return [
        _framed(frames["character"], ", ".join(traits)),
        _framed(frames["humour"], frames["humours"].get(personality.humour_style or "", "")),
        _framed(frames["love"], frames["loves"].get(personality.love_language or "", "")),
        _framed(frames["attachment"], frames["attachments"].get(personality.attachment_style or "", "")),
        frames["leads"][lead > 0.5] if abs(lead - 0.5) >= MARKED - 1e-9 else "",
    ]


def _state(
    personality: Personality, frames: Frames, affinity: float, mood: Mood | None, emotions: Emotions | None
) -> str:
    said: list[str] = []
    if personality.levels:
        level = level_for(personality, affinity)
        said += [frames["level"].format(_line(level.name)), *map(_line, level.modifiers.instructions)]
    if mood is not None:
        kind = mood_kind(personality, mood.name)
        felt = frames["strength"][_band(mood.intensity)].format(_line(mood.name))
        said += [frames["mood"].format(felt), *map(_line, kind.modifiers.instructions)]
    said += [_framed(frames["felt"], _feelings(frames, emotions))]
    return _sentences(said)


def _feelings(frames: Frames, emotions: Emotions | None) -> str:
    """The strongest emotions, with how strong they are."""
    felt = sorted(emotions.words if emotions else (), key=lambda each: (-each[1], each[0]))
    worth = [(name, strength) for name, strength in felt if strength >= _WORTH_A_WORD]
    return ", ".join(
        frames["measure"][_band(strength)].format(frames["emotions"].get(name, _line(name)))
        for name, strength in worth[:_MOST_EMOTIONS]
    )


def _band(intensity: float) -> int:
    return 0 if intensity < 0.35 else 1 if intensity < 0.7 else 2


def _reminder(
    personality: Personality,
    frames: Frames,
    name: str,
    changes: Iterable[Modifiers],
    acts: Conduct,
    style: StyleProfile | None,
) -> str:
    """What stands last before the model speaks: who it is and how it sounds, how it writes, how long."""
    persona = personality.persona
    tone = next((each.tone for each in reversed([*changes]) if each.tone), persona.tone or persona.style)
    stay = frames["stay"].format(name, _line(tone)) if tone else frames["speak"].format(name)
    acted = [frames["acts"][end] for end in strongest(personality)[: 1 if tone else 2]]
    asks = frames["asks"]["none" if acts.max_questions == 0 else "back" if acts.asks_back else "few"]
    return _sentences([stay, *acted, *_likeness(personality, frames, style), asks, _length(frames, acts)])


def _length(frames: Frames, acts: Conduct) -> str:
    most, said = acts.max_sentences, frames["length"]
    if most is None or most == 1:
        return str(said["one" if most else "any"])
    number = frames["numbers"][most] if most < len(frames["numbers"]) else most
    return str(said["few" if most <= _FEW_SENTENCES else "most"]).format(number)


def _likeness(personality: Personality, frames: Frames, style: StyleProfile | None) -> list[str]:
    """How to write as the person does, as far as the personality follows others."""
    mimicry = personality.manner.mimicry
    if style is None or mimicry < _FOLLOWS:
        return []
    formality = style.formality if style.formality is not None else 0.5
    register = frames["formal"] if formality >= _FORMAL else frames["casual"] if formality <= _CASUAL else ""
    echoed = style.phrases[:_MOST_ECHOES] if mimicry >= _ECHOES else ()
    address = frames["address"].get(style.address or "", "")
    return [register, address, _framed(frames["echo"], _listed(f'"{_quotable(phrase)}"' for phrase in echoed))]


def _quotable(text: str) -> str:
    """What others wrote, for a quotation that it cannot close."""
    return _line(text).translate(_QUOTES)[:_MOST_DIRECTIONS]


def _line(text: str) -> str:
    return " ".join(text.split())


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(_line, texts))


def _framed(frame: str, value: str) -> str:
    return frame.format(_line(value).rstrip(".")) if value.strip() else ""


def _sentences(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)
