"""What recall asks the database: one statement for all candidates, one command to reinforce."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.model import Candidate

# The function is in the migrations: its plan is kept by the connection, whoever pools it, and planning takes longer
# than all it does. Vectors of another embedding model are not looked at.
CANDIDATES = db.Query(
    Candidate,
    """
    select kind, id, text, key, value, category, confirmed, is_active, importance, made_at, true_from, true_until,
        last_recalled, times_recalled, pinned, message_id, session_id, speaker, turn_id, own, before_id, cosine, words,
        weights, tfs, dfs, length, n, average, total, entity
    from recall_candidates(
        %(owner_id)s, %(avatar_id)s, %(vector)s::vector, %(embedding_model)s, %(terms)s::text[], %(words)s::integer[],
        %(weights)s::float8[], %(tokens)s::text[], %(token_words)s::integer[], %(keys)s::text[], %(kinds)s::text[],
        %(exclude)s::bigint[],
        case when %(transcript_id)s::bigint is not null then array(
            select t.session_id from transcript_sessions t
            where t.owner_id = %(owner_id)s and t.document_id = %(transcript_id)s::bigint
                and (%(session_id)s::bigint is null or t.session_id = %(session_id)s)
        ) when %(session_id)s::bigint is not null then array[%(session_id)s::bigint] end,
        %(since)s::timestamptz, %(until)s::timestamptz, %(past)s, %(at)s::timestamptz, %(now)s::timestamptz, %(limit)s,
        %(n)s::float8
    )
    """,
)

# The moment of forgetting is that of model.forget_at with one recall more.
REINFORCE = db.Command(
    """
    update episodes set
        times_recalled = times_recalled + 1,
        last_recalled = %(at)s,
        forget_at = %(at)s::timestamptz + make_interval(secs => 86400 * ln(10::float8) / 0.1::float8
            * (1 + 0.05::float8 * importance + 0.2::float8 * ln((times_recalled + 2)::float8)))
    where user_id = %(owner_id)s and id = any(%(episode_ids)s::uuid[])
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    `terms` stand for `words` of the question and count for `weights`; `tokens` are its words as somebody would be
    called by them. `when`: the time that it names; `past`: facts that hold no more are wanted too. `at` asks what was
    known at a moment, None what is known `now`. `n`: about how many messages there are, where that is known.
    """

    vector: Sequence[float]
    embedding_model: str
    terms: Sequence[str]
    words: Sequence[int]
    weights: Sequence[float]
    tokens: Sequence[str]
    token_words: Sequence[int]
    keys: Sequence[str]
    kinds: Sequence[str]
    exclude: Sequence[int]
    session_id: int | None
    transcript_id: int | None
    when: tuple[datetime, datetime] | None
    past: bool
    at: datetime | None
    now: datetime
    n: float | None = None


def candidates(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, wanted: Wanted, limit: int
) -> db.Pending[Candidate]:
    """Facts that hold, episodes that live and messages that may answer, with the messages right beside these.

    At most `limit` of each kind, without the neighbours.
    """
    since, until = wanted.when or (None, None)
    given = {name: getattr(wanted, name) for name in Wanted.__slots__}
    lists = {name: list(value) for name, value in given.items() if isinstance(value, tuple)}
    own = {"owner_id": owner_id, "avatar_id": avatar_id, "vector": db.vector_text(wanted.vector), "limit": limit}
    return tx.fetch(CANDIDATES, **{**given, **lists, **own, "since": since, "until": until})


def reinforce(tx: db.Transaction, owner_id: int, episode_ids: Sequence[uuid.UUID], at: datetime) -> None:
    """Counts a recall of episodes and puts off the moment of their forgetting."""
    tx.execute(REINFORCE, owner_id=owner_id, episode_ids=list(episode_ids), at=at)
