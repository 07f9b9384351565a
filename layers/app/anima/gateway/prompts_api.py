"""Prompts in versions, over HTTP; for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.gateway import prompts_service as service
from anima.gateway.prompts_model import NAME
from anima.kernel import http, pages
from anima.kernel.http import Items

router = APIRouter(tags=["experiments"])

_PROMPT: dict[str, Any] = {
    "prompt_id": 3,
    "name": "brief",
    "version": 2,
    "content": "Answer in at most two sentences.",
    "created_by": 1,
    "created_at": "2026-11-22T10:00:00Z",
}
_DIFF = "--- brief@1\n+++ brief@2\n@@ -1 +1 @@\n-Answer briefly.\n+Answer in at most two sentences."

Name = Annotated[str, Path(pattern=NAME, description="Small letters, digits, `_`, `.` and `-`", examples=["brief"])]
Version = Annotated[int, Query(ge=1, le=2**31 - 1)]


class PromptAnswer(BaseModel):
    """A version of a prompt."""

    prompt_id: int
    name: str
    version: int = Field(description="Counts from 1; an experiment calls it `name@version`")
    content: str
    created_by: int | None
    created_at: datetime


class NewPrompt(http.Body):
    """A text under a name; a name that is known gets a further version."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": _PROMPT["name"], "content": _PROMPT["content"]}]}
    )
    name: str = Field(pattern=NAME)
    content: str = Field(min_length=1, max_length=20_000)


class DiffAnswer(BaseModel):
    """How two versions differ."""

    name: str
    old: int
    new: int
    diff: str = Field(description="A unified diff; empty where nothing differs")


@router.get(
    "/prompts",
    summary="Prompts, each in its newest version",
    response_model=Items[PromptAnswer],
    responses={**http.example({"items": [_PROMPT], "next_cursor": None}), **http.problems(403)},
)
def list_prompts(caller: http.AdminCaller, cursor: http.PageCursor = None, limit: http.PageLimit = 50) -> Any:
    """Admins only; by name."""
    return _page(service.latest(caller, cursor, limit))


@router.post(
    "/prompts",
    status_code=201,
    summary="Add a version of a prompt",
    response_model=PromptAnswer,
    responses={**http.example(_PROMPT, 201), **http.problems(403)},
)
def add_prompt(caller: http.AdminCaller, body: NewPrompt) -> Any:
    """Admins only. Versions never change; the text of the newest version again answers that one."""
    return service.add(caller, body.name, body.content)


@router.get(
    "/prompts/{name}",
    summary="Versions of a prompt",
    response_model=Items[PromptAnswer],
    responses={**http.example({"items": [_PROMPT], "next_cursor": None}), **http.problems(403, 404)},
)
def list_versions(
    caller: http.AdminCaller, name: Name, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Admins only; the newest first."""
    return _page(service.versions(caller, name, cursor, limit))


@router.get(
    "/prompts/{name}/diff",
    summary="How two versions of a prompt differ",
    responses={**http.example({"name": "brief", "old": 1, "new": 2, "diff": _DIFF}), **http.problems(403, 404)},
)
def diff_prompt(
    caller: http.AdminCaller,
    name: Name,
    old: Annotated[Version, Query(alias="from", examples=[1])],
    new: Annotated[Version, Query(alias="to", examples=[2])],
) -> DiffAnswer:
    """Admins only."""
    return DiffAnswer(name=name, old=old, new=new, diff=service.difference(caller, name, old, new))


def _page(page: pages.Page[Any]) -> dict[str, Any]:
    return {"items": page.items, "next_cursor": page.next_cursor}
