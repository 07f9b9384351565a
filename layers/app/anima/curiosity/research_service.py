"""Looks for gaps in the background, the one that matters most first, and writes down what was found with its source.

A search counts against the avatar's day. It may be killed anywhere: the same event takes up the same gap again, counts
once, and finds the finding that it has written.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from anima.curiosity import research_repo, sources_service
from anima.curiosity.model import Finding
from anima.curiosity.research_repo import Taken
from anima.curiosity.sources_service import Looked
from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.config import settings
from anima.kernel.outbox import Event
from anima.memory import sensitivity

TOPIC = "curiosity.research"
PURPOSE = "findings"
_SCHEME = "anima:finding/"
_KIND = "finding"


def want(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> None:
    """Has the gap that matters most looked for, one after the other for an avatar."""
    outbox.emit(tx, TOPIC, f"curiosity:{avatar_id}", owner_id, {"avatar_id": str(avatar_id)})


def research(event: Event) -> None:
    """Looks for one gap. Nothing happens where none waits, curiosity is off, or the day's searches are spent."""
    avatar_id = uuid.UUID(str(event.payload["avatar_id"]))
    gap = _taken(event, avatar_id)
    if gap is None:
        return
    from anima.vendors.embeddings import question as questions

    about = frozenset(gap.kept).union(*(sensitivity.of_fact(key, category) for key, category in gap.drawn))
    looked = sources_service.look(event.owner, event.owner_id, questions.ask(gap.question), gap.egress, about)
    telemetry.count("curiosity.searches", outcome="found" if looked.findings else "nothing")
    document_id = _written(event, avatar_id, gap, looked.findings) if looked.findings else None
    _ended(event, avatar_id, gap, looked, document_id)


def forget_session(principal: db.Principal, session_id: int) -> None:
    """A session was deleted: what was found out because of it goes too."""
    from anima.knowledge import analysis_service

    analysis_service.forget_about(principal, PURPOSE, {"kind": _KIND, "session_id": session_id})


def forget_all(principal: db.Principal, owner_id: int, avatar_id: uuid.UUID | None = None) -> None:
    """Forgets what an avatar (None: each of them) wanted to know, and what it found out.

    First the gaps: a search that ends now finds its gap gone, and removes its finding itself.
    """
    from anima.knowledge import analysis_service

    with db.transaction(principal) as tx:
        research_repo.forget(tx, owner_id, avatar_id)
    of_avatar = {} if avatar_id is None else {"avatar_id": str(avatar_id)}
    analysis_service.forget_about(principal, PURPOSE, {"kind": _KIND, **of_avatar})


def retract(principal: db.Principal, owner_id: int, message_id: int) -> None:
    """A message was replaced by its person: the gaps that it alone had left go, with what was found out for them."""
    with db.transaction(principal) as tx:
        gone = research_repo.retract(tx, owner_id, message_id)
    for one in gone.all():
        if one.document_id is not None:
            _forget(principal, one.document_id)


def _taken(event: Event, avatar_id: uuid.UUID) -> Taken | None:
    at, most = clock.now(), settings().curiosity_searches_a_day
    with db.transaction(event.owner) as tx:
        gap = research_repo.take(tx, event.owner_id, avatar_id, event.event_id, at).first()
        if gap is None or gap.again:
            return gap
        if research_repo.spend(tx, event.owner_id, avatar_id, at.date(), most).first() is None:
            research_repo.put_back(tx, event.owner_id, gap.gap_id)
            return None
    return gap


def _written(event: Event, avatar_id: uuid.UUID, gap: Taken, findings: Sequence[Finding]) -> int | None:
    """The document that tells what was found; None where the person keeps no store for findings."""
    from anima.knowledge import analysis_service
    from anima.knowledge.documents_model import NewDocument
    from anima.knowledge.errors import UnknownPurpose

    sources = [
        {"kind": one.kind, "title": one.title, "source_uri": one.source_uri, "place": one.place} for one in findings
    ]
    about = {"kind": _KIND, "gap_id": str(gap.gap_id), "avatar_id": str(avatar_id), "session_id": gap.session_id}
    new = NewDocument(
        content=_text(gap, findings).encode(),
        title=gap.question,
        source_uri=f"{_SCHEME}{gap.gap_id}/{event.event_id}",
        doc_type="markdown",
        purpose=PURPOSE,
        metadata={**about, "question": gap.question, "sources": sources},
    )
    try:
        return analysis_service.write_once(event.owner, new)
    except UnknownPurpose:
        return None


def _text(gap: Taken, findings: Sequence[Finding]) -> str:
    """A finding as a document: what was asked, what is said where, and where that is."""
    told = "\n\n".join(f"{one.text}\n\nSource: {_where(one)}" for one in findings)
    return f"# {gap.question}\n\n{told}\n"


def _where(finding: Finding) -> str:
    return f"{finding.title} <{finding.source_uri}>" if finding.source_uri else finding.title


def _ended(event: Event, avatar_id: uuid.UUID, gap: Taken, looked: Looked, document_id: int | None) -> None:
    """Notes what came of it, and has the next gap looked for. A finding that nobody waits for any more goes."""
    at, owner_id = clock.now(), event.owner_id
    with db.transaction(event.owner) as tx:
        if document_id is not None:
            best = looked.findings[0]
            done = research_repo.answered(
                tx, owner_id, gap.gap_id, event.event_id, document_id, best, looked.places, at
            )
        else:
            done = research_repo.in_vain(tx, owner_id, gap.gap_id, event.event_id, looked.places, at)
        used = research_repo.in_use(tx, owner_id, document_id or 0)
        if done.first() is not None and research_repo.waiting(tx, owner_id, avatar_id).one().count:
            want(tx, owner_id, avatar_id)
    if document_id is not None and not used.all():
        _forget(event.owner, document_id)


def _forget(principal: db.Principal, document_id: int) -> None:
    from anima.knowledge import analysis_service  # with all of intake: for what writes and removes alone

    analysis_service.forget(principal, document_id)
