"""The latency half of bench `retrieval`: milliseconds a query and recall@10 by the size of a store.

A thousand owners: three of them with 1,000, 10,000 and 100,000 chunks, the others with twenty each; and one shared
store of 100,000. RETRIEVAL_CORPORA=own_1k,shared_100k leaves the others out.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import numpy as np
import psycopg
from tests.bench import retrieval_corpora as corpora_of
from tests.bench.frame import Bench, Sample
from tests.bench.langchain_peer import LANGCHAIN
from tests.bench.retrieval_corpora import Connection, Corpus, Vectors

from anima.kernel import config, db, secrets
from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.postgres.urls import with_database
from anima.kernel.terms import Question
from anima.knowledge import service
from anima.operations import nearest_indexes

CORPORA = {"own_1k": 1_000, "own_10k": 10_000, "own_100k": 100_000, "shared_100k": 100_000}
OWNERS, TOP = 1_000, corpora_of.TOP
_DRIVER = "postgresql+psycopg"

_STORE: LiteralString = """
insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
select %(owner_id)s, %(name)s, embedding_model, dimension, %(name)s
from vector_stores where owner_id is not null limit 1
returning store_id, embedding_model
"""
# PGVector's own rows: a collection an owner.
_PEER_LOAD: LiteralString = """
insert into langchain_pg_embedding (id, collection_id, embedding, document, cmetadata)
select %(base)s + s.n, c.uuid, s.vector, 'synthetic', '{}'
from staged s, langchain_pg_collection c where c.name = %(name)s
"""
_PEER_OTHERS: LiteralString = """
with made as (
    insert into langchain_pg_collection (uuid, name, cmetadata)
    select gen_random_uuid(), 'other ' || g, '{}' from generate_series(1, %(others)s) g returning uuid
)
insert into langchain_pg_embedding (id, collection_id, embedding, document, cmetadata)
select gen_random_uuid(), m.uuid, s.vector, 'other', '{}' from made m, staged s where s.n < %(each)s
"""
_NEAREST: LiteralString = """
select n.chunk_id from nearest_chunks(%s::bigint, array[%s]::bigint[], %s, %s::vector, 100) n limit 10
"""


def run(bench: Bench) -> None:
    """For each corpus `ms.<name>`, `ms.<name>.by_vector` and `recall.<name>`; and `index_seconds`."""
    names = os.environ.get("RETRIEVAL_CORPORA", ",".join(CORPORA)).split(",")
    with _house() as owner, _peer(bench, owner) as peer:
        corpora = _loaded(owner, names, peer)
        exact = {one.name: _measured(bench, one, "vector") for one in corpora}
        began = time.monotonic()
        made = nearest_indexes.keep(_owner_url()).made
        bench.figure("index_seconds", time.monotonic() - began, "s")
        bench.note(f"HNSW indexes made: {len(made)}; stores of up to {nearest_indexes.LEAST:,} vectors have none")
        for one in corpora:
            _told(bench, one, exact[one.name], peer)
            print(f"{one.name} is measured", flush=True)


def _told(bench: Bench, one: Corpus, exact: Sample, peer: "Peer") -> None:
    vector = _measured(bench, one, "vector")
    sides = bench.alternate(anima=lambda: _ask(one, "hybrid"), peer=lambda: peer.ask(one))
    bench.figure(f"ms.{one.name}", sides["anima"], "ms", peer="PGVector, by vector", peer_value=sides["peer"])
    bench.figure(f"ms.{one.name}.by_vector", vector, "ms", peer="before the index", peer_value=exact)
    found = _recall(one, _nearest(one))
    theirs = _recall(one, peer.found(one))
    bench.figure(f"recall.{one.name}", found, "share", peer="PGVector", peer_value=theirs, more_is_better=True)


def _measured(bench: Bench, one: Corpus, mode: Any) -> Sample:
    return bench.alternate(anima=lambda: _ask(one, mode))["anima"]


def _ask(one: Corpus, mode: Any) -> float:
    """The median of the milliseconds of its questions."""
    took = []
    for vector, words in zip(one.questions, one.words, strict=True):
        question = Question.of(words, vector.tolist(), one.model)
        began = time.perf_counter()
        with db.transaction(db.Principal(one.reader)) as tx:
            pending = service.begin_search(tx, one.reader, question, TOP, purpose=one.name, mode=mode)
        hits = pending.hits()
        took.append((time.perf_counter() - began) * 1000)
        assert hits, "nothing was found"
    return float(np.median(took))


def _nearest(one: Corpus) -> list[list[int]]:
    """The nearest chunks as the search's own part by vectors finds them, by the app's login."""
    with psycopg.connect(db.login_url("app"), autocommit=True) as app:
        app.execute("select set_config('anima.user_id', %s, false)", [str(one.reader)])
        return [
            [row[0] for row in app.execute(_NEAREST, [one.owner_id, one.store_id, one.model, db.vector_text(vector)])]
            for vector in one.questions.tolist()
        ]


def _recall(one: Corpus, found: list[list[int]]) -> float:
    shares = [len(set(ours) & set(true)) / TOP for ours, true in zip(found, one.exact(), strict=True)]
    return float(np.mean(shares))


def _loaded(owner: Connection, names: list[str], peer: "Peer") -> list[Corpus]:
    made, vectors = [], Vectors()
    owner.execute(
        "insert into users (username, password_hash) select 'owner-' || g, '' from generate_series(1, %s) g", [OWNERS]
    )
    people = [row[0] for row in owner.execute("select user_id from users order by 1 limit %s", [len(names)])]
    for number, (name, person) in enumerate(zip(names, people, strict=True), start=1):
        owner_id = None if name.startswith("shared") else person
        store_id, model = _store(owner, owner_id, name)
        points = vectors.near_centres(CORPORA[name])
        one = Corpus(
            name=name,
            size=len(points),
            base=number * 10_000_000,
            reader=person,
            owner_id=owner_id,
            store_id=store_id,
            model=model,
            vectors=points,
            questions=vectors.questions(points),
            words=vectors.words(),
        )
        began = time.monotonic()
        corpora_of.stage(owner, points)
        corpora_of.load(owner, one)
        peer.load(one)
        made.append(one)
        print(f"{name} is loaded in {time.monotonic() - began:.0f} s", flush=True)
    corpora_of.load_others(owner, people)
    peer.load_others(OWNERS - len(made))
    owner.execute("vacuum analyze")
    return made


def _store(owner: Connection, owner_id: int | None, name: str) -> tuple[int, str]:
    row = owner.execute(_STORE, {"owner_id": owner_id, "name": name}).fetchone()
    assert row is not None
    return row[0], row[1]


def _owner_url() -> str:
    url = config.settings().database_url
    assert url is not None
    return url.get_secret_value()


@contextmanager
def _house() -> Iterator[Connection]:
    """An empty, migrated database that the settings point to, and a connection of its owner."""
    with ephemeral.ephemeral() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(ANIMA_DATA_DIR=folder, SECRET_KEY="of the bench", ANIMA_DATABASE_URL=server.owner_url)
        config.settings.cache_clear()
        secrets.master_key.cache_clear()
        names = ("anima_app", "anima_worker", "anima_admin")
        passwords = bootstrap.LoginPasswords(*(secrets.login_password(name) for name in names))
        bootstrap.ensure(server.owner_url, passwords)
        migrations.migrate(server.owner_url, migration_files.sql_dir())
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            yield owner
        db.close_pools()


class Peer:
    """PGVector of langchain-postgres on a database of its own beside ours, in a process of its own."""

    def __init__(self, database: Connection, process: "subprocess.Popen[str]") -> None:
        self._database = database
        self._process = process

    def load(self, one: Corpus) -> None:
        """The same vectors, as a collection."""
        self._call(one.name, [])  # makes tables and collection
        corpora_of.stage(self._database, one.vectors)
        with psycopg.ClientCursor(self._database) as cursor:
            cursor.execute(_PEER_LOAD, {"base": one.base, "name": one.name})

    def load_others(self, n: int) -> None:
        """So many collections of twenty."""
        with psycopg.ClientCursor(self._database) as cursor:
            cursor.execute(_PEER_OTHERS, {"others": n, "each": corpora_of.CHUNKS_OF_OTHERS})
        self._database.execute("vacuum analyze")

    def ask(self, one: Corpus) -> float:
        """The median of the milliseconds of its first questions: it reads everybody's rows for each."""
        return float(np.median(self._call(one.name, one.questions[:5].tolist())["milliseconds"]))

    def found(self, one: Corpus) -> list[list[int]]:
        """The ids that it finds."""
        answer = self._call(one.name, one.questions.tolist())
        return [[int(each) for each in row] for row in answer["found"]]

    def _call(self, collection: str, vectors: list[list[float]]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"collection": collection, "vectors": vectors, "k": TOP}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def _peer(bench: Bench, owner: Connection) -> Iterator[Peer]:
    """The peer with an empty database on the same server."""
    python = bench.peer("langchain", *LANGCHAIN)
    owner.execute("create database langchain")
    url = with_database(_owner_url(), "langchain")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("create extension if not exists vector")
        command = [python, str(Path(__file__).with_name("langchain_peer.py")), url.replace("postgresql", _DRIVER, 1)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Peer(database, process)
            finally:
                process.kill()
