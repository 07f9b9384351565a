"""Delivery where workers are functions of their own: right after commit, and by wakes for whatever that misses.

A process may be killed between its commit and the sending. So a wake is armed before anything is committed, some
minutes ahead, when the database is awake anyway; what it finds waiting it sends, and it arms the next one only if
something is left. Where nothing happens, nobody is called and nothing is asked.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anima.kernel import clock, delivery, outbox, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable
from anima.kernel.outbox import Event

AHEAD = timedelta(minutes=2)
"""How far ahead a wake is armed at least: with grid and jitter within the five minutes that a database stays awake."""
GRID = timedelta(minutes=2)
"""Wakes before emissions lie on a grid, so that many processes share them."""
MARGIN = timedelta(minutes=1)
"""What is emitted now is committed before; an armed wake that comes sooner is no help to it."""
_PATIENCE = timedelta(seconds=30)
_MINUTE = timedelta(minutes=1)
_AT_ONCE = 10
_MOST_AFTER_COMMIT = 50


def _up(moment: datetime, grid: timedelta) -> datetime:
    """The next point of a grid at or after a moment."""
    zero = datetime(2000, 1, 1, tzinfo=moment.tzinfo)
    return zero - (zero - moment) // grid * grid


class Alarm:
    """Arms wakes, at most once in some minutes for all emissions of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._failed: datetime | None = None

    def ensure(self, wait: bool = True) -> None:
        """A wake is armed that comes after what is emitted now; without `wait`, in the background.

        Where it cannot be armed, that is logged: the sending right after the commit does not need it.
        """
        if self._covered():
            return
        if wait:
            self._ensure()
        else:
            threading.Thread(target=self._prepare, name="wake", daemon=True).start()

    def _prepare(self) -> None:
        from anima.vendors import queues

        self._ensure()
        queues.ready()

    def _covered(self) -> bool:
        now = clock.now()
        if self._failed is not None and now - self._failed < _PATIENCE:
            return True
        return self._until is not None and self._until - now >= MARGIN

    def _ensure(self) -> None:
        with self._lock:
            if self._covered():
                return
            at = _up(clock.now() + AHEAD, GRID)
            if arm(at):
                self._until, self._failed = at, None
            else:
                self._failed = clock.now()


def arm(at: datetime, failures: int = 0) -> bool:
    """Has the outbox looked after at this time, to the minute, or soon where it is past; False if that failed."""
    from anima.vendors import schedules

    if settings().wake_schedule is None:
        return True
    soonest = clock.now() + timedelta(seconds=10)
    try:
        if schedules.wake(_up(max(at, soonest), _MINUTE), {"failures": failures}):
            telemetry.count("queue.wakes")
    except AnimaError as error:
        telemetry.error("wake.not_armed", error)
        return False
    return True


def again(failures: int) -> bool:
    """Has the outbox looked after later, because it could not be now: in 5 minutes, then rarer, in the end hourly."""
    return arm(clock.now() + timedelta(minutes=min(60, 5 * 2 ** min(failures - 1, 4))), failures)


def wire() -> None:
    """Lets this process send what it commits, where the settings name queues; else the workers are at home."""
    if settings().queue_urls:
        outbox.on_commit(after_commit, Alarm().ensure)


def after_commit(owner_id: int) -> None:
    """Sends what is due of an owner. Whatever hinders it is logged only: what was committed is committed."""
    try:
        deliver(_MOST_AFTER_COMMIT, owner_id)
    except Exception as error:
        telemetry.error("wake.after_commit", error)


def deliver(most: int, owner_id: int | None = None) -> int:
    """Sends what is due to the queues of its topics, at most so many; answers how many were sent.

    What is left, or could not be sent, has a wake armed for its next time.
    """
    sending = _Sending()
    taken = 0
    while taken < most:
        events = delivery.claim_some(min(_AT_ONCE, most - taken), owner_id=owner_id)
        if not events:
            break
        taken += len(events)
        sending.send(events)
    else:
        sending.delays.append(timedelta(0))
    if sending.delays:
        arm(clock.now() + min(sending.delays))
    return sending.sent


@dataclass(slots=True)
class _Sending:
    """A round of sending. A queue that cannot be reached is not asked for each event: somebody may wait for this."""

    sent: int = 0
    delays: list[timedelta] = field(default_factory=list)
    away: dict[str, Unavailable] = field(default_factory=dict)

    def send(self, events: list[Event]) -> None:
        """Sends events that were claimed together, and ends or puts off each."""
        gone = [event for event in events if self._is_sent(event)]
        if gone:
            delivery.delivered(*gone)
        self.sent += len(gone)

    def _is_sent(self, event: Event) -> bool:
        try:
            if (known := self.away.get(event.topic)) is not None:
                raise known
            _send(event)
        except Exception as error:
            if isinstance(error, Unavailable):
                self.away[event.topic] = error
            self.delays.append(_put_off(event, error))
            return False
        telemetry.count("queue.sent", topic=event.topic)
        return True


def _put_off(event: Event, error: Exception) -> timedelta:
    """Puts an event off that could not be sent; that its queue cannot be reached says nothing against it."""
    telemetry.error("outbox.failed", error, topic=event.topic, event_id=str(event.event_id))
    telemetry.count("queue.send_failed", topic=event.topic)
    return delivery.failed(event, error, None if isinstance(error, Unavailable) else delivery.MAX_ATTEMPTS)


def _send(event: Event) -> None:
    from anima.vendors import queues

    queues.send(event.topic, event.key, delivery.as_sqs(event)["Records"][0]["body"])
