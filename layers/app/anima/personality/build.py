"""From JSON that was checked to a personality: what is stored was checked when it came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anima.personality.model import (
    BigFive,
    Example,
    Level,
    Lorebook,
    LoreEntry,
    Manner,
    Modifiers,
    MoodKind,
    Persona,
    Personality,
    Sampling,
    TriggerRule,
)

_DRAWN = ("temperature", "max_reply_tokens", "verbosity", "top_p")


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
        manner=_manner(data.get("advanced_parameters", {})),
        scenario=data.get("scenario", ""),
        greetings=_greetings(data),
        directions=data.get("directions", ""),
        lorebook=_lorebook(data.get("lorebook", {})),
    )


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _sampling(data: dict[str, Any]) -> Sampling:
    sampling = Sampling(**{name: data[name] for name in _DRAWN if name in data})
    most = sampling.max_reply_tokens  # 160.0 is a whole number in JSON
    return sampling if most is None else replace(sampling, max_reply_tokens=int(most))


def _manner(data: dict[str, Any]) -> Manner:
    manner = Manner(**{name: value for name, value in data.items() if name not in _DRAWN})
    most = manner.max_sentences
    return manner if most is None else replace(manner, max_sentences=int(most))


def _greetings(data: dict[str, Any]) -> tuple[str, ...]:
    greetings = (data.get("first_message", ""), *data.get("alternate_greetings", ()))
    return tuple(greeting for greeting in greetings if greeting.strip())


def _lorebook(data: dict[str, Any]) -> Lorebook:
    known = {name: data[name] for name in ("scan_depth", "token_budget", "recursive") if name in data}
    return Lorebook(entries=tuple(map(_lore_entry, data.get("entries", []))), **known)


def _lore_entry(data: dict[str, Any]) -> LoreEntry:
    return LoreEntry(**_frozen({name: value for name, value in data.items() if name != "extensions"}))


def _modifiers(data: dict[str, Any]) -> Modifiers:
    return Modifiers(**_frozen(data.get("modifiers", {})))


def _level(data: dict[str, Any]) -> Level:
    low, high = data["affinity_range"]
    return Level(data["name"], float(low), float(high), _modifiers(data))


def _mood(data: dict[str, Any]) -> MoodKind:
    given = data.get("triggers", [])
    words = tuple(one.casefold() for one in given if isinstance(one, str))
    rules = tuple(_rule(one) for one in given if not isinstance(one, str))
    return MoodKind(data["name"], words, rules, _modifiers(data), float(data.get("decay", 1.0)))


def _rule(data: dict[str, Any]) -> TriggerRule:
    words = tuple(word.casefold() for word in data.get("words", ()))
    return TriggerRule(words, data.get("when"), data.get("mood"), float(data.get("weight", 1.0)))
