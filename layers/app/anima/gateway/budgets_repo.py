"""SQL of budgets as they are set, and of what was spent as it is read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from anima.gateway.spend_model import Held, Spent
from anima.gateway.spend_repo import BUDGETS
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class SpentRow(Spent):
    """The same, with its place in the list."""

    spend_id: int


@dataclass(frozen=True, slots=True)
class OwnAvatar:
    """An avatar of the person's."""

    avatar_id: uuid.UUID


EVERY = db.Query(Held, BUDGETS + " order by b.imposed desc, b.avatar_id nulls first, b.period")

AVATARS = db.Query(
    OwnAvatar,
    "select a.avatar_id from avatars a where a.owner_id = %(owner_id)s and a.avatar_id = any(%(avatar_ids)s::uuid[])",
)

CLEAR = db.Command("delete from llm_budgets b where b.owner_id = %(owner_id)s and b.imposed = %(imposed)s")

SET = db.Command(
    """
    insert into llm_budgets (owner_id, avatar_id, period, imposed, max_tokens, max_cost)
    select %(owner_id)s, (e.value ->> 'avatar_id')::uuid, e.value ->> 'period', %(imposed)s,
        (e.value ->> 'max_tokens')::bigint, (e.value ->> 'max_cost')::numeric
    from jsonb_array_elements(%(limits)s::jsonb) e
    """
)

SPENT = db.Query(
    SpentRow,
    """
    select s.day, s.model, s.avatar_id, s.purpose, s.calls, s.prompt_tokens, s.completion_tokens, s.cached_tokens,
        s.cost, s.unpriced_calls, s.spend_id
    from llm_spend s
    where s.owner_id = %(owner_id)s and s.day between %(first)s::date and %(last)s::date
        and (%(before_id)s::bigint is null or s.spend_id < %(before_id)s)
    order by s.spend_id desc
    limit %(limit)s
    """,
)


def every(tx: db.Transaction, owner_id: int, day: date) -> db.Pending[Held]:
    """All budgets of somebody, with what was spent of them in the period of a day."""
    return tx.fetch(EVERY, owner_id=owner_id, day=day)


def avatars(tx: db.Transaction, owner_id: int, avatar_ids: Sequence[uuid.UUID]) -> db.Pending[OwnAvatar]:
    """Which of these are the person's."""
    return tx.fetch(AVATARS, owner_id=owner_id, avatar_ids=list(avatar_ids))


def replace(tx: db.Transaction, owner_id: int, limits: Sequence[Mapping[str, object]], *, imposed: bool) -> None:
    """Puts these in the place of all that the person, or an admin, had set."""
    tx.execute(CLEAR, owner_id=owner_id, imposed=imposed)
    tx.execute(SET, owner_id=owner_id, imposed=imposed, limits=db.jsonb([dict(one) for one in limits]))


def spent(
    tx: db.Transaction, owner_id: int, first: date, last: date, *, before_id: int | None, limit: int
) -> db.Pending[SpentRow]:
    """What was spent between two days, the newest first."""
    return tx.fetch(SPENT, owner_id=owner_id, first=first, last=last, before_id=before_id, limit=limit)
