"""Sessions, turns, what was asked and answered, feedback, and files that come along."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack
from uuid import UUID

from anima.client.call import Given, present
from anima.client.files import read
from anima.client.operations import listing, operation, streaming
from anima.client.results.talk import Answer, Feedback, LoggedRequest, LoggedResponse, Medium, Message, Session


class TurnOptions(TypedDict, total=False):
    """What may come with a message. `edit_message_id` is a message of yours that this one replaces (a branch)."""

    avatar_id: UUID | str | None
    parent_message_id: int | None
    edit_message_id: int | None
    media: Sequence[int]
    model: str | None


def _turn(session_id: int | None, message: str, options: TurnOptions, *, stream: bool) -> Given:
    body = present(message=message, session_id=session_id, stream=stream or None, **options)
    return Given(body=body, headers={"Accept": "text/event-stream"} if stream else {})


class Talk:
    """Talking with avatars."""

    @operation("POST", "/sessions", Session)
    def create_session(
        self,
        avatar_id: UUID | str | None = None,
        *,
        avatar: str | None = None,
        title: str | None = None,
        private: bool = False,
    ) -> Given:
        """A new session with an avatar, by its id or its name; a private one is remembered by nobody."""
        return Given(body=present(avatar_id=avatar_id, avatar=avatar, title=title, private=private))

    @listing("/sessions", Session)
    def list_sessions(self, avatar_id: UUID | str | None = None) -> Given:
        """Your sessions, newest first."""
        return Given(query=present(avatar_id=avatar_id))

    @operation("GET", "/sessions/{session_id}", Session)
    def get_session(self, session_id: int) -> Given:
        """One session."""
        return Given(at={"session_id": session_id})

    @operation("DELETE", "/sessions/{session_id}")
    def delete_session(self, session_id: int) -> Given:
        """Deletes a session with its messages and what was made of them."""
        return Given(at={"session_id": session_id})

    @listing("/sessions/{session_id}/messages", Message)
    def list_messages(
        self,
        session_id: int,
        *,
        order: Literal["oldest", "newest"] = "oldest",
        leaf: int | None = None,
        branches: Literal["current", "all"] = "current",
    ) -> Given:
        """What was said in a session: its current branch, the one that ends at `leaf`, or all of them."""
        return Given({"session_id": session_id}, present(order=order, leaf=leaf, branches=branches))

    @operation("POST", "/chat", Answer)
    def send_message(self, session_id: int | None, message: str, **options: Unpack[TurnOptions]) -> Given:
        """Says something and waits for the whole answer. Without a session a new one begins."""
        return _turn(session_id, message, options, stream=False)

    @streaming("POST", "/chat")
    def stream_message(self, session_id: int | None, message: str, **options: Unpack[TurnOptions]) -> Given:
        """Says something and hears the answer as it comes; the stream is opened when it is entered or iterated."""
        return _turn(session_id, message, options, stream=True)

    @operation("POST", "/messages/{message_id}/regenerate", Answer)
    def regenerate(self, message_id: int, *, model: str | None = None) -> Given:
        """Another answer beside the one that is there."""
        return Given({"message_id": message_id}, body=present(model=model))

    @streaming("POST", "/messages/{message_id}/regenerate")
    def stream_regenerate(self, message_id: int, *, model: str | None = None) -> Given:
        """Another answer beside the one that is there, as it comes."""
        body = present(model=model, stream=True)
        return Given({"message_id": message_id}, body=body, headers={"Accept": "text/event-stream"})

    @operation("GET", "/requests/{request_id}", LoggedRequest)
    def get_request(self, request_id: int) -> Given:
        """What a model was asked."""
        return Given(at={"request_id": request_id})

    @operation("GET", "/responses/{response_id}", LoggedResponse)
    def get_response(self, response_id: int) -> Given:
        """An answer as it was given, with its feedback."""
        return Given(at={"response_id": response_id})

    @operation("POST", "/responses/{response_id}/feedback", Feedback)
    def give_feedback(self, response_id: int, rating: int, comment: str | None = None) -> Given:
        """Rates an answer from 1 (bad) to 5 (good); a later rating replaces the earlier one."""
        return Given({"response_id": response_id}, body=present(rating=rating, comment=comment))

    @operation("POST", "/media", Medium)
    def store_medium(self, file: Path | str | bytes, *, name: str | None = None) -> Given:
        """Keeps a file that a message can bring along (`media=[medium.media_id]`): a path, or bytes and a name."""
        called, content = read(file, name)
        kind = mimetypes.guess_type(called)[0] or "application/octet-stream"
        return Given(files={"file": (called, content, kind)})

    @operation("GET", "/media/{media_id}", Medium)
    def get_medium(self, media_id: int) -> Given:
        """What a stored file is."""
        return Given(at={"media_id": media_id})

    @operation("GET", "/media/{media_id}/content", bytes)
    def get_medium_content(self, media_id: int) -> Given:
        """The bytes of a stored file."""
        return Given(at={"media_id": media_id})
