"""A large store gets an index and is searched by it; it comes and goes with need, and survives whoever makes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from anima.cli.main import app as command_line
from anima.kernel.postgres.schema import dump_schema
from anima.kernel.postgres.urls import with_database
from anima.operations import maintenance, nearest_indexes, worker

Connection = psycopg.Connection[Any]
MODEL = "tiny@1"
MANY, FEW = 10_500, 300
LARGE = 1_000
"""A store of so many vectors is large where it need not be quick to be searched, only to be made."""
QUESTION = "[1,0.5,0.25,0,0,0,0,0.1]"


@dataclass(frozen=True, slots=True)
class Place:
    """A store of somebody's; no owner: a shared one."""

    owner_id: int | None
    store_id: int

    @property
    def index(self) -> str:
        prefix = "shared_" if self.owner_id is None else ""
        return f"{prefix}embeddings_nearest_{self.store_id}_"


@dataclass(frozen=True, slots=True)
class Library:
    """A database in which Alice has a large store, Bob a small one, and everybody a large shared one."""

    database: Any
    owner: Connection
    alice: Place
    bob: Place
    shared: Place


def person(owner: Connection, name: str) -> int:
    return one(owner, "insert into users (username, password_hash) values (%s, '') returning user_id", name)


def one(connection: Connection, query: str, *values: Any) -> Any:
    row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def store(owner: Connection, owner_id: int | None, n: int, dimension: int = 8, name: str = "papers") -> Place:
    """A store with so many random vectors, and the counts that belong to it."""
    store_id = one(
        owner,
        """
        insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
        values (%s, %s, %s, %s, 'papers') returning store_id
        """,
        owner_id,
        name,
        MODEL,
        dimension,
    )
    whose = [] if owner_id is None else [owner_id]
    mark = "%s, " * len(whose)
    columns = "owner_id, " * len(whose)
    prefix = "shared_" if owner_id is None else ""
    owner.execute(
        f"""
        insert into {prefix}embeddings (
            {columns}store_id, entity_type, entity_id, external_id, vector, embedding_model
        )
        select {mark}%s, 'chunk', n::text, 'chunk:' || n,
            array(select random() - 0.5 from generate_series(1, {dimension}) where n > 0)::vector, %s
        from generate_series(1, {n}) n
        """,  # type: ignore[arg-type]
        [*whose, store_id, MODEL],
    )
    owner.execute(
        f"insert into {prefix}corpora ({columns}store_id, n, total_len) values ({mark}%s, %s, %s)",  # type: ignore[arg-type]
        [*whose, store_id, n, n],
    )
    return Place(owner_id, store_id)


@pytest.fixture(scope="module")
def library(clone: Callable[[str], Any], cluster: Any) -> Iterator[Library]:
    database = clone(f"nearest_{uuid.uuid4().hex[:12]}")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("select setseed(0.5)")
        alice, bob = person(owner, "alice"), person(owner, "bob")
        places = store(owner, alice, MANY), store(owner, bob, FEW), store(owner, None, MANY)
        owner.execute("analyze embeddings, shared_embeddings")
        yield Library(database, owner, *places)
    with psycopg.connect(with_database(cluster.owner_url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database.name)))


def asked(library: Library, place: Place, function: str, as_user: int, excluded: Any = None, only: Any = None) -> Any:
    """What a function of the search answers the app's login."""
    with psycopg.connect(library.database.app_url) as app:
        app.execute("select set_config('anima.user_id', %s, true)", [str(as_user)])
        return app.execute(
            f"select * from {function}(%s, %s::bigint[], %s, %s::vector, 20, %s::bigint[], %s::bigint[])",  # type: ignore[arg-type]
            [place.owner_id, [place.store_id], MODEL, QUESTION, excluded, only],
        ).fetchall()


def plan(library: Library, place: Place, as_user: int, **more: Any) -> str:
    return "\n".join(row[0] for row in asked(library, place, "explain_nearest", as_user, **more))


def nearest(library: Library, place: Place, as_user: int, **more: Any) -> list[int]:
    rows = asked(library, place, "nearest_chunks", as_user, **more)
    cosines = [row[1] for row in rows]
    assert cosines == sorted(cosines, reverse=True)
    return [row[0] for row in rows]


def exactly(library: Library, place: Place) -> list[int]:
    """The nearest, by comparing with all."""
    table = "shared_embeddings" if place.owner_id is None else "embeddings"
    rows = library.owner.execute(
        f"select entity_id::bigint from {table} where store_id = %s order by vector <=> %s::vector limit 20",  # type: ignore[arg-type]
        [place.store_id, QUESTION],
    )
    return [row[0] for row in rows]


def indexes(owner: Connection) -> dict[str, bool]:
    """The indexes of stores that are there, and whether they are valid."""
    rows = owner.execute(
        """
        select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relname like '%embeddings_nearest_%'
        """
    )
    return dict(rows.fetchall())


def kept(library: Library) -> None:
    nearest_indexes.keep(library.database.owner_url)


def dropped(library: Library) -> None:
    for name in indexes(library.owner):
        library.owner.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))


class TestWhatIsSearched:
    def test_without_an_index_a_store_is_read_whole_and_nobody_elses_rows(self, library: Library) -> None:
        dropped(library)
        alice = library.alice.owner_id
        assert alice is not None
        for place in (library.alice, library.shared):
            told = plan(library, place, alice)
            assert "nearest_" not in told
            assert "Seq Scan" not in told
            assert nearest(library, place, alice) == exactly(library, place)

    def test_with_one_it_is_taken_and_finds_nearly_the_same(self, library: Library) -> None:
        kept(library)
        assert library.alice.owner_id is not None
        for place in (library.alice, library.shared):
            told = plan(library, place, library.alice.owner_id)
            assert f"Index Scan using {place.index}" in told
            assert "Seq Scan" not in told
            found = nearest(library, place, library.alice.owner_id)
            assert len(found) == 20
            assert len(set(found[:10]) & set(exactly(library, place)[:10])) >= 9

    def test_a_small_store_is_read_whole_beside_it(self, library: Library) -> None:
        kept(library)
        assert library.bob.owner_id is not None
        told = plan(library, library.bob, library.bob.owner_id)
        assert "nearest_" not in told
        assert "Seq Scan" not in told
        assert nearest(library, library.bob, library.bob.owner_id) == exactly(library, library.bob)

    def test_what_is_left_out_is_not_found_and_others_take_its_place(self, library: Library) -> None:
        kept(library)
        assert library.alice.owner_id is not None
        best = exactly(library, library.alice)
        assert library.alice.index in plan(library, library.alice, library.alice.owner_id, excluded=best)
        found = nearest(library, library.alice, library.alice.owner_id, excluded=best)
        assert len(found) == 20
        assert not set(found) & set(best)

    def test_among_few_each_is_compared(self, library: Library) -> None:
        kept(library)
        assert library.alice.owner_id is not None
        some = exactly(library, library.alice)[::3]
        farther = [number for number in range(1, 50) if number not in some]
        found = nearest(library, library.alice, library.alice.owner_id, only=[*farther, *some])
        assert found[: len(some)] == some
        assert nearest(library, library.alice, library.alice.owner_id, only=[]) == []

    def test_nobody_searches_what_is_anothers(self, library: Library) -> None:
        kept(library)
        assert library.bob.owner_id is not None
        assert nearest(library, library.alice, library.bob.owner_id) == []
        assert plan(library, library.alice, library.bob.owner_id) == ""

    def test_the_plan_tells_no_figures_of_others(self, library: Library) -> None:
        assert library.alice.owner_id is not None
        for place in (library.alice, library.shared):
            told = plan(library, place, library.alice.owner_id)
            assert "rows=" not in told
            assert "cost=" not in told
            assert str(MANY) not in told


class TestKeeping:
    @pytest.fixture
    def fresh(self, fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
        """A database of its own, whose one large store is Alice's."""
        monkeypatch.setattr(nearest_indexes, "LEAST", LARGE)
        with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
            alice = store(owner, person(owner, "alice"), LARGE + 100)
            yield Library(fresh_database, owner, alice, alice, alice)

    def test_again_there_is_nothing_to_do_and_the_schema_is_as_before(self, library: Library) -> None:
        dropped(library)
        before = dump_schema(library.database.owner_url)
        first = nearest_indexes.keep(library.database.owner_url)
        assert {name.rpartition("_")[0] + "_" for name in first.made} == {library.alice.index, library.shared.index}
        again = nearest_indexes.keep(library.database.owner_url)
        assert (again.made, again.dropped) == ([], [])
        assert dump_schema(library.database.owner_url) == before

    def test_it_goes_when_its_store_is_small_again_not_before(self, fresh: Library) -> None:
        kept(fresh)
        delete = "delete from embeddings where entity_id::int > %s"
        fresh.owner.execute(delete, [600])
        fresh.owner.execute("update corpora set n = 600")
        assert nearest_indexes.keep(fresh.database.owner_url).dropped == []
        fresh.owner.execute(delete, [400])
        fresh.owner.execute("update corpora set n = 400")
        assert len(nearest_indexes.keep(fresh.database.owner_url).dropped) == 1
        assert indexes(fresh.owner) == {}

    def test_it_goes_with_its_owner(self, fresh: Library) -> None:
        kept(fresh)
        fresh.owner.execute("delete from users")
        assert len(nearest_indexes.keep(fresh.database.owner_url).dropped) == 1

    def test_of_whom_comes_while_another_is_at_it_nothing_is_done(self, fresh: Library) -> None:
        fresh.owner.execute("select pg_advisory_lock(%s)", [nearest_indexes._LOCK])
        assert nearest_indexes.keep(fresh.database.owner_url).made == []
        fresh.owner.execute("select pg_advisory_unlock_all()")
        assert len(nearest_indexes.keep(fresh.database.owner_url).made) == 1

    def test_killed_half_way_it_leaves_what_no_search_takes_and_the_next_makes_it(self, fresh: Library) -> None:
        alice = fresh.alice.owner_id
        assert alice is not None
        with psycopg.connect(fresh.database.owner_url) as busy:
            busy.execute("update embeddings set metadata = metadata where entity_id = '1'")
            maker = _maker(fresh.database.owner_url)
            _wait(lambda: list(indexes(fresh.owner).values()) == [False], maker)
            maker.send_signal(signal.SIGKILL)
            maker.wait()
            _end_sessions(fresh.owner)
        assert list(indexes(fresh.owner).values()) == [False]
        assert "nearest_" not in plan(fresh, fresh.alice, alice)
        assert nearest(fresh, fresh.alice, alice) == exactly(fresh, fresh.alice)
        again = nearest_indexes.keep(fresh.database.owner_url)
        assert again.dropped == again.made == list(indexes(fresh.owner))
        assert fresh.alice.index in plan(fresh, fresh.alice, alice)

    def test_what_no_index_can_hold_stays_without(self, fresh: Library, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nearest_indexes, "LEAST", 10)
        wide = store(fresh.owner, fresh.alice.owner_id, 20, dimension=4_001, name="wide")
        made = nearest_indexes.keep(fresh.database.owner_url).made
        assert len(made) == 1
        assert not made[0].startswith(wide.index)

    def test_upkeep_at_home_makes_it(self, fresh: Library) -> None:
        with fresh.database.use():
            maintenance.run()
        assert list(indexes(fresh.owner).values()) == [True]

    def test_a_command_makes_it(self, fresh: Library) -> None:
        with fresh.database.use():
            first = CliRunner().invoke(command_line, ["db", "maintain"])
            second = CliRunner().invoke(command_line, ["db", "maintain"])
        assert (first.exit_code, second.exit_code) == (0, 0), first.output
        assert fresh.alice.index in first.output
        assert "nothing to do" in second.output

    def test_deployed_the_function_that_migrates_makes_it(self, fresh: Library) -> None:
        with fresh.database.use():
            answer = worker.migrate({"maintain": True})
        assert answer == {"made": list(indexes(fresh.owner)), "dropped": []}
        assert len(answer["made"]) == 1

    def test_a_process_that_does_not_know_the_owner_leaves_it(
        self, fresh: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest_indexes, "known_owner", lambda: None)
        with fresh.database.use():
            maintenance.run()
        assert indexes(fresh.owner) == {}


def _maker(url: str) -> subprocess.Popen[bytes]:
    """Another process that keeps the indexes."""
    code = f"""
import os
from anima.operations import nearest_indexes
nearest_indexes.LEAST = {LARGE}
nearest_indexes.keep(os.environ['OWNER'])
"""
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OWNER": url})


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not ready():
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.02)


def _end_sessions(owner: Connection) -> None:
    """What the killed process had asked for ends too, as the server does itself when it notices.

    In this database alone: the locks of all databases of the cluster, other tests' among them, stand in one view.
    """
    held = """
        select pid from pg_locks
        where locktype = 'advisory' and granted and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database())
    """
    while pids := [row[0] for row in owner.execute(held)]:
        for pid in pids:
            owner.execute("select pg_terminate_backend(%s)", [pid])
        time.sleep(0.02)
