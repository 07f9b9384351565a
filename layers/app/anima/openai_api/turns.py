"""From what a client of OpenAI's protocol sends to a turn: with whom, in which session, with which pictures."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anima.chat.model import Answer, TurnRequest, shortened
from anima.conversations import media_service, pins_service
from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError
from anima.openai_api.errors import NotHere
from anima.openai_api.told import Told

AVATAR = "avatar:"
_TITLE_CHARS = 60
_MOST_PICTURES = 16
_PICTURE_BYTES = 8_000_000
_OWN = "X-Conversation-Id"
_OPEN_WEBUI = "X-OpenWebUI-Chat-Id"
_PASSING = ("local:", "channel:")
"""Chats that Open WebUI itself does not keep, and those of many people."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The id by which a client knows a conversation; `whole`: it tells all of it with every call."""

    client_id: str
    client: str = "openai"
    whole: bool = False


def avatar_of(model: str) -> uuid.UUID | str | None:
    """The avatar, by id or name, that a model stands for; none where it is no avatar."""
    if not model.startswith(AVATAR):
        return None
    name = model.removeprefix(AVATAR).strip()
    try:
        return uuid.UUID(name)
    except ValueError:
        return name


def conversation_of(headers: Mapping[str, str], *, streamed: bool) -> Conversation | None:
    """The conversation that a request belongs to by its headers; none: it tells it itself, and nothing is kept.

    What Open WebUI sends counts only for what is streamed: its calls for titles, tags and further questions carry
    the same id and are not. A header whose variable its client has not filled in is none.
    """
    own = headers.get(_OWN, "").strip()
    if own and "{{" not in own and own != "new":
        return Conversation(own)
    chat = headers.get(_OPEN_WEBUI, "").strip()
    if chat and streamed and not chat.startswith(_PASSING):
        return Conversation(f"openwebui:{chat}", "openwebui", whole=True)
    return None


def turn(
    caller: db.Principal,
    avatar: uuid.UUID | str,
    told: Told,
    conversation: Conversation | None,
    *,
    streamed: bool,
    country: str | None,
) -> TurnRequest:
    """The turn that is asked for: in the session that the client means, else as a replay of what it tells.

    Raises AvatarNotFound, BadInput, NotHere, UnknownMedium, TooLarge.
    """
    media = tuple(_stored(caller, each) for each in _few(told.pictures))
    if conversation is None:
        return TurnRequest(
            told.message,
            avatar=avatar,
            stream=streamed,
            media=media,
            country=country,
            history=told.history,
            client="openai",
        )
    title = shortened(told.message, _TITLE_CHARS) or None
    pinned = pins_service.pin(caller, avatar, conversation.client_id, client=conversation.client, title=title)
    if is_again(pinned, told, conversation):
        return TurnRequest("", stream=streamed, country=country, answers=pinned.message_id, client="openai")
    return TurnRequest(told.message, pinned.session_id, stream=streamed, media=media, country=country, client="openai")


def beginning(
    caller: db.Principal, avatar: uuid.UUID | str, told: Told, *, streamed: bool, country: str | None
) -> TurnRequest:
    """The first turn of a session that is kept. What the client says as the system is passed over in those."""
    media = tuple(_stored(caller, each) for each in _few(told.pictures))
    return TurnRequest(told.message, avatar=avatar, stream=streamed, media=media, country=country, client="openai")


def going_on(
    caller: db.Principal,
    avatar: uuid.UUID | str,
    told: Told,
    before: Answer,
    *,
    streamed: bool,
    country: str | None,
) -> TurnRequest:
    """The turn that follows an answer, as a branch where others followed it already."""
    first = beginning(caller, avatar, told, streamed=streamed, country=country)
    return replace(first, session_id=before.session_id, parent_message_id=before.message_id)


def is_again(pinned: pins_service.Pinned, told: Told, conversation: Conversation) -> bool:
    """Whether the newest message is the one that was answered last, sent once more for another answer.

    A client that tells the whole conversation leaves that answer out then. One whose message was never answered, as
    after a fault, is answered now.
    """
    if pinned.message is None or pinned.message.strip() != told.message.strip():
        return False
    if pinned.answer is None:
        return True
    whole = conversation.whole or told.has_past
    return whole and (told.answer_before or "").strip() != pinned.answer.strip()


def _few(pictures: Sequence[str]) -> Sequence[str]:
    if len(pictures) > _MOST_PICTURES:
        wrong = FieldError("messages", f"at most {_MOST_PICTURES} pictures in a message")
        raise BadInput(reason="there are too many pictures", fields=[wrong])
    return pictures


def _stored(caller: db.Principal, address: str) -> int:
    """The medium of a picture that came in the message itself."""
    head, _, content = address.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        wrong = FieldError("messages", "data:image/png;base64,…")
        raise NotHere(reason="a picture is sent in the message, not by its address", fields=[wrong])
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        wrong = FieldError("messages", "data:image/png;base64,…")
        raise BadInput(reason="a picture is not base64", fields=[wrong]) from None
    return media_service.store(caller, data, limit=_PICTURE_BYTES).media_id
