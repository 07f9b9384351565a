"""Turns on disk between being read and being taken in: put in order, told apart, in a memory that does not grow."""

from __future__ import annotations

import hashlib
import heapq
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from anima.vendors.readers.errors import TooMuch
from anima.vendors.readers.transcripts.model import LeftOut, Role, Said

MOST_TURNS = 5_000_000
MOST_CONVERSATIONS = 500_000
AHEAD = timedelta(days=1)
"""What is dated later than this from now is from the future: clocks and zones differ by less."""
_BATCH = 5_000
_ROLES: tuple[Role, ...] = ("me", "assistant", "other")
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
# Words of somebody who tells of themselves, in English and French; a question or a request tells less.
_ABOUT_ME = re.compile(r"\b(i|i'm|i've|my|mine|we|our|je|j'|mon|ma|mes|moi|nous|notre)\b", re.IGNORECASE)

_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
pragma temp_store = file;
pragma cache_size = -16000;
create table turns (
    n integer primary key, conversation blob not null, turn_id text not null, at real, told text, speaker text not null,
    role text, body text not null, digest blob not null, telling real not null
);
create table conversations (conversation blob primary key, name text not null, title text not null, begun real);
"""
# Sent twice under the same id.
_REPEATED = """
delete from turns where turn_id <> '' and n not in (
    select min(n) from turns where turn_id <> '' group by conversation, turn_id, digest
)
"""
# A turn without an id has one made: the same in every export that holds it, and another for each that is alike.
_ORDERED = """
create index turns_alike on turns (conversation, at, digest, n);
update turns set turn_id = alike.id from (
    select n as place, lower(substr(hex(digest), 1, 16)) || '-' || coalesce(cast(at as integer), 0) || '-'
        || row_number() over (partition by conversation, at, digest order by n) as id
    from turns where turn_id = ''
) as alike where turns.n = alike.place;
drop index turns_alike;
create index turns_known on turns (conversation, turn_id, digest);
create index turns_order on turns (conversation, at, n);
update conversations set begun = (select min(at) from turns t where t.conversation = conversations.conversation);
"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that has turns. `key` names it among all that its service has."""

    key: bytes
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn as it is taken in. `told` is the date as it came, where that could not be kept."""

    n: int
    turn_id: str
    at: datetime
    told: str | None
    speaker: str
    role: Role
    text: str
    digest: bytes


class Spool:
    """The turns of one file in a database of SQLite."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def fill(self, origin: str, items: Iterable[Said | LeftOut], now: datetime) -> Counter[str]:
        """Writes turns down as they come, once each; answers what was counted. Raises TooMuch.

        Undated turns (and those before 1970) have the date of the one before; what is from the future has that of now.
        """
        self._db.executescript(_SCHEMA)
        counts: Counter[str] = Counter()
        self._db.execute("begin")
        self._db.executemany(
            "insert into turns (conversation, turn_id, at, told, speaker, role, body, digest, telling)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._rows(origin, items, now, counts),
        )
        self._db.execute("commit")
        counts["repeated"] = self._db.execute(_REPEATED).rowcount
        self._db.executescript(_ORDERED)
        counts["turns"] -= counts["repeated"]
        counts["conversations"] = self._one("select count(*) from conversations")
        return counts

    def _rows(
        self, origin: str, items: Iterable[Said | LeftOut], now: datetime, counts: Counter[str]
    ) -> Iterator[tuple[Any, ...]]:
        last: dict[str, float] = {}
        for item in items:
            if isinstance(item, LeftOut):
                counts[item.reason] += 1
                continue
            key = conversation_key(origin, item.conversation)
            if item.conversation not in last:
                self._enter(key, item, len(last))
            at, told = _dated(item.at, now, counts)
            before = last.get(item.conversation, 0.0)
            at = at or before or None
            counts["out_of_order"] += at is not None and at < before
            last[item.conversation] = at or before
            counts["turns"] += 1
            if counts["turns"] > MOST_TURNS:
                raise TooMuch(reason=f"more than {MOST_TURNS} turns")
            digest = hashlib.md5(item.text.encode(), usedforsecurity=False).digest()
            yield key, item.turn_id, at, told, item.speaker, item.role, item.text, digest, _telling(item.text)

    def _enter(self, key: bytes, item: Said, known: int) -> None:
        if known >= MOST_CONVERSATIONS:
            raise TooMuch(reason=f"more than {MOST_CONVERSATIONS} conversations")
        self._db.execute(
            "insert or ignore into conversations (conversation, name, title) values (?, ?, ?)",
            [key, item.conversation, item.title or ""],
        )

    def speakers(self) -> dict[str, int]:
        """Who speaks without it being known who they are, and how often."""
        rows = self._db.execute("select speaker, count(*) from turns where role is null group by 1 order by 2 desc")
        return dict(rows)

    def everyone(self) -> list[tuple[str, str, int]]:
        """Who speaks, who they are, and how often; those that say most come first."""
        rows = self._db.execute(
            "select speaker, coalesce(role, 'other'), count(*) from turns group by 1, 2 order by 3 desc, 1"
        )
        return rows.fetchall()

    def name_roles(self, roles: Mapping[str, Role]) -> None:
        """Says who the speakers are."""
        pairs = [(role, speaker) for speaker, role in roles.items()]
        self._db.executemany("update turns set role = ? where role is null and speaker = ?", pairs)

    def count(self) -> int:
        """How many turns there are."""
        return self._one("select count(*) from turns")

    def conversations(self) -> Iterator[Conversation]:
        """Those that have turns, oldest first."""
        rows = self._db.execute(
            "select conversation, name, title from conversations c"
            " where exists (select 1 from turns t where t.conversation = c.conversation)"
            " order by begun, rowid"
        )
        for key, name, title in rows:
            yield Conversation(key, name, title)

    def turns(self, key: bytes, undated: datetime) -> Iterator[Spoken]:
        """The turns of a conversation by their dates; what has none has that of the import."""
        rows = self._db.execute(
            "select n, turn_id, at, told, speaker, role, body, digest from turns where conversation = ? order by at, n",
            [key],
        )
        for n, turn_id, at, told, speaker, role, body, digest in rows:
            when = undated if at is None else datetime.fromtimestamp(at, UTC)
            yield Spoken(n, turn_id, when, told, speaker, role if role in _ROLES else "other", body, digest)

    def drop(self, key: bytes, known: Iterable[tuple[str, bytes]]) -> int:
        """Forgets turns that were taken in before; answers how many."""
        before = self.count_of(key)
        self._db.execute("begin")
        self._db.executemany(
            "delete from turns where conversation = ? and turn_id = ? and digest = ?",
            ((key, turn_id, digest) for turn_id, digest in known),
        )
        self._db.execute("commit")
        return before - self.count_of(key)

    def count_of(self, key: bytes) -> int:
        """How many turns a conversation has."""
        return int(self._db.execute("select count(*) from turns where conversation = ?", [key]).fetchone()[0])

    def most_telling(self, most: int) -> set[int]:
        """The turns of the owner that tell most of themselves, by their numbers."""
        rows = self._db.execute("select telling, n from turns where role = 'me' and telling > 0")
        return {n for _, n in heapq.nlargest(most, rows)}

    def _one(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def conversation_key(origin: str, name: str) -> bytes:
    """What names a conversation among those of all services: 16 bytes."""
    return hashlib.sha256(f"{origin}\n{name}".encode()).digest()[:16]


def _dated(at: datetime | None, now: datetime, counts: Counter[str]) -> tuple[float | None, str | None]:
    """When a turn was said, as far as that can be, and the date as it came where that cannot."""
    if at is None:
        counts["undated"] += 1
        return None, None
    if at > now + AHEAD:
        counts["from_the_future"] += 1
        return now.timestamp(), at.isoformat()
    if at < _EARLIEST:
        counts["undated"] += 1
        return None, at.isoformat()
    return at.timestamp(), None


def _telling(text: str) -> float:
    """How much a turn may tell of who says it: statements in the first person, neither short nor endless."""
    if not 15 <= len(text) <= 2_000 or text.rstrip().endswith("?"):
        return 0.0
    words = len(text.split())
    return len(_ABOUT_ME.findall(text)) / (words + 5) * min(1.0, words / 12)
