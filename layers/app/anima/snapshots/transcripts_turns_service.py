"""Turns become messages: those that are new, in sessions of bounded length, embedded in batches, indexed as written."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from anima.inference import cache_service
from anima.kernel import db
from anima.kernel.errors import AnimaError
from anima.memory import index_service
from anima.snapshots import transcripts_repo as repo
from anima.snapshots import transcripts_turns_repo as turns_repo
from anima.snapshots.transcripts_model import Claimed, NewMessage, NewSession
from anima.vendors.embeddings import Embedder, embedder
from anima.vendors.readers.transcripts import Conversation, Spoken, Spool
from anima.vendors.readers.transcripts.apart import Summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SESSION_TURNS = 2_000
"""A conversation that is longer becomes several sessions, each written as a whole."""
_SESSION_CHARS = 4_000_000
_LOAD_TURNS = 256
"""So many turns are written at once, where conversations are short."""
_BATCH = 64
_KNOWN_AT_ONCE = 500
_TURNS_AT_ONCE = 5_000
_TITLE_CHARS = 200
_RESERVED = {"user", "assistant", "system", "developer", "tool", "you", "the person", "conclusion"}
_ROLES = {"me": "user", "assistant": "assistant", "other": "user"}


class Superseded(AnimaError):
    """The document was deleted, or another worker took it over."""

    slug = "superseded"


class OutOfTime(AnimaError):
    """This delivery has worked as long as it may."""

    slug = "out-of-time"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a delivery should leave the rest to the next (seconds of the monotonic clock)."""

    at: float

    def check(self) -> None:
        """Raises OutOfTime."""
        if time.monotonic() > self.at:
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class _Part:
    """Turns that become one session."""

    conversation: Conversation
    title: str
    turns: list[Spoken]


def take_in(
    owner: db.Principal, owner_id: int, claimed: Claimed, path: Path, summary: Summary, deadline: Deadline
) -> None:
    """Writes the turns that are not there yet; while some are embedded the last are written.

    Raises Superseded where the document was deleted or taken over, OutOfTime between two loads.
    """
    spool = Spool(path)
    try:
        with db.transaction(owner) as tx:
            model = embedder(index_service.serving(tx))
            before = turns_repo.taken(tx, owner_id, claimed.document_id)
        _drop_known(owner, owner_id, claimed, spool)
        done = before.one().turns
        total = done + spool.count()
        telling = _telling(owner, owner_id, claimed, spool)
        _say(owner, owner_id, claimed, done, total)
        with ThreadPoolExecutor(1, thread_name_prefix="transcript") as writer:
            written: Future[None] | None = None
            for load in _loads(spool, claimed):
                vectors = _embedded(owner, owner_id, claimed, model, load)
                if written is not None:
                    written.result()
                done += sum(len(part.turns) for part in load)
                writing = _Writing(claimed, summary.origin, load, vectors, model.name, telling, done)
                written = writer.submit(contextvars.copy_context().run, writing.write, owner, owner_id)
                if time.monotonic() > deadline.at:
                    written.result()
                    deadline.check()
            if written is not None:
                written.result()
    finally:
        spool.close()


def _say(owner: db.Principal, owner_id: int, claimed: Claimed, done: int, total: int) -> None:
    with db.transaction(owner) as tx:
        if repo.advance(tx, owner_id, claimed, "embed", done, total).first() is None:
            raise Superseded


def _drop_known(owner: db.Principal, owner_id: int, claimed: Claimed, spool: Spool) -> None:
    """Forgets the turns that are there, by an earlier attempt or by an earlier export of the same conversations."""
    assert claimed.avatar_id is not None
    conversations = spool.conversations()
    while keys := [each.key for each in islice(conversations, _KNOWN_AT_ONCE)]:
        with db.transaction(owner) as tx:
            known = turns_repo.known(tx, owner_id, claimed.avatar_id, keys)
        for each in known.all():
            for turns in _known_turns(owner, owner_id, each.session_id):
                spool.drop(each.conversation, turns)


def _known_turns(owner: db.Principal, owner_id: int, session_id: int) -> Iterator[list[tuple[str, bytes]]]:
    after = 0
    while True:
        with db.transaction(owner) as tx:
            found = turns_repo.known_turns(tx, owner_id, session_id, after, _TURNS_AT_ONCE)
        if not (rows := found.all()):
            return
        after = rows[-1].message_id
        yield [(row.turn_id, row.digest) for row in rows]


def _telling(owner: db.Principal, owner_id: int, claimed: Claimed, spool: Spool) -> set[int]:
    """The turns that a model is to be asked about, less those that were marked before."""
    with db.transaction(owner) as tx:
        marked = turns_repo.telling_count(tx, owner_id, claimed.document_id)
    return spool.most_telling(max(0, claimed.proposals - marked.one().total))


def _loads(spool: Spool, claimed: Claimed) -> Iterator[list[_Part]]:
    """Sessions to be written together: many short ones, or one long one."""
    load: list[_Part] = []
    size = 0
    for conversation in spool.conversations():
        for part in _parts(spool, conversation, claimed):
            load.append(part)
            size += len(part.turns)
            if size >= _LOAD_TURNS:
                yield load
                load, size = [], 0
    if load:
        yield load


def _parts(spool: Spool, conversation: Conversation, claimed: Claimed) -> Iterator[_Part]:
    title = (conversation.title or claimed.title)[:_TITLE_CHARS]
    turns: list[Spoken] = []
    chars = 0
    for turn in spool.turns(conversation.key, claimed.created_at):
        if len(turns) >= SESSION_TURNS or chars > _SESSION_CHARS:
            yield _Part(conversation, title, turns)
            turns, chars = [], 0
        turns.append(turn)
        chars += len(turn.text)
    if turns:
        yield _Part(conversation, title, turns)


def _embedded(
    owner: db.Principal, owner_id: int, claimed: Claimed, model: Embedder, load: Sequence[_Part]
) -> NDArray[np.float32]:
    """The vectors of all turns of a load, in order."""
    import numpy as np

    texts = [turn.text for part in load for turn in part.turns]
    batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
    made = [cache_service.embed(owner, owner_id, model, batch, claimed.document_id) for batch in batches]
    return np.concatenate(made)


@dataclass(frozen=True, slots=True)
class _Writing:
    """A load with its vectors; `done` turns are there when it is written."""

    claimed: Claimed
    origin: str
    load: Sequence[_Part]
    vectors: NDArray[np.float32]
    model: str
    telling: set[int]
    done: int

    def write(self, owner: db.Principal, owner_id: int) -> None:
        """Sessions, messages and index in one transaction. Raises Superseded."""
        assert self.claimed.avatar_id is not None
        total = sum(len(part.turns) for part in self.load)
        with db.transaction(owner) as tx:
            held = repo.advance(tx, owner_id, self.claimed, "embed", self.done, got_on=True)
            sessions = turns_repo.session_ids(tx, len(self.load))
            messages = turns_repo.message_ids(tx, total)
            if held.first() is None:
                raise Superseded
            made = self._messages([row.id for row in sessions.all()], iter([row.id for row in messages.all()]))
            turns_repo.add_sessions(
                tx, owner_id, self.claimed, self.origin, self._sessions([row.id for row in sessions.all()])
            )
            turns_repo.add_messages(tx, owner_id, made)
            index_service.add(tx, owner_id, self.claimed.avatar_id, self._indexed(made), self.model)

    def _sessions(self, ids: Sequence[int]) -> list[NewSession]:
        return [
            NewSession(
                session_id,
                part.conversation.key,
                part.conversation.name,
                part.title,
                part.turns[0].at,
                part.turns[-1].at,
                len(part.turns),
            )
            for session_id, part in zip(ids, self.load, strict=True)
        ]

    def _messages(self, session_ids: Sequence[int], message_ids: Iterator[int]) -> list[NewMessage]:
        made: list[NewMessage] = []
        for session_id, part in zip(session_ids, self.load, strict=True):
            ids = list(islice(message_ids, len(part.turns)))
            parents = [None, *(before for before, _ in pairwise(ids))]
            made += [
                self._message(turn, message_id, session_id, parent)
                for turn, message_id, parent in zip(part.turns, ids, parents, strict=True)
            ]
        return made

    def _message(self, turn: Spoken, message_id: int, session_id: int, parent: int | None) -> NewMessage:
        metadata = {
            "turn_id": turn.turn_id,
            "speaker": _speaker(turn),
            "transcript_id": self.claimed.document_id,
            **({"dated": turn.told} if turn.told is not None else {}),
            **({"telling": True} if turn.n in self.telling else {}),
        }
        own = turn.role == "me"
        return NewMessage(message_id, session_id, parent, _ROLES[turn.role], own, turn.text, turn.at, metadata)

    def _indexed(self, messages: Sequence[NewMessage]) -> list[index_service.Written]:
        return [
            index_service.Written(each.message_id, each.session_id, each.content, each.created_at, vector)
            for each, vector in zip(messages, self.vectors.tolist(), strict=True)
        ]


def _speaker(turn: Spoken) -> str:
    """What a speaker is called, so that nobody passes for the owner, the avatar, or what speaks to models."""
    if turn.speaker.casefold() not in _RESERVED:
        return turn.speaker
    return {"me": "user", "assistant": "assistant"}.get(turn.role, f"somebody called '{turn.speaker}'")
