"""What the checker and the compiler of personalities answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ReadyPersonality:
    """A personality that comes with the house."""

    name: str
    description: str
    language: str
    personality: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """Where a personality is not valid: a path, and of a text the line and the column, both from 1."""

    path: str
    message: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a personality is valid, and where it is not."""

    valid: bool
    errors: tuple[WrongPlace, ...]


@dataclass(frozen=True, slots=True)
class CompiledSampling:
    """How a reply would be drawn."""

    temperature: float | None
    max_reply_tokens: int | None
    verbosity: str
    top_p: float | None


@dataclass(frozen=True, slots=True)
class CompiledMemory:
    """How much a memory counts for what it is; 1 is the middle."""

    emotional: float
    recent: float
    importance: float
    people: float


@dataclass(frozen=True, slots=True)
class CompiledConduct:
    """What code keeps in a reply, whatever the model does."""

    max_sentences: int | None
    max_questions: int
    emojis: str
    exclamations: str
    temperature: float | None
    top_p: float | None
    max_reply_tokens: int | None
    asks_back: bool
    asks: tuple[str, ...]
    openings: tuple[str, ...]
    opening_share: float
    lower_case: bool
    memory: CompiledMemory


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """The prompt whole, and in parts: `system` never changes; `state` follows level, mood and emotions."""

    prompt: str
    system: str
    state: str
    reminder: str
    level: str
    sampling: CompiledSampling
    conduct: CompiledConduct
    greetings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawnPersonality:
    """A personality that was drawn, and the seed that draws it again."""

    seed: int | str
    personality: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PersonalityChange:
    """What became of one path: added, removed or changed; `told` says it in a line."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any
    told: str


@dataclass(frozen=True, slots=True)
class PersonalityDifferences:
    """All changes; none: both say the same."""

    changes: tuple[PersonalityChange, ...]


@dataclass(frozen=True, slots=True)
class ConductEffects:
    """What one value of one key does: to conduct, in the prompt, and with which words a reply may begin."""

    key: str
    value: str
    conduct: Mapping[str, float]
    prompt: str
    openings: tuple[str, ...]
