"""The outbox: what must follow a transaction is written in it, and delivered after it, in order per key.

An event is delivered at least once. At home a thread hands it to a worker in this process; deployed it is
sent to the topic's queue. Either way the worker sees an event of SQS's shape.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.kernel import clock, db, ids, telemetry
from anima.kernel.errors import AnimaError, BadInput, FieldError

LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 5
_BACKOFF = [1, 5, 30, 120, 600]

_CLAIMER = db.Principal(user_id=None, login="worker")


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
class Due:
    """When the next undelivered event may be tried."""

    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fresh:
    """The event that was entered as handled just now."""

    key: str


LOCK_KEY = db.Command("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))")

ADD = db.Command(
    """
    insert into outbox (event_id, topic, key, owner_id, payload, next_attempt_at)
    values (%(event_id)s, %(topic)s, %(key)s, %(owner_id)s, %(payload)s, coalesce(%(not_before)s, now()))
    """
)

CLAIM = db.Query(
    Event,
    """
    update outbox set attempts = attempts + 1, next_attempt_at = now() + %(lease)s
    where event_id = (
        select o.event_id from outbox o
        where o.delivered_at is null and o.dead_at is null and o.next_attempt_at <= now()
            and (%(topics)s::text[] is null or o.topic = any (%(topics)s))
            and not exists (
                select from outbox earlier
                where earlier.key = o.key and earlier.seq < o.seq
                    and earlier.delivered_at is null and earlier.dead_at is null
            )
        order by o.seq
        limit 1
        for update skip locked
    )
    returning event_id, topic, key, owner_id, payload, attempts
    """,
)

RENEW = db.Command(
    """
    update outbox set next_attempt_at = now() + %(lease)s
    where event_id = %(event_id)s and delivered_at is null and dead_at is null
    """
)

DELIVERED = db.Command(
    """
    update outbox set delivered_at = now() where event_id = %(event_id)s and delivered_at is null
    """
)

FAILED = db.Command(
    """
    update outbox set
        last_error = %(error)s,
        next_attempt_at = now() + %(delay)s,
        dead_at = case when attempts >= %(max_attempts)s then now() end
    where event_id = %(event_id)s and delivered_at is null
    """
)

NEXT_DUE = db.Query(
    Due,
    """
    select min(o.next_attempt_at) as due_at from outbox o
    where o.delivered_at is null and o.dead_at is null
        and (%(topics)s::text[] is null or o.topic = any (%(topics)s))
        and not exists (
            select from outbox earlier
            where earlier.key = o.key and earlier.seq < o.seq
                and earlier.delivered_at is null and earlier.dead_at is null
        )
    """,
)

RELEASE_LEASES = db.Command(
    """
    update outbox set next_attempt_at = now()
    where delivered_at is null and dead_at is null and attempts > 0 and next_attempt_at > now()
    """
)

MARK_HANDLED = db.Query(
    Fresh,
    """
    insert into idempotency_keys (owner_id, key, fingerprint, state, expires_at)
    values (%(owner_id)s, %(key)s, '', 'done', now() + interval '30 days')
    on conflict do nothing
    returning key
    """,
)

_wake: Callable[[], None] = lambda: None  # noqa: E731


def on_commit(wake: Callable[[], None]) -> None:
    """Says what is called after a transaction that emitted something was committed."""
    global _wake
    _wake = wake


def wake() -> None:
    """Tells whoever delivers that there is something to deliver."""
    _wake()


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
    tx.after_commit(wake)
    return event_id


def claim(topics: Sequence[str] | None = None) -> Event | None:
    """Takes the oldest event of these topics (None: any) that is due, under a lease of five minutes."""
    with db.transaction(_CLAIMER) as tx:
        claimed = tx.fetch(CLAIM, lease=LEASE, topics=_listed(topics))
    return claimed.first()


def _listed(topics: Sequence[str] | None) -> list[str] | None:
    return None if topics is None else list(topics)


def renew(event: Event) -> None:
    """Prolongs the lease on an event whose worker is still at it."""
    with db.transaction(_CLAIMER) as tx:
        tx.execute(RENEW, event_id=event.event_id, lease=LEASE)


def delivered(event: Event) -> None:
    """Ends an event that was handled."""
    with db.transaction(_CLAIMER) as tx:
        tx.execute(DELIVERED, event_id=event.event_id)


def failed(event: Event, error: BaseException) -> None:
    """Puts an event off, longer each time; after five attempts it is dead and holds nobody up."""
    delay = timedelta(seconds=_BACKOFF[min(event.attempts, len(_BACKOFF)) - 1])
    reason = error.detail if isinstance(error, AnimaError) else type(error).__name__
    with db.transaction(_CLAIMER) as tx:
        tx.execute(FAILED, event_id=event.event_id, error=reason, delay=delay, max_attempts=MAX_ATTEMPTS)


def next_due(topics: Sequence[str] | None = None) -> datetime | None:
    """When the next undelivered event may be tried that no earlier one of its key stands before."""
    with db.transaction(_CLAIMER) as tx:
        due = tx.fetch(NEXT_DUE, topics=_listed(topics))
    return due.one().due_at


def release_leases() -> None:
    """Makes events due again whose worker died with its process. Only for the one process that delivers."""
    with db.transaction(_CLAIMER) as tx:
        tx.execute(RELEASE_LEASES)


def first_time(tx: db.Transaction, event: Event) -> bool:
    """Enters the event as handled in the running transaction; False if it already was."""
    fresh = tx.fetch(MARK_HANDLED, owner_id=event.owner_id, key=f"event:{event.event_id}")
    return fresh.first() is not None


def as_sqs(event: Event) -> dict[str, Any]:
    """The event as Lambda hands it over from an SQS queue."""
    body = {
        "event_id": str(event.event_id),
        "topic": event.topic,
        "key": event.key,
        "owner_id": event.owner_id,
        "payload": event.payload,
    }
    record = {
        "messageId": str(event.event_id),
        "receiptHandle": str(event.event_id),
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(event.attempts), "MessageGroupId": event.key},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}


def _from_record(record: Mapping[str, Any]) -> Event:
    try:
        body = json.loads(record["body"])
        attempts = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
        return Event(
            uuid.UUID(body["event_id"]),
            str(body["topic"]),
            str(body["key"]),
            int(body["owner_id"]),
            dict(body["payload"]),
            attempts,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        wrong = FieldError("Records[].body", "an event of the outbox as JSON")
        raise BadInput(reason=f"this is no event of ours ({error})", fields=[wrong]) from error


def consume(event: Mapping[str, Any], handle: Callable[[Event], None], *, raising: bool = False) -> dict[str, Any]:
    """Hands each record of an SQS event to `handle`; answers those that failed, so that only they come again.

    `raising` lets the error out instead (for the deliverer at home, which records it).
    Raises BadInput for an event that is not of SQS's shape.
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise BadInput(reason="an SQS event with Records is expected")
    failures: list[dict[str, str]] = []
    held: set[str] = set()
    for record in records:
        number = str(record.get("messageId")) if isinstance(record, Mapping) else ""
        try:
            found = _from_record(record)
            if found.key in held:  # what follows a failure of its key comes again after it
                failures.append({"itemIdentifier": number})
                continue
            held.add(found.key)
            handle(found)
            held.discard(found.key)
        except Exception as error:
            if raising:
                raise
            telemetry.error("worker.failed", error, message_id=number)
            failures.append({"itemIdentifier": number})
    return {"batchItemFailures": failures}


def deliver_one(route: Callable[[Event], None], topics: Sequence[str] | None = None) -> bool:
    """Claims one event of these topics (None: any) and hands it to `route`; False where nothing was due."""
    event = claim(topics)
    if event is None:
        return False
    try:
        route(event)
    except Exception as error:
        telemetry.error("outbox.failed", error, topic=event.topic, event_id=str(event.event_id))
        failed(event, error)
    else:
        delivered(event)
    return True


def seconds_until_due(topics: Sequence[str] | None = None) -> float | None:
    """How long until the next event is due (0: now); nothing where none waits."""
    due = next_due(topics)
    return None if due is None else max(0.0, (due - clock.now()).total_seconds())
