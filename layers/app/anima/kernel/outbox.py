"""The outbox: what must follow a transaction is written in it, and delivered after it, in order per key.

An event is delivered at least once (`anima.kernel.delivery`). At home a thread hands it to a worker in this process;
deployed it is sent to the topic's queue. Either way the worker sees an event of SQS's shape.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db, ids


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with ids only in its payload."""

    event_id: uuid.UUID
    topic: str
    key: str
    owner_id: int
    payload: dict[str, Any]
    attempts: int

    @property
    def owner(self) -> db.Principal:
        """The owner, acting through the worker's login."""
        return db.Principal(self.owner_id, login="worker")


@dataclass(frozen=True, slots=True)
class _Committed:
    """What is called once a transaction is committed that emitted something of an owner's."""

    owner_id: int

    def __call__(self) -> None:
        _wake(self.owner_id)


LOCK_KEY = db.Command("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))")

ADD = db.Command(
    """
    insert into outbox (event_id, topic, key, owner_id, payload, next_attempt_at)
    values (%(event_id)s, %(topic)s, %(key)s, %(owner_id)s, %(payload)s, coalesce(%(not_before)s, now()))
    """
)

_wake: Callable[[int], None] = lambda _owner_id: None  # noqa: E731
_arm: Callable[[bool], None] = lambda _wait: None  # noqa: E731


def on_commit(wake: Callable[[int], None], arm: Callable[[bool], None] = lambda _wait: None) -> None:
    """Says what is called with the owner's id after a transaction that emitted something was committed.

    `arm` is called before: whoever needs it sees to it that somebody looks again should this process die in between;
    with False it may return at once and be still at it.
    """
    global _wake, _arm
    _wake, _arm = wake, arm


def expect() -> None:
    """Something may be emitted soon: what delivers it can be made ready meanwhile."""
    _arm(False)


def emit(
    tx: db.Transaction,
    topic: str,
    key: str,
    owner_id: int,
    payload: Mapping[str, Any],
    *,
    not_before: datetime | None = None,
) -> uuid.UUID:
    """Writes an event in the running transaction; events of one key are delivered in the order of commit."""
    _arm(True)
    event_id = ids.uuid7()
    tx.execute(LOCK_KEY, key=key)
    tx.execute(
        ADD,
        event_id=event_id,
        topic=topic,
        key=key,
        owner_id=owner_id,
        payload=db.jsonb(dict(payload)),
        not_before=not_before,
    )
    tx.after_commit(_Committed(owner_id))
    return event_id
