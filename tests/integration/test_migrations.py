"""The migration runner: in order, once, whole files only, one runner at a time, and a clear word when it will not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from anima.kernel.postgres import bootstrap, deployment, migration_files, migrations
from anima.kernel.postgres.deployment import Step
from anima.kernel.postgres.ephemeral import ephemeral
from anima.kernel.postgres.errors import (
    BadMigrationFiles,
    CodeBehind,
    DataInTheWay,
    DeploymentBusy,
    LastMigrationChanged,
    MigrationEdited,
    MigrationFailed,
    MigrationMissing,
    MigrationOutOfOrder,
    NothingToRollBack,
    NotReversible,
    PooledConnection,
)
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.migrations import migrate, rollback, status
from anima.kernel.postgres.schema import dump_schema, schema_drift
from anima.kernel.postgres.urls import with_address, with_database

OLIVES = {
    "0001_pre_olives.sql": "create table olives (id int); insert into olives values (1);",
    "0002_pre_colour.sql": "alter table olives add colour text default '100% green; really';",
    "0003_post_drop.sql": "alter table olives drop id;",
}


@pytest.fixture
def url(cluster: Server) -> Iterator[str]:
    """An empty database of this test."""
    name, maintenance = f"empty_{os.urandom(6).hex()}", with_database(cluster.owner_url, "postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        yield with_database(cluster.owner_url, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """Writes migrations and answers the folder `sql`."""

    def written(texts: dict[str, str]) -> Path:
        (tmp_path / "migrations").mkdir(exist_ok=True)
        for name, text in texts.items():
            (tmp_path / "migrations" / name).write_text(text)
        return tmp_path

    return written


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.SQL(query)).fetchall()


def tables(url: str) -> set[object]:
    return {name for (name,) in rows(url, "select tablename::text from pg_tables where schemaname = 'public'")}


def states(url: str, folder: Path) -> list[str]:
    return [each.state for each in status(url, folder)]


def test_all_are_applied_in_order_and_only_once(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)
    assert states(url, folder) == ["pending"] * 3

    assert migrate(url, folder) == ["0001_pre_olives", "0002_pre_colour", "0003_post_drop"]
    assert migrate(url, folder) == []

    assert rows(url, "select * from olives") == [("100% green; really",)]
    assert states(url, folder) == ["applied"] * 3
    kept = rows(url, "select version, name, phase, length(sha256), duration_ms >= 0 from schema_migrations order by 1")
    assert kept[0] == (1, "olives", "pre", 64, True)
    assert [row[2] for row in kept] == ["pre", "pre", "post"]


def test_pre_runs_under_the_old_code_and_post_after_it(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)
    with pytest.raises(MigrationOutOfOrder, match="0003_post_drop cannot be applied before 0001_pre_olives"):
        migrate(url, folder, "post")
    assert tables(url) == set()

    assert migrate(url, folder, "pre") == ["0001_pre_olives", "0002_pre_colour"]
    assert rows(url, "select id from olives") == [(1,)]
    assert states(url, folder) == ["applied", "applied", "pending"]
    assert migrate(url, folder, "post") == ["0003_post_drop"]


def test_a_dry_run_only_says_what_it_would_do(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)

    assert migrate(url, folder, "pre", dry_run=True) == ["0001_pre_olives", "0002_pre_colour"]

    assert tables(url) == set()


def test_a_file_that_fails_in_the_middle_leaves_nothing_of_it(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES | {"0002_pre_colour.sql": "create table half (); alter table olive add colour text;"})

    with pytest.raises(MigrationFailed, match=r'0002_pre_colour .*relation "olive" does not exist'):
        migrate(url, folder)

    assert tables(url) == {"olives", "schema_migrations"}
    assert states(url, folder) == ["applied", "pending", "pending"]
    files(OLIVES)
    assert migrate(url, folder) == ["0002_pre_colour", "0003_post_drop"]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"0005_pre_gap.sql": "select 1"}, "the number 0004 is missing"),
        ({"0003_pre_twin.sql": "select 1"}, "two have the number 0003"),
        ({"4_more.sql": "select 1"}, "4_more.sql is not"),
        ({"0004_late_more.sql": "select 1"}, "0004_late_more.sql is not"),
        ({"README.md": "hello"}, "README.md is not"),
        ({"0004_pre_more.down.sql": "select 1"}, "belongs to none"),
        ({"0004_pre_more.sql": "create table a (); COMMIT; create table b ()"}, "its own transaction"),
        ({"0004_pre_more.sql": "create table a (); end; create table b ()"}, "its own transaction"),
        ({"0004_pre_more.sql": "create table a (); End Work; create table b ()"}, "its own transaction"),
        ({"0004_pre_more.sql": r"create table a (x text default E'\''); commit; select ''"}, "its own transaction"),
        ({"0004_pre_more.sql": "prepare transaction 'x'"}, "its own transaction"),
    ],
)
def test_files_out_of_order_are_refused_before_any_is_applied(
    url: str, files: Callable[..., Path], extra: dict[str, str], reason: str
) -> None:
    folder = files(OLIVES | extra)

    with pytest.raises(BadMigrationFiles) as refused:
        migrate(url, folder)

    assert reason in str(refused.value)
    assert tables(url) == set()


def test_words_of_a_transaction_inside_a_function_are_no_transaction(url: str, files: Callable[..., Path]) -> None:
    block = "do $$ begin raise exception using message = $x$; commit;$x$; exception when others then null; end $$;"
    folder = files({"0001_pre_body.sql": f"{block} -- x; commit;\nselect '; rollback;'; /* ; begin; */ select 1;"})

    assert migrate(url, folder) == ["0001_pre_body"]


def test_the_end_of_a_function_in_sqls_own_words_is_no_end_of_a_transaction(
    url: str, files: Callable[..., Path]
) -> None:
    body = "begin atomic select case when true then 1 end; select 2; end"
    folder = files({"0001_pre_body.sql": f"create function two() returns int {body}; select E'it\\'s; commit;';"})

    assert migrate(url, folder) == ["0001_pre_body"]
    assert rows(url, "select two()") == [(2,)]


def test_a_file_that_is_no_text_is_refused(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)
    (folder / "migrations" / "0004_pre_more.sql").write_bytes(b"select '\xff'")
    with pytest.raises(BadMigrationFiles, match=r"0004_pre_more\.sql cannot be read"):
        migrate(url, folder)
    assert tables(url) == set()


def test_an_applied_file_must_stay_as_it_is(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)
    migrate(url, folder, "pre")
    files({"0001_pre_olives.sql": "create table olives (id bigint);"})

    with pytest.raises(MigrationEdited, match="0001_pre_olives was changed"):
        migrate(url, folder)
    assert states(url, folder) == ["edited", "applied", "pending"]

    files(OLIVES)
    for name in ("0002_pre_colour.sql", "0003_post_drop.sql"):
        (folder / "migrations" / name).unlink()
    with pytest.raises(MigrationMissing, match="0002_pre_colour"):
        migrate(url, folder)
    assert states(url, folder) == ["applied", "missing"]


def test_line_ends_of_another_system_are_no_edit(url: str, files: Callable[..., Path]) -> None:
    folder = files({"0001_pre_two.sql": "select 1;\nselect 2;\n"})
    migrate(url, folder)

    (folder / "migrations" / "0001_pre_two.sql").write_bytes(b"select 1;\r\nselect 2;\r\n")

    assert states(url, folder) == ["applied"]


def test_of_two_runners_the_second_waits_and_finds_nothing_to_do(url: str, files: Callable[..., Path]) -> None:
    folder = files({"0001_pre_slow.sql": "create table slow (); select pg_sleep(0.2);"})

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: migrate(url, folder), range(3)))

    assert sorted(done) == [[], [], ["0001_pre_slow"]]


def test_a_runner_that_is_killed_leaves_whole_files_and_holds_nobody_up(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES | {"0002_pre_colour.sql": "create table half (); select pg_sleep(60);"})
    script = "import sys; from pathlib import Path; from anima.kernel.postgres.migrations import migrate\n"
    runner = subprocess.Popen([sys.executable, "-c", f"{script}migrate(sys.argv[1], Path(sys.argv[2]))", url, folder])
    asleep = "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    while not rows(url, asleep):
        assert runner.poll() is None
    runner.send_signal(signal.SIGKILL)
    runner.wait()

    files(OLIVES)

    assert migrate(url, folder) == ["0002_pre_colour", "0003_post_drop"]
    assert tables(url) == {"olives", "schema_migrations"}


def test_a_migration_does_not_queue_for_long_behind_a_query(
    url: str, files: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files(OLIVES)
    migrate(url, folder, "pre")
    monkeypatch.setattr(deployment, "_LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(deployment, "_PAUSE", 0.001)
    told: list[Step] = []
    with psycopg.connect(url) as reader:
        reader.execute("select * from olives")
        with pytest.raises(MigrationFailed, match="lock timeout"):
            migrate(url, folder, tell=told.append)

    assert [step.state for step in told] == ["retrying"] * 5 + ["failed"]
    assert "again in" in told[0].reason
    assert migrate(url, folder) == ["0003_post_drop"]


def test_a_lock_that_is_had_later_is_waited_for(
    url: str, files: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files(OLIVES)
    migrate(url, folder, "pre")
    monkeypatch.setattr(deployment, "_LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(deployment, "_PAUSE", 0.001)
    told: list[Step] = []
    with psycopg.connect(url) as reader:
        reader.execute("select * from olives")

        def tell(step: Step) -> None:
            told.append(step)
            reader.rollback()

        assert migrate(url, folder, tell=tell) == ["0003_post_drop"]

    assert [(step.state, step.attempts) for step in told] == [("retrying", 1), ("applied", 2)]
    assert states(url, folder) == ["applied"] * 3


def test_a_second_deployment_says_that_it_waits_and_gives_up_in_the_end(
    url: str, files: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files(OLIVES)
    monkeypatch.setattr(deployment, "_BUSY_TIMEOUT", "20ms")
    told: list[Step] = []
    with deployment.locked(url), pytest.raises(DeploymentBusy, match="Another deployment works on"):
        migrate(url, folder, tell=told.append)

    assert [step.state for step in told] == ["waiting"]
    assert "another deployment is at work (process " in told[0].reason
    assert tables(url) == set()


def test_a_post_migration_waits_for_the_code(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES)
    migrate(url, folder, "pre")

    with pytest.raises(CodeBehind, match="0003_post_drop removes what the deployed code may still read"):
        migrate(url, folder, "post", code=2)
    assert states(url, folder) == ["applied", "applied", "pending"]

    assert migrate(url, folder, "post", code=3) == ["0003_post_drop"]


def test_the_last_one_is_taken_back_if_a_way_back_is_written(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES | {"0002_pre_colour.down.sql": "alter table olives drop colour;"})
    with pytest.raises(NothingToRollBack):
        rollback(url, folder)
    migrate(url, folder)

    with pytest.raises(NotReversible, match=r"there is no 0003_post_drop\.down\.sql"):
        rollback(url, folder)
    files({"0003_post_drop.down.sql": "alter table olives add id int;"})
    assert rollback(url, folder) == "0003_post_drop"
    assert rollback(url, folder) == "0002_pre_colour"

    assert states(url, folder) == ["applied", "pending", "pending"]
    assert [column for (column,) in rows(url, COLUMNS)] == ["id"]
    assert migrate(url, folder) == ["0002_pre_colour", "0003_post_drop"]


COLUMNS = "select column_name::text from information_schema.columns where table_name = 'olives'"


def test_only_the_migration_that_was_meant_is_taken_back(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES | {f"{name.removesuffix('.sql')}.down.sql": "select 1" for name in OLIVES})
    migrate(url, folder)

    with pytest.raises(LastMigrationChanged, match="applied last is 0003_post_drop by now, not 0002_pre_colour"):
        rollback(url, folder, expected="0002_pre_colour")

    assert states(url, folder) == ["applied"] * 3


def test_data_that_would_be_lost_stand_in_the_way(url: str, files: Callable[..., Path]) -> None:
    down = "-- Takes the colours with it.\n-- only if: not exists (select from olives where colour <> 'green')\n"
    folder = files(OLIVES | {"0002_pre_colour.down.sql": f"{down}alter table olives drop colour;"})
    migrate(url, folder, "pre")
    with pytest.raises(DataInTheWay, match="it wants not exists"):
        rollback(url, folder)
    assert states(url, folder) == ["applied", "applied", "pending"]

    with psycopg.connect(url) as connection:
        connection.execute("update olives set colour = 'green'")
    assert rollback(url, folder) == "0002_pre_colour"


def test_a_way_back_that_fails_changes_nothing(url: str, files: Callable[..., Path]) -> None:
    folder = files(OLIVES | {"0003_post_drop.down.sql": "drop table olives; select nonsense;"})
    migrate(url, folder)

    with pytest.raises(MigrationFailed, match=r"0003_post_drop\.down .*nonsense"):
        rollback(url, folder)

    assert states(url, folder) == ["applied"] * 3
    assert "olives" in tables(url)


def test_a_pooler_is_refused(url: str, files: Callable[..., Path]) -> None:
    with pytest.raises(PooledConnection, match="ep-1-pooler"):
        migrate(with_address(url, "ep-1-pooler.eu.neon.tech"), files(OLIVES))


def test_a_lock_that_is_gone_is_noticed(url: str, files: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # What a pooler at an unsuspicious address does: the next transaction runs on a backend that holds no lock.
    taken = "select pg_advisory_unlock_all()"
    monkeypatch.setattr(migrations, "_TABLE", f"{migrations._TABLE}; {taken}")

    with pytest.raises(PooledConnection):
        migrate(url, files(OLIVES))
    assert "olives" not in tables(url)


def test_the_folder_is_that_of_the_setting_or_of_the_repository(
    files: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from anima.kernel.config import settings

    assert (migration_files.sql_dir() / "migrations" / "0001_pre_foundation.sql").is_file()

    folder = files(OLIVES)
    monkeypatch.setenv("ANIMA_SQL_DIR", str(folder))
    settings.cache_clear()
    try:
        assert migration_files.sql_dir() == folder
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_the_schema_reads_the_same_whoever_owns_it(tmp_path: Path) -> None:
    passwords = bootstrap.LoginPasswords("a", "b", "c")
    with ephemeral() as server:
        urls = [server.owner_url, server.superuser_url("of_a_superuser")]
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute("create database of_a_superuser template template0")
        for each in urls:
            bootstrap.ensure(each, passwords)
            migrate(each, migration_files.sql_dir())
        kept = tmp_path / "schema.sql"
        kept.write_text(dump_schema(urls[0]))

        assert schema_drift(urls[1], kept) == ""
        assert "create policy" in kept.read_text().lower()
        with psycopg.connect(urls[0], autocommit=True) as connection:
            connection.execute("alter table users add olives text")
        assert "+    olives text" in schema_drift(urls[0], kept)
