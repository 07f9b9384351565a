"""HTTP of erasing: what is remembered, an avatar, and a whole account."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from anima.identity import closing_service
from anima.kernel import http
from anima.snapshots import erase_service

router = APIRouter()


class ErasedOut(BaseModel):
    """How much was erased; `messages` are those that are no longer found."""

    facts: int
    episodes: int
    messages: int


class AccountEnd(http.Body):
    """The password again: this cannot be taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"password": "correct horse"}]})
    password: SecretStr = Field(min_length=1, max_length=1000)


class ClosedOut(BaseModel):
    """The account is closed; what was kept of it is being erased."""

    state: Literal["erasing"] = "erasing"


@router.delete(
    "/users/me/memory",
    tags=["memory"],
    summary="Erase all memory of you",
    response_model=ErasedOut,
    responses={**http.example({"facts": 12, "episodes": 3, "messages": 240}), **http.problems()},
)
def erase_memory(caller: http.Caller) -> ErasedOut:
    """Erases what all avatars remember of you: facts, episodes, people and places, the index that finds what you said,
    open questions, findings, summaries of sessions, the journal of changes, how you write, and the memories in the logs
    of answers.

    Your sessions and their messages stay until you delete them; affinity and moods stay. Nothing that was said before
    is remembered again: a turn that is being reflected on right now leaves no trace.
    """
    return ErasedOut(**asdict(erase_service.erase_memory(caller)))


@router.delete(
    "/avatars/{avatar_id}",
    tags=["avatars"],
    status_code=204,
    summary="Delete an avatar and all that it remembers",
    responses=http.problems(404),
)
def delete_avatar(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    sessions: Annotated[
        bool, Query(description="Also the sessions with it, and past conversations brought to it")
    ] = False,
) -> None:
    """Its facts, episodes, affinity, open questions and findings go with it. What was said in sessions with it stays
    readable, unless `sessions` is asked for.
    """
    erase_service.erase_avatar(caller, avatar_id, sessions=sessions)


@router.delete(
    "/users/me",
    tags=["identity"],
    status_code=202,
    summary="Close your account and erase everything of yours",
    responses={**http.example({"state": "erasing"}, status=202), **http.problems(404, 409, 429)},
)
def delete_account(caller: http.Caller, body: AccountEnd) -> ClosedOut:
    """For good. Every key and sign-in ends at once, and your name is free. Rows, files, caches and what stores on other
    engines hold of you are erased right after; an engine that is away is tried until it answers, and holds nothing else
    up. Who is the last admin answers 409.
    """
    closing_service.close(caller, body.password.get_secret_value())
    return ClosedOut()
