"""Makes messages findable that another room has written: their vectors and their words go into the index."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.kernel.terms import counts
from anima.memory import index_repo
from anima.memory.index_repo import Entry


@dataclass(frozen=True, slots=True)
class Written:
    """A message of a session, as it is indexed, with the vector of its words."""

    message_id: int
    session_id: int
    content: str
    created_at: datetime
    vector: Sequence[float]


def serving(tx: db.Transaction) -> str | None:
    """The embedding model that everything was moved to, if it ever was."""
    found = index_repo.serving(tx).first()
    return found.name if found is not None else None


def add(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, messages: Sequence[Written], embedding_model: str
) -> None:
    """Indexes messages in the caller's transaction; those of one session stand together. What is there stays."""
    by_session: dict[int, list[Entry]] = {}
    for each in messages:
        entry = Entry(each.message_id, each.content, each.created_at, each.vector, counts(each.content))
        by_session.setdefault(each.session_id, []).append(entry)
    for session_id, entries in by_session.items():
        index_repo.add(tx, owner_id, avatar_id, entries, session_id=session_id, embedding_model=embedding_model)


def complete(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, messages: Sequence[Written], embedding_model: str
) -> None:
    """Indexes messages for which a place in the index of words was kept; those that were taken out of it stay out."""
    kept = {each.message_id for each in index_repo.places(tx, owner_id, avatar_id, _ids(messages)).all()}
    there = [each for each in messages if each.message_id in kept]
    index_repo.unindex(tx, owner_id, avatar_id, _ids(there))
    add(tx, owner_id, avatar_id, there, embedding_model)


def _ids(messages: Sequence[Written]) -> list[int]:
    return [each.message_id for each in messages]
