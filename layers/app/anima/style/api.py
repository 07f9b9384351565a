"""HTTP of style: how you write, as avatars have learnt it; to be read, corrected, switched off, forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.style import own_service as service
from anima.style.model import TRAITS, Style

router = APIRouter(prefix="/users/me/style", tags=["style"])

_STYLE: dict[str, Any] = {
    "enabled": True,
    "messages": 25,
    "settled": True,
    "traits": {
        "length": {"value": "short", "measured": "short", "corrected": None},
        "formality": {"value": "low", "measured": "low", "corrected": None},
        "emoji": {"value": "none", "measured": "many", "corrected": "none"},
        "punctuation": {"value": "expressive", "measured": "expressive", "corrected": None},
        "case": {"value": "lower", "measured": "lower", "corrected": None},
        "language": {"value": "fr", "measured": "fr", "corrected": None},
        "address": {"value": "tu", "measured": "tu", "corrected": None},
        "rhythm": {"value": "quick", "measured": "quick", "corrected": None},
        "greeting": {"value": "coucou", "measured": "coucou", "corrected": None},
    },
    "measures": {"words": 5.0, "formality": 0.17, "emoji": 1.6, "exclamation": 0.5, "gap_seconds": 31.0},
    "phrases": ["coucou", "mdr"],
    "updated_at": "2026-01-31T12:00:00Z",
}


class Corrections(http.Body):
    """What you say of your own way of writing. It goes before what is measured, until null gives it back."""

    length: Literal["short", "medium", "long"] | None = None
    formality: Literal["low", "medium", "high"] | None = None
    emoji: Literal["none", "some", "many"] | None = None
    punctuation: Literal["sparse", "normal", "expressive"] | None = None
    case: Literal["lower", "normal"] | None = None
    language: Literal["en", "fr"] | None = None
    address: Literal["tu", "vous"] | None = None
    rhythm: Literal["quick", "steady", "slow"] | None = None


class StyleBody(http.Body):
    """What to change: what is not named stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"enabled": True, "corrected": {"emoji": "none"}}]}
    )
    enabled: bool | None = None
    corrected: Corrections = Field(default_factory=Corrections)


class Trait(BaseModel):
    """A trait: what counts, what is measured of it (null: not known), and what you have corrected it to."""

    value: str | None
    measured: str | None
    corrected: str | None


class StyleOut(BaseModel):
    """How you write. No words of yours are kept, but greetings and the like."""

    enabled: bool
    messages: Annotated[int, Field(description="Of how many of your last messages this is made, at most 48")]
    settled: Annotated[bool, Field(description="Whether these are enough to rely on")]
    traits: dict[str, Trait]
    measures: dict[str, float | int | str | None]
    phrases: list[str]
    updated_at: datetime | None


@router.get("", summary="How you write", response_model=StyleOut, responses={**http.example(_STYLE), **http.problems()})
def get_style(caller: http.Caller) -> StyleOut:
    """Measured from your messages to avatars, those of private sessions apart, one style for all avatars."""
    return _shown(service.show(caller))


@router.put(
    "",
    summary="Correct how you write, or switch it off",
    response_model=StyleOut,
    responses={**http.example(_STYLE), **http.problems()},
)
def put_style(caller: http.Caller, body: StyleBody) -> StyleOut:
    """With `enabled` false nothing is measured, and replies do not follow how you write."""
    corrected = {name: getattr(body.corrected, name) for name in body.corrected.model_fields_set}
    return _shown(service.change(caller, body.enabled, corrected))


@router.delete("", status_code=204, summary="Forget how you write", responses=http.problems())
def delete_style(caller: http.Caller) -> None:
    """Forgets what was measured and corrected, and does not learn it again from what was said before."""
    service.forget(caller)


def _shown(style: Style) -> StyleOut:
    measures = {name: value for name, value in style.measures.items() if name not in ("messages", "phrases")}
    return StyleOut(
        enabled=style.enabled,
        messages=style.messages,
        settled=style.settled,
        traits={name: _trait(style, name) for name in TRAITS},
        measures=measures,
        phrases=style.measures.get("phrases", []),
        updated_at=style.updated_at,
    )


def _trait(style: Style, name: str) -> Trait:
    measured, corrected = style.traits[name], style.corrected.get(name)
    return Trait(value=corrected or measured, measured=measured, corrected=corrected)
