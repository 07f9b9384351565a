"""Takes the rows of a snapshot into an avatar, part by part, in one transaction that somebody else opened.

What is there is told apart by its id in snapshots (a message: by its session, time, words and turn), and the later of
two holds. Nothing gets the id that it has in the file: it gets one of its own, so that it meets no row of anybody else.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima.kernel import db, ids
from anima.snapshots import snapshot_talk_repo as talk
from anima.snapshots import snapshot_target_repo as targets
from anima.snapshots import snapshot_write_repo as repo
from anima.snapshots import transcripts_turns_repo as turns
from anima.snapshots.snapshot_file import dumped, invalid
from anima.snapshots.snapshot_model import Row, Tally
from anima.style import carry_service as style

_Key = tuple[int, str, datetime, str]
_NOBODY = -1
_LOW = (1 << 62) - 1


@dataclass(slots=True)
class Merging:
    """A snapshot on its way into an avatar.

    `fresh`: the avatar was made for it. `own`: the avatar is the one that the snapshot is of, so that what it is like
    is taken over too where that is newer.
    """

    tx: db.Transaction
    owner_id: int
    avatar_id: uuid.UUID
    fresh: bool
    own: bool
    uris: Mapping[str, str]
    part: str = "avatar"
    tallies: dict[str, Tally] = field(default_factory=dict)
    _ids: dict[str, uuid.UUID] = field(default_factory=dict)
    _made: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    _there: dict[str, int] = field(default_factory=dict)
    _sessions: list[int] = field(default_factory=list)
    _old_sessions: set[int] = field(default_factory=set)
    _said: dict[_Key, deque[int]] = field(default_factory=dict)
    _said_of: set[int] = field(default_factory=set)
    _messages: array[int] = field(default_factory=lambda: array("q"))
    _media: list[int] = field(default_factory=list)
    _forgotten: Iterator[int] = field(default_factory=lambda: iter(()))
    _spare: Iterator[int] = field(default_factory=lambda: iter(()))
    _successors: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)

    def begin(self, origin_id: uuid.UUID, message_ids: Sequence[int], forgotten: int) -> None:
        """Learns what is there; the first of the ids are for messages that are not to be remembered."""
        self._forgotten, self._spare = iter(message_ids[:forgotten]), iter(message_ids[forgotten:])
        if self.fresh:
            self._made[origin_id] = self.avatar_id
            return
        known = targets.known(self.tx, self.owner_id, self.avatar_id)
        self._ids = {str(each.origin_id): each.id for each in known.all()}
        self.tx.release(known)
        there = talk.there(self.tx, self.owner_id, self.avatar_id)
        self._there = {str(each.place): each.session_id for each in there.all()}
        self._old_sessions = set(self._there.values())

    def take(self, part: str, rows: Sequence[Row]) -> None:
        """Writes some rows of a part; parts come in the order of the file."""
        self.part = part
        tally = self.tallies.setdefault(part, Tally())
        tally.rows += len(rows)
        if rows:
            _TAKE[part](self, rows, tally)
        targets.remember(self.tx, self.owner_id, self.avatar_id, self._made)
        self._made = {}

    def end(self) -> None:
        """Writes which facts followed which, when all of them are there."""
        self.part = "facts"
        for start in range(0, len(self._successors), 1_000):
            pairs = self._successors[start : start + 1_000]
            rows = [{"id": str(one), "successor": str(other)} for one, other in pairs]
            repo.apply(self.tx, repo.SUCCESSORS, self.owner_id, self.avatar_id, dumped(rows))

    def avatar(self, rows: Sequence[Row], tally: Tally) -> None:
        """Who the avatar is: made already where it is new."""
        text = _listed(each.text for each in rows)
        if self.fresh:
            tally.added = len(rows)
        elif self.own:
            found = repo.merge(self.tx, targets.CHANGE_AVATAR, self.owner_id, self.avatar_id, text)
            tally.changed = len(found.all())
        if self.own:
            repo.apply(self.tx, targets.CURIOSITY, self.owner_id, self.avatar_id, text)

    def versions(self, rows: Sequence[Row], tally: Tally) -> None:
        """The personalities that a new avatar has had; one that is there has its own."""
        if self.fresh and not tally.added:
            text = _listed(each.text for each in rows)
            repo.apply(self.tx, targets.DROP_VERSIONS, self.owner_id, self.avatar_id, text)
        if self.fresh:
            self._small(targets.VERSIONS, rows, tally)

    def picture(self, rows: Sequence[Row], tally: Tally) -> None:
        """The avatar's picture; the later one holds."""
        if self.own:
            self._small(targets.PICTURE, rows, tally)

    def feelings(self, rows: Sequence[Row], tally: Tally) -> None:
        """What the avatar felt; the later one holds."""
        if self.own:
            self._small(targets.FEELINGS, rows, tally)

    def style(self, rows: Sequence[Row], tally: Tally) -> None:
        """How the person writes."""
        for each in rows:
            try:
                tally.changed += style.take_in(self.tx, self.owner_id, each.value)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise invalid("style", None, "it is no style") from None

    def affinity(self, rows: Sequence[Row], tally: Tally) -> None:
        """How close they are; the later one holds."""
        self._small(targets.AFFINITY, rows, tally)

    def felt(self, rows: Sequence[Row], tally: Tally) -> None:
        """What each turn made the avatar feel."""
        if not self.own:
            return
        placed = [
            (
                each,
                {
                    "id": str(self._local(each.value["id"])),
                    "session": self._session(each.value.get("session")),
                    "message": self._message(each.value.get("message")),
                },
            )
            for each in rows
        ]
        _count(tally, repo.merge(self.tx, repo.FELT, self.owner_id, self.avatar_id, _items(placed)).all())

    def _small(self, query: db.Query[targets.Changed], rows: Sequence[Row], tally: Tally) -> None:
        text = _listed(each.text for each in rows)
        done = targets.count(self.tx, query, self.owner_id, self.avatar_id, text).one()
        tally.added += done.added
        tally.changed += done.changed

    def media(self, rows: Sequence[Row], tally: Tally) -> None:
        """Files: those that came along are there by now."""
        mine = [each for each in rows if each.value["checksum_sha256"] in self.uris]
        placed = [(each, {"storage_uri": self.uris[each.value["checksum_sha256"]]}) for each in mine]
        tally.added += talk.add_media(self.tx, self.owner_id, _items(placed)).one().n
        digests = [each.value["checksum_sha256"] for each in rows]
        found = talk.media_there(self.tx, self.owner_id, digests)
        known = {(each.sha256, each.mime_type): each.media_id for each in found.all()}
        for each in rows:
            self._media.append(known.get((each.value["checksum_sha256"], each.value["mime_type"]), _NOBODY))

    def sessions(self, rows: Sequence[Row], tally: Tally) -> None:
        """Conversations: new ones are made, those that are there completed."""
        new = {each.value["id"] for each in rows} - set(self._there)
        numbers = turns.session_ids(self.tx, len(new)).all()
        origins = {number.id: origin for number, origin in zip(numbers, sorted(new), strict=True)}
        self._there |= {origin: number for number, origin in origins.items()}
        placed = [(each, {"session": self._there[each.value["id"]]}) for each in rows]
        self._sessions += [links["session"] for _, links in placed]
        fresh = [one for one in placed if one[1]["session"] in origins]
        for made in talk.add_sessions(self.tx, self.owner_id, self.avatar_id, _items(fresh)).all():
            self._made[uuid.UUID(origins[made.session_id])] = made.id
        tally.added += len(new)
        old = _items(one for one in placed if one[1]["session"] not in origins)
        tally.changed += talk.change_sessions(self.tx, self.owner_id, old).one().n
        talk.moods(self.tx, self.owner_id, _items(placed))

    def messages(self, rows: Sequence[Row], tally: Tally) -> None:
        """What was said: what is there already is left as it is."""
        self._learn_said({self._sessions[each.value["session"]] for each in rows} & self._old_sessions)
        new: list[tuple[Row, dict[str, Any]]] = []
        for each in rows:
            session = self._sessions[each.value["session"]]
            waiting = self._said.get(_key(session, each)) if session in self._old_sessions else None
            if waiting:
                self._messages.append(waiting.popleft())
                continue
            message_id = next(self._forgotten if each.value.get("forgotten") is True else self._spare)
            self._messages.append(message_id)
            new.append((each, {"message": message_id, "session": session, **self._near(each)}))
        tally.added += talk.add_messages(self.tx, self.owner_id, _items(new)).one().n
        found = [{"message": links["message"], "found": each.value.get("found") is True} for each, links in new]
        talk.mark_found(self.tx, self.owner_id, self.avatar_id, dumped(found))
        self._attach(rows)

    def entities(self, rows: Sequence[Row], tally: Tally) -> None:
        """Whom and what the person named: one that is known here under the same name is the same."""
        asked = [
            {
                "id": _text(self._ids.get(each.value["id"])),
                **{name: each.value.get(name) for name in ("kind", "folded")},
            }
            for each in rows
        ]
        there = repo.entities_there(self.tx, self.owner_id, dumped(asked)).all()
        by_name = {(each.kind, each.folded): each.entity_id for each in there}
        known = {each.entity_id for each in there}
        for each in rows:
            local = self._ids.get(each.value["id"])
            same = by_name.get((str(each.value.get("kind")), str(each.value.get("folded"))))
            if same is not None and local not in known:
                self._ids[each.value["id"]] = same
                if str(same) != each.value["id"]:
                    self._made[uuid.UUID(each.value["id"])] = same
        placed = [(each, {"id": str(self._local(each.value["id"]))}) for each in rows]
        _count(tally, repo.merge(self.tx, repo.ENTITIES, self.owner_id, self.avatar_id, _items(placed)).all())
        heard = [
            {"entity": links["id"], "message": self._messages[n], "old": uuid.UUID(links["id"]) in known}
            for each, links in placed
            for n in each.value.get("messages") or ()
        ]
        repo.apply(self.tx, repo.ENTITY_MENTIONS, self.owner_id, self.avatar_id, dumped(heard))

    def facts(self, rows: Sequence[Row], tally: Tally) -> None:
        """What holds or held, with every mention."""
        before = {each.value["id"] for each in rows if each.value["id"] in self._ids}
        placed = [(each, self._fact(each.value)) for each in rows]
        text = _items(placed)
        for ended in repo.end_earlier(self.tx, self.owner_id, self.avatar_id, text).all():
            self._successors.append((ended.id, ended.successor))
        written = repo.merge(self.tx, repo.FACTS, self.owner_id, self.avatar_id, text).all()
        _count(tally, written)
        now = {each.id for each in written}
        mentions: list[dict[str, Any]] = []
        for each, links in placed:
            local = uuid.UUID(links["id"])
            if local in now and each.value.get("superseded_by") is not None:
                self._successors.append((local, self._local(each.value["superseded_by"])))
            as_here = {"fact": links["id"], "old": each.value["id"] in before and local not in now}
            for told in each.value.get("mentions") or ():
                mentions.append({**told, **as_here, "message": self._messages[told["message"]]})
        repo.apply(self.tx, repo.MENTIONS, self.owner_id, self.avatar_id, dumped(mentions))

    def episodes(self, rows: Sequence[Row], tally: Tally) -> None:
        """Moments, with what told them and what they go with."""
        placed = [(each, self._episode(each.value)) for each in rows]
        _count(tally, repo.merge(self.tx, repo.EPISODES, self.owner_id, self.avatar_id, _items(placed)).all())

    def questions(self, rows: Sequence[Row], tally: Tally) -> None:
        """What the avatar would like to know; what it asks already, it asks once."""
        placed = [
            (
                each,
                {
                    "id": str(self._local(each.value["id"])),
                    "message": self._message(each.value.get("message")),
                    "fact": self._item(each.value.get("fact")),
                    "entity": self._item(each.value.get("entity")),
                },
            )
            for each in rows
        ]
        _count(tally, repo.merge(self.tx, repo.QUESTIONS, self.owner_id, self.avatar_id, _items(placed)).all())

    def _near(self, row: Row) -> dict[str, int | None]:
        return {name: self._message(row.value.get(name)) for name in ("parent", "edits")}

    def _fact(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": str(self._local(value["id"])),
            "session": self._session(value.get("session")),
            "source": self._message(value.get("source")),
            "entity": self._item(value.get("entity")),
        }

    def _episode(self, value: Mapping[str, Any]) -> dict[str, Any]:
        made_of = value.get("made_of")
        return {
            "id": str(self._local(value["id"])),
            "session": self._session(value.get("session")),
            "messages": [self._messages[n] for n in value.get("messages") or ()],
            "facts": [str(self._local(each)) for each in value.get("facts") or ()],
            "episodes": [str(self._local(each)) for each in value.get("episodes") or ()],
            "made_of": None if made_of is None else [[self._messages[n] for n in each] for each in made_of],
        }

    def _attach(self, rows: Sequence[Row]) -> None:
        first = len(self._messages) - len(rows)
        pairs = [
            {"message": self._messages[first + place], "medium": self._media[n]}
            for place, each in enumerate(rows)
            for n in each.value.get("media") or ()
            if self._media[n] != _NOBODY
        ]
        if pairs:
            talk.attach(self.tx, self.owner_id, dumped(pairs))

    def _learn_said(self, sessions: set[int]) -> None:
        """What was said in sessions that were there before; those that were passed are forgotten."""
        self._said = {key: ids for key, ids in self._said.items() if key[0] in sessions}
        wanted = sorted(sessions - self._said_of)
        self._said_of |= sessions
        if wanted:
            found = talk.said(self.tx, self.owner_id, wanted)
            for each in found.all():
                key = (each.session_id, each.role, each.created_at, each.digest)
                self._said.setdefault(key, deque()).append(each.message_id)
            self.tx.release(found)

    def _local(self, origin: str) -> uuid.UUID:
        """The id that something has here; one that nobody has yet where it is new."""
        if (local := self._ids.get(origin)) is None:
            before = uuid.UUID(origin)
            local = self._ids[origin] = self._made[before] = fresh_id(before)
        return local

    def _item(self, origin: str | None) -> str | None:
        return None if origin is None else str(self._local(origin))

    def _session(self, number: int | None) -> int | None:
        return None if number is None else self._sessions[number]

    def _message(self, number: int | None) -> int | None:
        return None if number is None else self._messages[number]


_TAKE: dict[str, Callable[[Merging, Sequence[Row], Tally], None]] = {
    "avatar": Merging.avatar,
    "versions": Merging.versions,
    "picture": Merging.picture,
    "feelings": Merging.feelings,
    "style": Merging.style,
    "affinity": Merging.affinity,
    "media": Merging.media,
    "sessions": Merging.sessions,
    "messages": Merging.messages,
    "entities": Merging.entities,
    "facts": Merging.facts,
    "episodes": Merging.episodes,
    "felt": Merging.felt,
    "questions": Merging.questions,
}


def fresh_id(before: uuid.UUID) -> uuid.UUID:
    """An id that nobody can foresee, of the same millisecond as the one before where that tells one."""
    if before.version != 7:
        return ids.uuid7()
    random = int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=(before.int >> 80) << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & _LOW)


def _key(session: int, row: Row) -> _Key:
    digest = hashlib.md5(row.value["content"].encode(), usedforsecurity=False).hexdigest()
    return session, row.value["role"], datetime.fromisoformat(row.value["created_at"]), digest


def _items(rows: Iterable[tuple[Row, Mapping[str, Any]]]) -> str:
    """Rows as they stand in the file, with what they refer to by its names here: of two equal keys the last counts."""
    return _listed(f"{each.text.rstrip()[:-1]}, {dumped(links)[1:]}" for each, links in rows)


def _listed(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _count(tally: Tally, written: Sequence[repo.Written]) -> None:
    new = sum(each.added for each in written)
    tally.added += new
    tally.changed += len(written) - new


def _text(local: uuid.UUID | None) -> str | None:
    return None if local is None else str(local)
