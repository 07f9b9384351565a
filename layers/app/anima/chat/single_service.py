"""Requests outside of a turn: done once under a key, and closed where they fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from anima.chat import repo
from anima.kernel import db, idempotency, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.kernel.idempotency import Key

T = TypeVar("T")


def once(principal: db.Principal, owner_id: int, key: Key | None, work: Callable[[], T]) -> T | dict[str, Any]:
    """What the work gives; that of an earlier call with the same key as it was kept. A key that failed is free again.

    Raises KeyReused, StillRunning, and what the work raises.
    """
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key, lifetime())
        earlier = idempotency.settled(tx, owner_id, key, entered, lifetime())
    if earlier is not None:
        return dict(earlier)
    try:
        return work()
    except BaseException:
        if key is not None:
            with db.transaction(principal) as tx:
                idempotency.forget(tx, owner_id, key)
        raise


def failed(principal: db.Principal, owner_id: int, request_id: int, error: Exception, prompt: Any) -> None:
    """Closes a request that has no answer. What fails here is closed later, by its time."""
    told = {"slug": "internal", "detail": type(error).__name__}
    if isinstance(error, AnimaError):
        told = {"slug": error.slug, "detail": error.detail}
    try:
        with db.transaction(principal) as tx:
            repo.close_request(tx, owner_id, request_id, "failed", told, prompt)
    except Exception as second:
        telemetry.error("request.close", second, request=request_id)


def lifetime() -> timedelta:
    """How long a request may be open before it counts as cut."""
    return timedelta(seconds=settings().turn_deadline_seconds + 60)
