"""What was measured of inference: entered request by request or in batches, read in stretches of time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from anima.inference import metrics_repo, sessions_repo
from anima.inference.errors import BadMeasurement, SessionMissing
from anima.inference.session_model import Bucket, Measured, why_not_measured
from anima.inference.sessions_service import owner_of
from anima.kernel import clock, db, ids
from anima.kernel.errors import FieldError

__all__ = ["Bucket", "Measured", "read", "record"]

MOST_AT_ONCE = 10_000
MOST_POINTS = 2_000


def record(principal: db.Principal, inference_id: uuid.UUID, measured: Sequence[Measured]) -> None:
    """Enters one measurement a request, all or none. Raises SessionMissing, BadMeasurement."""
    if len(measured) > MOST_AT_ONCE:
        raise BadMeasurement(reason=f"at most {MOST_AT_ONCE} come at once")
    for place, one in enumerate(measured):
        if (why := why_not_measured(one)) is not None:
            raise BadMeasurement(reason=why, fields=[FieldError(f"measured.{place}", why)])
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        counted = metrics_repo.count(tx, owner_id, inference_id, len(measured))
        if measured:
            metrics_repo.add(tx, owner_id, inference_id, [ids.uuid7() for _ in measured], measured, clock.now())
    if counted.first() is None:
        raise SessionMissing(id=inference_id)


def read(principal: db.Principal, inference_id: uuid.UUID, *, points: int = 100) -> list[Bucket]:
    """What was measured, in at most `points` (1 to 2,000) stretches of equal length. Raises SessionMissing."""
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        known = sessions_repo.one(tx, owner_id, inference_id)
        found = metrics_repo.read(tx, owner_id, inference_id, max(1, min(points, MOST_POINTS)))
    if known.first() is None:
        raise SessionMissing(id=inference_id)
    return found.all()
