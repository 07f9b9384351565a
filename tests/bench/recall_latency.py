"""The latency half of bench `recall`: milliseconds a recall by how much an owner has told, among 1,000 owners.

The same synthetic vectors and words as in the bench of searches. Beside it what ranks by vectors alone: an exact scan
by plain SQL, and hnswlib, which has an index of this owner alone in the memory of one process.
RECALL_SIZES=own_1k,own_10k leaves the others out.
"""

import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString

import numpy as np
import psycopg
from tests.bench import place, recall_peers
from tests.bench import retrieval_corpora as corpora_of
from tests.bench.frame import Bench, Sample
from tests.bench.retrieval_corpora import Array, Vectors

from anima.kernel import db
from anima.kernel.terms import Question
from anima.memory import service
from anima.vendors.embeddings import embedder

SIZES = {"own_1k": 1_000, "own_10k": 10_000, "own_100k": 100_000}
OWNERS, OTHERS_EACH, SESSION = 1_000, 20, 50
_TOP = 10

_SESSIONS: LiteralString = """
insert into sessions (session_id, user_id) overriding system value
select %(base)s + g, %(owner)s from generate_series(0, (%(size)s - 1) / %(each)s) g
"""
_MESSAGES: LiteralString = """
insert into messages (message_id, session_id, owner_id, author_id, role, content, created_at) overriding system value
select %(base)s + n, %(base)s + n / %(each)s, %(owner)s, case n %% 2 when 0 then %(owner)s::bigint end,
    case n %% 2 when 0 then 'user' else 'assistant' end, string_agg(repeat(term || ' ', tf), ''),
    now() - interval '30 days' + n * interval '1 second'
from drawn group by n
"""
_EMBEDDINGS: LiteralString = """
insert into message_embeddings (message_id, user_id, session_id, avatar_id, content, embedding, embedding_model,
    created_at)
select m.message_id, m.owner_id, m.session_id, %(avatar)s, m.content, s.vector, %(model)s, m.created_at
from messages m join staged s on s.n = m.message_id - %(base)s where m.owner_id = %(owner)s
"""
_POSTINGS: LiteralString = """
insert into message_postings (user_id, avatar_id, term, message_id, tf, dl)
select %(owner)s, %(avatar)s::uuid, term, %(base)s + n, tf, 14 from drawn
union all
select %(owner)s, %(avatar)s::uuid, '', %(base)s + n, 1, 14 from generate_series(0, %(size)s - 1) n
"""
# Everybody else, from the first of what is staged.
_OTHERS: tuple[LiteralString, ...] = (
    """
    insert into users (username, password_hash) select 'other-' || g, '-' from generate_series(1, %(owners)s) g
    """,
    """
    insert into avatars
    select (jsonb_populate_record(a, jsonb_build_object('avatar_id', gen_random_uuid(), 'owner_id', u.user_id))).*
    from avatars a, users u where a.avatar_id = %(avatar)s and u.username like 'other-%%'
    """,
    """
    insert into sessions (session_id, user_id) overriding system value
    select 900000000 + u.user_id, u.user_id from users u where u.username like 'other-%%'
    """,
    """
    insert into messages (message_id, session_id, owner_id, role, content) overriding system value
    select 900000000 + u.user_id * %(each)s + g, 900000000 + u.user_id, u.user_id, 'user', 'other'
    from users u, generate_series(0, %(each)s - 1) g where u.username like 'other-%%'
    """,
    """
    insert into message_embeddings (message_id, user_id, session_id, avatar_id, content, embedding, embedding_model)
    select m.message_id, m.owner_id, m.session_id, a.avatar_id, 'other', s.vector, %(model)s
    from messages m join avatars a using (owner_id) join staged s on s.n = m.message_id %% 1000
    where m.content = 'other'
    """,
    """
    insert into message_postings (user_id, avatar_id, term, message_id, tf, dl)
    select m.owner_id, a.avatar_id, t.term, m.message_id, 1, 1
    from messages m join avatars a using (owner_id) cross join unnest(array['', 'other']) as t (term)
    where m.content = 'other'
    """,
)
_EXACT: LiteralString = """
select e.message_id, m.content from message_embeddings e
join messages m on m.owner_id = e.user_id and m.message_id = e.message_id
where e.user_id = %s and e.avatar_id = %s order by e.embedding <=> %s::vector limit 10
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one owner told an avatar, and what is asked of it."""

    name: str
    owner: db.Principal
    avatar_id: uuid.UUID
    base: int
    points: Array
    questions: list[Question]


def run(bench: Bench) -> None:
    """For each size `ms.<name>`, beside an exact scan by SQL."""
    names = os.environ.get("RECALL_SIZES", ",".join(SIZES)).split(",")
    with place.opened() as here, psycopg.connect(here.owner_url, autocommit=True) as owner:
        vectors = Vectors()
        told = [_told(owner, name, number, vectors) for number, name in enumerate(names, 1)]
        _others(owner, told[0].avatar_id)
        owner.execute("vacuum analyze")
        for one in told:
            sides = bench.alternate(anima=partial(_recalled, one), exact=partial(_exact, here.app_url, one))
            bench.figure(f"ms.{one.name}", sides["anima"], "ms", peer="exact scan by SQL", peer_value=sides["exact"])
            _beside_hnswlib(bench, here, one, sides["anima"])


def _beside_hnswlib(bench: Bench, here: place.Place, one: Told, ours: Sample) -> None:
    """`ms.<name>`, what of it the statement takes in the database, and `nearest.<name>`: how many of the ten nearest
    are among the candidates."""
    bench.figure(
        f"ms.{one.name}.in_database", bench.alternate(anima=lambda: _in_database(here.app_url, one))["anima"], "ms"
    )
    try:
        theirs = recall_peers.asked(bench, "hnswlib", recall_peers.HNSWLIB, here.owner_url, [_as_talk(one)])
    except subprocess.CalledProcessError as error:
        bench.note(f"hnswlib could not be built or run here ({error.returncode}): it was left out")
        return
    bench.figure(f"ms.{one.name}", ours, "ms", peer="hnswlib", peer_value=theirs["ms"])
    exact = _nearest(here.app_url, one)
    found = [{one.base + number for number in row[:_TOP]} for row in theirs["found"]]
    bench.figure(
        f"nearest.{one.name}",
        _share(_nearest_candidates(one), exact),
        "share",
        peer="hnswlib",
        peer_value=_share(found, exact),
        more_is_better=True,
    )


def _told(owner: psycopg.Connection[Any], name: str, number: int, vectors: Vectors) -> Told:
    person = place.person()
    row = owner.execute("select avatar_id from avatars where owner_id = %s", [person.user_id]).fetchone()
    assert row is not None
    points = vectors.near_centres(SIZES[name])
    corpora_of.stage(owner, points)
    owner.execute("drop table if exists drawn")
    owner.execute("select setseed(0.25)")
    given = {
        **{"owner": person.user_id, "avatar": row[0], "base": number * 10_000_000, "size": len(points)},
        **{"each": SESSION, "model": embedder().name},
    }
    with psycopg.ClientCursor(owner) as cursor:
        cursor.execute(corpora_of._WORDS, given)
        for statement in (_SESSIONS, _MESSAGES, _EMBEDDINGS, _POSTINGS):
            cursor.execute(statement, given)
    print(f"{name} is loaded", flush=True)
    return Told(name, person, row[0], given["base"], points, _questions(vectors, points))


def _questions(vectors: Vectors, points: Array) -> list[Question]:
    asked: Sequence[str] = vectors.words()
    return [
        Question.of(words, vector, embedder().name)
        for words, vector in zip(asked, vectors.questions(points).tolist(), strict=True)
    ]


def _others(owner: psycopg.Connection[Any], avatar_id: uuid.UUID) -> None:
    with psycopg.ClientCursor(owner) as cursor:
        for statement in _OTHERS:
            given = {"owners": OWNERS, "each": OTHERS_EACH, "avatar": avatar_id, "model": embedder().name}
            cursor.execute(statement, given)


def _recalled(one: Told) -> float:
    """The median of the milliseconds of its questions, transaction and ranking included."""
    took = []
    assert one.owner.user_id is not None
    for question in one.questions:
        begun = time.perf_counter()
        with db.transaction(one.owner) as tx:
            found = service.begin_recall(tx, one.owner.user_id, one.avatar_id, question, top_k=10)
        memories = found.memories()
        took.append((time.perf_counter() - begun) * 1000)
        assert memories, "nothing was recalled"
    return float(np.median(took))


def _in_database(url: str, one: Told) -> float:
    """The median of the milliseconds that the server says the statement takes, to plan and to execute."""
    took = []
    assert one.owner.user_id is not None
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as app:
        app.execute("select set_config('anima.user_id', %s, false)", [str(one.owner.user_id)])
        for question in one.questions:
            caught: Any = _Caught()
            service.begin_recall(caught, one.owner.user_id, one.avatar_id, question, top_k=_TOP)
            plan = app.execute(
                b"explain (analyze, timing off, format json) " + caught.sql.encode(), caught.params
            ).fetchone()
            assert plan is not None
            took.append(plan[0][0]["Planning Time"] + plan[0][0]["Execution Time"])
    return float(np.median(took))


class _Caught:
    """Takes the one statement of a recall instead of sending it."""

    def fetch(self, query: db.Query[Any], /, **params: Any) -> None:
        """Keeps it."""
        self.sql, self.params = query.sql, params


def _as_talk(one: Told) -> dict[str, Any]:
    vectors = np.array([question.vector for question in one.questions], dtype=np.float32)
    return {
        "name": one.name,
        "texts": [""] * len(one.points),
        "questions": [question.text for question in one.questions],
        "texts_vectors": one.points,
        "questions_vectors": vectors,
    }


def _nearest(url: str, one: Told) -> list[set[int]]:
    with psycopg.connect(url, autocommit=True) as app:
        app.execute("select set_config('anima.user_id', %s, false)", [str(one.owner.user_id)])
        return [
            {row[0] for row in app.execute(_EXACT, [one.owner.user_id, one.avatar_id, db.vector_text(question.vector)])}
            for question in one.questions
        ]


def _nearest_candidates(one: Told) -> list[set[int]]:
    """The ten nearest of the candidates of each question, asked without its words: these bring in others."""
    found = []
    assert one.owner.user_id is not None
    for asked in one.questions:
        question = Question.of("", list(asked.vector), asked.model)
        with db.transaction(one.owner) as tx:
            pending = service.begin_recall(tx, one.owner.user_id, one.avatar_id, question, top_k=1_000)
        memories = sorted(pending.memories(), key=lambda memory: -memory.scores["cosine"])
        found.append({memory.source.message_id or 0 for memory in memories[:_TOP]})
    return found


def _share(found: Sequence[set[int]], exact: Sequence[set[int]]) -> float:
    return float(np.mean([len(ours & true) / len(true) for ours, true in zip(found, exact, strict=True)]))


def _exact(url: str, one: Told) -> float:
    took = []
    with psycopg.connect(url, autocommit=True) as app:
        app.execute("select set_config('anima.user_id', %s, false)", [str(one.owner.user_id)])
        for question in one.questions:
            begun = time.perf_counter()
            app.execute(_EXACT, [one.owner.user_id, one.avatar_id, db.vector_text(question.vector)]).fetchall()
            took.append((time.perf_counter() - begun) * 1000)
    return float(np.median(took))
