"""SQL of what was measured in sessions of inference."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.inference.session_model import Bucket, Measured
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Counted:
    """How many requests a session has had."""

    request_count: int


# The session is locked first: it is there until the measurements are.
COUNT = db.Query(
    Counted,
    """
    update inference_sessions s set request_count = s.request_count + %(n)s
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    returning s.request_count
    """,
)

ADD = db.Command(
    """
    insert into inference_metrics (
        owner_id, session_id, at, metric_id, latency_ms, throughput, tokens_per_second, memory_bytes, tokens,
        cache_hits, cache_misses
    )
    select s.owner_id, s.session_id, m.*
    from inference_sessions s, unnest(
        %(ats)s::timestamptz[], %(new_metrics)s::uuid[], %(latencies)s::float8[], %(throughputs)s::float8[],
        %(rates)s::float8[], %(memories)s::bigint[], %(tokens)s::bigint[], %(hits)s::bigint[], %(misses)s::bigint[]
    ) m
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    """
)

# As many stretches of equal length as there are points, between the first and the last measurement.
READ = db.Query(
    Bucket,
    """
    with ends as (
        select min(m.at) as first, greatest(max(m.at) - min(m.at), interval '1 ms') as whole
        from inference_metrics m where m.owner_id = %(owner_id)s and m.session_id = %(inference_id)s
    )
    select min(m.at) as at, count(*) as requests, avg(m.latency_ms) as latency_mean, max(m.latency_ms) as latency_max,
        avg(m.throughput) as throughput, avg(m.tokens_per_second) as tokens_per_second,
        coalesce(sum(m.tokens), 0)::bigint as tokens, max(m.memory_bytes) as memory_max,
        sum(m.cache_hits)::bigint as cache_hits, sum(m.cache_misses)::bigint as cache_misses
    from inference_metrics m, ends
    where m.owner_id = %(owner_id)s and m.session_id = %(inference_id)s
    group by least(
        floor(extract(epoch from m.at - ends.first) / extract(epoch from ends.whole) * %(points)s::int),
        %(points)s::int - 1
    )
    order by 1
    """,
)


def count(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, n: int) -> db.Pending[Counted]:
    """Counts requests of a session; no row where there is none."""
    return tx.fetch(COUNT, owner_id=owner_id, inference_id=inference_id, n=n)


def add(
    tx: db.Transaction,
    owner_id: int,
    inference_id: uuid.UUID,
    new_metrics: Sequence[uuid.UUID],
    measured: Sequence[Measured],
    at: datetime,
) -> None:
    """Enters measurements; those that bring no time were made at `at`."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        inference_id=inference_id,
        new_metrics=list(new_metrics),
        ats=[one.at or at for one in measured],
        latencies=[one.latency_ms for one in measured],
        throughputs=[one.throughput for one in measured],
        rates=[one.tokens_per_second for one in measured],
        memories=[one.memory_bytes for one in measured],
        tokens=[one.tokens for one in measured],
        hits=[one.cache_hits for one in measured],
        misses=[one.cache_misses for one in measured],
    )


def read(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, points: int) -> db.Pending[Bucket]:
    """What a session measured, in at most `points` stretches of time."""
    return tx.fetch(READ, owner_id=owner_id, inference_id=inference_id, points=points)
