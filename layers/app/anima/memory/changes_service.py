"""The journal: what a person changed of their memory is kept for a day as it was, so that it can be undone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import clock, db, ids, outbox, pages
from anima.kernel.errors import Conflict, NotFound
from anima.kernel.outbox import Event
from anima.kernel.terms import counts
from anima.memory import changes_repo, changes_rows_repo, index_repo, lines_repo, owned_service, remember_service
from anima.memory.changes_model import KEPT, Action, Change, Entry, Kind, Standing, messages_of, restorable, sessions_of
from anima.memory.changes_rows_repo import Told

EXPIRED = "memory.expired"
"""What can no longer be undone is deleted."""


class ChangeNotFound(NotFound):
    """There is no change {id} of yours that could be undone."""

    slug = "change-not-found"


class NotUndoable(Conflict):
    """This cannot be undone: {reason}."""

    slug = "not-undoable"


@dataclass(frozen=True, slots=True)
class Undone:
    """What is as it was before."""

    kind: Kind
    item_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Noted:
    """What is about to be changed, as it was."""

    standing: Standing
    keys: Sequence[str]
    episode_ids: Sequence[uuid.UUID]
    hides: Sequence[int] = ()


def changes(principal: db.Principal, avatar_id: uuid.UUID, *, limit: int, cursor: str | None) -> pages.Page[Change]:
    """A page of what was changed and can be undone yet, newest first. Raises AvatarNotFound, BadInput (cursor)."""
    owner_id, before = owned_service.owner(principal), owned_service.before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = changes_repo.changes(tx, owner_id, avatar_id, now=clock.now(), before=before, limit=limit + 1)
    owned_service.existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda change: [change.change_id])


def enter(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    noted: Noted,
    *,
    kind: Kind,
    item_id: uuid.UUID,
    action: Action,
    title: str,
) -> uuid.UUID:
    """Enters what was changed in this transaction, after the change, and has it forgotten in a day."""
    at = clock.now()
    change = Change(ids.uuid7(), kind, item_id, action, title[:500], at, at + KEPT, None)
    mark = changes_rows_repo.mark(tx, owner_id, avatar_id, noted.keys, noted.episode_ids).one().mark
    was = noted.standing
    before = {"facts": was.facts, "mentions": was.mentions, "episodes": was.episodes, "keys": list(noted.keys)}
    before |= {"episode_ids": list(noted.episode_ids), "hides": list(noted.hides), "mark": mark}
    changes_repo.expire(tx, owner_id, at)
    changes_repo.add(tx, owner_id, avatar_id, change, before)
    key = f"memory.change:{change.change_id}"
    outbox.emit(tx, EXPIRED, key, owner_id, {"change_id": str(change.change_id)}, not_before=change.expires_at)
    return change.change_id


def expire(event: Event) -> None:
    """Deletes what the owner of an event can no longer undo."""
    with db.transaction(event.owner) as tx:
        changes_repo.expire(tx, event.owner_id, clock.now())


def undo(principal: db.Principal, avatar_id: uuid.UUID, change_id: uuid.UUID) -> Undone:
    """Puts back what a change has changed or forgotten, as far as what told it is still there.

    Raises AvatarNotFound, ChangeNotFound; NotUndoable where it was changed since, is expired or undone already.
    """
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = changes_repo.entry(tx, owner_id, avatar_id, change_id)
    owned_service.existing(known, avatar_id)
    entry = _undoable(found.first(), change_id)
    with db.transaction(principal) as tx:
        hidden = changes_rows_repo.told(tx, owner_id, entry.before["hides"])
    messages = hidden.all()
    vectors, model = owned_service.embedded(principal, [each.content for each in messages])
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        entry = _undoable(changes_repo.entry(tx, owner_id, avatar_id, change_id).first(), change_id)
        recalled = _put_back(tx, owner_id, avatar_id, entry)
        again = [(each, vector) for each, vector in zip(messages, vectors, strict=True) if each.message_id in recalled]
        _index(tx, owner_id, avatar_id, again, model)
        changes_repo.undone(tx, owner_id, change_id, clock.now())
    return Undone(entry.kind, entry.item_id)


def _undoable(entry: Entry | None, change_id: uuid.UUID) -> Entry:
    if entry is None:
        raise ChangeNotFound(id=change_id)
    if entry.undone_at is not None:
        raise NotUndoable(reason="it was undone already")
    if entry.expires_at <= clock.now():
        raise NotUndoable(reason="its time is over")
    return entry


def _put_back(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, entry: Entry) -> set[int]:
    """Restores the rows; answers which messages may be recalled again."""
    before = entry.before
    keys, episode_ids = before["keys"], [uuid.UUID(each) for each in before["episode_ids"]]
    if changes_rows_repo.mark(tx, owner_id, avatar_id, keys, episode_ids).one().mark != before["mark"]:
        raise NotUndoable(reason="it was changed since")
    there = changes_rows_repo.there(
        tx,
        owner_id,
        avatar_id,
        entry.change_id,
        message_ids=messages_of(before),
        session_ids=sessions_of(before),
        hides=before["hides"],
    ).one()
    changes_rows_repo.restore(
        tx, owner_id, avatar_id, keys, restorable(before, set(there.messages), set(there.sessions))
    )
    if keys:
        remember_service.tell(tx, owner_id, avatar_id, set(keys))
    return set(there.recallable)


def _index(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    messages: Sequence[tuple[Told, list[float]]],
    embedding_model: str,
) -> None:
    for told, vector in messages:
        entry = index_repo.Entry(told.message_id, told.content, told.created_at, vector, counts(told.content))
        index_repo.add(tx, owner_id, avatar_id, [entry], session_id=told.session_id, embedding_model=embedding_model)
