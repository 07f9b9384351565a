"""What a job measured, by its run."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict
from typing import Any

from anima.kernel import db
from anima.registry import metrics_service
from anima.registry.metrics_model import Bucket, Curve, Series
from anima.training import jobs_service

_MOST_SERIES = 20


def measured(
    principal: db.Principal, job_id: uuid.UUID, names: list[str], points: int
) -> tuple[uuid.UUID | None, list[dict[str, Any]]]:
    """The run of a job and its metrics in buckets. Raises JobNotFound."""
    run_id = jobs_service.get(principal, job_id).run_id
    if run_id is None:
        return None, []
    if not names:
        known = metrics_service.series(principal, run_id)
        if len(known) > _MOST_SERIES:
            return run_id, [{**_last(one), "buckets": []} for one in known]
    found = metrics_service.downsampled(principal, run_id, names=names, scope=None, points=points)
    return run_id, [{**_last(one), "buckets": [_last(each) for each in one.buckets]} for one in found]


def _last(one: Series | Curve | Bucket) -> dict[str, Any]:
    """As JSON has it: no number where the last value is none, or is infinite."""
    return {**asdict(one), "last": one.last if math.isfinite(one.last) else None}
