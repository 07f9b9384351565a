"""HTTP of the settings that admins change while everything runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from anima.kernel import http
from anima.operations import settings_service

router = APIRouter(tags=["operation"])

Value = StrictBool | StrictInt | StrictStr
_SETTING = {
    "key": "safety.break_minutes",
    "value": 180,
    "default": 180,
    "accepts": [30, 180],
    "description": "After how many minutes of continued talk",
    "updated_at": None,
}


class SettingAnswer(BaseModel):
    """A setting."""

    key: str
    value: Value
    default: Value
    accepts: list[Value] = Field(description="The values; of a number the least and the most")
    description: str
    updated_at: datetime | None = Field(description="When it was changed last; null: never")


class SettingsAnswer(BaseModel):
    """All settings."""

    items: list[SettingAnswer]


class SettingsChange(http.Body):
    """New values by key; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"values": {"safety.breaks": "everyone"}}]}
    )
    values: dict[str, Value] = Field(max_length=50)


@router.get(
    "/settings",
    summary="All settings",
    response_model=SettingsAnswer,
    responses={**http.example({"items": [_SETTING]}), **http.problems(403)},
)
def settings(caller: http.AdminCaller) -> dict[str, Any]:
    """Admins only. They hold for everybody, from the next turn on."""
    return {"items": settings_service.all_of_them(caller)}


@router.put(
    "/settings",
    summary="Change settings",
    response_model=SettingsAnswer,
    responses={**http.example({"items": [_SETTING]}), **http.problems(403)},
)
def change(caller: http.AdminCaller, body: SettingsChange) -> dict[str, Any]:
    """Admins only; all of them or none, and every change is written into the audit log."""
    return {"items": settings_service.change(caller, body.values)}
