"""HTTP of sleep: has an avatar put in order what it remembers, and shows how the last time went."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from anima.kernel import http
from anima.memory import sleep_service
from anima.memory.sleep_model import STEPS, Sleep, Step, replayed
from anima.memory.sleep_service import Budget

router = APIRouter(tags=["memory"])

_STEPS_EXAMPLE: list[JsonValue] = [
    {"name": "forget", "state": "done", "counts": {"episodes": 1}},
    {"name": "fold", "state": "done", "counts": {"episodes": 2}},
    {"name": "merge", "state": "done", "counts": {"episodes": 3, "into": 1}},
    {"name": "promote", "state": "done", "counts": {"facts": 1}},
    {"name": "refresh", "state": "done", "counts": {"sessions": 1}},
]


class SleepBody(http.Body):
    """How much of a sleep there is to be. Acetylcholine (0-1) sets how many episodes are replayed: 20 times 10^a."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"acetylcholine": 0.7, "seconds": 30}]})

    acetylcholine: Annotated[float, Field(ge=0, le=1)] = sleep_service.ACETYLCHOLINE
    seconds: Annotated[float, Field(ge=0, le=120)] = sleep_service.SECONDS
    tokens: Annotated[int, Field(ge=0, le=100_000)] = sleep_service.TOKENS


_AS_ALWAYS = SleepBody()


class SleepAsked(BaseModel):
    """Whether the avatar will sleep (queued), or does already."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "queued"}]})

    state: Literal["never", "queued", "asleep", "awake"]


class SleepStep(BaseModel):
    """A step of a sleep: what it did, by what it counts."""

    name: Step
    state: Literal["done", "running", "waiting", "left"]
    counts: dict[str, int]


class SleepOut(BaseModel):
    """The last sleep of an avatar, or the one under way. `reason`: why it ended before its end (`time`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "awake",
                    "begun_at": "2026-01-09T21:04:00Z",
                    "ended_at": "2026-01-09T21:04:02Z",
                    "acetylcholine": 0.5,
                    "replayed": 63,
                    "seconds": 1.84,
                    "tokens": 410,
                    "reason": None,
                    "steps": _STEPS_EXAMPLE,
                }
            ]
        }
    )

    state: Literal["never", "queued", "asleep", "awake"]
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    acetylcholine: float | None = None
    replayed: int | None = None
    seconds: float = 0.0
    tokens: int = 0
    reason: str | None = None
    steps: list[SleepStep] = []


@router.post(
    "/avatars/{avatar_id}/sleep",
    summary="Have an avatar sleep now",
    status_code=202,
    responses=http.problems(404, 422),
)
def fall_asleep(avatar_id: uuid.UUID, caller: http.Caller, body: SleepBody = _AS_ALWAYS) -> SleepAsked:
    """It folds and merges episodes, keeps what recurs, and forgets what has faded, in the background, within a budget.

    One sleep at a time: asked again while one is queued or under way, it only answers how that stands.
    """
    state = sleep_service.ask(caller, avatar_id, Budget(body.acetylcholine, body.seconds, body.tokens))
    return SleepAsked(state=state)


@router.get(
    "/avatars/{avatar_id}/sleep",
    summary="Get an avatar's last sleep",
    responses=http.problems(404),
)
def last_sleep(avatar_id: uuid.UUID, caller: http.Caller) -> SleepOut:
    """The last sleep, or the one under way: its steps with what they counted."""
    found = sleep_service.last(caller, avatar_id)
    state = sleep_service.state_of(found)
    if found is None or found.begun_at is None:
        return SleepOut(state=state)
    return SleepOut(
        state=state,
        begun_at=found.begun_at,
        ended_at=found.ended_at if found.state == "awake" else None,
        acetylcholine=round(found.acetylcholine, 4),
        replayed=replayed(found.acetylcholine),
        seconds=round(found.seconds, 3),
        tokens=found.tokens,
        reason=found.reason,
        steps=[_step(name, found) for name in STEPS],
    )


def _step(name: Step, found: Sleep) -> SleepStep:
    if name in found.steps:
        return SleepStep(name=name, state="done", counts=found.steps[name])
    if found.state != "asleep":
        return SleepStep(name=name, state="left", counts={})
    return SleepStep(name=name, state="running" if name == found.step else "waiting", counts={})
