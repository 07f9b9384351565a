"""SQL of what runs measure. Values are written in batches; a curve is read as so many buckets of steps."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db
from anima.registry.metrics_model import Scope, Series, Value


@dataclass(frozen=True, slots=True)
class Part:
    """A bucket, and the series that it is of."""

    scope: Scope
    name: str
    first_step: int
    last_step: int
    values: int
    not_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    last: float


ADD = db.Command(
    """
    insert into training_metrics (owner_id, session_id, scope, name, step, at, epoch, value)
    select %(owner_id)s, %(session_id)s, v.scope, v.name, v.step, v.at, v.epoch, v.value
    from unnest(
        %(scopes)s::text[], %(names)s::text[], %(steps)s::bigint[], %(ats)s::timestamptz[],
        %(epochs)s::double precision[], %(values)s::double precision[]
    ) as v (scope, name, step, at, epoch, value)
    on conflict (owner_id, session_id, scope, name, step, at) do nothing
    """
)

FORGET_AFTER = db.Command(
    """
    delete from training_metrics
    where owner_id = %(owner_id)s and session_id = %(session_id)s and step > %(step)s
    """
)

SERIES = db.Query(
    Series,
    """
    select scope, name, count(*) as values, min(step) as first_step, max(step) as last_step,
        (array_agg(value order by step desc, at desc))[1] as last
    from training_metrics
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    group by scope, name
    order by scope, name
    """,
)

# Buckets are of equal width in steps; where a series has fewer steps than points, each step is one. The squares that a
# mean adds up would overflow with losses as they explode: those are made smaller first.
CURVES = db.Query(
    Part,
    """
    with bounds as (
        select scope, name, min(step) as low, max(step)::numeric - min(step) + 1 as width from training_metrics
        where owner_id = %(owner_id)s and session_id = %(session_id)s
            and (%(scope)s::text is null or scope = %(scope)s) and (%(names)s::text[] is null or name = any (%(names)s))
            and step between %(since)s::bigint and %(until)s::bigint
        group by scope, name
    ),
    chosen as (
        select m.scope, m.name, m.step, m.at, m.value, m.value not in ('NaN', 'Infinity', '-Infinity') as finite,
            div((m.step - b.low) * least(%(points)s::int, b.width), b.width) as place
        from bounds b
        join training_metrics m on m.owner_id = %(owner_id)s and m.session_id = %(session_id)s and m.scope = b.scope
            and m.name = b.name
        where m.step between %(since)s::bigint and %(until)s::bigint
    )
    select scope, name, min(step) as first_step, max(step) as last_step, count(*) as values,
        count(*) filter (where not finite) as not_finite, min(value) filter (where finite) as minimum,
        max(value) filter (where finite) as maximum,
        case when max(abs(value)) filter (where finite) < 1e150
            then avg(value) filter (where finite and abs(value) < 1e150)
            else avg(case when abs(value) > 1 then value * 2.0::float8 ^ -540 else 0 end) filter (where finite)
                * 2.0::float8 ^ 540
        end as mean,
        (array_agg(value order by step desc, at desc))[1] as last
    from chosen
    group by scope, name, place
    order by scope, name, first_step
    """,
)


def add(tx: db.Transaction, owner_id: int, session_id: uuid.UUID, values: Sequence[Value]) -> db.Done:
    """Enters values; those that are there already are left as they are."""
    return tx.execute(
        ADD,
        owner_id=owner_id,
        session_id=session_id,
        scopes=[one.scope for one in values],
        names=[one.name for one in values],
        steps=[one.step for one in values],
        ats=[one.at for one in values],
        epochs=[one.epoch for one in values],
        values=[one.value for one in values],
    )


def forget_after(tx: db.Transaction, owner_id: int, session_id: uuid.UUID, step: int) -> None:
    """Deletes what was measured after a step: the run goes on from there, and measures it again."""
    tx.execute(FORGET_AFTER, owner_id=owner_id, session_id=session_id, step=step)


def series(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Series]:
    """What a run measured, by scope and name."""
    return tx.fetch(SERIES, owner_id=owner_id, session_id=session_id)


def curves(
    tx: db.Transaction,
    owner_id: int,
    session_id: uuid.UUID,
    *,
    names: Sequence[str] | None,
    scope: str | None,
    points: int,
    since: int,
    until: int,
) -> db.Pending[Part]:
    """Series as at most `points` buckets each, in order of scope, name and steps from `since` to `until`."""
    return tx.fetch(
        CURVES,
        owner_id=owner_id,
        session_id=session_id,
        names=None if names is None else list(names),
        scope=scope,
        points=points,
        since=since,
        until=until,
    )
