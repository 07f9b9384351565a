"""Personalities: ready ones, checked, compiled to a prompt, drawn by chance, compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from anima.client.call import Given, present
from anima.client.operations import listing, operation
from anima.client.results.personalities import (
    CompiledPrompt,
    ConductEffects,
    DrawnPersonality,
    PersonalityDifferences,
    ReadyPersonality,
    Verdict,
)

Personality = str | Mapping[str, Any]


class Personalities:
    """Personalities."""

    @listing("/personalities", ReadyPersonality)
    def list_personalities(self) -> Given:
        """Those that are ready."""
        return Given()

    @operation("GET", "/personalities/schema", dict[str, Any])
    def get_personality_schema(self) -> Given:
        """The JSON Schema of a personality."""
        return Given()

    @operation("POST", "/personalities/validate", Verdict, harmless=True)
    def validate_personality(self, personality: Personality | None = None, *, text: str | None = None) -> Given:
        """What is wrong with a personality; of a `text` with line and column."""
        return Given(body=present(personality=personality, text=text))

    @operation("POST", "/personalities/compile", CompiledPrompt, harmless=True)
    def compile_personality(
        self,
        personality: Personality,
        *,
        affinity: float = 0,
        mood: Mapping[str, Any] | None = None,
        emotions: Mapping[str, Any] | None = None,
        style: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Given:
        """The prompt and the conduct that a personality becomes."""
        state = present(mood=mood, emotions=emotions, style=style, name=name)
        return Given(body={"personality": personality, "affinity": affinity, **state})

    @operation("POST", "/personalities/random", DrawnPersonality, harmless=True)
    def draw_personality(self, *, seed: int | str | None = None, language: Literal["en", "fr"] = "en") -> Given:
        """A personality by chance; the same seed gives the same one."""
        return Given(body=present(seed=seed, language=language))

    @operation("POST", "/personalities/difference", PersonalityDifferences, harmless=True)
    def compare_personalities(self, before: Personality, after: Personality) -> Given:
        """What differs between two, in words."""
        return Given(body={"before": before, "after": after})

    @listing("/personalities/conduct", ConductEffects)
    def list_conduct(self, language: Literal["en", "fr"] = "en") -> Given:
        """What each trait does to an avatar's conduct."""
        return Given(query={"language": language})
