"""HTTP of personalities: which are ready, the schema, checking one, and the prompt that it becomes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from anima import personality as personalities
from anima.kernel import http
from anima.personality.model import Mood, Personality

router = APIRouter(prefix="/personalities", tags=["personality"])

Given = Annotated[str | dict[str, Any], Field(description="The name of a ready personality, or a personality as JSON")]
_MINIMAL: Any = {"persona": {"name": "Mia", "description": "You are a patient gardener."}}


class Ready(BaseModel):
    """A personality that comes with the house."""

    name: str
    description: str
    language: str
    personality: dict[str, Any]


class ToValidate(http.Body):
    """A personality to be checked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"personality": _MINIMAL}]})
    personality: Given


class Verdict(BaseModel):
    """Whether a personality is valid, and where it is not."""

    valid: bool
    errors: list[http.WrongField]


class GivenMood(http.Body):
    """A mood with its intensity."""

    name: str = Field(min_length=1, max_length=100)
    intensity: float = Field(0.5, ge=0, le=1)


class ToCompile(http.Body):
    """A personality with the affinity and the mood that its prompt is for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"personality": "luna", "affinity": 50, "mood": {"name": "cheerful", "intensity": 0.6}}]
        },
    )
    personality: Given
    affinity: float = Field(0, ge=0, le=100)
    mood: GivenMood | None = None
    name: str | None = Field(None, min_length=1, max_length=100, description="The avatar's own name")


class CompiledSampling(BaseModel):
    """How a reply would be drawn."""

    temperature: float | None
    max_reply_tokens: int | None
    verbosity: str


class CompiledPrompt(BaseModel):
    """The prompt whole, and in parts: `system` never changes; `state` follows level and mood."""

    prompt: str
    system: str
    state: str
    reminder: str
    level: str
    sampling: CompiledSampling


@router.get(
    "",
    summary="The personalities that come with the house",
    response_model=http.Items[Ready],
    responses={
        **http.example(
            {
                "items": [
                    {
                        "name": "luna",
                        "description": "You are an AI companion …",
                        "language": "English",
                        "personality": {"persona": {"name": "Luna"}},
                    }
                ],
                "next_cursor": None,
            }
        ),
        **http.problems(),
    },
)
def list_ready(_caller: http.Caller) -> dict[str, Any]:
    """All of them, with their JSON: a starting point for one's own."""
    return {"items": [_ready(name) for name in personalities.ready()]}


@router.get(
    "/schema",
    summary="The JSON Schema of a personality",
    responses={
        **http.example({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}),
        **http.problems(public=True),
    },
)
def schema() -> dict[str, Any]:
    """For editors and generators."""
    return personalities.SCHEMA


@router.post(
    "/validate",
    summary="Check a personality",
    response_model=Verdict,
    responses={
        **http.example(
            {"valid": False, "errors": [{"path": "persona.name", "message": "is required"}]},
        ),
        **http.problems(),
    },
)
def validate(_caller: http.Caller, body: ToValidate) -> dict[str, Any]:
    """Whether it is valid, and the path of every error if it is not."""
    data = _data(body.personality)
    wrong = personalities.errors(data)
    told = [{"path": _speakable(one.path), "message": _speakable(one.message)} for one in wrong]
    return {"valid": not wrong, "errors": told}


@router.post(
    "/compile",
    summary="The prompt that a personality becomes",
    response_model=CompiledPrompt,
    responses={
        **http.example(
            {
                "prompt": "You are Luna. …",
                "system": "You are Luna. …",
                "state": "To you this person is: friend. …",
                "reminder": "Stay Luna: warm. …",
                "level": "friend",
                "sampling": {"temperature": 0.4, "max_reply_tokens": 160, "verbosity": "brief"},
            }
        ),
        **http.problems(),
    },
)
def compile_(_caller: http.Caller, body: ToCompile) -> dict[str, Any]:
    """For an affinity and a mood."""
    personality = personalities.parse(_data(body.personality))
    mood = Mood(body.mood.name, body.mood.intensity) if body.mood else None
    return _compiled(personality, body.affinity, mood, body.name)


def _compiled(personality: Personality, affinity: float, mood: Mood | None, name: str | None) -> dict[str, Any]:
    parts = personalities.compile_parts(personality, affinity, mood, name=name)
    sampling = parts.sampling
    return {
        "prompt": personalities.compile_prompt(personality, affinity, mood, name=name),
        "system": parts.system,
        "state": parts.state,
        "reminder": parts.reminder,
        "level": personalities.level_for(personality, affinity).name,
        "sampling": {
            "temperature": sampling.temperature,
            "max_reply_tokens": sampling.max_reply_tokens,
            "verbosity": sampling.verbosity,
        },
    }


def _data(given: str | dict[str, Any]) -> dict[str, Any]:
    return personalities.load_ready(given) if isinstance(given, str) else given


def _speakable(text: str) -> str:
    """What was sent and is told back may hold what no answer can: lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _ready(name: str) -> dict[str, Any]:
    data = personalities.load_ready(name)
    persona = personalities.parse(data).persona
    return {
        "name": name,
        "description": persona.description,
        "language": persona.language,
        "personality": data,
    }
