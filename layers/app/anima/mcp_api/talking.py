"""A turn for another agent: in a private session, and with nothing told that its avatar keeps from other programs."""

from __future__ import annotations

from typing import Any

from anima.avatars.service import Avatar
from anima.chat import service
from anima.chat.model import Answer, Finished, TurnRequest
from anima.conversations import pins_service
from anima.kernel import db
from anima.kernel.errors import Forbidden
from anima.memory import notes_service, sensitivity


class KeptBack(Forbidden):
    """The avatar keeps this from other programs, as its egress says: {categories}."""

    slug = "kept-back"


def talk(caller: db.Principal, avatar: Avatar, message: str, conversation: str | None) -> dict[str, Any]:
    """What the avatar answers. Raises KeptBack, and what a turn raises."""
    hidden = notes_service.barred(avatar.egress)
    if about := sensitivity.asked(message, hidden):
        raise KeptBack(categories=", ".join(sorted(about)), reason="")
    events = service.reply(caller, _turn(caller, avatar, message, conversation))
    answer = next(event.answer for event in events if isinstance(event, Finished))
    if about := sensitivity.categories(answer.content, hidden):
        raise KeptBack(categories=", ".join(sorted(about)), reason="")
    return _told(avatar, answer, conversation)


def _turn(caller: db.Principal, avatar: Avatar, message: str, conversation: str | None) -> TurnRequest:
    if conversation is None:
        return TurnRequest(message, avatar=avatar.avatar_id, history=(), client="mcp")
    pinned = pins_service.pin(caller, avatar.avatar_id, f"mcp:{conversation}", client="mcp", private=True)
    return TurnRequest(message, pinned.session_id, client="mcp")


def _told(avatar: Avatar, answer: Answer, conversation: str | None) -> dict[str, Any]:
    waits = answer.finish == "approval"
    words = answer.content or ("This waits until the person allows a tool in Anima." if waits else "")
    return {
        "avatar": avatar.name,
        "answer": words,
        "conversation": conversation,
        "finish": answer.finish,
        "citations": [{"title": one.title, "source": one.source_uri, "quote": one.quote} for one in answer.citations],
        "media": answer.media_refs,
    }
