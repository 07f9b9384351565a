"""SQL of research: the gap that is looked for next, how much may be looked for a day, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from anima.curiosity.model import Finding
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Taken:
    """The gap that is being looked for; `again` where the same event took it up before.

    What its message is about beyond its words: `kept` names categories because of which its turn stayed at home,
    `drawn` the key and category of each fact that it told.
    """

    gap_id: uuid.UUID
    question: str
    session_id: int
    egress: dict[str, Any]
    again: bool
    kept: list[str]
    drawn: list[list[str]]


@dataclass(frozen=True, slots=True)
class Spent:
    """How many searches there were on this day, with the one that begins."""

    searches: int


@dataclass(frozen=True, slots=True)
class Purpose:
    """The purpose of a store."""

    purpose: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A gap whose search is over."""

    gap_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Retracted:
    """A gap that is none any more, with the finding that answered it."""

    gap_id: uuid.UUID
    document_id: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many gaps wait to be looked for."""

    count: int


# The one that this event took up before, else the one that matters most; also one whose search was given up.
TAKE = db.Query(
    Taken,
    """
    with next as materialized (
        select g.gap_id, g.state = 'researching' and g.search_id = %(search_id)s as again
        from curiosity_gaps g
        join avatars a on a.owner_id = g.owner_id and a.avatar_id = g.avatar_id
        where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s
            and coalesce((a.switches ->> 'curiosity')::boolean, true)
            and (
                g.state = 'open' and g.to_research
                or g.state = 'researching'
                    and (g.search_id = %(search_id)s or g.researched_at < %(at)s::timestamptz - interval '15 minutes')
            )
        order by again desc, g.score desc, g.last_seen desc, g.gap_id
        limit 1
        for update of g skip locked
    )
    update curiosity_gaps g set state = 'researching', search_id = %(search_id)s, researched_at = %(at)s
    from next, avatars a, messages m
    where g.owner_id = %(owner_id)s and g.gap_id = next.gap_id
        and a.owner_id = g.owner_id and a.avatar_id = g.avatar_id
        and m.owner_id = g.owner_id and m.message_id = g.message_id
    returning g.gap_id, g.question, m.session_id, a.egress, next.again, coalesce(m.metadata -> 'kept', '[]') as kept,
        (
            select coalesce(jsonb_agg(distinct jsonb_build_array(u.key, u.category)), '[]')
            from user_facts u
            where u.user_id = g.owner_id and (u.id = g.fact_id or u.id in (
                select f.fact_id from fact_mentions f where f.owner_id = g.owner_id and f.message_id = g.message_id
            ))
        ) as drawn
    """,
)

# No row where the day's searches are spent.
SPEND = db.Query(
    Spent,
    """
    insert into curiosity_minds as m (owner_id, avatar_id, day, searches)
    select %(owner_id)s, %(avatar_id)s, %(day)s, 1
    where %(most)s > 0 or exists (
        select from curiosity_minds where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    )
    on conflict (owner_id, avatar_id) do update set
        day = excluded.day, searches = case when m.day = excluded.day then m.searches else 0 end + 1
    where coalesce(m.searches_a_day, %(most)s) > case when m.day = excluded.day then m.searches else 0 end
    returning searches
    """,
)

PUT_BACK = db.Command(
    """
    update curiosity_gaps g set state = 'open', search_id = null
    where g.owner_id = %(owner_id)s and g.gap_id = %(gap_id)s and g.state = 'researching'
    """
)

PURPOSES = db.Query(
    Purpose,
    """
    select distinct s.purpose from vector_stores s
    where s.owner_id = %(owner_id)s and s.purpose <> all(%(without)s::text[])
    order by s.purpose
    """,
)

LIMIT_TIME = db.Command(
    """
    select set_config('statement_timeout', %(milliseconds)s, true)
    """
)

FORGET = db.Command(
    """
    delete from curiosity_gaps g
    where g.owner_id = %(owner_id)s and (%(avatar_id)s::uuid is null or g.avatar_id = %(avatar_id)s::uuid)
    """
)

# Of what was replaced by its person only what nothing else has asked.
RETRACT = db.Query(
    Retracted,
    """
    delete from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.message_id = %(message_id)s and g.mention_count = 1
    returning g.gap_id, g.document_id
    """,
)

# Nothing where the gap is gone, was put aside, or another search took it up.
ANSWERED = db.Query(
    Ended,
    """
    update curiosity_gaps g set
        state = 'answered', search_id = null, to_research = false, researched_at = %(at)s, looked_in = %(looked_in)s,
        document_id = d.document_id, answer = %(answer)s, title = %(title)s, source_uri = %(source_uri)s
    from documents d
    where g.owner_id = %(owner_id)s and g.gap_id = %(gap_id)s and g.state = 'researching'
        and g.search_id = %(search_id)s and d.owner_id = g.owner_id and d.document_id = %(document_id)s
    returning g.gap_id
    """,
)

IN_VAIN = db.Query(
    Ended,
    """
    update curiosity_gaps g set
        state = 'open', search_id = null, to_research = false, researched_at = %(at)s, looked_in = %(looked_in)s
    where g.owner_id = %(owner_id)s and g.gap_id = %(gap_id)s and g.state = 'researching'
        and g.search_id = %(search_id)s
    returning g.gap_id
    """,
)

IN_USE = db.Query(
    Ended,
    """
    select g.gap_id from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.document_id = %(document_id)s
    """,
)

WAITING = db.Query(
    Waiting,
    """
    select count(*) as count from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.state = 'open' and g.to_research
    """,
)


def take(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, search_id: uuid.UUID, at: datetime
) -> db.Pending[Taken]:
    """Takes up the gap that matters most; nothing where none waits or the avatar is not curious."""
    return tx.fetch(TAKE, owner_id=owner_id, avatar_id=avatar_id, search_id=search_id, at=at)


def spend(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, day: date, most: int) -> db.Pending[Spent]:
    """Counts a search of this day; no row where there were enough. `most` holds where the avatar has no own number."""
    return tx.fetch(SPEND, owner_id=owner_id, avatar_id=avatar_id, day=day, most=most)


def put_back(tx: db.Transaction, owner_id: int, gap_id: uuid.UUID) -> None:
    """Leaves a gap for another day."""
    tx.execute(PUT_BACK, owner_id=owner_id, gap_id=gap_id)


def purposes(tx: db.Transaction, owner_id: int, without: list[str]) -> db.Pending[Purpose]:
    """What the person's stores are for."""
    return tx.fetch(PURPOSES, owner_id=owner_id, without=without)


def limit_time(tx: db.Transaction, milliseconds: int) -> None:
    """Has each statement of the transaction end by then."""
    tx.execute(LIMIT_TIME, milliseconds=str(milliseconds))


def forget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None) -> None:
    """Removes the gaps of an avatar, or of all of them."""
    tx.execute(FORGET, owner_id=owner_id, avatar_id=avatar_id)


def retract(tx: db.Transaction, owner_id: int, message_id: int) -> db.Pending[Retracted]:
    """Removes the gaps that this message alone had left."""
    return tx.fetch(RETRACT, owner_id=owner_id, message_id=message_id)


def answered(
    tx: db.Transaction,
    owner_id: int,
    gap_id: uuid.UUID,
    search_id: uuid.UUID,
    document_id: int,
    finding: Finding,
    looked_in: Mapping[str, str],
    at: datetime,
) -> db.Pending[Ended]:
    """Ends a search that found something."""
    return tx.fetch(
        ANSWERED,
        owner_id=owner_id,
        gap_id=gap_id,
        search_id=search_id,
        document_id=document_id,
        answer=finding.text[:2000],
        title=finding.title[:500],
        source_uri=finding.source_uri[:2000] if finding.source_uri else None,
        looked_in=db.jsonb(dict(looked_in)),
        at=at,
    )


def in_vain(
    tx: db.Transaction,
    owner_id: int,
    gap_id: uuid.UUID,
    search_id: uuid.UUID,
    looked_in: Mapping[str, str],
    at: datetime,
) -> db.Pending[Ended]:
    """Ends a search that found nothing."""
    return tx.fetch(
        IN_VAIN, owner_id=owner_id, gap_id=gap_id, search_id=search_id, looked_in=db.jsonb(dict(looked_in)), at=at
    )


def in_use(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Ended]:
    """The gaps that a finding answers."""
    return tx.fetch(IN_USE, owner_id=owner_id, document_id=document_id)


def waiting(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Waiting]:
    """How many gaps wait to be looked for."""
    return tx.fetch(WAITING, owner_id=owner_id, avatar_id=avatar_id)
