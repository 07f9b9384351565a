"""Facts and episodes of past conversations: rules read all that their owner said, a model only what tells most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from anima.gateway import service as gateway
from anima.kernel import clock, db
from anima.memory import reflect_service
from anima.snapshots import transcripts_extract_repo as repo
from anima.snapshots import transcripts_repo
from anima.snapshots.transcripts_model import Claimed
from anima.snapshots.transcripts_turns_service import Deadline, Superseded

BATCH = 64
_SESSIONS_AT_ONCE = 100


def extract(owner: db.Principal, owner_id: int, claimed: Claimed, deadline: Deadline) -> None:
    """Reads what was not read yet, session by session in the order of their dates.

    What comes of a batch and how far the reading is, is one transaction. Raises Superseded where the document was
    deleted or taken over, OutOfTime between two batches.
    """
    with db.transaction(owner) as tx:
        own = repo.own_count(tx, owner_id, claimed.document_id)
        held = transcripts_repo.advance(tx, owner_id, claimed, "extract", own.one().done, own.one().total)
    if held.first() is None:
        raise Superseded
    reading = _Reading(owner, owner_id, claimed, own.one().done, own.one().total)
    for unread in _unread(owner, owner_id, claimed):
        after: int | None = unread.read_until
        while after is not None:
            after = reading.batch(unread.session_id, after)
            deadline.check()


def _unread(owner: db.Principal, owner_id: int, claimed: Claimed) -> Iterator[repo.Unread]:
    while True:
        with db.transaction(owner) as tx:
            rows = repo.unread(tx, owner_id, claimed.document_id, _SESSIONS_AT_ONCE)
        if not rows.all():
            return
        yield from rows.all()


@dataclass(slots=True)
class _Reading:
    """How far the reading of an import is: `done` of `total` messages."""

    owner: db.Principal
    owner_id: int
    claimed: Claimed
    done: int
    total: int

    def batch(self, session_id: int, after: int) -> int | None:
        """Reads some messages of a session; answers the last of them, nothing where there are no more."""
        with db.transaction(self.owner) as tx:
            found = repo.own(tx, self.owner_id, session_id, after, BATCH)
        rows = found.all()
        prepared = self._prepared(rows) if rows else None
        self.done += len(rows)
        last = rows[-1].message_id if rows else after
        refused: Mapping[str, int] = {}
        with db.transaction(self.owner) as tx:
            held = transcripts_repo.advance(
                tx, self.owner_id, self.claimed, "extract", self.done, self.total, got_on=True
            )
            if held.first() is None:
                raise Superseded
            if prepared is not None:
                at = clock.now()
                refused = reflect_service.write(tx, self.owner_id, prepared, origin="imported", recalled_at=at).refused
            repo.read(tx, self.owner_id, session_id, last, len(rows) < BATCH)
        reflect_service.tell_refused(refused)
        return None if len(rows) < BATCH else last

    def _prepared(self, rows: Sequence[repo.Own]) -> reflect_service.Prepared:
        """A model is asked about those messages that were found to tell most."""
        assert self.claimed.avatar_id is not None
        telling = {row.content for row in rows if row.telling}

        def propose(message: str, model: str | None) -> str | None:
            return reflect_service.ask_model(message, model) if message in telling else None

        message_ids = [row.message_id for row in rows]
        with db.transaction(self.owner) as tx:
            said = reflect_service.said_of(tx, self.owner_id, self.claimed.avatar_id, message_ids)
        with gateway.charged(gateway.Account(self.owner, self.owner_id, self.claimed.avatar_id, "facts")):
            return reflect_service.prepare(said.all(), propose, indexed=True)
