"""Notes that another program leaves for an avatar to remember, and what such a program may be told of its memory.

A note is recalled as what it is: a line that a program wrote, under that program's name. Facts and episodes are drawn
from the person's own words alone, so none is drawn from a note.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.conversations import notes_service as notes
from anima.gateway.model import limited, permits
from anima.kernel import clock, db
from anima.kernel.errors import BadInput, FieldError, NotFound
from anima.memory import index_service, lines_repo, owned_service, sensitivity
from anima.memory.model import Memory

PROGRAM = "mcp"
"""What rules of egress call programs that ask over that protocol."""
MOST_CHARS = 4000
_MOST_NAME = 80
_UNNAMED = "another program"


class NoteNotFound(NotFound):
    """There is no note {id} of a program. What was said in a talk stays there; forget the fact or the episode that was
    drawn from it.
    """

    slug = "note-not-found"


@dataclass(frozen=True, slots=True)
class Noted:
    """A note, by its message; `new`: it was not there yet."""

    message_id: int
    speaker: str
    new: bool


def note(principal: db.Principal, avatar_id: uuid.UUID, text: str, by: str | None = None) -> Noted:
    """Leaves a note for an avatar, once however often it comes. Raises AvatarNotFound, BadInput."""
    owner_id, content, speaker = owned_service.owner(principal), _checked(text), _speaker(by)
    session_id = notes.place(principal, avatar_id)
    vectors, model = owned_service.embedded(principal, [content])
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        known = notes.same(tx, owner_id, session_id, content).first()
        if known is not None:
            return Noted(known.message_id, speaker, False)
        added = notes.add(tx, owner_id, session_id, content, speaker).one()
        written = index_service.Written(added.message_id, session_id, content, clock.now(), vectors[0])
        index_service.add(tx, owner_id, avatar_id, [written], model)
    return Noted(added.message_id, speaker, True)


def forget(principal: db.Principal, avatar_id: uuid.UUID, message_id: int) -> None:
    """Deletes a note for good. Raises NoteNotFound, also for messages that are none."""
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        gone = notes.remove(tx, owner_id, avatar_id, message_id).first()
    if gone is None:
        raise NoteNotFound(id=message_id)


def barred(rules: Mapping[str, Any]) -> frozenset[str]:
    """The categories that an avatar's egress keeps from other programs."""
    return frozenset(one for one in limited(rules) if not permits(rules, one, PROGRAM))


def tellable(memories: Sequence[Memory], hidden: Collection[str]) -> list[Memory]:
    """Those memories that are in none of these categories."""
    return [one for one in memories if not _about(one, hidden)] if hidden else list(memories)


def _about(memory: Memory, among: Collection[str]) -> frozenset[str]:
    known = sensitivity.of_fact(memory.key) if memory.kind == "fact" else frozenset[str]()
    return (known & frozenset(among)) | sensitivity.categories(memory.text, among)


def _checked(text: str) -> str:
    content = text.strip()
    if not 1 <= len(content) <= MOST_CHARS:
        wrong = FieldError("text", f"1 to {MOST_CHARS} characters")
        raise BadInput(reason="a note says something, and is short", fields=[wrong])
    if "\x00" in content or any("\ud800" <= character <= "\udfff" for character in content):
        wrong = FieldError("text", "text without NUL characters and lone surrogates")
        raise BadInput(reason="the note holds a character that text cannot hold", fields=[wrong])
    return content


def _speaker(by: str | None) -> str:
    """Who wrote it, in words that nobody takes for the person or the avatar."""
    name = "".join(each if each.isprintable() else " " for each in by or "")
    name = " ".join(name.replace(":", " ").split())[:_MOST_NAME]
    return f"{name} (a program)" if name else _UNNAMED
