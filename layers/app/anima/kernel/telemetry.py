"""Structured logs, spans and metrics: what happened and how long it took, with no secret and no text of anybody's.

A log line is one JSON object. A metric is named in `kernel.watch.catalogue`; where it goes (Prometheus, CloudWatch),
and where spans go besides the line of their request (OpenTelemetry), is decided at the door that starts the process.
"""

from __future__ import annotations

import contextvars
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from anima.kernel import clock, secrets
from anima.kernel.errors import AnimaError

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_threshold = 20
_lock = threading.Lock()
request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)


def configure(level: str) -> None:
    """Sets the least level that is written."""
    global _threshold
    _threshold = _LEVELS[level]


def log(level: str, name: str, **fields: Any) -> None:
    """Writes one line to standard error."""
    if _LEVELS[level] < _threshold:
        return
    entry = {"time": clock.now().isoformat(), "level": level, "event": name}
    if (current := request_id.get()) is not None:
        entry["request_id"] = current
    line = json.dumps({**entry, **fields}, default=str)
    with _lock:
        print(line, file=sys.stderr, flush=True)


def info(name: str, **fields: Any) -> None:
    """Something happened that one wants to read about."""
    log("info", name, **fields)


def warning(name: str, **fields: Any) -> None:
    """Something is not as it should be, and was dealt with."""
    log("warning", name, **fields)


def error(name: str, cause: BaseException, **fields: Any) -> None:
    """Something failed: the kind of the cause and where it arose; its text only where it is ours."""
    detail = cause.for_logs if isinstance(cause, AnimaError) else None
    log("error", name, error=type(cause).__name__, detail=detail, at=_origin(cause), **fields)


def _origin(cause: BaseException) -> str | None:
    trace = cause.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return None if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def tenant(user_id: int | None) -> str | None:
    """What stands for a user in logs: the same each time, and not to be turned back without the master key."""
    return None if user_id is None else secrets.keyed_hash("telemetry-tenant", str(user_id)).hex()[:16]


Labels = Mapping[str, str]
Sink = Callable[[str, float, Labels], None]
"""Takes a number for the metric of a name."""
sinks: list[Sink] = []
tracers: list[Callable[[str, Mapping[str, Any]], AbstractContextManager[object]]] = []
carriers: list[Callable[[], dict[str, str]]] = []
spans: contextvars.ContextVar[dict[str, float] | None] = contextvars.ContextVar("spans", default=None)
"""Milliseconds by span of what is being done now: a request, or an event."""


def trace_headers() -> dict[str, str]:
    """Headers that let the spans of a server that is called belong to this trace."""
    return carriers[0]() if carriers else {}


def count(name: str, n: float = 1, /, **labels: str) -> None:
    """Adds to a counter of the catalogue."""
    for sink in sinks:
        sink(name, n, labels)


def observe(name: str, value: float, unit: str = "ms", **labels: str) -> None:
    """Adds a measurement to a metric of the catalogue, in milliseconds (ms), seconds (s), or its own unit."""
    number = value * 1000 if unit == "s" else value
    for sink in sinks:
        sink(name, number, labels)


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[None]:
    """Times the block: in the line of its request or event, and as a span where traces are kept."""
    begun = time.perf_counter()
    try:
        with tracers[0](name, attributes) if tracers else nullcontext():
            yield
    finally:
        if (durations := spans.get()) is not None:
            took = (time.perf_counter() - begun) * 1000
            durations[name] = round(durations.get(name, 0.0) + took, 2)


@contextmanager
def measured(timings: dict[str, float], name: str) -> Iterator[None]:
    """Adds the milliseconds that the block takes to `timings[name]`; a span, too."""
    begun = time.perf_counter()
    try:
        with span(name):
            yield
    finally:
        timings[name] = round(timings.get(name, 0.0) + (time.perf_counter() - begun) * 1000, 3)
