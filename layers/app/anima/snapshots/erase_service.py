"""Erasing: all that is remembered, an avatar with all that is of it, and what either has left elsewhere.

What lies in tables goes in the transaction that is asked for; what has files follows at once, and an event sees to it
that it does if this process dies, and once more later, for what was just being written down.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import timedelta

from anima.avatars import service as avatars
from anima.chat import traces_service
from anima.conversations import service as conversations
from anima.kernel import clock, db, outbox
from anima.kernel.errors import NotFound, Unauthenticated
from anima.knowledge import documents_service
from anima.memory import remember_service, search_service
from anima.memory.search_service import Erased
from anima.snapshots import erase_repo as repo
from anima.style import own_service as style
from anima.vendors.cache import cache

ERASED = "memory.erased"
_LATE = timedelta(minutes=5)
"""So long, at most, somebody writes down what he read before."""


def erase_memory(principal: db.Principal) -> Erased:
    """Erases all that every avatar remembers of the caller: facts, episodes, people and places, the index of what was
    said, open questions, findings, summaries of sessions, the journal, how they write, and the memories in logs of
    answers.

    Sessions with their messages stay, as do affinity and moods. Nothing that was said before is remembered again.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        remember_service.lock(tx, owner_id)
        erased = search_service.erase(tx, owner_id)
        repo.forget_mind(tx, owner_id)
        style.forget_with(tx, owner_id)
        traces_service.forget_recalled(tx, owner_id)
        until = _noted(tx, owner_id)
    cache().forget(owner_id)
    forget_written(principal, owner_id, until)
    return erased.one()


def erase_avatar(principal: db.Principal, avatar_id: uuid.UUID, *, sessions: bool = False) -> None:
    """Removes an avatar with all that it remembers and found out; its sessions too if asked for, else they stay
    readable. Raises AvatarNotFound.
    """
    owner_id = _owner(principal)
    avatars.get(principal, avatar_id)
    if sessions:
        _erase_sessions(principal, owner_id, avatar_id)
    with db.transaction(principal) as tx:
        traces_service.forget_recalled(tx, owner_id, avatar_id)
        until = _noted(tx, owner_id, avatar_id)
    avatars.delete(principal, avatar_id)
    forget_written(principal, owner_id, until, avatar_id)


def forget_written(owner: db.Principal, owner_id: int, until: int, avatar_id: uuid.UUID | None = None) -> None:
    """Removes documents in which was written down what was remembered; twice is once."""
    with db.transaction(owner) as tx:
        found = repo.written(tx, owner_id, until, avatar_id)
    for one in found.all():
        _delete(owner, one.document_id)


def follow(event: outbox.Event) -> None:
    """Does what is left of erasing memory."""
    avatar_id = event.payload.get("avatar_id")
    until = int(event.payload["until"])
    forget_written(event.owner, event.owner_id, until, uuid.UUID(avatar_id) if avatar_id else None)


def _noted(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None = None) -> int:
    """Has what was written down forgotten, now and a while later; answers the newest document that may be."""
    until = repo.newest(tx, owner_id).one().document_id
    payload = {"until": until, **({"avatar_id": str(avatar_id)} if avatar_id else {})}
    for not_before in (None, clock.now() + _LATE):
        outbox.emit(tx, ERASED, f"erased:{uuid.uuid4()}", owner_id, payload, not_before=not_before)
    return until


def _erase_sessions(principal: db.Principal, owner_id: int, avatar_id: uuid.UUID) -> None:
    with db.transaction(principal) as tx:
        brought = repo.transcripts(tx, owner_id, avatar_id)
    for one in brought.all():
        _delete(principal, one.document_id)
    while True:
        with db.transaction(principal) as tx:
            found = repo.sessions(tx, owner_id, avatar_id).all()
        if not found:
            return
        for each in found:
            with suppress(NotFound):  # somebody else was faster
                conversations.delete_session(principal, each.session_id)


def _delete(owner: db.Principal, document_id: int) -> None:
    with suppress(NotFound):
        documents_service.delete_document(owner, document_id)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id
