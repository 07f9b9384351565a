"""Sessions that an outside client knows by an id of its own: found, or begun, whoever comes first."""

from __future__ import annotations

import uuid

from anima.conversations import pins_repo
from anima.conversations.pins_repo import Pinned
from anima.conversations.turn_service import AvatarNotFound
from anima.kernel import clock, db
from anima.kernel.errors import BadInput, FieldError

__all__ = ["MOST_CHARS", "Pinned", "pin"]

MOST_CHARS = 200


def pin(
    principal: db.Principal,
    avatar: uuid.UUID | str,
    client_id: str,
    *,
    client: str,
    title: str | None = None,
    private: bool = False,
) -> Pinned:
    """The session with an avatar (id or name) that a client means by an id of its own, begun where it is not there.

    An id stands for one session with each avatar. `private` counts for one that begins. Raises AvatarNotFound,
    BadInput.
    """
    assert principal.user_id is not None, "sessions belong to somebody"
    if not 1 <= len(client_id) <= MOST_CHARS or not client_id.isprintable():
        wrong = FieldError("conversation", f"1 to {MOST_CHARS} printable characters")
        raise BadInput(reason="the id of the conversation is none", fields=[wrong])
    owner_id, at = principal.user_id, clock.now()
    with db.transaction(principal) as tx:
        pins_repo.make(tx, owner_id, avatar, client_id, client=client, title=title, private=private, at=at)
        found = pins_repo.pinned(tx, owner_id, avatar, client_id)
    pinned = found.first()
    if pinned is None:
        raise AvatarNotFound(avatar=avatar, fields=[FieldError("model", "an avatar of yours")])
    return pinned
