"""What sleep does with episodes, step by step: drops what has faded, folds what says the same, merges what is alike.

Each unit is one transaction that holds the sleep's row and the owner's memory, and looks at its sources again: what was
changed, forgotten or erased since it was replayed is left alone, and one whose lease was taken over writes nothing.
What is embedded is embedded between transactions.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db, ids
from anima.memory import forgetting_repo, index_repo, remember_service, replay_repo, sleep_repo
from anima.memory.indexing import episode_text, text_terms
from anima.memory.model import forget_at
from anima.memory.sleep_model import ALIKE_AND_RELATED, Cosines, Lived, Told, duplicates, folded, one_of, together
from anima.vendors import embeddings

_MOST_BARE = 200


class TakenOver(Exception):
    """Somebody else goes on with this sleep, or its avatar is gone."""


@dataclass(frozen=True, slots=True)
class Night:
    """A sleep as its steps see it. `until` by the monotonic clock; `replayed` is how many episodes are looked at."""

    owner: db.Principal
    owner_id: int
    avatar_id: uuid.UUID
    holder: uuid.UUID
    at: datetime
    until: float
    replayed: int
    switches: dict[str, Any]
    embedding_model: str | None

    @property
    def over(self) -> bool:
        """Whether its time is spent."""
        return time.monotonic() >= self.until

    @contextmanager
    def writing(self) -> Iterator[db.Transaction]:
        """A transaction in which nobody else writes this owner's memory. Raises TakenOver."""
        with db.transaction(self.owner) as tx:
            remember_service.lock(tx, self.owner_id)
            if sleep_repo.hold(tx, self.owner_id, self.avatar_id, self.holder).first() is None:
                raise TakenOver
            yield tx


def forget(night: Night) -> dict[str, int]:
    """Deletes what has faded."""
    with night.writing() as tx:
        gone = forgetting_repo.drop_faded(tx, night.owner_id, night.at)
    return {"episodes": len(gone.all())}


def fold(night: Night) -> dict[str, int]:
    """Makes one of the episodes that say the same; before, those that lost a part are embedded, to be compared."""
    mend(night.owner, night.owner_id)
    gone = 0
    for group in duplicates(*_replay(night)):
        if night.over:
            break
        with night.writing() as tx:
            if _unchanged(tx, night, group):
                told, first = folded(group), group[0]
                rest = [each.id for each in group[1:]]
                fades = _fades(told)
                replay_repo.fold(
                    tx, night.owner_id, night.avatar_id, told, episode_id=first.id, gone=rest, forget_at=fades
                )
                gone += len(rest)
    return {"episodes": gone}


def merge(night: Night) -> dict[str, int]:
    """Makes one of the episodes that belong together, until none of those that were replayed do."""
    gone = made = 0
    lived, near = _replay(night) if night.switches.get("episodes", True) else ([], {})
    while groups := together(lived, near):
        ids_left = {each.id for each in lived}
        before = made
        for group, told, vector, model in _embedded(night, groups):
            if night.over:
                break
            with night.writing() as tx:
                if not _unchanged(tx, night, group):
                    continue
                ids_left -= {each.id for each in group}
                ids_left.add(_merge(tx, night, group, told, vector, model))
                gone, made = gone + len(group), made + 1
        if night.over or made == before:
            break
        lived, near = _again(night, ids_left)
    return {"episodes": gone, "into": made}


def _merge(
    tx: db.Transaction, night: Night, group: Sequence[Lived], told: Told, vector: Sequence[float], model: str
) -> uuid.UUID:
    made = ids.uuid7()
    replay_repo.merge(
        tx,
        night.owner_id,
        night.avatar_id,
        told,
        new_id=made,
        gone=[each.id for each in group],
        forget_at=_fades(told),
        terms=text_terms(episode_text(told.title, told.summary)),
        vector=vector,
        embedding_model=model,
    )
    return made


def _embedded(
    night: Night, groups: Sequence[Sequence[Lived]]
) -> Iterator[tuple[Sequence[Lived], Told, list[float], str]]:
    """What each group becomes, with its vector; all in one call."""
    told = [one_of(group) for group in groups]
    embedder = embeddings.embedder(night.embedding_model)
    vectors = embedder.embed([episode_text(each.title, each.summary) for each in told]).tolist()
    for group, each, vector in zip(groups, told, vectors, strict=True):
        yield group, each, vector, embedder.name


def _replay(night: Night) -> tuple[list[Lived], Cosines]:
    """The episodes of this sleep, and which of them are near each other."""
    with db.transaction(night.owner) as tx:
        found = replay_repo.replayed(tx, night.owner_id, night.avatar_id, night.replayed, night.at)
        return found.all(), _near(tx, night, [each.id for each in found.all()])


def _again(night: Night, episode_ids: Collection[uuid.UUID]) -> tuple[list[Lived], Cosines]:
    """Those of a sleep that are left, and what was made of the others: no more are looked at than were replayed."""
    with db.transaction(night.owner) as tx:
        found = replay_repo.sources(tx, night.owner_id, night.avatar_id, list(episode_ids))
        return found.all(), _near(tx, night, list(episode_ids))


def _near(tx: db.Transaction, night: Night, episode_ids: Sequence[uuid.UUID]) -> Cosines:
    pairs = replay_repo.pairs(tx, night.owner_id, episode_ids, ALIKE_AND_RELATED)
    return {(min(each.one, each.other), max(each.one, each.other)): each.cosine for each in pairs.all()}


def _unchanged(tx: db.Transaction, night: Night, group: Sequence[Lived]) -> bool:
    """Whether all of a group is still there as it was replayed."""
    now = replay_repo.sources(tx, night.owner_id, night.avatar_id, [each.id for each in group])
    return {each.id: each for each in now.all()} == {each.id: each for each in group}


def _fades(told: Told) -> datetime:
    return forget_at(told.last_recalled or told.timestamp, told.importance / 10, told.times_recalled)


def mend(owner: db.Principal, owner_id: int) -> int:
    """Embeds consolidated episodes that lost a part with its messages; answers how many."""
    with db.transaction(owner) as tx:
        serving = index_repo.serving(tx)
        found = replay_repo.bare(tx, owner_id, _MOST_BARE)
    bare = found.all()
    if not bare:
        return 0
    texts = [episode_text(each.title, each.summary) for each in bare]
    model = serving.first()
    embedder = embeddings.embedder(model.name if model else None)
    vectors = embedder.embed(texts).tolist()
    with db.transaction(owner) as tx:
        replay_repo.clothe(tx, owner_id, bare, [text_terms(text) for text in texts], vectors, embedder.name)
    return len(bare)
