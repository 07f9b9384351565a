"""Imports past conversations: read, embedded and written session by session, then read for facts and episodes.

Each step is committed, so that a worker that is killed at any moment is followed by one that goes on where it ended.
What was said is found before it is read for facts.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.errors import AnimaError
from anima.knowledge import uploads_service
from anima.snapshots import transcripts_repo as repo
from anima.snapshots import transcripts_service
from anima.snapshots.transcripts_extract_service import extract
from anima.snapshots.transcripts_model import MAX_ATTEMPTS, Claimed
from anima.snapshots.transcripts_turns_service import Deadline, OutOfTime, Superseded, take_in
from anima.vendors.blobs import BlobMissing, blobs, spool
from anima.vendors.readers import Progress, TooMuch, Unreadable
from anima.vendors.readers import transcripts as readers
from anima.vendors.readers.transcripts.apart import Summary, Wanted

SLICE_SECONDS = 150.0
"""So long one delivery works, once it has read the file; what is left is done by the next."""
_PULSE_SECONDS = 1.0
_KILLED = "reading it stopped the worker each time"
_NOBODY = (
    "Nobody in it was recognised as you: it can be found, but nothing of it becomes a fact or an episode. "
    "Bring it again and say with `me` which of its speakers you are."
)
_HOPELESS = (
    *(readers.NotATranscript, readers.UnknownVersion, readers.TranscriptDamaged, readers.SpeakerUnknown),
    *(Unreadable, TooMuch, BlobMissing),
)


class AvatarGone(AnimaError):
    """The avatar was deleted."""

    slug = "avatar-gone"


class BroughtBefore(AnimaError):
    """The same was brought to this avatar before."""

    slug = "brought-before"


def import_transcript(owner: db.Principal, owner_id: int, document_id: int) -> None:
    """Brings an import to its end, or as far as one delivery may; one that is done or gone is left alone.

    What is wrong with the file ends it at once, with a reason, and nothing of it stays. Any other error is raised, so
    that it is tried again, and ends it where several attempts in a row got nowhere.
    """
    claimed = _claim(owner, owner_id, document_id)
    if claimed is None:
        return
    try:
        _work(owner, owner_id, claimed)
    except Superseded:
        telemetry.info("transcript.superseded", document_id=document_id)
    except OutOfTime:
        _put_off(owner, owner_id, claimed)
    except (*_HOPELESS, AvatarGone, BroughtBefore) as error:
        _fail(owner, owner_id, claimed, error.detail)
    except Exception as error:
        reason = error.detail if isinstance(error, AnimaError) else f"an error of kind {type(error).__name__}"
        if claimed.attempts < MAX_ATTEMPTS:
            with db.transaction(owner) as tx:
                repo.end(tx, owner_id, claimed, "queued", reason)
            raise
        _fail(owner, owner_id, claimed, reason)
        telemetry.error("transcript.failed", error, document_id=document_id)


def _claim(owner: db.Principal, owner_id: int, document_id: int) -> Claimed | None:
    """Counts the attempt before any work is done; what the last one of several left behind goes."""
    with db.transaction(owner) as tx:
        given_up = repo.give_up(tx, owner_id, document_id, _KILLED)
        claimed = repo.claim(tx, owner_id, document_id)
        if given_up.first() is not None:
            repo.remove(tx, owner_id, document_id)
        at_work = repo.at_work(tx, owner_id, document_id)
        if claimed.first() is None and at_work.first() is not None:
            _look_again(tx, owner_id, document_id)
    return claimed.first()


def _look_again(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Somebody is at its last attempt: whether he lives is known when he would have said so."""
    payload, later = {"document_id": document_id}, clock.now() + repo.SILENCE + timedelta(seconds=1)
    outbox.emit(tx, transcripts_service.TOPIC, f"again:transcript:{document_id}", owner_id, payload, not_before=later)


def _put_off(owner: db.Principal, owner_id: int, claimed: Claimed) -> None:
    """Leaves the rest to the next delivery."""
    with db.transaction(owner) as tx:
        ended = repo.end(tx, owner_id, claimed, "queued", None, got_on=True)
        if ended.first() is not None and claimed.avatar_id is not None:
            transcripts_service.queue(tx, owner_id, claimed.avatar_id, claimed.document_id)


def _fail(owner: db.Principal, owner_id: int, claimed: Claimed, reason: str) -> None:
    """Ends an import that cannot be done; nothing of it stays but the document that says why."""
    with db.transaction(owner) as tx:
        if repo.end(tx, owner_id, claimed, "failed", reason).first() is not None:
            repo.remove(tx, owner_id, claimed.document_id)


def _work(owner: db.Principal, owner_id: int, claimed: Claimed) -> None:
    if claimed.avatar_id is None or claimed.avatar is None:
        raise AvatarGone
    with spool.workplace() as work:
        summary = _read(owner, owner_id, claimed, work)
        deadline = Deadline(time.monotonic() + SLICE_SECONDS)
        take_in(owner, owner_id, claimed, work / "turns.db", summary, deadline)
    extract(owner, owner_id, claimed, deadline)
    with db.transaction(owner) as tx:
        if repo.end(tx, owner_id, claimed, "done", None).first() is None:
            raise Superseded
    telemetry.info("transcript.imported", origin=summary.origin, turns=summary.counts.get("turns", 0))


def _read(owner: db.Principal, owner_id: int, claimed: Claimed, work: Path) -> Summary:
    """Has the file read by a process of its own, which leaves its turns on disk."""
    path = work / "source"
    blobs().fetch(claimed.storage_uri or "", path)
    _name_content(owner, owner_id, claimed, path)
    title = claimed.title if claimed.title != claimed.name else None
    wanted = Wanted(
        path,
        work / "turns.db",
        claimed.name,
        title,
        claimed.me,
        claimed.names,
        claimed.avatar or "",
        claimed.created_at,
    )
    summary: Summary | None = None
    told = time.monotonic()
    for item in readers.read_apart(wanted):
        if isinstance(item, Summary):
            summary = item
        elif time.monotonic() - told >= _PULSE_SECONDS:
            told = time.monotonic()
            _say(owner, owner_id, claimed, item)
    path.unlink()
    if summary is None:
        raise Unreadable(reason="reading it stopped the reader")
    if not summary.counts.get("turns"):
        raise readers.NotATranscript(reason="nobody says anything in it")
    with db.transaction(owner) as tx:
        repo.note(
            tx,
            owner_id,
            claimed.document_id,
            origin=summary.origin,
            counts=summary.counts,
            speakers=[{"name": name, "turns": turns} for name, turns in summary.speakers.items()],
            me=summary.me,
            told=None if summary.me else _NOBODY,
        )
    return summary


def _say(owner: db.Principal, owner_id: int, claimed: Claimed, progress: Progress) -> None:
    with db.transaction(owner) as tx:
        held = repo.advance(tx, owner_id, claimed, "parse", progress.done, progress.total, unit=progress.unit)
    if held.first() is None:
        raise Superseded


def _name_content(owner: db.Principal, owner_id: int, claimed: Claimed, path: Path) -> None:
    """The hash of a file that came straight to the object store is known only now."""
    if claimed.content_sha256 is not None or claimed.avatar_id is None:
        return
    sha256 = transcripts_service.content_hash(claimed.avatar_id, uploads_service.hash_of(path))
    with db.transaction(owner) as tx:
        named = repo.name_content(tx, owner_id, claimed, sha256)
    if named.first() is None:
        raise BroughtBefore
