"""Where metrics and spans of this process go, and what frames a unit of work: a request or an event.

Doors and workers start it; what they call only knows `kernel.telemetry`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from anima.kernel import telemetry
from anima.kernel.config import settings
from anima.kernel.watch.emf import Emf

if TYPE_CHECKING:
    from anima.kernel.watch.tracing import Tracing


@dataclass(slots=True)
class Work:
    """A unit of work as it is told in its line and its span."""

    name: str
    begun: float = field(default_factory=time.perf_counter)
    spans: dict[str, float] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    route_class: str | None = None
    cold: bool = False

    def ms(self) -> float:
        """Milliseconds since it began."""
        return round((time.perf_counter() - self.begun) * 1000, 1)


class Event(Protocol):
    """What a worker is given (an event of the outbox)."""

    @property
    def event_id(self) -> object: ...
    @property
    def topic(self) -> str: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def attempts(self) -> int: ...


_lock = threading.Lock()
_cold = [True]
_emf: list[Emf] = []
_tracing: list[Tracing] = []
_started = False


def start() -> None:
    """Reads the settings, once: the level of the log where nothing set it yet, CloudWatch on Lambda, traces if wanted.

    Raises TracingNotInstalled.
    """
    global _started
    with _lock:
        if _started:
            return
        configured = settings()
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        if configured.open_telemetry_exporter != "none":
            from anima.kernel.watch.tracing import Tracing

            trace(Tracing(configured.open_telemetry_exporter, configured.stage))
        if function:
            telemetry.configure(configured.log_level)
            _emf.append(Emf(configured.stage, function))
            telemetry.sinks.append(_emf[0].take)
        _started = True


def trace(tracing: Tracing) -> None:
    """Sends spans there from now on."""
    _tracing.append(tracing)
    telemetry.tracers.append(tracing.span)
    telemetry.carriers.append(tracing.headers)


def stop() -> None:
    """Forgets where metrics and spans go; what waits is sent first."""
    global _started
    with _lock:
        for tracing in _tracing:
            tracing.close()
            telemetry.tracers.remove(tracing.span)
            telemetry.carriers.remove(tracing.headers)
        for emf in _emf:
            emf.flush()
            telemetry.sinks.remove(emf.take)
        _tracing.clear()
        _emf.clear()
        _started = False


def flush(route_class: str | None = None) -> None:
    """Writes what was collected since the last unit of work; a process on Lambda may be frozen right after."""
    for emf in _emf:
        emf.flush(route_class)
        for tracing in _tracing:
            tracing.flush()


@contextmanager
def work(name: str, carrier: Mapping[str, str] | None = None) -> Iterator[Work]:
    """Frames a unit of work: its durations by span, its root span, and the metrics that are written after it.

    `carrier` are the headers that may hold the caller's `traceparent`.
    """
    this = Work(name, cold=_cold[0])
    if _cold[0]:
        _cold[0] = False
        telemetry.count("http.cold_starts")
    before = telemetry.spans.get()
    telemetry.spans.set(this.spans)
    try:
        with ExitStack() as spans:
            for tracing in _tracing:
                spans.enter_context(tracing.root(name, carrier or {}, this.told))
            yield this
    finally:
        telemetry.spans.set(before)
        flush(this.route_class)


def trace_id() -> dict[str, str]:
    """The present trace as a field of a line; nothing where no traces are kept."""
    if not _tracing:
        return {}
    from anima.kernel.watch import tracing

    found = tracing.trace_id()
    return {} if found is None else {"trace_id": found}


def watched(handle: Callable[[Any], None]) -> Callable[[Any], None]:
    """The worker's function for one event, with a line, metrics and a span for each."""

    def handle_watched(event: Event) -> None:
        start()
        with work("event") as this:
            this.told.update(topic=event.topic, attempt=event.attempts)
            token = telemetry.request_id.set(str(event.event_id))
            try:
                handle(event)
            except Exception:
                telemetry.count("queue.failed", topic=event.topic)
                raise
            else:
                _handled(event, this)
            finally:
                telemetry.request_id.reset(token)

    return handle_watched


def _handled(event: Event, this: Work) -> None:
    took = this.ms()
    telemetry.count("queue.handled", topic=event.topic)
    telemetry.observe("queue.latency", took, topic=event.topic)
    telemetry.info(
        "event.handled",
        **this.told,
        **trace_id(),
        tenant=telemetry.tenant(event.owner_id),
        cold_start=this.cold,
        ms=took,
        spans=this.spans,
    )
