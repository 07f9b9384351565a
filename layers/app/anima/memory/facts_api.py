"""HTTP of facts: what an avatar knows of its owner, to see with its history, to correct, to pin and to forget."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from anima.kernel import http
from anima.memory import facts_service
from anima.memory.changes_api import CHANGED, Now, Tags, mark
from anima.memory.facts_model import Fact, Mention
from anima.memory.keys import reading

router = APIRouter(tags=["memory"])

Status = Literal["unconfirmed", "confirmed"]
Origin = Literal["said", "proposed", "corrected", "consolidated", "imported"]

FACT_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
FACT_EXAMPLE: dict[str, Any] = {
    "id": FACT_ID,
    "category": "preferences",
    "key": "dislikes:olives",
    "value": "olives",
    "text": "The user dislikes olives.",
    "status": "confirmed",
    "confidence": 0.9,
    "mention_count": 2,
    "first_mentioned": "2026-01-05T09:30:00Z",
    "last_updated": "2026-01-09T18:02:11Z",
    "tags": [],
    "context": "",
    "is_active": True,
    "superseded_by": None,
    "true_from": None,
    "true_until": None,
    "learned_at": "2026-01-05T09:30:00Z",
    "ended_at": None,
    "pinned": False,
    "origin": "said",
    "entity": None,
    "source": {"message_id": 17, "session_id": 4, "evidence": "I hate olives"},
}
_WHOLE_EXAMPLE: dict[str, Any] = {
    **FACT_EXAMPLE,
    "history": [],
    "mentions": [
        {
            "fact_id": FACT_ID,
            "message_id": 17,
            "session_id": 4,
            "date": "2026-01-05T09:30:00Z",
            "evidence": "I hate olives",
            "gone": False,
        }
    ],
}


class FactSource(BaseModel):
    """Where a fact comes from: the message and the words in it; none where its owner corrected it."""

    message_id: int | None
    session_id: int | None
    evidence: str


class EntityOfFact(BaseModel):
    """Whom or what a fact is about."""

    entity_id: uuid.UUID
    name: str


class FactOut(BaseModel):
    """Something that an avatar knows of its owner.

    It was true from `true_from` until `true_until`, as far as that is known; the avatar knew it from `learned_at` until
    `ended_at`.
    """

    id: uuid.UUID
    category: str
    key: str
    value: JsonValue
    text: str
    status: Status
    confidence: float
    mention_count: int
    first_mentioned: datetime
    last_updated: datetime
    tags: list[str]
    context: str
    is_active: bool
    superseded_by: uuid.UUID | None
    true_from: datetime | None
    true_until: datetime | None
    learned_at: datetime
    ended_at: datetime | None
    pinned: bool
    origin: Origin
    entity: EntityOfFact | None
    source: FactSource


class MentionOut(BaseModel):
    """A message that spoke of a fact, in its words; `gone`: it said that it holds no more."""

    fact_id: uuid.UUID
    message_id: int
    session_id: int
    date: datetime
    evidence: str
    gone: bool


class WholeFactOut(FactOut):
    """A fact with what stood in its place before and after, and the messages that spoke of them, latest first."""

    history: list[FactOut]
    mentions: list[MentionOut]


class FactPatch(http.Body):
    """What to correct of a fact. Another value counts as confirmed, and the old one stays as history.

    A date that is null is cleared; what is absent stays as it is.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"value": "capers"}]})

    value: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")] | int | float | None = None
    key: Annotated[str, Field(min_length=1, max_length=100, description="A kind of fact, as `home`")] | None = None
    confirmed: bool | None = None
    pinned: bool | None = None
    tags: Tags | None = None
    context: Annotated[str, Field(max_length=2000)] | None = None
    true_from: AwareDatetime | None = None
    true_until: AwareDatetime | None = None


@router.get(
    "/avatars/{avatar_id}/facts",
    summary="What an avatar knows of you",
    response_model=http.Items[FactOut],
    responses={**http.example({"items": [FACT_EXAMPLE], "next_cursor": None}), **http.problems(404)},
)
def list_facts(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    category: Annotated[str | None, Query(max_length=50, description="Only this category, as `health`")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Only those in which this stands")] = None,
    history: Annotated[bool, Query(description="Also what holds no more")] = False,
    at: Annotated[AwareDatetime | None, Query(description="What was known at this moment; none: now")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> http.Items[FactOut]:
    """Facts, newest first, each with the message and the words that it comes from."""
    found = facts_service.facts(
        caller, avatar_id, category=category, q=q, history=history, at=at, limit=limit, cursor=cursor
    )
    return http.Items(items=[fact_out(each) for each in found.items], next_cursor=found.next_cursor)


@router.get(
    "/avatars/{avatar_id}/facts/{fact_id}",
    summary="A fact with its history",
    response_model=WholeFactOut,
    responses={**http.example(_WHOLE_EXAMPLE), **http.problems(404)},
)
def get_fact(caller: http.Caller, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> WholeFactOut:
    """A fact, what stood in its place before and after, and every message that spoke of it."""
    found = facts_service.fact(caller, avatar_id, fact_id)
    history = [fact_out(each) for each in found.history]
    mentions = [_mention(each) for each in found.mentions]
    return WholeFactOut(**fact_out(found.fact).model_dump(), history=history, mentions=mentions)


@router.patch(
    "/avatars/{avatar_id}/facts/{fact_id}",
    summary="Correct a fact",
    response_model=FactOut,
    responses={
        **http.example({**FACT_EXAMPLE, "key": "dislikes:capers", "value": "capers", "origin": "corrected"}),
        **http.problems(404, 409),
    },
)
def correct_fact(
    caller: http.Caller, avatar_id: uuid.UUID, fact_id: uuid.UUID, body: FactPatch, response: Response
) -> FactOut:
    """Corrects, confirms or pins a fact. What it was stays as history (`history=true` lists it).

    The header `Anima-Change` names the change, to undo it within a day.
    """
    given = {name: getattr(body, name) for name in body.model_fields_set}
    cleared = frozenset(name for name in ("true_from", "true_until") if name in given and given[name] is None)
    change = facts_service.FactChange(**given, cleared=cleared)
    fact, change_id = facts_service.correct_fact(caller, avatar_id, fact_id, change)
    mark(response, change_id)
    return fact_out(fact)


@router.delete(
    "/avatars/{avatar_id}/facts/{fact_id}",
    summary="Forget a fact",
    status_code=204,
    responses={**CHANGED, **http.problems(404)},
)
def forget_fact(
    caller: http.Caller, avatar_id: uuid.UUID, fact_id: uuid.UUID, response: Response, now: Now = False
) -> None:
    """Deletes a fact with its history, and the episodes that tell of it (but pinned ones).

    The messages that it came from stay in their sessions, but are recalled no more. The header `Anima-Change` names the
    change, to undo it within a day; with `now=true` nothing is kept to undo it.
    """
    mark(response, facts_service.forget_fact(caller, avatar_id, fact_id, now=now))


def fact_out(fact: Fact) -> FactOut:
    """A fact as it is shown."""
    source = FactSource(message_id=fact.source_message_id, session_id=fact.session_id, evidence=fact.evidence)
    shown = {name: value for name, value in asdict(fact).items() if name in FactOut.model_fields}
    text = reading(fact.key, fact.value, fact.status == "confirmed", fact.evidence)
    entity = None
    if fact.entity_id is not None and fact.entity_name is not None:
        entity = EntityOfFact(entity_id=fact.entity_id, name=fact.entity_name)
    confidence = round(fact.confidence, 4)
    return FactOut(**{**shown, "confidence": confidence}, text=text, source=source, entity=entity)


def _mention(mention: Mention) -> MentionOut:
    return MentionOut(**asdict(mention))
