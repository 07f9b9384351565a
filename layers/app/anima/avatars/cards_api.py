"""HTTP of character cards and lorebooks of other programs."""

from __future__ import annotations

import hashlib
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from anima.avatars import cards_service
from anima.avatars.api import AVATAR_EXAMPLE, AvatarAnswer
from anima.avatars.cards_service import Brought
from anima.kernel import http, idempotency
from anima.kernel.serving import disposition
from anima.personality import cards

router = APIRouter(tags=["avatars"])

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes of a card)"}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_JSON_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"spec": "lorebook_v3", "data": {"entries": [{"keys": ["reef"], "content": "It is old."}]}},
            }
        },
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The card",
        "content": {kind: _BINARY for kind in ("image/png", "application/zip")}
        | {"application/json": {"schema": {"type": "object"}, "example": {"spec": "chara_card_v3"}}},
    }
}
_CARD = {
    "format": "v2",
    "container": "png",
    "name": "Aria",
    "creator": "somebody",
    "character_version": "1.0",
    "tags": ["singer"],
    "notes": "Best in the evening.",
    "greetings": 2,
    "lore_entries": 5,
    "picture": True,
}
_BROUGHT = {
    "avatar": AVATAR_EXAMPLE,
    "personality": {"persona": {"name": "Aria"}},
    "card": _CARD,
    "left_out": ["2 further files in the archive are not kept"],
}


class CardAnswer(BaseModel):
    """What a card says of itself."""

    format: str = Field(description="v1, v2 or v3")
    container: str = Field(description="png, json or charx")
    name: str
    creator: str
    character_version: str
    tags: list[str]
    notes: str = Field(description="What its author tells people; it never goes before a model")
    greetings: int
    lore_entries: int
    picture: bool


class CardBrought(BaseModel):
    """The avatar that was made of a card; null where it was only looked at."""

    avatar: AvatarAnswer | None
    personality: dict[str, Any]
    card: CardAnswer
    left_out: list[str] = Field(description="What of the card is not kept or not used, in words")


class LorebookPut(BaseModel):
    """A lorebook that was taken in."""

    entries: int
    left_out: list[str]


@router.post(
    "/cards",
    status_code=201,
    summary="Make an avatar of a character card",
    response_model=CardBrought,
    openapi_extra=_BODY,
    responses={**http.example(_BROUGHT, status=201), **http.problems(409, 413)},
)
async def bring(
    caller: http.Caller,
    request: Request,
    response: Response,
    name: Annotated[str | None, Query(min_length=1, max_length=100, description="None: that of the character")] = None,
    dry_run: Annotated[bool, Query(description="Only say (200) what it would become")] = False,
    idempotency_key: http.IdempotencyHeader = None,
) -> dict[str, Any]:
    """The bytes of a card V1, V2 or V3, as PNG, JSON or CharX (at most 16 MB), as they are. Its words are data: they
    become texts of a personality, and what its author asks for is told to the model as that, below the house's rules.
    """
    data = await request.body()
    if dry_run:
        response.status_code = 200
        return _told(await run_in_threadpool(cards_service.opened, data))
    asked = {"sha256": hashlib.sha256(data).hexdigest(), "name": name}
    key = idempotency.read_key(idempotency_key, "POST /cards", asked)
    return _told(await run_in_threadpool(cards_service.bring, caller, data, name, key))


def _told(found: Brought) -> dict[str, Any]:
    personality, source = found.personality, found.personality.get("source", {})
    greetings = [personality.get("first_message", ""), *personality.get("alternate_greetings", [])]
    card = {
        "format": found.card.form,
        "container": found.card.container,
        "name": personality["persona"]["name"],
        **{field: source.get(field, "") for field in ("creator", "character_version", "notes")},
        "tags": source.get("tags", []),
        "greetings": sum(bool(one.strip()) for one in greetings),
        "lore_entries": len(personality.get("lorebook", {}).get("entries", [])),
        "picture": found.card.picture is not None,
    }
    return {"avatar": found.avatar, "personality": personality, "card": card, "left_out": list(found.left_out)}


@router.get(
    "/avatars/{avatar_id}/card",
    summary="An avatar as a character card",
    response_class=Response,
    responses={**_FILE, **http.problems(404)},
)
def take_out(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    format: Annotated[Literal["png", "json", "charx"], Query(description="Kind of file")] = "png",
    version: Annotated[Literal["v2", "v3"] | None, Query(description="None: as it came in, else v3")] = None,
) -> Response:
    """For other programs. What came in with a card goes out again; nothing that it remembers of you is in it."""
    name, data = cards_service.taken_out(caller, avatar_id, format, version)
    headers = {"Content-Disposition": disposition(name, False), "Cache-Control": "no-store"}
    return Response(data, media_type=cards.FILES[format], headers=headers)


@router.get(
    "/avatars/{avatar_id}/lorebook",
    summary="An avatar's lorebook",
    responses={**http.example({"spec": "lorebook_v3", "data": {"entries": []}}), **http.problems(404)},
)
def get_lorebook(caller: http.Caller, avatar_id: uuid.UUID) -> dict[str, Any]:
    """By itself, as character cards V3 have it."""
    return cards_service.lorebook(caller, avatar_id)


@router.put(
    "/avatars/{avatar_id}/lorebook",
    summary="Give an avatar a lorebook",
    response_model=LorebookPut,
    openapi_extra=_JSON_BODY,
    responses={**http.example({"entries": 1, "left_out": []}), **http.problems(404, 413)},
)
async def put_lorebook(caller: http.Caller, avatar_id: uuid.UUID, request: Request) -> dict[str, Any]:
    """Instead of the one that it has: a lorebook V3, the book of a card, or world info; without entries it has none."""
    data = await request.body()
    avatar, left_out = await run_in_threadpool(cards_service.put_lorebook, caller, avatar_id, data)
    entries = avatar.personality.get("lorebook", {}).get("entries", [])
    return {"entries": len(entries), "left_out": list(left_out)}
