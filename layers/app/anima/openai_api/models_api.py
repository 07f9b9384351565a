"""The models of the OpenAI door: every avatar of the caller, and the language models that are configured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter

from anima.avatars import service as avatars
from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.kernel import clock, db, http
from anima.openai_api import embedding
from anima.openai_api.documented import answers, errors
from anima.openai_api.errors import NoSuchModel
from anima.openai_api.turns import AVATAR, avatar_of

router = APIRouter()

_PAGE = 100
_LUNA: dict[str, Any] = {
    "id": "avatar:luna",
    "object": "model",
    "created": 1769860800,
    "owned_by": "anima",
    "name": "Luna",
    "avatar": {"avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f", "name": "Luna", "bio": "", "model": None},
}
_PLAIN = {"id": "openai:gpt-6-luna", "object": "model", "created": 1769860800, "owned_by": "openai"}


@router.get(
    "/models",
    summary="Avatars and models",
    responses={**answers({"object": "list", "data": [_LUNA, _PLAIN]}), **errors()},
)
def list_models(caller: http.Caller) -> dict[str, Any]:
    """Your avatars (`avatar:<name>`, in the order in which they were made), then the models that are configured here.

    An avatar carries more than a model has: its `name`, and in `avatar` who it is.
    """
    return {"object": "list", "data": [*_avatars(caller), *(_shown(model) for model in gateway.configured())]}


@router.get("/models/{model_name:path}", summary="An avatar or a model", responses={**answers(_LUNA), **errors(404)})
def get_model(caller: http.Caller, model_name: str) -> dict[str, Any]:
    """One of those that the list names, an avatar also by its id, or the model of embeddings."""
    if avatar_of(model_name) is not None:
        return _avatar(avatars.find(caller, model_name.removeprefix(AVATAR).strip()))
    if embedding.is_meant(model_name, embedding.serving(caller)):
        return _entry(embedding.NAME, "anima")
    found = next((each for each in gateway.configured() if model_name in (each.id, each.name)), None)
    if found is None:
        raise NoSuchModel(model=model_name)
    return _shown(found)


def _avatars(caller: db.Principal) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = avatars.list_avatars(caller, cursor=cursor, limit=_PAGE)
        yield from map(_avatar, page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _avatar(avatar: avatars.Avatar) -> dict[str, Any]:
    told = {"avatar_id": str(avatar.avatar_id), "name": avatar.name, "bio": avatar.bio, "model": avatar.model}
    entry = _entry(f"{AVATAR}{avatar.name.lower()}", "anima", int(avatar.created_at.timestamp()))
    return {**entry, "name": avatar.name, "avatar": told}


def _shown(model: Model) -> dict[str, Any]:
    return {**_entry(model.id, model.provider), "context_length": model.context_len}


def _entry(name: str, owner: str, created: int | None = None) -> dict[str, Any]:
    made = int(clock.now().timestamp()) if created is None else created
    return {"id": name, "object": "model", "created": made, "owned_by": owner}
