"""HTTP of curiosity: what an avatar would like to know, what it found, and how much it may look."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.curiosity import gaps_service as service
from anima.curiosity.gaps_service import Curiosity
from anima.curiosity.model import Gap, Kind, State
from anima.kernel import http

router = APIRouter(prefix="/avatars/{avatar_id}", tags=["curiosity"])

_GAP: dict[str, Any] = {
    "gap_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "kind": "unknown",
    "subject": "",
    "question": "When does the harbour of Brume open?",
    "score": 0.7,
    "state": "answered",
    "mention_count": 2,
    "looked_in": {"own": "nothing", "outside": "found"},
    "finding": {
        "document_id": 17,
        "text": "The harbour of Brume opens at six in the morning.",
        "title": "Harbour rules",
        "source_uri": "https://example.org/brume",
    },
    "source": {"message_id": 7, "session_id": 3},
    "created_at": "2026-01-31T12:00:00Z",
    "last_seen": "2026-01-31T12:00:00Z",
    "researched_at": "2026-01-31T12:00:02Z",
    "asked_at": None,
    "told_at": None,
}
_CURIOSITY = {"on": True, "searches_a_day": 20, "searches_today": 3, "turns_between": 6}


class FindingOut(BaseModel):
    """What was found: the document that tells it, the sentences that answer, and where they stand."""

    document_id: int
    text: str
    title: str
    source_uri: str | None


class GapSource(BaseModel):
    """The message that a gap was last found in."""

    message_id: int
    session_id: int


class GapOut(BaseModel):
    """Something that an avatar does not know. `looked_in`: own, outside, told, and how it went there."""

    gap_id: uuid.UUID
    kind: Kind
    subject: str
    question: str
    score: float
    state: State
    mention_count: int
    looked_in: dict[str, str]
    finding: FindingOut | None
    source: GapSource
    created_at: datetime
    last_seen: datetime
    researched_at: datetime | None
    asked_at: datetime | None
    told_at: datetime | None


class GapPatch(http.Body):
    """What is to become of a gap: put aside for good, or looked for again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "dismissed"}]})

    state: Literal["dismissed", "open"]


class CuriosityOut(BaseModel):
    """How curious an avatar may be."""

    on: bool = Field(description="The avatar's switch `curiosity`")
    searches_a_day: int
    searches_today: int
    turns_between: int = Field(description="Turns from one thing that it brings up of itself to the next, at least")


class CuriosityPatch(http.Body):
    """How many searches an avatar has a day; null: the usual number."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"searches_a_day": 5}]})

    searches_a_day: Annotated[int, Field(ge=0, le=1000)] | None


@router.get(
    "/gaps",
    summary="What an avatar would like to know",
    response_model=http.Items[GapOut],
    responses={**http.example({"items": [_GAP], "next_cursor": None}), **http.problems(404)},
)
def list_gaps(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    state: Annotated[State | None, Query(description="Only gaps in this state")] = None,
    kind: Annotated[Kind | None, Query(description="Only gaps of this kind")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> dict[str, Any]:
    """Found in what was said: asked and not known, named and never explained, said in two ways. Best score first."""
    page = service.list_gaps(caller, avatar_id, state=state, kind=kind, limit=limit, cursor=cursor)
    return {"items": [_shown(gap) for gap in page.items], "next_cursor": page.next_cursor}


@router.patch(
    "/gaps/{gap_id}",
    summary="Put a gap aside, or have it looked for again",
    response_model=GapOut,
    responses={**http.example({**_GAP, "state": "dismissed"}), **http.problems(404)},
)
def patch_gap(caller: http.Caller, avatar_id: uuid.UUID, gap_id: uuid.UUID, body: GapPatch) -> dict[str, Any]:
    """What is dismissed is neither looked for nor brought up any more."""
    change = service.dismiss if body.state == "dismissed" else service.reopen
    return _shown(change(caller, avatar_id, gap_id))


@router.get(
    "/curiosity",
    summary="How curious an avatar may be",
    response_model=CuriosityOut,
    responses={**http.example(_CURIOSITY), **http.problems(404)},
)
def get_curiosity(caller: http.Caller, avatar_id: uuid.UUID) -> Curiosity:
    """Its searches a day, and how many there were today. It is switched off by the avatar's switch `curiosity`."""
    return service.curiosity(caller, avatar_id)


@router.patch(
    "/curiosity",
    summary="Say how much an avatar may look for",
    response_model=CuriosityOut,
    responses={**http.example({**_CURIOSITY, "searches_a_day": 5}), **http.problems(404)},
)
def patch_curiosity(caller: http.Caller, avatar_id: uuid.UUID, body: CuriosityPatch) -> Curiosity:
    """With 0 it looks for nothing, but still asks."""
    return service.allow(caller, avatar_id, body.searches_a_day)


def _shown(gap: Gap) -> dict[str, Any]:
    finding = None
    if gap.document_id is not None:
        finding = {
            "document_id": gap.document_id,
            "text": gap.answer or "",
            "title": gap.title or "",
            "source_uri": gap.source_uri,
        }
    names = (
        *("gap_id", "kind", "subject", "question", "score", "state", "mention_count", "looked_in"),
        *("created_at", "last_seen", "researched_at", "asked_at", "told_at"),
    )
    source = {"message_id": gap.message_id, "session_id": gap.session_id}
    return {**{name: getattr(gap, name) for name in names}, "finding": finding, "source": source}
