"""What comes in and goes out over HTTP where personalities are checked, compiled, drawn and compared."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anima.kernel import http
from anima.personality.model import Emotions, StyleProfile

Given = Annotated[str | dict[str, Any], Field(description="The name of a ready personality, or a personality as JSON")]
_MINIMAL: Any = {"persona": {"name": "Mia", "description": "You are a patient gardener."}}


class Ready(BaseModel):
    """A personality that comes with the house."""

    name: str
    description: str
    language: str
    personality: dict[str, Any]


class ToValidate(http.Body):
    """A personality to be checked: as an object (or the name of a ready one), or as text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"personality": _MINIMAL}]})
    personality: Given | None = None
    text: str | None = Field(None, description="JSON as it was written; errors are told with line and column")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.personality is None) == (self.text is None):
            raise ValueError("either personality or text is needed")
        return self


class Wrong(http.WrongField):
    """Where a personality is not valid: a path, and of a text the line and the column, both from 1."""

    line: int | None = None
    column: int | None = None


class Verdict(BaseModel):
    """Whether a personality is valid, and where it is not."""

    valid: bool
    errors: list[Wrong]


class GivenMood(http.Body):
    """A mood with its intensity."""

    name: str = Field(min_length=1, max_length=100)
    intensity: float = Field(0.5, ge=0, le=1)


class GivenEmotions(http.Body):
    """What it feels: valence and arousal, and emotions by name with their strength."""

    valence: float = Field(0, ge=-1, le=1)
    arousal: float = Field(0, ge=0, le=1)
    words: dict[Annotated[str, Field(min_length=1, max_length=60)], Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, max_length=20
    )

    def felt(self) -> Emotions:
        """As the compiler takes it."""
        return Emotions(self.valence, self.arousal, tuple(self.words.items()))


class GivenStyle(http.Body):
    """How the person writes; what is left out is unknown."""

    words: float | None = Field(None, ge=0, le=10_000, description="Words of a usual message")
    formality: float | None = Field(None, ge=0, le=1)
    emoji: float | None = Field(None, ge=0, le=100, description="Emojis per message")
    exclamation: float | None = Field(None, ge=0, le=1, description="Share of messages with an exclamation mark")
    lower_case: float | None = Field(None, ge=0, le=1, description="Share of messages without capitals")
    language: str | None = Field(None, min_length=1, max_length=20)
    phrases: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default_factory=list, max_length=10)
    address: Literal["tu", "vous"] | None = None
    rhythm: Literal["quick", "steady", "slow"] | None = None

    def profile(self) -> StyleProfile:
        """As the compiler takes it."""
        return StyleProfile(**self.model_dump() | {"phrases": tuple(self.phrases)})


class ToCompile(http.Body):
    """A personality with the affinity, the mood, the feelings and the style that its prompt is for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"personality": "luna", "affinity": 50, "mood": {"name": "cheerful", "intensity": 0.6}}]
        },
    )
    personality: Given
    affinity: float = Field(0, ge=0, le=100)
    mood: GivenMood | None = None
    emotions: GivenEmotions | None = None
    style: GivenStyle | None = None
    name: str | None = Field(None, min_length=1, max_length=100, description="The avatar's own name")


class CompiledSampling(BaseModel):
    """How a reply would be drawn."""

    temperature: float | None
    max_reply_tokens: int | None
    verbosity: str
    top_p: float | None


class CompiledMemory(BaseModel):
    """How much a memory counts for what it is; 1 is the middle."""

    emotional: float
    recent: float
    importance: float
    people: float


class CompiledConduct(BaseModel):
    """What code keeps in a reply, whatever the model does."""

    max_sentences: int | None
    max_questions: int
    emojis: str
    exclamations: str
    temperature: float | None
    top_p: float | None
    max_reply_tokens: int | None
    asks_back: bool
    asks: list[str]
    openings: list[str]
    opening_share: float
    lower_case: bool
    memory: CompiledMemory


class CompiledPrompt(BaseModel):
    """The prompt whole, and in parts: `system` never changes; `state` follows level, mood and emotions."""

    prompt: str
    system: str
    state: str
    reminder: str
    level: str
    sampling: CompiledSampling
    conduct: CompiledConduct
    greetings: list[str]


class ToDraw(http.Body):
    """What a random personality is drawn from."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seed": 7, "language": "fr"}]})
    seed: int | Annotated[str, Field(max_length=100)] | None = Field(
        None, description="The same seed gives the same personality; without one, one is chosen"
    )
    language: Literal["en", "fr"] = "en"


class Drawn(BaseModel):
    """A personality that was drawn, and the seed that draws it again."""

    seed: int | str
    personality: dict[str, Any]


class ToCompare(http.Body):
    """Two personalities."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"before": "luna", "after": {"persona": {"name": "Mia"}}}]}
    )
    before: Given
    after: Given


class Changed(BaseModel):
    """What became of one path: added, removed or changed; `told` says it in a line."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any
    told: str


class Differences(BaseModel):
    """All changes; none: both say the same."""

    changes: list[Changed]


class Effects(BaseModel):
    """What one value of one key does: to conduct, in the prompt, and with which words a reply may begin."""

    key: str
    value: str
    conduct: dict[str, float]
    prompt: str
    openings: list[str]
