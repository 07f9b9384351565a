"""Keeps the database in order, once a day and only when something woke the process anyway.

Partitions by month are attached ahead and dropped when they are old, what has expired is deleted and what has faded is
forgotten, caches of models are kept within their bounds, tensors that nothing refers to are collected, the sizes of the
tables are written down, stores that have become large get their indexes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import DatabaseUnavailable
from anima.operations import maintenance_repo as repo

_TASK = "daily"
_DAY = timedelta(days=1)
_OFTEN = timedelta(minutes=10)
_NOBODY = db.Principal(user_id=None, login="worker")
_MOST_STEPS = 100
"""A run ends, whatever it finds; the next goes on."""
_TRIES = 3
_PAUSE_SECONDS = 0.5


def run_if_due() -> bool:
    """Does the day's maintenance if nobody has; whether it did. An error is logged: what called it has other work."""
    try:
        with db.transaction(_NOBODY) as tx:
            begun = repo.begun(tx, _TASK)
        if begun.first() is None:
            return False
        run()
        with db.transaction(_NOBODY) as tx:
            repo.ended(tx, _TASK)
    except Exception as error:
        telemetry.error("maintenance.failed", error)
        return False
    return True


def run() -> dict[str, int]:
    """All of it, now; answers how many steps, rows and tables."""
    from anima.gateway import slots_service as slots
    from anima.identity import closing_service
    from anima.inference import upkeep_service as caches
    from anima.knowledge import uploads_service
    from anima.memory import forgetting_service
    from anima.operations import deliverer, health, nearest_indexes
    from anima.tensors import upkeep_service as tensors

    steps = _until_done(_partition_step)
    rows = _until_done(_expired) + uploads_service.remove_expired() + forgetting_service.forget_due()
    slots.sweep()
    rows += caches.keep_bounds() + tensors.collect_due() + closing_service.look_again() + deliverer.look_after_jobs()
    tables = health.record_sizes()
    nearest_indexes.keep_quietly()
    telemetry.info("maintenance.done", steps=steps, rows=rows, tables=tables)
    return {"steps": steps, "rows": rows, "tables": tables}


def _until_done(step: Callable[[], int]) -> int:
    total = 0
    for _ in range(_MOST_STEPS):
        done = _patiently(step)
        if not done:
            break
        total += done
    return total


def _patiently(step: Callable[[], int]) -> int:
    """A step waits for locks only briefly, so that nobody waits behind it; it is tried again instead."""
    for _ in range(_TRIES - 1):
        try:
            return step()
        except DatabaseUnavailable:
            time.sleep(_PAUSE_SECONDS)
    return step()


def _partition_step() -> int:
    with db.transaction(_NOBODY) as tx:
        found = repo.partitions(tx)
    step = found.one().done
    if step is not None:
        telemetry.info("maintenance.partition", step=step)
    return int(step is not None)


def _expired() -> int:
    with db.transaction(_NOBODY) as tx:
        found = repo.expired(tx)
    return found.one().n


class Daily:
    """Maintenance at home: called whenever something happened, it asks the database at most once a day.

    Only whether a store has become large, by what happened, it asks every ten minutes.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._looked: datetime | None = None

    def __call__(self) -> None:
        """Does what is due."""
        now = clock.now()
        if self._last is None or now - self._last >= _DAY:
            self._last = self._looked = now
            run_if_due()
        elif self._looked is None or now - self._looked >= _OFTEN:
            from anima.operations import nearest_indexes

            self._looked = now
            nearest_indexes.keep_quietly()
