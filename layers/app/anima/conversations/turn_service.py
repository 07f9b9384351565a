"""What a turn asks of its conversation, within the transaction that the turn holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from anima.conversations import turn_repo
from anima.conversations.model import Enclosed, Partner, Past, Session, TurnContext
from anima.conversations.turn_repo import ToAnswer
from anima.kernel import clock, db, outbox
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound


class SessionNotFound(NotFound):
    """There is no session {session_id} of yours."""

    slug = "session-not-found"


class AvatarNotFound(NotFound):
    """There is no avatar {avatar} of yours."""

    slug = "avatar-not-found"


class MessageNotFound(NotFound):
    """There is no message {message_id} here that this could be done with."""

    slug = "message-not-found"


class OnlyOwnWords(BadInput):
    """Message {message_id} is not yours to edit: only what you said yourself is."""

    slug = "only-own-words"


class MediaNotFound(NotFound):
    """Some of the media {media_ids} are not yours or not there."""

    slug = "media-not-found"


class OtherAvatar(Conflict):
    """The session is with another avatar; begin a new one, or leave the avatar out."""

    slug = "other-avatar"


@dataclass(frozen=True, slots=True)
class PendingContext:
    """A turn's context on its way; `get` waits for it."""

    _opened: db.Pending[turn_repo.Opened]
    _branch: db.Pending[Past] | None
    _session_id: int | None
    _avatar: uuid.UUID | str | None
    _parent_message_id: int | None
    _media: db.Pending[Enclosed] | None
    _media_ids: Sequence[int]
    _edits: int | None = None
    _edited: db.Pending[turn_repo.Edited] | None = None

    def get(self) -> TurnContext:
        """The context. Raises SessionNotFound, AvatarNotFound, MessageNotFound, OnlyOwnWords, OtherAvatar,
        MediaNotFound.
        """
        opened = self._opened.first()
        if opened is None:
            if self._session_id is not None:
                raise SessionNotFound(session_id=self._session_id)
            raise AvatarNotFound(avatar=self._avatar, fields=[FieldError("avatar_id", "an avatar of yours")])
        self._check_avatar(opened)
        history = self._branch.all() if self._branch else []
        if self._parent_message_id is not None and not history:
            wrong = FieldError("parent_message_id", "a message of this session")
            raise MessageNotFound(message_id=self._parent_message_id, fields=[wrong])
        self._check_edited()
        media = self._media.all() if self._media is not None else []
        _check_media({one.media_id for one in media}, self._media_ids)
        return TurnContext(as_session(opened), _partner(opened), history, self._session_id is None, media)

    def _check_edited(self) -> None:
        if self._edits is None:
            return
        found = self._edited.first() if self._edited else None
        if found is None:
            wrong = FieldError("edit_message_id", "a message of this session")
            raise MessageNotFound(message_id=self._edits, fields=[wrong])
        if found.role != "user":
            raise OnlyOwnWords(message_id=self._edits, fields=[FieldError("edit_message_id", "a message of yours")])

    def _check_avatar(self, opened: turn_repo.Opened) -> None:
        if self._session_id is None or self._avatar is None:
            return
        if isinstance(self._avatar, uuid.UUID):
            same = opened.avatar_id == self._avatar
        else:
            same = (opened.avatar_name or "").casefold() == self._avatar.casefold()
        if not same:
            raise OtherAvatar(fields=[FieldError("avatar_id", "the avatar of the session, or none")])


def begin_turn_context(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: int | None = None,
    avatar: uuid.UUID | str | None = None,
    private: bool = False,
    closed: bool = False,
    title: str | None = None,
    parent_message_id: int | None = None,
    history_limit: int = 40,
    media_ids: Sequence[int] = (),
    edits: int | None = None,
    message_id: int | None = None,
) -> PendingContext:
    """Asks for session, avatar and branch without looking at anything.

    Without `session_id` a session is made, with the avatar (id or name), or with the person's first one: a `private`
    one is not remembered, a `closed` one is over as it begins. `edits` is a message that another will replace: the
    branch is what led to it. `message_id` is one that is stored, which may have files.
    """
    edited = None if edits is None else turn_repo.edited(tx, owner_id, session_id or 0, edits)
    if session_id is None:
        opened = begin_session(tx, owner_id, avatar=avatar, private=private, title=title, closed=closed)
        branch = None
        if parent_message_id is not None:  # a new session holds no message, and says so
            branch = turn_repo.branch(tx, owner_id, 0, parent_message_id, 1)
    else:
        opened = turn_repo.session(tx, owner_id, session_id)
        branch = turn_repo.branch(tx, owner_id, session_id, parent_message_id, history_limit, edits)
    asked_for = bool(media_ids) or message_id is not None
    media = turn_repo.media(tx, owner_id, media_ids, message_id) if asked_for else None
    return PendingContext(opened, branch, session_id, avatar, parent_message_id, media, media_ids, edits, edited)


def to_answer(principal: db.Principal, message_id: int) -> ToAnswer:
    """What is to be answered (again), by its own id or by that of an answer to it. Raises MessageNotFound."""
    assert principal.user_id is not None, "messages belong to somebody"
    with db.transaction(principal) as tx:
        found = turn_repo.to_answer(tx, principal.user_id, message_id)
    message = found.first()
    if message is None:
        raise MessageNotFound(message_id=message_id)
    return message


def begin_session(
    tx: db.Transaction,
    owner_id: int,
    *,
    avatar: uuid.UUID | str | None,
    private: bool,
    title: str | None,
    closed: bool = False,
) -> db.Pending[turn_repo.Opened]:
    """Makes a session without looking; no row comes back where the avatar that was named is not there."""
    avatar_id = avatar if isinstance(avatar, uuid.UUID) else None
    name = avatar if isinstance(avatar, str) else None
    return turn_repo.new_session(tx, owner_id, avatar_id, name, title, private, clock.now(), closed)


def announce_media(tx: db.Transaction, owner_id: int, session: Session, media_ids: Sequence[int]) -> None:
    """Documents are made of the media of a message, so that they are found later; not of those of a private session."""
    if media_ids and not session.private:
        key = f"media:{session.session_id}"
        outbox.emit(tx, "media.attached", key, owner_id, {"media_ids": list(media_ids)})


def media_refs(principal: db.Principal, media_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Media as an answer names them: media_id, media_type, mime_type, url."""
    assert principal.user_id is not None, "media belong to somebody"
    with db.transaction(principal) as tx:
        found = turn_repo.shown(tx, principal.user_id, media_ids)
    return [{**asdict(one), "url": f"/api/v1/media/{one.media_id}/content"} for one in found.all()]


def _check_media(found: set[int], media_ids: Sequence[int]) -> None:
    if not found.issuperset(media_ids):
        wrong = FieldError("media", "ids of media of yours")
        raise MediaNotFound(media_ids=", ".join(map(str, media_ids)), fields=[wrong])


def as_session(opened: turn_repo.Opened) -> Session:
    """The session alone."""
    return Session(
        opened.session_id,
        opened.avatar_id,
        opened.avatar_name,
        opened.title,
        opened.private,
        opened.started_at,
        opened.ended_at,
    )


def _partner(opened: turn_repo.Opened) -> Partner | None:
    if opened.avatar_id is None:
        return None
    return Partner(
        opened.avatar_id,
        opened.avatar_name or "",
        opened.personality_name or "",
        opened.personality or {},
        opened.model,
        opened.switches or {},
        opened.egress or {},
    )
