"""Delivers the outbox at home: threads that hand each event to its room's worker, as SQS would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from anima.kernel import clock, delivery, outbox, telemetry
from anima.kernel.outbox import Event

Worker = Callable[..., dict[str, Any]]
_RENEW_SECONDS = 60.0
_RETRY_SECONDS = 2.0


def workers() -> dict[str, Worker]:
    """The worker of each topic."""
    from anima.chat import worker as after_turn
    from anima.knowledge import worker as ingest
    from anima.snapshots import worker as transcripts
    from anima.tensors import worker as tensors
    from anima.training import worker as training

    return {
        "turn.finished": after_turn.handle,
        "session.quiet": after_turn.handle,
        "session.deleted": after_turn.handle,
        "memory.sleep": after_turn.handle,
        "memory.expired": after_turn.handle,
        "curiosity.look": after_turn.handle,
        "curiosity.research": after_turn.handle,
        "document.queued": ingest.handle,
        "vectors.waiting": ingest.handle,
        "vectors.gone": ingest.handle,
        "store.deleted": ingest.handle,
        "summary.wanted": ingest.handle,
        "media.attached": ingest.handle,
        "transcript.queued": transcripts.handle,
        "account.closed": transcripts.handle,
        "memory.erased": transcripts.handle,
        "snapshot.imported": transcripts.handle,
        "tensors.collect": tensors.handle,
        "training.requested": training.handle,
        "training.check": training.handle,
        "training.cycle": training.handle,
        "training.stop": training.handle,
    }


def look_after_jobs(*, began: bool = False) -> int:
    """Has jobs looked at that nobody looks at any more; when the house `began`, all that live. Answers how many."""
    from anima.training import worker as training

    return training.look_again(began=began)


class Deliverer:
    """Threads that sleep until something is committed or due; they ask the database nothing meanwhile.

    Each topic has one of its own, so that a heap of documents does not keep what follows turns waiting, and one
    more serves whatever there is. That one also calls `upkeep` when it starts and after it looked for work.
    """

    def __init__(
        self,
        routes: Mapping[str, Worker],
        renew_seconds: float = _RENEW_SECONDS,
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        self._routes = routes
        self._renew_seconds = renew_seconds
        self._stopping = threading.Event()
        self._bell = threading.Condition()
        self._rung = 0
        self._working = 0
        shares = [(list(routes), upkeep), *(([topic], lambda: None) for topic in routes)]
        self._threads = [
            threading.Thread(target=self._run, args=share, name=f"deliverer-{number}", daemon=True)
            for number, share in enumerate(shares)
        ]

    def start(self) -> None:
        """Takes up what a killed predecessor left, then whatever comes."""
        delivery.release_leases()
        outbox.on_commit(lambda _owner_id: self.ring())
        for thread in self._threads:
            thread.start()

    def ring(self) -> None:
        """There is something to deliver."""
        with self._bell:
            self._rung += 1
            self._bell.notify_all()

    def busy(self) -> bool:
        """Whether an event is being handled now."""
        return self._working > 0

    def stop(self, seconds: float = 4.0) -> None:
        """Lets what is being handled end, for a while; what does not end is delivered again at the next start."""
        outbox.on_commit(lambda _owner_id: None)
        self._stopping.set()
        self.ring()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, topics: list[str], upkeep: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            with self._bell:
                heard = self._rung
            wait = self._deliver(topics)
            upkeep()
            with self._bell:
                clock.wait_for(self._bell, partial(self._heard, heard), wait)

    def _heard(self, before: int) -> bool:
        """Whether the bell was rung since."""
        return self._rung != before

    def _deliver(self, topics: list[str]) -> float | None:
        """Handles an event if one is due; answers how long to sleep if nobody rings (None: for ever)."""
        try:
            if delivery.deliver_one(self._route, topics):
                self.ring()  # it may have stood before others of its key
                return 0.0
            return delivery.seconds_until_due(topics)
        except Exception as error:  # whatever it is, the thread must live on
            if not self._stopping.is_set():
                telemetry.error("deliverer.database", error)
            return _RETRY_SECONDS

    def _route(self, event: Event) -> None:
        worker = self._routes[event.topic]
        ended = threading.Event()
        threading.Thread(target=self._keep_lease, args=(event, ended), daemon=True).start()
        with self._bell:
            self._working += 1
        try:
            worker(delivery.as_sqs(event), raising=True)
        finally:
            ended.set()
            with self._bell:
                self._working -= 1

    def _keep_lease(self, event: Event, ended: threading.Event) -> None:
        while not ended.wait(self._renew_seconds):
            try:
                delivery.renew(event)
            except Exception as error:  # the next time may be better; else the event comes again
                telemetry.error("deliverer.lease", error)
