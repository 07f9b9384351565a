"""Search in what is remembered, for the person whom it is of; and the erasure of all that stands in tables."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.memory import index_repo, owned_service
from anima.memory.index_repo import Erased
from anima.memory.model import Kind, Memory, without_names
from anima.memory.service import KINDS, begin_recall
from anima.vendors.embeddings.question import ask, keep

__all__ = ["Erased", "Search", "erase", "search"]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in memory. `at`: as it was known at that moment; `transcript_id`: in one import only."""

    query: str
    top_k: int = 10
    kinds: Sequence[Kind] = KINDS
    session_id: int | None = None
    at: datetime | None = None
    transcript_id: int | None = None


def search(principal: db.Principal, avatar_id: uuid.UUID, wanted: Search) -> list[Memory]:
    """What an avatar remembers about something, best first. Raises AvatarNotFound.

    The names of those who talk are in every sentence and say nothing of what is looked for: only whose words it is.
    """
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
    names = owned_service.existing(known, avatar_id).names
    question = replace(ask(without_names(wanted.query, names), tenant=owner_id), text=wanted.query)
    keep(question, owner_id)
    within: dict[str, Any] = {} if wanted.transcript_id is None else {"transcript_id": wanted.transcript_id}
    with db.transaction(principal) as tx:
        found = begin_recall(
            tx,
            owner_id,
            avatar_id,
            question,
            top_k=wanted.top_k,
            names=names,
            kinds=wanted.kinds,
            session_id=wanted.session_id,
            at=wanted.at,
            **within,
        )
    return found.memories()


def erase(tx: db.Transaction, owner_id: int) -> db.Pending[Erased]:
    """Deletes every fact, episode and entity of somebody and their whole index of messages, of all avatars.

    As part of a transaction that holds the lock of their memory: a reflection under way waits, and then finds nothing
    that it may keep. Sessions with their messages stay, as do affinity and moods.
    """
    return index_repo.erase(tx, owner_id)
