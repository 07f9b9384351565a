"""Snapshots: bytes and milliseconds of one with 10,000 memories, out and in, and how many statements they take.

Beside it the same rows by Postgres's own ways: `copy` of the rows of the tables to a file and back (with their vectors,
and without anything signed, merged or told apart), and one `json.dumps` of the rows. Indexes for search are made
afterwards by a worker on one side, and are part of the rows on the other.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from tests.bench import place
from tests.bench.frame import Bench

from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.kernel import config, db
from anima.snapshots import snapshot_export_service, snapshot_import_service

MEMORIES = 10_000
FACTS, EPISODES = 5_000, 1_000
MESSAGES = MEMORIES - FACTS - EPISODES
_TABLES = ("sessions", "messages", "entities", "user_facts", "fact_mentions", "episodes")


def run(bench: Bench) -> None:
    """Out, in, in again; then what the peers take for the same rows."""
    with place.opened():
        principal = place.person()
        avatar_id = _lived(principal)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "snapshot.json"
            sides = bench.alternate(
                anima=lambda: _timed(lambda: _out(principal, avatar_id, path)),
                copy=lambda: _timed(lambda: _copied(principal)),
                dumps=lambda: _timed(lambda: _dumped(principal)),
            )
            size = path.stat().st_size
            bench.figure("export_ms", sides["anima"], "ms", peer="copy of the rows", peer_value=sides["copy"])
            bench.figure("export_ms_of_json_dumps", sides["dumps"], "ms")
            bench.figure("bytes", size, "bytes", peer="json.dumps of the rows", peer_value=len(_dumped(principal)))
            bench.figure("bytes_of_copy", sum(map(len, _copied(principal).values())), "bytes")
            _in(bench, path)
            bench.figure("export_peak_memory", _peak(lambda: _out(principal, avatar_id, path)), "bytes")
    bench.note(f"{FACTS} facts, {EPISODES} episodes, {MESSAGES} messages; the copy has vectors, the snapshot has none")


def _in(bench: Bench, path: Path) -> None:
    """Into the accounts of people who know nothing, and once more."""
    people = [place.person() for _ in range(5)]
    counted: list[int] = []
    takes = [_timed(lambda one=one: counted.append(_statements(one, path))) for one in people]  # type: ignore[misc]
    again = [_timed(lambda one=one: snapshot_import_service.take_in(one, path)) for one in people]  # type: ignore[misc]
    bench.figure(
        "import_ms", sorted(takes)[2], "ms", peer="copy into the tables", peer_value=_copied_in(place.person())
    )
    bench.figure("import_again_ms", sorted(again)[2], "ms")
    bench.figure("import_statements", counted[0], "")
    bench.figure("import_peak_memory", _peak(lambda: snapshot_import_service.take_in(people[0], path)), "bytes")


def _statements(principal: db.Principal, path: Path) -> int:
    """How many statements taking one in takes."""
    done = 0
    kept = db.Transaction.fetch, db.Transaction.execute

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **params: Any) -> Any:
            nonlocal done
            done += 1
            return real(*args, **params)

        return counted

    db.Transaction.fetch, db.Transaction.execute = map(counting, kept)  # type: ignore[method-assign, arg-type]
    try:
        snapshot_import_service.take_in(principal, path)
    finally:
        db.Transaction.fetch, db.Transaction.execute = kept  # type: ignore[method-assign]
    return done


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def _peak(act: Callable[[], object]) -> int:
    """The most that Python held at once, above what it held before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _out(principal: db.Principal, avatar_id: uuid.UUID, path: Path) -> None:
    with path.open("wb") as file:
        snapshot_export_service.write(principal, avatar_id, file)


def _copied(principal: db.Principal) -> dict[str, bytes]:
    """The rows of each table, as `copy` writes them."""
    found = {}
    with _owner() as connection:
        for table in _TABLES:
            out = io.BytesIO()
            with connection.cursor().copy(f"copy ({_rows_of(table, principal)}) to stdout") as copy:
                for piece in copy:
                    out.write(piece)
            found[table] = out.getvalue()
    return found


def _copied_in(principal: db.Principal) -> float:
    """Milliseconds of the same rows copied into tables of the same indexes and no references, by their text."""
    source = place.person()
    _lived(source)
    copied = _copied(source)
    with _owner() as connection:
        for table in _TABLES:
            connection.execute(f"create temp table copy_{table} (like {table} including indexes)")
        begun = time.perf_counter()
        for table, data in copied.items():
            with connection.cursor().copy(f"copy copy_{table} from stdin") as copy:
                copy.write(data)
        connection.commit()
        return (time.perf_counter() - begun) * 1000


def _dumped(principal: db.Principal) -> bytes:
    """All columns but vectors, as one JSON."""
    with _owner() as connection:
        shown = "to_jsonb(t) - array['embedding', 'next_embedding', 'terms']"
        rows = {
            table: [row[0] for row in connection.execute(f"select {shown} from ({_rows_of(table, principal)}) t")]
            for table in _TABLES
        }
    return json.dumps(rows, ensure_ascii=False).encode()


def _rows_of(table: str, principal: db.Principal) -> str:
    column = "owner_id" if table in ("messages", "entities", "fact_mentions") else "user_id"
    return f"select * from {table} where {column} = {principal.user_id}"


def _lived(principal: db.Principal) -> uuid.UUID:
    """Somebody with so many memories, with vectors as they would have."""
    avatar_id = avatars.create(principal, NewAvatar(name="Luna of the bench"), None).avatar_id
    given = {"me": principal.user_id, "avatar": avatar_id, "facts": FACTS, "episodes": EPISODES, "messages": MESSAGES}
    with _owner() as connection:
        for statement in _SEED:
            connection.execute(statement, given)
        connection.commit()
    return avatar_id


_VECTOR = "('[' || repeat('0.05,', 383) || '0.05]')::vector"
_SEED = (
    """
    insert into sessions (user_id, avatar_id, title, started_at)
    select %(me)s, %(avatar)s, 'Talk ' || n, now() - n * interval '1 hour' from generate_series(1, 100) n
    """,
    """
    insert into messages (session_id, owner_id, author_id, role, content, created_at)
    select s.session_id, %(me)s, %(me)s, 'user',
        'On day ' || n || ' I saw boat ' || n || ' by the harbour, and it was painted anew.',
        now() - n * interval '1 second'
    from generate_series(1, %(messages)s) n
    join (select session_id, row_number() over () as k from sessions where user_id = %(me)s) s on s.k = n %% 100 + 1
    """,
    f"""
    insert into user_facts (id, user_id, avatar_id, session_id, source_message_id, category, key, value, evidence,
        terms, embedding, embedding_model)
    select gen_random_uuid(), %(me)s, %(avatar)s, m.session_id, m.message_id, 'interests', 'likes:boat-' || n,
        to_jsonb('boat ' || n), 'I like boat ' || n, array['like', 'boat'], {_VECTOR}, 'all-MiniLM-L6-v2'
    from generate_series(1, %(facts)s) n
    join (select message_id, session_id, row_number() over () as k from messages where owner_id = %(me)s) m
        on m.k = n %% %(messages)s + 1
    """,
    """
    insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at)
    select user_id, id, source_message_id, evidence, learned_at from user_facts where user_id = %(me)s
    """,
    f"""
    insert into episodes (id, user_id, avatar_id, type, title, summary, importance, context_messages, related_facts,
        embedding, embedding_model)
    select gen_random_uuid(), %(me)s, %(avatar)s, 'moment', 'A day by the sea ' || n, 'It was the best day ' || n, 5,
        array[m.message_id], array[f.id], {_VECTOR}, 'all-MiniLM-L6-v2'
    from generate_series(1, %(episodes)s) n
    join (select message_id, row_number() over () as k from messages where owner_id = %(me)s) m on m.k = n
    join (select id, row_number() over () as k from user_facts where user_id = %(me)s) f on f.k = n
    """,
)


def _owner() -> psycopg.Connection[Any]:
    url = config.settings().database_url
    assert url is not None
    return psycopg.connect(url.get_secret_value())
