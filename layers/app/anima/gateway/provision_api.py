"""HTTP of provisioning: what the models of the active profile need, fetched or checked."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from anima.gateway import provision_service
from anima.gateway.provision_service import Item, State
from anima.kernel import http

router = APIRouter(tags=["models"])

_PLACE = f"{http.API}/models/provision"
_EXAMPLE = {
    "state": "running",
    "items": [
        {
            "role": "general",
            "model": "local:qwen2.5-1.5b-instruct",
            "state": "fetching",
            "reason": None,
            "sha256": None,
            "done_bytes": 524_288_000,
            "total_bytes": 1_117_320_736,
        },
        {
            "role": "coding",
            "model": "anthropic:claude-haiku-5-5",
            "state": "missing_key",
            "reason": "set ANTHROPIC_API_KEY",
            "sha256": None,
            "done_bytes": None,
            "total_bytes": None,
        },
    ],
}


class ProvisionBody(http.Body):
    """Which roles of the active profile, and whether what is here already is fetched again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"roles": ["general"], "force": False}]})
    roles: list[str] = Field(default_factory=list, max_length=50, description="None: all of the active profile")
    force: bool = False


class ItemView(BaseModel):
    """A role, and what became of what it needs."""

    role: str
    model: str
    state: State = Field(
        description="fetched or present: the file is here and checked; checked: its server takes the key and has it"
    )
    reason: str | None = Field(description="What is wrong, and what to do")
    sha256: str | None = Field(description="Digest of the file, as its publisher states it")
    done_bytes: int | None
    total_bytes: int | None


class ProvisionView(BaseModel):
    """How far it is."""

    state: Literal["running", "done"]
    items: list[ItemView]


@router.post(
    "/models/provision",
    summary="Fetch or check models",
    status_code=200,
    responses={
        **http.example({**_EXAMPLE, "state": "done"}),
        202: {"description": "It goes on; look at Location", "content": {"application/json": {"example": _EXAMPLE}}},
        **http.problems(403),
    },
)
def provision(caller: http.AdminCaller, body: ProvisionBody, response: Response) -> ProvisionView:
    """Admins only. What takes long goes on after the answer (202): `GET /models/provision` says how far it is. While
    one runs, another one is told of it. A key that is missing and a file that cannot be had are told for each role.
    """
    items, over = provision_service.begin(caller, body.roles, force=body.force)
    if not over:
        response.status_code = 202
        response.headers["location"] = _PLACE
    return _view(items, over)


@router.get(
    "/models/provision",
    summary="How far provisioning is",
    responses={**http.example(_EXAMPLE), **http.problems()},
)
def look(_caller: http.Caller) -> ProvisionView:
    """What runs in the process that answers, or ran there last; before that the roles, all `waiting`."""
    return _view(*provision_service.state())


def _view(items: list[Item], over: bool) -> ProvisionView:
    views: list[Any] = [ItemView(**provision_service.plain(item)) for item in items]
    return ProvisionView(state="done" if over else "running", items=views)
