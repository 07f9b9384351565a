"""Personalities: read from JSON, checked, and compiled to prompts. Pure: needs no database and no network."""

from anima.personality.compile import Compiled, compile_parts, compile_prompt
from anima.personality.library import UnknownPersonality, load_ready, ready
from anima.personality.model import (
    PLAIN,
    Example,
    Level,
    Modifiers,
    Mood,
    MoodKind,
    Persona,
    Personality,
    Sampling,
    level_for,
    mood_kind,
)
from anima.personality.parse import InvalidPersonality, errors, parse
from anima.personality.schema import SCHEMA

__all__ = [
    "PLAIN",
    "SCHEMA",
    "Compiled",
    "Example",
    "InvalidPersonality",
    "Level",
    "Modifiers",
    "Mood",
    "MoodKind",
    "Persona",
    "Personality",
    "Sampling",
    "UnknownPersonality",
    "compile_parts",
    "compile_prompt",
    "errors",
    "level_for",
    "load_ready",
    "mood_kind",
    "parse",
    "ready",
]
