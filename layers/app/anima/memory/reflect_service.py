"""Reflection: after a turn, what was said is made findable, and facts and episodes are taken from it.

A model is asked outside of any transaction, at most once a turn, and only where the rules left a statement of the
speaker unexplained. One that cannot be reached is no failure: the rules stand, and recall finds what was said anyway.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.gateway import service as gateway
from anima.kernel import clock, db, delivery, ids, outbox, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.terms import counts
from anima.memory import episodes_repo, facts_repo, index_repo
from anima.memory.extraction import judge, proposals, rules
from anima.memory.extraction.clauses import clauses
from anima.memory.extraction.episodes import moment
from anima.memory.facts_model import CONFIDENCE, Changes, Found, Moment, merge, same
from anima.memory.index_repo import Entry, Said
from anima.memory.indexing import episode_text, fact_terms, fact_text, text_terms
from anima.memory.keys import rivals
from anima.memory.model import forget_at, root
from anima.vendors import embeddings

_DEADLINE_SECONDS = 60.0

Propose = Callable[[str, str | None], str | None]
"""Asks a model about a message (and the avatar's model, if it has one): its answer, or nothing."""


@dataclass(frozen=True, slots=True)
class _Insight:
    """What one message of a person yields."""

    facts: list[Found]
    moment: Moment | None


@dataclass(frozen=True, slots=True)
class _Vectors:
    """The vectors of one reflection, and the model that made them."""

    model: str
    said: list[list[float]]
    facts: dict[str, list[float]]
    moment: list[float]


def ask_model(message: str, avatar_model: str | None) -> str | None:
    """What the model that answers the avatar proposes; nothing where none can be asked."""
    prompt = proposals.prompt(message)
    try:
        model = gateway.choose(None, avatar_model)
        answer = gateway.complete(
            model,
            [{"role": turn["role"], "content": turn["content"]} for turn in prompt],  # type: ignore[typeddict-item]
            max_tokens=proposals.MAX_TOKENS,
            deadline=time.monotonic() + _DEADLINE_SECONDS,
            response_format=proposals.RESPONSE_FORMAT,
            params={"temperature": 0.0},
            fixed=len(prompt) - 1,
        )
    except AnimaError as error:
        telemetry.warning("memory.no_proposals", reason=error.slug)
        return None
    return answer.text


def reflect(event: outbox.Event, propose: Propose | None = ask_model) -> None:
    """Reflects on a turn, once however often the event comes: results and the mark of the event are one transaction.

    The payload names avatar_id, message_id and response_message_id. Nothing is kept of a private session, nor of a turn
    that is gone by now.
    """
    avatar_id = uuid.UUID(str(event.payload["avatar_id"]))
    said = [each for each in _read(event, avatar_id) if not each.private]
    if not said:
        return
    insight = _insight(said, propose)
    vectors = _embed(said, insight)
    with db.transaction(event.owner) as tx:
        keys = sorted({key for found in insight.facts for key in (found.key, *rivals(found.key))})
        held = facts_repo.held(tx, event.owner_id, avatar_id, keys)
        if not delivery.first_time(tx, event):
            return
        changes = merge(held.all(), [(each, rivals(each.key)) for each in insight.facts], said[0].message_id)
        _store(tx, event.owner_id, said, insight, changes, vectors)
    if changes.outvoted:
        telemetry.info("memory.refused", reasons={"contradicts_what_was_said": changes.outvoted})


def _read(event: outbox.Event, avatar_id: uuid.UUID) -> list[Said]:
    named = (event.payload.get("message_id"), event.payload.get("response_message_id"))
    message_ids = [int(each) for each in named if each is not None]
    with db.transaction(event.owner) as tx:
        said = index_repo.said(tx, event.owner_id, avatar_id, message_ids, f"event:{event.event_id}")
    return said.all()


def _insight(said: Sequence[Said], propose: Propose | None) -> _Insight:
    """What the person's own message yields; the assistant's words never become facts."""
    message = next((each for each in said if each.own), None)
    if message is None:
        return _Insight([], None)
    found = _facts(message, propose) if message.switches.get("facts", True) else []
    lived = moment(message.content) if message.switches.get("episodes", True) else None
    return _Insight(found, lived)


def _facts(message: Said, propose: Propose | None) -> list[Found]:
    """What is plainly stated, and what a model makes of the rest as far as the words bear it."""
    plain = rules.facts(message.content)
    explained = {each.evidence for each in plain}
    if propose is None or all(each.text in explained for each in clauses(message.content) if each.believable):
        return plain
    answer = propose(message.content, message.model)
    proposed = proposals.read(answer) if answer is not None else []
    if proposed is None:
        telemetry.info("memory.refused", reasons={"malformed": 1})
        return plain
    verdict = judge.judge(message.content, proposed)
    if verdict.refused:
        telemetry.info("memory.refused", reasons=verdict.refused)
    return plain + [each for each in verdict.found if not _known(each, plain)]


def _known(proposed: Found, plain: Sequence[Found]) -> bool:
    """Whether the rules found it already: the same key, or the same thing said in the same clause."""
    return any(
        each.key == proposed.key
        or (each.evidence == proposed.evidence and root(each.key) == root(proposed.key))
        or (each.evidence == proposed.evidence and same(each.value, proposed.value))
        for each in plain
    )


def _embed(said: Sequence[Said], insight: _Insight) -> _Vectors:
    """All vectors of the turn in one call, by the model that serves: this process may never have searched by it."""
    texts = [each.content for each in said] + [fact_text(each.key, each.value) for each in insight.facts]
    if insight.moment is not None:
        texts.append(episode_text(insight.moment.title, insight.moment.summary))
    embedder = embeddings.embedder(said[0].embedding_model)
    rows: list[list[float]] = embedder.embed(texts).tolist()
    first, last = len(said), len(said) + len(insight.facts)
    facts = {each.key: row for each, row in zip(insight.facts, rows[first:last], strict=True)}
    return _Vectors(embedder.name, rows[:first], facts, rows[last] if insight.moment else [])


def _store(
    tx: db.Transaction,
    owner_id: int,
    said: Sequence[Said],
    insight: _Insight,
    changes: Changes,
    vectors: _Vectors,
) -> None:
    """Writes everything that follows from a turn."""
    first, at = said[0], clock.now()
    avatar_id, session_id = first.avatar_id, first.session_id
    entries = [
        Entry(each.message_id, each.content, each.created_at, vector, counts(each.content))
        for each, vector in zip(said, vectors.said, strict=True)
    ]
    index_repo.add(tx, owner_id, avatar_id, entries, session_id=session_id, embedding_model=vectors.model)
    facts_repo.end(tx, owner_id, [*changes.ended, *(old for old, _ in changes.superseded)], at)
    new = [_new_fact(fact_id, found, vectors) for fact_id, found in changes.new]
    facts_repo.add(
        tx,
        owner_id,
        avatar_id,
        new,
        session_id=session_id,
        message_id=first.message_id,
        embedding_model=vectors.model,
        at=first.created_at,
    )
    facts_repo.supersede(tx, owner_id, changes.superseded)
    facts_repo.said_again(tx, owner_id, changes.again, at)
    if insight.moment is not None:
        related = [each.id for each in new] + [each.id for each in changes.again]
        lived = _new_episode(insight.moment, related, first.created_at, vectors)
        message_ids = [each.message_id for each in said]
        episodes_repo.add(
            tx,
            owner_id,
            avatar_id,
            lived,
            session_id=session_id,
            message_ids=message_ids,
            embedding_model=vectors.model,
            at=first.created_at,
        )
    episodes_repo.drop_faded(tx, owner_id, avatar_id, at)


def _new_fact(fact_id: uuid.UUID, found: Found, vectors: _Vectors) -> facts_repo.NewFact:
    listed = fact_terms(found.key, found.value, found.evidence)
    return facts_repo.NewFact(fact_id, found, CONFIDENCE[found.confirmed], listed, vectors.facts[found.key])


def _new_episode(
    moment: Moment, related: Sequence[uuid.UUID], at: datetime, vectors: _Vectors
) -> episodes_repo.NewEpisode:
    fades = forget_at(at, moment.importance / 10, 0)
    listed = text_terms(episode_text(moment.title, moment.summary))
    return episodes_repo.NewEpisode(ids.uuid7(), moment, related, fades, listed, vectors.moment)
