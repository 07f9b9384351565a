"""SQL of budgets and of what was spent."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import LiteralString

from anima.gateway.spend_model import Held
from anima.kernel import db

BUDGETS: LiteralString = """
    select b.avatar_id, b.period, b.imposed, b.max_tokens, b.max_cost,
        coalesce(s.tokens, 0)::bigint as tokens, coalesce(s.cost, 0) as cost
    from llm_budgets b
    cross join lateral (
        select sum(s.prompt_tokens + s.completion_tokens) as tokens, sum(s.cost) as cost
        from llm_spend s
        where s.owner_id = b.owner_id and (b.avatar_id is null or s.avatar_id = b.avatar_id)
            and s.day >= case b.period when 'day' then %(day)s::date else date_trunc('month', %(day)s::date)::date end
    ) s
    where b.owner_id = %(owner_id)s
"""
"""What each budget of somebody allows, with what was spent of it in the period of a day."""

HELD = db.Query(
    Held,
    BUDGETS
    + """
        and (b.avatar_id is null or b.avatar_id = %(avatar_id)s::uuid)
    order by b.imposed desc, b.avatar_id nulls first, b.period
    """,
)

NOTE = db.Command(
    """
    insert into llm_spend (
        owner_id, day, avatar_id, model, purpose, calls, prompt_tokens, completion_tokens, cached_tokens, cost,
        unpriced_calls
    )
    values (
        %(owner_id)s, %(day)s::date, %(avatar_id)s::uuid, %(model)s, %(purpose)s, 1, %(prompt_tokens)s::bigint,
        %(completion_tokens)s::bigint, %(cached_tokens)s::bigint, %(cost)s::numeric,
        (%(cost)s::numeric is null)::int
    )
    on conflict (owner_id, day, avatar_id, model, purpose) do update set
        calls = llm_spend.calls + 1,
        prompt_tokens = llm_spend.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = llm_spend.completion_tokens + excluded.completion_tokens,
        cached_tokens = llm_spend.cached_tokens + excluded.cached_tokens,
        cost = case when llm_spend.cost is null and excluded.cost is null then null
            else coalesce(llm_spend.cost, 0) + coalesce(excluded.cost, 0) end,
        unpriced_calls = llm_spend.unpriced_calls + excluded.unpriced_calls
    """
)


def held(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None, day: date) -> db.Pending[Held]:
    """The budgets that hold for somebody and, where one is named, for an avatar, with what was spent of them."""
    return tx.fetch(HELD, owner_id=owner_id, avatar_id=avatar_id, day=day)


def note(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID | None,
    *,
    day: date,
    model: str,
    purpose: str,
    tokens: tuple[int, int, int],
    cost: Decimal | None,
) -> None:
    """Adds one call; `tokens` are those of the prompt, of the answer, and those of the prompt that were cached."""
    tx.execute(
        NOTE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        day=day,
        model=model,
        purpose=purpose,
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        cached_tokens=tokens[2],
        cost=cost,
    )
