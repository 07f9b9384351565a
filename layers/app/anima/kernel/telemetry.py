"""Structured logs: one JSON object a line, with no secret and no text that anybody wrote."""

from __future__ import annotations

import contextvars
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anima.kernel import clock
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
    detail = cause.detail if isinstance(cause, AnimaError) else None
    log("error", name, error=type(cause).__name__, detail=detail, at=_origin(cause), **fields)


def _origin(cause: BaseException) -> str | None:
    trace = cause.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return None if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


@contextmanager
def measured(timings: dict[str, float], name: str) -> Iterator[None]:
    """Adds the milliseconds that the block takes to `timings[name]`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = round(timings.get(name, 0.0) + (time.perf_counter() - begun) * 1000, 3)
