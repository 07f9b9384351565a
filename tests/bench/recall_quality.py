"""The quality half of bench `recall`: the share of evidence found on the conversations of LoCoMo, by the real path.

Each conversation is a person's with an avatar of their own: the first speaker is the person, the other the avatar.
Turns are messages of dated sessions, entered in the index as after a turn, and asked for a day after the last one by
`search_service.search`, which POST /memories/search calls.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import psycopg
from tests.bench import place, recall_peers, recall_terms
from tests.bench.frame import Bench
from tests.bench.retrieval_quality import LOCOMO
from tests.bench.vectors import vectors_of

from anima import personality
from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.kernel import clock, db
from anima.kernel.terms import counts
from anima.memory import index_repo, ranking, search_service, service
from anima.memory.index_repo import Entry
from anima.memory.model import Memory
from anima.memory.search_service import Search
from anima.vendors.embeddings import embedder
from anima.vendors.embeddings.question import ask

TOPS = (5, 10, 20)
_TIMED = 20  # questions of a conversation
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation in the database: whose it is, when it ended, the questions and the turns that answer each."""

    owner: db.Principal
    avatar_id: Any
    questions: list[tuple[str, str, set[str]]]
    turns: dict[int, str]
    ended: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was ranked: its conversation and category, the turns that answer it, and what was ranked."""

    talk: int
    category: int
    evidence: set[str]
    turns: dict[int, str]
    ranked: tuple[Any, ...]

    def shares(self, found: Sequence[Memory]) -> list[float]:
        """The share of evidence among the first of TOPS."""
        turns = [self.turns[memory.source.message_id or 0] for memory in found]
        return [len(self.evidence.intersection(turns[:top])) / len(self.evidence) for top in TOPS]


def run(bench: Bench) -> None:
    """`locomo_recall_at_5`, `_10`, `_20` by category and beside peers, rate of entering, milliseconds, each term."""
    data = bench.data("locomo.json")
    if data is None:
        return
    with place.opened() as here, psycopg.connect(here.owner_url, autocommit=True) as connection:
        conversations = json.loads(data.read_text())["conversations"]
        talks, rate = loaded(connection, conversations)
        asked, rows = measured(talks)
        _tell(bench, asked, rows)
        print(f"recall at {TOPS}: {rows.mean(axis=0)}", flush=True)
        ours = {"rate": rate, "ms": _milliseconds(talks)}
        recall_peers.run(bench, here.owner_url, conversations, rows, ours)
        recall_terms.run(bench, asked)


def loaded(connection: psycopg.Connection[Any], conversations: Sequence[dict[str, Any]]) -> tuple[list[Talk], float]:
    """The conversations, entered as messages; and how many a second the index took."""
    talks, seconds, count = [], 0.0, 0
    for talk in conversations:
        made, took = _entered(connection, talk)
        talks.append(made)
        seconds, count = seconds + took, count + len(talk["turns"])
    connection.execute("vacuum analyze")
    return talks, count / seconds


def measured(talks: Sequence[Talk]) -> tuple[list[Asked], Array]:
    """The questions, and for each the share of evidence found at each of TOPS."""
    asked, rows = [], []
    with mock.patch.object(service, "rank", wraps=ranking.rank) as ranked:
        for number, talk in enumerate(talks):
            for question, category, evidence in talk.questions:
                wanted = Search(question, max(TOPS), ("message",))
                with clock.use(clock.SimulatedClock(talk.ended + timedelta(days=1))):
                    found = search_service.search(talk.owner, talk.avatar_id, wanted)
                one = Asked(number, CATEGORIES.index(category), evidence, talk.turns, ranked.call_args.args)
                asked.append(one)
                rows.append(one.shares(found))
    return asked, np.array(rows)


CATEGORIES = ("single-hop", "multi-hop", "temporal", "open-domain", "adversarial")


def _tell(bench: Bench, asked: Sequence[Asked], rows: Array) -> None:
    categories = np.array([one.category for one in asked])
    for column, top in enumerate(TOPS):
        for peer, theirs in LOCOMO[top].items():
            value = float(rows[:, column].mean())
            bench.figure(f"locomo_recall_at_{top}", value, "share", peer=peer, peer_value=theirs, more_is_better=True)
        for category, name in enumerate(CATEGORIES):
            bench.figure(f"locomo_recall_at_{top}.{name}", float(rows[categories == category, column].mean()), "share")


def _milliseconds(talks: Sequence[Talk]) -> float:
    """The median of a recall of messages with its transaction; questions are embedded before."""
    took = []
    for talk in talks:
        for text, _category, _evidence in talk.questions[:_TIMED]:
            question = ask(text)
            began = time.perf_counter()
            with db.transaction(talk.owner) as tx:
                found = service.begin_recall(
                    tx, talk.owner.user_id or 0, talk.avatar_id, question, top_k=max(TOPS), kinds=("message",)
                )
            found.memories()
            took.append((time.perf_counter() - began) * 1000)
    return float(np.median(took))


def _entered(connection: psycopg.Connection[Any], talk: dict[str, Any]) -> tuple[Talk, float]:
    owner, avatar_id = _people(connection, *talk["speakers"])
    turns = talk["turns"]
    sessions = {
        number: _session(connection, owner, avatar_id) for number in sorted({turn["session"] for turn in turns})
    }
    ids = [
        _message(connection, owner, avatar_id, sessions[turn["session"]], turn, turn["speaker"] == talk["speakers"][0])
        for turn in turns
    ]
    vectors = vectors_of([turn["text"] for turn in turns])
    took = 0.0
    for number, session_id in sessions.items():
        entries = [
            Entry(message_id, turn["text"], _moment(turn), vector.tolist(), counts(turn["text"]))
            for message_id, turn, vector in zip(ids, turns, vectors, strict=True)
            if turn["session"] == number
        ]
        took += _seconds(partial(_index, owner, avatar_id, session_id, entries))
    questions = [(one["question"], one["category"], set(one["evidence"])) for one in talk["qa"] if one["evidence"]]
    turn_of = dict(zip(ids, (turn["id"] for turn in turns), strict=True))
    return Talk(owner, avatar_id, questions, turn_of, max(map(_moment, turns))), took


def _index(owner: db.Principal, avatar_id: Any, session_id: int, entries: Sequence[Entry]) -> None:
    assert owner.user_id is not None
    with db.transaction(db.Principal(owner.user_id, login="worker")) as tx:
        index_repo.add(
            tx, owner.user_id, avatar_id, entries, session_id=session_id, embedding_model=embedder().name
        )  # fmt: skip


def _seconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _people(connection: psycopg.Connection[Any], person: str, other: str) -> tuple[db.Principal, Any]:
    owner = place.person()
    connection.execute("update users set full_name = %s where user_id = %s", [person, owner.user_id])
    made = avatars.create(owner, NewAvatar(other, personality.load_ready("luna")))
    return owner, made.avatar_id


def _session(connection: psycopg.Connection[Any], owner: db.Principal, avatar_id: Any) -> int:
    made = connection.execute(
        "insert into sessions (user_id) values (%s) returning session_id", [owner.user_id]
    ).fetchone()
    assert made is not None
    return int(made[0])


def _message(
    connection: psycopg.Connection[Any],
    owner: db.Principal,
    avatar_id: Any,
    session_id: int,
    turn: dict[str, Any],
    own: bool,
) -> int:
    row = connection.execute(
        """
        insert into messages (session_id, owner_id, author_id, avatar_id, role, content, created_at, metadata)
        values (%s, %s, %s, %s, %s, %s, %s, jsonb_build_object('speaker', %s::text, 'turn_id', %s::text))
        returning message_id
        """,
        [
            session_id,
            owner.user_id,
            owner.user_id if own else None,
            None if own else avatar_id,
            "user" if own else "assistant",
            turn["text"],
            _moment(turn),
            turn["speaker"],
            turn["id"],
        ],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _moment(turn: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(turn["date"]).replace(tzinfo=UTC)
