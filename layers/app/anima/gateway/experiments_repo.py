"""SQL of experiments as turns and ratings need it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anima.gateway.experiments_model import Running
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Rated:
    """The experiment to which an answer that was rated belongs."""

    exp_id: int


# Where nothing runs, an empty index is all that is looked at.
RUNNING = db.Query(
    Running,
    """
    select e.exp_id, e.variants, (
        select jsonb_object_agg(p.prompt_id::text, p.content)
        from jsonb_array_elements(e.variants) as v (variant)
        join prompts p on p.prompt_id = (v.variant ->> 'prompt_id')::bigint and p.owner_id is null
    ) as prompts, a.variant as assigned
    from experiments e
    left join experiment_assignments a on a.user_id = %(owner_id)s and a.exp_id = e.exp_id
    where e.end_ts is null
        and not exists (select from settings s where s.key = 'experiments.enabled' and s.value = 'false')
    order by e.exp_id
    """,
)

COUNT = db.Command(
    """
    insert into experiment_assignments as a (
        user_id, exp_id, variant, assigned_at, answers, failures, harmed, ms, ms_squares, costed, cost, cost_squares
    )
    select %(owner_id)s, e.exp_id, %(variant)s, %(at)s, %(answers)s, 1 - %(answers)s::integer, %(harmed)s,
        %(ms)s, %(ms)s::double precision ^ 2, %(costed)s, %(cost)s, %(cost)s::double precision ^ 2
    from experiments e where e.exp_id = %(exp_id)s and e.end_ts is null
    on conflict (user_id, exp_id) do update set
        answers = a.answers + excluded.answers, failures = a.failures + excluded.failures,
        harmed = a.harmed + excluded.harmed,
        ms = a.ms + excluded.ms, ms_squares = a.ms_squares + excluded.ms_squares,
        costed = a.costed + excluded.costed, cost = a.cost + excluded.cost,
        cost_squares = a.cost_squares + excluded.cost_squares
    where a.variant = excluded.variant
    """
)

# All ratings of the person within the experiment, anew: a rating may take the place of another.
RATE = db.Query(
    Rated,
    """
    with rated as (
        select (q.parameters -> 'experiment' ->> 'id')::bigint as exp_id
        from llm_responses r
        join llm_requests q on q.owner_id = r.owner_id and q.request_id = r.request_id
        join sessions s on s.user_id = q.owner_id and s.session_id = q.session_id
        where r.owner_id = %(owner_id)s and r.response_id = %(response_id)s and q.parameters ? 'experiment'
            and not s.private
    ),
    sums as (
        select rated.exp_id, count(*) as n, count(*) filter (where f.rating >= 4) as liked,
            sum(f.rating) as rating, sum(f.rating * f.rating) as squares
        from rated
        join feedback f on f.owner_id = %(owner_id)s
        join llm_responses r on r.owner_id = f.owner_id and r.response_id = f.response_id
        join llm_requests q on q.owner_id = r.owner_id and q.request_id = r.request_id
        join sessions s on s.user_id = q.owner_id and s.session_id = q.session_id
        where (q.parameters -> 'experiment' ->> 'id')::bigint = rated.exp_id and not s.private
        group by rated.exp_id
    )
    update experiment_assignments a
    set rated = sums.n, liked = sums.liked, rating = sums.rating, rating_squares = sums.squares
    from sums
    where a.user_id = %(owner_id)s and a.exp_id = sums.exp_id
    returning a.exp_id
    """,
)


def running(tx: db.Transaction, owner_id: int) -> db.Pending[Running]:
    """What runs, and what the person was given of it."""
    return tx.fetch(RUNNING, owner_id=owner_id)


def count(
    tx: db.Transaction,
    owner_id: int,
    exp_id: int,
    variant: str,
    *,
    at: datetime,
    answers: int,
    harmed: int,
    ms: float,
    cost: float | None,
) -> None:
    """Adds an answer (1) or a failure (0 answers) to a person's sums, and so writes down their variant."""
    figures = {"answers": answers, "harmed": harmed, "ms": ms, "costed": int(cost is not None), "cost": cost or 0.0}
    tx.execute(COUNT, owner_id=owner_id, exp_id=exp_id, variant=variant, at=at, **figures)


def rate(tx: db.Transaction, owner_id: int, response_id: int) -> db.Pending[Rated]:
    """Counts a person's ratings anew where an answer that they rated belongs to an experiment."""
    return tx.fetch(RATE, owner_id=owner_id, response_id=response_id)
