"""Reflection: after a turn, what was said is made findable, and facts and episodes are taken from it.

A model is asked outside of any transaction, at most once a turn, and only where the rules left a statement of the
speaker unexplained. One that cannot be reached is no failure: the rules stand, and recall finds what was said anyway.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from anima.gateway import service as gateway
from anima.gateway.model import limited
from anima.kernel import clock, db, delivery, ids, outbox, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.terms import counts
from anima.memory import egress_service, episodes_repo, forgetting_repo, index_repo, remember_service, sensitivity
from anima.memory.extraction import entities, judge, proposals, rules
from anima.memory.extraction.clauses import clauses
from anima.memory.extraction.episodes import moment
from anima.memory.facts_model import Found, Moment, Named, Origin, same
from anima.memory.index_repo import Entry, Said
from anima.memory.indexing import episode_text, text_terms
from anima.memory.model import forget_at, root
from anima.memory.remember_service import Heard, Kept, Vectors
from anima.vendors import embeddings

__all__ = ["Prepared", "Said", "Written", "ask_model", "prepare", "reflect", "reflect_on", "said_of", "write"]

_DEADLINE_SECONDS = 60.0

Propose = Callable[[str, str | None], str | None]
"""Asks a model about a message (and the avatar's model, if it has one): its answer, or nothing."""


@dataclass(frozen=True, slots=True)
class _Insight:
    """What one message of a person yields."""

    facts: Sequence[Found] = ()
    moment: Moment | None = None
    names: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What messages of one avatar yield, with all that a transaction needs to write it."""

    said: Sequence[Said]
    insights: Mapping[int, _Insight]
    vectors: Mapping[int, Sequence[float]]
    moments: Mapping[int, Sequence[float]]
    of_facts: Vectors
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the new facts and episodes, how many messages, and what was refused, by reason."""

    facts: list[uuid.UUID] = field(default_factory=list)
    episodes: list[uuid.UUID] = field(default_factory=list)
    messages: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


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
    with gateway.charged(gateway.Account(event.owner, event.owner_id, avatar_id, "facts")):
        prepared = prepare(_read(event, avatar_id), propose)
    if not prepared.said:
        return
    with db.transaction(event.owner) as tx:
        if not delivery.first_time(tx, event):
            return
        written = write(tx, event.owner_id, prepared)
    tell_refused(written.refused)


def reflect_on(
    principal: db.Principal,
    said: Sequence[Said],
    propose: Propose | None = None,
    *,
    origin: Origin = "said",
    recalled_at: datetime | None = None,
    indexed: bool = False,
) -> Written:
    """Reflects on several messages of one avatar at once, in one transaction of its own (see prepare and write)."""
    prepared = prepare(said, propose, indexed=indexed)
    if not prepared.said or principal.user_id is None:
        return Written()
    with db.transaction(principal) as tx:
        written = write(tx, principal.user_id, prepared, origin=origin, recalled_at=recalled_at)
    tell_refused(written.refused)
    return written


def said_of(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]) -> db.Pending[Said]:
    """Messages of an owner to reflect on with an avatar, in the order of their ids."""
    return index_repo.said(tx, owner_id, avatar_id, message_ids, "")


def prepare(
    said: Sequence[Said],
    propose: Propose | None = None,
    vectors: Mapping[int, Sequence[float]] | None = None,
    *,
    indexed: bool = False,
) -> Prepared:
    """What these messages of one avatar yield: asks no database, and embeds everything in one call.

    `vectors` are those of messages that are embedded already, by the model that serves. `indexed`: all of them are in
    the index already, and are neither embedded nor indexed.
    """
    kept = [each for each in said if not each.private]
    if not kept:
        return Prepared([], {}, {}, {}, Vectors("", {}))
    insights = {each.message_id: _insight(each, propose) for each in kept if each.own}
    moments = {number: each.moment for number, each in insights.items() if each.moment is not None}
    texts = remember_service.texts([one for each in insights.values() for one in each.facts])
    known = dict(vectors or {})
    unknown = [each for each in kept if each.message_id not in known and not indexed]
    wanted = (
        [each.content for each in unknown]
        + texts
        + [episode_text(each.title, each.summary) for each in moments.values()]
    )
    embedder = embeddings.embedder(kept[0].embedding_model)
    rows: list[list[float]] = embedder.embed(wanted).tolist() if wanted else []
    first, last = len(unknown), len(unknown) + len(texts)
    known.update(zip((each.message_id for each in unknown), rows[:first], strict=True))
    of_facts = Vectors(embedder.name, dict(zip(texts, rows[first:last], strict=True)))
    return Prepared(kept, insights, known, dict(zip(moments, rows[last:], strict=True)), of_facts, indexed)


def write(
    tx: db.Transaction,
    owner_id: int,
    prepared: Prepared,
    *,
    origin: Origin = "said",
    recalled_at: datetime | None = None,
    message_ids: Mapping[int, int] | None = None,
) -> Written:
    """Writes what was prepared, as far as the messages are still there, in the caller's transaction.

    `message_ids` are the ids that the messages have by now, by those they were prepared with. `recalled_at` is when
    what they tell was last recalled: an import counts as a recall.
    """
    if not prepared.said:
        return Written()
    now_called = message_ids or {}
    said = [replace(each, message_id=now_called.get(each.message_id, each.message_id)) for each in prepared.said]
    heard = []
    for before, each in zip(prepared.said, said, strict=True):
        insight = prepared.insights.get(before.message_id, _Insight())
        heard.append(Heard(each.message_id, insight.facts, insight.names))
    avatar_id = said[0].avatar_id
    kept = remember_service.keep(tx, owner_id, avatar_id, heard, prepared.of_facts, origin=origin)
    if not prepared.indexed:
        _index(tx, owner_id, avatar_id, prepared, said, kept)
    lived = _episodes(prepared, said, kept, origin, recalled_at)
    added = episodes_repo.add(tx, owner_id, avatar_id, lived, embedding_model=prepared.of_facts.model)
    forgetting_repo.drop_faded(tx, owner_id, clock.now())
    return Written(kept.new, added, len(kept.there), kept.refused)


def tell_refused(reasons: Mapping[str, int]) -> None:
    """Logs and counts what was not kept, by reason."""
    if reasons:
        telemetry.info("memory.refused", reasons=dict(reasons))
    for reason, times in reasons.items():
        telemetry.count("memory.refused", times, reason=reason)


def _read(event: outbox.Event, avatar_id: uuid.UUID) -> list[Said]:
    named = (event.payload.get("message_id"), event.payload.get("response_message_id"))
    message_ids = [int(each) for each in named if each is not None]
    with db.transaction(event.owner) as tx:
        said = index_repo.said(tx, event.owner_id, avatar_id, message_ids, f"event:{event.event_id}")
    return said.all()


def _insight(message: Said, propose: Propose | None) -> _Insight:
    """What a person's own message yields; the assistant's words never become facts."""
    keeps_facts = message.switches.get("facts", True)
    found = _facts(message, propose) if keeps_facts else []
    lived = moment(message.content) if message.switches.get("episodes", True) else None
    names = entities.named(message.content, [message.avatar_name]) if keeps_facts else []
    return _Insight(found, lived, names)


def _facts(message: Said, propose: Propose | None) -> list[Found]:
    """What is plainly stated, and what a model makes of the rest as far as the words bear it."""
    read = rules.read(message.content, message.created_at)
    tell_refused(read.refused)
    plain = read.found
    explained = {each.evidence for each in plain}
    if propose is None or all(each.text in explained for each in clauses(message.content) if each.believable):
        return plain
    if (named := _reader(message, plain)) is None:
        return plain
    answer = propose(message.content, named or None)
    proposed = proposals.read(answer) if answer is not None else []
    if proposed is None:
        tell_refused({"malformed": 1})
        return plain
    verdict = judge.judge(message.content, proposed, message.created_at)
    tell_refused(verdict.refused)
    return plain + [each for each in verdict.found if not _known(each, plain)]


def _reader(message: Said, plain: Sequence[Found]) -> str | None:
    """The model that is asked about a message, where the avatar's egress names one; nothing where none may read it."""
    if not limited(message.egress):
        return message.model or ""
    about = frozenset(message.kept or ()).union(*(sensitivity.of_fact(each.key, each.category) for each in plain))
    try:
        model = egress_service.reader(message.model, message.egress, [message.content], about)
    except AnimaError as error:
        telemetry.warning("memory.no_proposals", reason=error.slug)
        return None
    return model.id if model else None


def _known(proposed: Found, plain: Sequence[Found]) -> bool:
    """Whether the rules found it already: the same key, or the same thing said in the same clause."""
    return any(
        each.key == proposed.key
        or (each.evidence == proposed.evidence and root(each.key) == root(proposed.key))
        or (each.evidence == proposed.evidence and same(each.value, proposed.value))
        for each in plain
    )


def _index(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, prepared: Prepared, said: Sequence[Said], kept: Kept
) -> None:
    """Makes the messages findable, of each session at once."""
    entries: dict[int, list[Entry]] = {}
    for before, each in zip(prepared.said, said, strict=True):
        if each.message_id in kept.there:
            vector = prepared.vectors[before.message_id]
            entry = Entry(each.message_id, each.content, each.created_at, vector, counts(each.content))
            entries.setdefault(each.session_id, []).append(entry)
    for session_id, listed in entries.items():
        index_repo.add(tx, owner_id, avatar_id, listed, session_id=session_id, embedding_model=prepared.of_facts.model)


def _episodes(
    prepared: Prepared, said: Sequence[Said], kept: Kept, origin: Origin, recalled_at: datetime | None
) -> list[episodes_repo.NewEpisode]:
    """The moments that messages tell, each with the answer that followed."""
    found = []
    for place, (before, each) in enumerate(zip(prepared.said, said, strict=True)):
        lived = prepared.insights.get(before.message_id, _Insight()).moment
        if lived is None or each.message_id not in kept.there:
            continue
        following = said[place + 1 : place + 2]
        answers = [one.message_id for one in following if not one.own and one.session_id == each.session_id]
        last, recalls = (recalled_at, 1) if recalled_at is not None else (each.created_at, 0)
        found.append(
            episodes_repo.NewEpisode(
                id=ids.uuid7(),
                session_id=each.session_id,
                at=each.created_at,
                moment=lived,
                origin="imported" if origin == "imported" else "said",
                message_ids=[each.message_id, *(one for one in answers if one in kept.there)],
                related_facts=kept.told.get(each.message_id, []),
                times_recalled=recalls,
                last_recalled=recalled_at,
                forget_at=forget_at(last, lived.importance / 10, recalls),
                terms=text_terms(episode_text(lived.title, lived.summary)),
                embedding=prepared.moments[before.message_id],
            )
        )
    return found
