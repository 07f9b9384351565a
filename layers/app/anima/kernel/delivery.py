"""Delivering what waits in the outbox: claimed under a lease, handed on, ended or put off.

Whoever delivers acts for nobody: a worker that forgets the tenant reads the outbox and nothing else.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.kernel.outbox import Event

LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 5
_BACKOFF = [1, 5, 30, 120, 600]

_CLAIMER = db.Principal(user_id=None, login="worker")


@dataclass(frozen=True, slots=True)
class Fresh:
    """The event that was entered as handled just now."""

    key: str


@dataclass(frozen=True, slots=True)
class Due:
    """When the next undelivered event may be tried, and how far from the server's clock that is."""

    due_at: datetime | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An event that was put off or is dead now."""

    dead: bool


# The heads of their keys only, so that what is claimed together may be delivered in any order. Materialized, for a
# subquery that is run again would lock more than it was asked for.
CLAIM = db.Query(
    Event,
    """
    with due as materialized (
        select o.event_id from outbox o
        where o.delivered_at is null and o.dead_at is null and o.next_attempt_at <= now()
            and (%(topics)s::text[] is null or o.topic = any (%(topics)s))
            and (%(owner_id)s::bigint is null or o.owner_id = %(owner_id)s)
            and not exists (
                select from outbox earlier
                where earlier.key = o.key and earlier.seq < o.seq
                    and earlier.delivered_at is null and earlier.dead_at is null
            )
        order by o.seq
        limit %(most)s
        for update skip locked
    )
    update outbox o set attempts = attempts + 1, next_attempt_at = now() + %(lease)s
    from due where o.event_id = due.event_id
    returning o.event_id, topic, key, owner_id, payload, attempts
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
    update outbox set delivered_at = now() where event_id = any (%(event_ids)s) and delivered_at is null
    """
)

FAILED = db.Query(
    Ended,
    """
    update outbox set
        last_error = %(error)s,
        next_attempt_at = now() + %(delay)s,
        dead_at = case when attempts >= %(most_attempts)s::integer then now() end
    where event_id = %(event_id)s and delivered_at is null
    returning dead_at is not null as dead
    """,
)

NEXT_DUE = db.Query(
    Due,
    """
    select min(o.next_attempt_at) as due_at,
        extract(epoch from min(o.next_attempt_at) - now())::float8 as seconds
    from outbox o
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


def claim(topics: Sequence[str] | None = None) -> Event | None:
    """Takes the oldest event of these topics (None: any) that is due, under a lease of five minutes."""
    found = claim_some(1, topics)
    return found[0] if found else None


def claim_some(most: int, topics: Sequence[str] | None = None, owner_id: int | None = None) -> list[Event]:
    """Takes some events that are due, of different keys, oldest first; of one owner where one is named."""
    with db.transaction(_CLAIMER) as tx:
        claimed = tx.fetch(CLAIM, lease=LEASE, topics=_listed(topics), owner_id=owner_id, most=most)
    return claimed.all()


def _listed(topics: Sequence[str] | None) -> list[str] | None:
    return None if topics is None else list(topics)


def renew(event: Event) -> None:
    """Prolongs the lease on an event whose worker is still at it."""
    with db.transaction(_CLAIMER) as tx:
        tx.execute(RENEW, event_id=event.event_id, lease=LEASE)


def delivered(*events: Event) -> None:
    """Ends events that were handled."""
    with db.transaction(_CLAIMER) as tx:
        tx.execute(DELIVERED, event_ids=[event.event_id for event in events])
    for event in events:
        if event.event_id.version == 7:
            telemetry.observe("queue.age", max(0.0, _age_ms(event)), topic=event.topic)


def _age_ms(event: Event) -> float:
    """Milliseconds since the event was emitted, by the time in its id."""
    return clock.now().timestamp() * 1000 - (event.event_id.int >> 80)


def failed(event: Event, error: BaseException, most_attempts: int | None = MAX_ATTEMPTS) -> timedelta:
    """Puts an event off, longer each time, and answers for how long.

    After `most_attempts` (None: never) it is dead and holds nobody up.
    """
    delay = timedelta(seconds=_BACKOFF[min(event.attempts, len(_BACKOFF)) - 1])
    reason = error.detail if isinstance(error, AnimaError) else type(error).__name__
    with db.transaction(_CLAIMER) as tx:
        ended = tx.fetch(FAILED, event_id=event.event_id, error=reason, delay=delay, most_attempts=most_attempts)
    if (end := ended.first()) is not None and end.dead:
        telemetry.warning("outbox.dead", topic=event.topic, event_id=str(event.event_id))
        telemetry.count("queue.dead", topic=event.topic)
    return delay


def next_due(topics: Sequence[str] | None = None) -> datetime | None:
    """When the next undelivered event may be tried that no earlier one of its key stands before."""
    return _next(topics).due_at


def seconds_until_due(topics: Sequence[str] | None = None) -> float | None:
    """How long until the next event is due by the server's clock (0: now); nothing where none waits."""
    seconds = _next(topics).seconds
    return None if seconds is None else max(0.0, seconds)


def _next(topics: Sequence[str] | None) -> Due:
    with db.transaction(_CLAIMER) as tx:
        due = tx.fetch(NEXT_DUE, topics=_listed(topics))
    return due.one()


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
        raise BadInput(reason=f"this is no event of ours ({type(error).__name__})", fields=[wrong]) from error


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
