"""HTTP of feelings: what an avatar feels now, and what it felt."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from anima.emotions import state_service
from anima.emotions.drives import NAMES
from anima.emotions.state_service import Point
from anima.kernel import http

router = APIRouter(tags=["emotions"])

_CONCENTRATIONS = {
    "dopamine": 61.4,
    "serotonin": 13.2,
    "norepinephrine": 14.9,
    "acetylcholine": 31.0,
    "gaba": 214.7,
    "oxytocin": 4.6,
}
_STATE: dict[str, Any] = {
    "mood": "cheerful",
    "intensity": 0.62,
    "valence": 0.31,
    "arousal": 0.42,
    "emotions": {"joy": 0.44, "affection": 0.21},
    "attention": 1.2,
    "concentrations": _CONCENTRATIONS,
    "as_of": "2026-01-31T12:00:00Z",
}
_POINT: dict[str, Any] = {
    "id": "01977a2e-70aa-7d15-8f1e-2b7a4c9d5e61",
    "at": "2026-01-31T11:58:20Z",
    "valence": 0.35,
    "arousal": 0.47,
    "mood": "cheerful",
    "intensity": 0.7,
    "sentiment": 0.81,
    "concentrations": _CONCENTRATIONS,
    "session_id": 4,
    "message_id": 17,
    "cause": "turn",
}


class StateOut(BaseModel):
    """What an avatar feels now."""

    mood: str
    intensity: float = Field(ge=0, le=1)
    valence: float = Field(ge=-1, le=1, description="Unpleasant to pleasant")
    arousal: float = Field(ge=0, le=1, description="Calm to stirred; 0.3 at rest")
    emotions: dict[str, float] = Field(description="Emotions that are more than faint, with their strength (0-1)")
    attention: float = Field(ge=0, description="Gain of attention; 1 at rest")
    concentrations: dict[str, float] = Field(description="Modulators, in nM")
    as_of: datetime


class PointOut(BaseModel):
    """What a turn made of what an avatar felt."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POINT]})

    id: uuid.UUID
    at: datetime
    valence: float
    arousal: float
    mood: str
    intensity: float
    sentiment: float = Field(description="How the message felt, -1 to 1")
    concentrations: dict[str, float]
    session_id: int | None
    message_id: int | None
    cause: str = Field(description="`turn`, or `second look` where a model judged a message otherwise than its words")


@router.get(
    "/avatars/{avatar_id}/state",
    summary="What an avatar feels now",
    response_model=StateOut,
    responses={**http.example(_STATE), **http.problems(404)},
)
def get_state(caller: http.Caller, avatar_id: uuid.UUID) -> dict[str, Any]:
    """Mood, emotions and the concentrations behind them, faded to this moment. Reading changes nothing."""
    state = state_service.of_avatar(caller, avatar_id)
    return {
        "mood": state.mood,
        "intensity": round(state.intensity, 3),
        "valence": state.emotions.valence,
        "arousal": state.emotions.arousal,
        "emotions": dict(state.emotions.words),
        "attention": round(state.attention, 3),
        "concentrations": {name: round(value, 3) for name, value in state.concentrations.items()},
        "as_of": state.as_of,
    }


@router.get(
    "/avatars/{avatar_id}/state/history",
    summary="What an avatar felt",
    response_model=http.Items[PointOut],
    responses={
        200: {
            "content": {
                "application/json": {"example": {"items": [_POINT], "next_cursor": None}},
                "text/csv": {"example": "at,valence,arousal,mood\r\n"},
            }
        },
        **http.problems(404, 422),
    },
)
def get_history(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    begin: Annotated[datetime | None, Query(alias="from", description="From this time on")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="Before this time")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
    accept: Annotated[str | None, Header()] = None,
) -> Any:
    """After each turn, in the order of time; a table where `text/csv` is asked for, with the header `Next-Cursor`."""
    page = state_service.history(caller, avatar_id, begin=_zoned(begin), end=_zoned(end), limit=limit, cursor=cursor)
    if accept is not None and accept.partition(";")[0].strip() == "text/csv":
        more = {"Next-Cursor": page.next_cursor} if page.next_cursor else {}
        return Response(_table(page.items), media_type="text/csv; charset=utf-8", headers=more)
    return {"items": [_point(one) for one in page.items], "next_cursor": page.next_cursor}


def _point(one: Point) -> dict[str, Any]:
    return {
        "id": one.feeling_id,
        "at": one.at,
        "valence": round(one.valence, 4),
        "arousal": round(one.arousal, 4),
        "mood": one.mood,
        "intensity": round(one.mood_intensity, 4),
        "sentiment": round(one.sentiment, 4),
        "concentrations": {name: round(value, 3) for name, value in zip(NAMES, one.concentrations, strict=False)},
        "session_id": one.session_id,
        "message_id": one.message_id,
        "cause": one.cause,
    }


def _table(points: Sequence[Point]) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["at", "valence", "arousal", "mood", "intensity", "sentiment", *NAMES, "session_id", "cause"])
    for one in points:
        told = _point(one)
        values = [told[name] for name in ("valence", "arousal", "mood", "intensity", "sentiment")]
        values[2] = f"'{one.mood}" if one.mood[:1] in "=+-@" else one.mood  # a spreadsheet takes it for a formula
        rows.writerow([one.at.isoformat(), *values, *told["concentrations"].values(), one.session_id, one.cause])
    return out.getvalue()


def _zoned(time: datetime | None) -> datetime | None:
    """A time without a zone is one of UTC."""
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
