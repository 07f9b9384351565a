"""Rules of sessions and their history."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from anima.conversations import removal_repo, repo, turn_service
from anima.conversations.model import Added, Message, Session
from anima.conversations.turn_service import AvatarNotFound, MessageNotFound, SessionNotFound
from anima.kernel import db, idempotency, outbox, pages
from anima.kernel.errors import BadInput, FieldError
from anima.vendors.blobs import blobs

Order = Literal["oldest", "newest"]
Branches = Literal["current", "all"]


def create_session(
    principal: db.Principal,
    *,
    avatar: uuid.UUID | str | None = None,
    private: bool = False,
    title: str | None = None,
    key: idempotency.Key | None = None,
) -> Session:
    """Begins a session with an avatar (id or name; none: the person's first one). Raises AvatarNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        kept = idempotency.settled(tx, owner_id, key, entered)
        if kept is not None:
            return _from_json(kept)
        opened = turn_service.begin_session(tx, owner_id, avatar=avatar, private=private, title=title).first()
        if opened is None:
            raise AvatarNotFound(avatar=avatar, fields=[FieldError("avatar_id", "an avatar of yours")])
        session = turn_service.as_session(opened)
        idempotency.finish(tx, owner_id, key, _as_json(session))
    return session


def get_session(principal: db.Principal, session_id: int) -> Session:
    """One session. Raises SessionNotFound."""
    with db.transaction(principal) as tx:
        found = repo.session(tx, _owner(principal), session_id)
    session = found.first()
    if session is None:
        raise SessionNotFound(session_id=session_id)
    return session


def list_sessions(
    principal: db.Principal, *, cursor: str | None, limit: int, avatar_id: uuid.UUID | None = None
) -> pages.Page[Session]:
    """Sessions, newest first; those with one avatar only where it is named."""
    with db.transaction(principal) as tx:
        found = repo.sessions(tx, _owner(principal), avatar_id, _position(cursor), limit + 1)
    return pages.page(found.all(), limit, lambda one: (one.started_at.isoformat(), one.session_id))


def history(
    principal: db.Principal,
    session_id: int,
    *,
    cursor: str | None,
    limit: int,
    order: Order = "oldest",
    leaf: int | None = None,
    branches: Branches = "current",
) -> pages.Page[Message]:
    """The messages of a branch, or of all, from either end: that of the newest message, or that which goes through
    `leaf`. Raises SessionNotFound, MessageNotFound.
    """
    owner_id, position = _owner(principal), _position(cursor)
    messages = repo.oldest_messages if order == "oldest" else repo.newest_messages
    with db.transaction(principal) as tx:
        there = repo.own_session(tx, owner_id, session_id)
        known = None if leaf is None else repo.own_message(tx, owner_id, session_id, leaf)
        found = messages(tx, owner_id, session_id, position, limit + 1, leaf, branches == "all")
    if there.first() is None:
        raise SessionNotFound(session_id=session_id)
    if known is not None and known.first() is None:
        raise MessageNotFound(message_id=leaf, fields=[FieldError("leaf", "a message of this session")])
    return pages.page(found.all(), limit, lambda one: (one.created_at.isoformat(), one.message_id))


def delete_session(principal: db.Principal, session_id: int) -> None:
    """Removes a session with all that was said in it and all that was logged of it; of a private one also the files
    that came along in it alone. Raises SessionNotFound.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        media = removal_repo.private_media(tx, owner_id, session_id).all()
        removal_repo.delete_traces(tx, owner_id, session_id)
        if not removal_repo.delete_session(tx, owner_id, session_id).count():
            raise SessionNotFound(session_id=session_id)
        if media:  # before the commit: what fails here is deleted when it is asked for again
            for file in removal_repo.delete_media(tx, owner_id, [one.media_id for one in media]).all():
                blobs().delete(file.storage_uri)
        outbox.emit(tx, "session.deleted", f"deleted:session:{session_id}", owner_id, {"session_id": session_id})


def add_message(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: int,
    role: str,
    content: str,
    parent_message_id: int | None = None,
    avatar_id: uuid.UUID | None = None,
    media_ids: Sequence[int] = (),
) -> db.Pending[Added]:
    """Adds a message, of the person for the role user, else of the avatar; nothing is looked at."""
    return repo.add_message(tx, owner_id, session_id, role, content, parent_message_id, avatar_id, media_ids)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "sessions belong to somebody"
    return principal.user_id


def _position(cursor: str | None) -> tuple[datetime, int] | None:
    decoded = pages.decode(cursor, 2)
    if decoded is None:
        return None
    try:
        time, last = datetime.fromisoformat(decoded[0]), int(decoded[1])
    except (TypeError, ValueError):
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong]) from None
    if time.tzinfo is None or not 0 <= last < 2**63:
        raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor")])
    return time, last


def _as_json(session: Session) -> dict[str, Any]:
    return {
        **asdict(session),
        "avatar_id": session.avatar_id and str(session.avatar_id),
        "started_at": session.started_at.isoformat(),
    }


def _from_json(kept: dict[str, Any]) -> Session:
    avatar_id = kept["avatar_id"]
    return Session(
        **{
            **kept,
            "avatar_id": uuid.UUID(avatar_id) if avatar_id else None,
            "started_at": datetime.fromisoformat(kept["started_at"]),
        }
    )
