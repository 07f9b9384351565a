"""Calls of tools that wait for their person over HTTP: which, and the decision, with which their turn goes on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.chat import approvals_service
from anima.chat.api import AnswerView, documented, expect, given
from anima.kernel import http

router = APIRouter(tags=["chat"])

_MAX_ID = 2**63 - 1


class DecisionBody(http.Body):
    """What becomes of a call that waits."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"approve": True, "always": False}]})

    approve: bool = Field(description="Whether the call is made")
    always: bool = Field(False, description="Allows this avatar the tool, as it is now, without being asked again")
    stream: bool = Field(False, description="Whether the answer comes as server-sent events")


class WaitingToolView(BaseModel):
    """A call that waits for an approval, with the turn that it is part of."""

    invocation_id: int
    plugin: str
    name: str
    arguments: Any
    session_id: int | None
    message_id: int | None = Field(description="The message that the turn answers")
    request_id: int
    asked_at: datetime


class WaitingToolsView(BaseModel):
    """The calls that wait."""

    items: list[WaitingToolView]


_WAITING: dict[str, Any] = {
    "invocation_id": 12,
    "plugin": "code",
    "name": "run_python",
    "arguments": {"code": "print(sum(range(100)))"},
    "session_id": 9001,
    "message_id": 41,
    "request_id": 8,
    "asked_at": "2026-11-22T09:15:00Z",
}


@router.get(
    "/tool-calls",
    summary="Calls of tools that wait for an approval",
    responses={**http.example({"items": [_WAITING]}), **http.problems(422)},
)
def list_waiting(
    caller: http.Caller,
    session_id: Annotated[int | None, Query(gt=0, le=_MAX_ID, description="Only of this session")] = None,
) -> WaitingToolsView:
    """The newest 100 turns are looked at; a turn counts as waiting for a day, and may be decided about after that."""
    found = approvals_service.list_waiting(caller, session_id)
    return WaitingToolsView(items=[WaitingToolView(**asdict(one)) for one in found])


@router.post(
    "/tool-calls/{invocation_id}",
    summary="Approve or deny a call, and go on with its turn",
    response_model=AnswerView,
    responses=documented(),
    dependencies=[Depends(expect)],
)
def decide(
    invocation_id: Annotated[int, Path(gt=0, le=_MAX_ID, description="The call, as `approval` named it")],
    body: DecisionBody,
    caller: http.Caller,
    accept: Annotated[str | None, Header(description="text/event-stream asks for a stream")] = None,
) -> Any:
    """Goes on with the turn that waited, as POST /chat would: the same events, and the whole answer at the end.

    The same decision again gives the same answer, and goes on where the first call was cut; another one is a conflict.
    Where other calls of the turn wait still, the answer's `finish` is `approval` again.
    """
    streamed = body.stream or "text/event-stream" in (accept or "")
    events = approvals_service.go_on(caller, invocation_id, approve=body.approve, always=body.always, stream=streamed)
    return given(events, streamed)
