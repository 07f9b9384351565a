"""Character cards and lorebooks of other programs: an avatar made of one, and one made of an avatar."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from anima.avatars import pictures_service
from anima.avatars import service as avatars
from anima.avatars.service import Avatar, Changes, NameTaken, NewAvatar
from anima.kernel import db, idempotency
from anima.personality import cards, lorebooks

_NUMBERED = 20


@dataclass(frozen=True, slots=True)
class Brought:
    """What a card is, the personality in it, and the avatar that was made of it (None: nothing was made)."""

    card: cards.Card
    personality: dict[str, Any]
    left_out: tuple[str, ...]
    avatar: Avatar | None = None


def opened(data: bytes) -> Brought:
    """What a card would become. Raises UnreadableCard, TooLarge, InvalidPersonality."""
    card = cards.read(data)
    personality, left_out = cards.personality(card)
    return Brought(card, personality, left_out)


def bring(principal: db.Principal, data: bytes, name: str | None, key: idempotency.Key | None = None) -> Brought:
    """Makes an avatar of a card, wholly or not at all; without a name that of the character, numbered if it is taken.

    Raises what `opened` and the making of an avatar raise.
    """
    found = opened(data)
    picture = found.card.picture
    also = None if picture is None else partial(_keep, picture)
    own = str(found.personality["persona"]["name"])
    names = [name] if name is not None else [own, *(f"{own[:90]} {number}" for number in range(2, _NUMBERED))]
    for tried in names:
        try:
            avatar = avatars.create(principal, NewAvatar(tried, found.personality), key, also)
        except NameTaken:
            if tried == names[-1]:
                raise
        else:
            return Brought(found.card, found.personality, found.left_out, avatar)
    raise AssertionError("there is a last name")


def _keep(picture: bytes, tx: db.Transaction, avatar: Avatar) -> None:
    pictures_service.keep(tx, avatar, picture)


def taken_out(principal: db.Principal, avatar_id: uuid.UUID, container: str, version: str | None) -> tuple[str, bytes]:
    """An avatar's card as a file, and what to call it: as it came in, with what was changed since."""
    avatar = avatars.get(principal, avatar_id)
    picture = pictures_service.find(principal, avatar_id) if container != "json" else None
    data = cards.file(avatar.personality, container, version=version, picture=picture.picture if picture else None)
    return f"{avatar.name}.{container}", data


def lorebook(principal: db.Principal, avatar_id: uuid.UUID) -> dict[str, Any]:
    """An avatar's lorebook by itself, as V3 has it. Raises AvatarNotFound."""
    avatar = avatars.get(principal, avatar_id)
    return lorebooks.standalone(avatar.personality.get("lorebook", {"entries": []}))


def put_lorebook(principal: db.Principal, avatar_id: uuid.UUID, data: bytes) -> tuple[Avatar, tuple[str, ...]]:
    """Gives an avatar a lorebook instead of the one it has, whatever program it is of; one without entries: none."""
    book, left_out = lorebooks.read(data)
    avatar = avatars.get(principal, avatar_id)
    personality = {name: value for name, value in avatar.personality.items() if name != "lorebook"}
    if book["entries"]:
        personality["lorebook"] = book
    return avatars.patch(principal, avatar_id, Changes(personality=personality)), left_out
