"""From JSON that was checked to a personality: what is stored was checked when it came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anima.personality.model import (
    BigFive,
    Example,
    Level,
    Modifiers,
    MoodKind,
    Persona,
    Personality,
    Sampling,
)


def build(data: dict[str, Any]) -> Personality:
    """The personality in a JSON object that was checked: anything else raises as it happens."""
    config = data.get("hierarchical_config", {})
    levels = config.get("relationship_levels", []) if config.get("enabled", True) else []
    return Personality(
        persona=Persona(**_frozen(data["persona"])),
        levels=tuple(sorted(map(_level, levels), key=lambda level: level.low)),
        moods=tuple(map(_mood, data.get("moods", []))),
        default_mood=data.get("default_mood", "calm"),
        big_five=BigFive(**data.get("big_five", {})),
        humour_style=data.get("humour_style"),
        love_language=data.get("love_language"),
        attachment_style=data.get("attachment_style"),
        interests=tuple(data.get("interests", ())),
        values=tuple(data.get("values", ())),
        sampling=_sampling(data.get("advanced_parameters", {})),
        examples=tuple(Example(**example) for example in data.get("examples", [])),
    )


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _sampling(data: dict[str, Any]) -> Sampling:
    sampling = Sampling(**data)
    most = sampling.max_reply_tokens  # 160.0 is a whole number in JSON
    return sampling if most is None else replace(sampling, max_reply_tokens=int(most))


def _modifiers(data: dict[str, Any]) -> Modifiers:
    return Modifiers(**_frozen(data.get("modifiers", {})))


def _level(data: dict[str, Any]) -> Level:
    low, high = data["affinity_range"]
    return Level(data["name"], float(low), float(high), _modifiers(data))


def _mood(data: dict[str, Any]) -> MoodKind:
    triggers = tuple(trigger.casefold() for trigger in data.get("triggers", []))
    return MoodKind(data["name"], triggers, _modifiers(data), float(data.get("decay", 1.0)))
