"""Personalities: read from JSON, checked, and compiled to prompts. Pure: needs no database and no network."""

from anima.personality.check import check_text, read_text
from anima.personality.compile import Compiled, compile_parts, compile_prompt
from anima.personality.diff import Change, difference
from anima.personality.library import UnknownPersonality, load_ready, ready
from anima.personality.model import (
    PLAIN,
    Conduct,
    Emotions,
    Example,
    Level,
    Lorebook,
    LoreEntry,
    MemoryWeights,
    Modifiers,
    Mood,
    MoodKind,
    Persona,
    Personality,
    Sampling,
    StyleProfile,
    TriggerRule,
    level_for,
    mood_kind,
    named,
)
from anima.personality.parse import InvalidPersonality, errors, parse
from anima.personality.positions import Problem
from anima.personality.random_personality import random_personality
from anima.personality.schema import SCHEMA

__all__ = [
    "PLAIN",
    "SCHEMA",
    "Change",
    "Compiled",
    "Conduct",
    "Emotions",
    "Example",
    "InvalidPersonality",
    "Level",
    "LoreEntry",
    "Lorebook",
    "MemoryWeights",
    "Modifiers",
    "Mood",
    "MoodKind",
    "Persona",
    "Personality",
    "Problem",
    "Sampling",
    "StyleProfile",
    "TriggerRule",
    "UnknownPersonality",
    "check_text",
    "compile_parts",
    "compile_prompt",
    "difference",
    "errors",
    "level_for",
    "load_ready",
    "mood_kind",
    "named",
    "parse",
    "random_personality",
    "read_text",
    "ready",
]
