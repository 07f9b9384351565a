"""SQL of what is kept of turns beside their answers: requests, feedback, and what follows a turn."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request as it was sent to a model, and what came of it."""

    request_id: int
    session_id: int | None
    message_id: int | None
    response_id: int | None
    retrieval_ids: list[int]
    purpose: str
    state: str
    provider: str | None
    model_name: str | None
    prompt_json: Any
    parameters: dict[str, Any]
    token_estimate: int | None
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rated:
    """Feedback that was kept; `fresh` says that it is the first on its response.

    `counted` is what it did to an affinity, as `count` keeps it; nothing where it did nothing.
    """

    feedback_id: int
    response_id: int
    rating: int
    comment: str | None
    created_at: datetime
    fresh: bool
    counted: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RatedAvatar:
    """The avatar whose answer was rated."""

    avatar_id: uuid.UUID
    personality_name: str
    personality: dict[str, Any]
    switches: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the person said to the avatar before, as far as it is looked at."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """A turn that is over, as those that follow it need it."""

    response_id: int
    response_message_id: int | None
    text: str
    personality_name: str
    personality: dict[str, Any]
    switches: dict[str, Any]


KEPT_REQUEST = db.Query(
    KeptRequest,
    """
    select q.request_id, q.session_id, q.message_id, r.response_id,
        array(
            select l.retrieval_id from retrieval_logs l
            where l.owner_id = q.owner_id and l.request_id = q.request_id
                and l.retrieved_at >= q.created_at
            order by l.retrieval_id
        ) as retrieval_ids,
        q.purpose, q.state, m.provider, m.model_name, q.prompt_json, q.parameters, q.token_estimate, q.error,
        q.created_at, q.finished_at
    from llm_requests q
    left join llm_responses r on r.owner_id = q.owner_id and r.request_id = q.request_id
    left join llm_models m on m.model_id = q.model_id
    where q.owner_id = %(owner_id)s and q.request_id = %(request_id)s
    """,
)

RATED = db.Query(
    Rated,
    """
    insert into feedback (owner_id, response_id, rating, comment)
    select r.owner_id, r.response_id, %(rating)s::smallint, %(comment)s::text
    from llm_responses r
    where r.owner_id = %(owner_id)s and r.response_id = %(response_id)s
    on conflict (owner_id, response_id)
        do update set rating = excluded.rating, comment = excluded.comment, created_at = now()
    returning feedback_id, response_id, rating::integer as rating, comment, created_at, xmax = 0 as fresh,
        metadata -> 'affinity' as counted
    """,
)

COUNT = db.Command(
    """
    update feedback set metadata = metadata || jsonb_build_object('affinity', %(counted)s::jsonb)
    where owner_id = %(owner_id)s and response_id = %(response_id)s
    """
)

RATED_AVATAR = db.Query(
    RatedAvatar,
    """
    select a.avatar_id, a.personality_name, a.personality, a.switches
    from llm_responses r
    join llm_requests q on q.owner_id = r.owner_id and q.request_id = r.request_id
    join sessions s on s.user_id = q.owner_id and s.session_id = q.session_id and not s.private
    join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    where r.owner_id = %(owner_id)s and r.response_id = %(response_id)s
    """,
)

# Nothing follows a message that its author has replaced since.
TURN_END = db.Query(
    TurnEnd,
    """
    select r.response_id, r.message_id as response_message_id, m.content as text, a.personality_name,
        a.personality, a.switches
    from llm_responses r
    join llm_requests q on q.owner_id = r.owner_id and q.request_id = r.request_id
    join messages m on m.owner_id = q.owner_id and m.message_id = q.message_id
    join sessions s on s.user_id = q.owner_id and s.session_id = q.session_id and not s.private
    join avatars a on a.owner_id = s.user_id and a.avatar_id = %(avatar_id)s::uuid
    where r.owner_id = %(owner_id)s and r.request_id = %(request_id)s
        and not exists (
            select from messages e
            where e.owner_id = m.owner_id and e.session_id = m.session_id
                and e.metadata ->> 'edits' = m.message_id::text
        )
    """,
)


# What was said lately, in whichever session: of the newest sessions the newest messages, so that an index gives them.
EARLIER = db.Query(
    Earlier,
    """
    select left(said.content, 500) as text
    from (
        select s.session_id from sessions s
        where s.user_id = %(owner_id)s and s.avatar_id = %(avatar_id)s::uuid and not s.private
        order by s.session_id desc limit 40
    ) recent
    cross join lateral (
        select m.message_id, m.content from messages m
        where m.owner_id = %(owner_id)s and m.session_id = recent.session_id and m.role = 'user'
            and m.message_id < %(message_id)s
        order by m.created_at desc, m.message_id desc limit %(limit)s
    ) said
    order by said.message_id desc limit %(limit)s
    """,
)


def earlier(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_id: int, limit: int
) -> db.Pending[Earlier]:
    """What the person said to the avatar before a message, the newest first; nothing of private sessions."""
    return tx.fetch(EARLIER, owner_id=owner_id, avatar_id=avatar_id, message_id=message_id, limit=limit)


def kept_request(tx: db.Transaction, owner_id: int, request_id: int) -> db.Pending[KeptRequest]:
    """A request."""
    return tx.fetch(KEPT_REQUEST, owner_id=owner_id, request_id=request_id)


def rated(tx: db.Transaction, owner_id: int, response_id: int, rating: int, comment: str | None) -> db.Pending[Rated]:
    """Keeps feedback on a response; nothing where there is no such response."""
    return tx.fetch(RATED, owner_id=owner_id, response_id=response_id, rating=rating, comment=comment)


def count(tx: db.Transaction, owner_id: int, response_id: int, counted: dict[str, Any]) -> None:
    """Keeps what a rating did to an affinity: {personality, rating, points}."""
    tx.execute(COUNT, owner_id=owner_id, response_id=response_id, counted=db.jsonb(counted))


def rated_avatar(tx: db.Transaction, owner_id: int, response_id: int) -> db.Pending[RatedAvatar]:
    """Whose answer it was; nobody's where the session is private or has no avatar."""
    return tx.fetch(RATED_AVATAR, owner_id=owner_id, response_id=response_id)


def turn_end(tx: db.Transaction, owner_id: int, request_id: int, avatar_id: uuid.UUID) -> db.Pending[TurnEnd]:
    """What was said in a turn and to whom; nothing where it is private or gone."""
    return tx.fetch(TURN_END, owner_id=owner_id, request_id=request_id, avatar_id=avatar_id)
