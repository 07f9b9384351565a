"""`anima db` as a person or a workflow types it: migrate with a report, smoke, check, rollback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from anima.cli.main import main
from anima.kernel import config
from anima.kernel.postgres import bootstrap, migration_files
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.urls import parse, with_address, with_database, with_login
from anima.operations import schema, schema_report

OLIVES = {
    "0001_pre_olives.sql": "create table olives (id int); insert into olives values (1);",
    "0002_pre_colour.sql": "alter table olives add colour text;",
    "0003_post_drop.sql": "-- after: 0002_pre_colour\nalter table olives drop id;",
}


@pytest.fixture
def url(cluster: Server) -> Iterator[str]:
    """An empty database of this test."""
    name, maintenance = f"empty_{os.urandom(6).hex()}", with_database(cluster.owner_url, "postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        with psycopg.connect(cluster.superuser_url(name)) as superuser:
            superuser.execute("create extension vector")
        yield with_database(cluster.owner_url, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@dataclass(frozen=True, slots=True)
class Commands:
    """`anima`, with the settings of one deployment."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output, and what was said beside it."""
        config.settings.cache_clear()
        status = 0
        try:
            main(list(arguments))
        except SystemExit as end:
            status = int(str(end.code or 0))
        out, err = self.capture.readouterr()
        return status, out, err


@pytest.fixture
def anima(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Commands]:
    monkeypatch.setenv("ANIMA_DATABASE_DIRECT_URL", url)
    monkeypatch.setenv("ANIMA_SQL_DIR", str(tmp_path / "sql"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    yield Commands(capsys)
    monkeypatch.undo()
    config.settings.cache_clear()


@pytest.fixture
def files(tmp_path: Path) -> Callable[[dict[str, str]], None]:
    """Writes migrations, besides those that are there."""

    def written(texts: dict[str, str]) -> None:
        folder = tmp_path / "sql" / "migrations"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)

    return written


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_deployment_is_reported_in_markdown_and_json(
    anima: Commands, url: str, files: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(OLIVES)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    both = ["--report", str(tmp_path / "out" / "r.md"), "--report", str(tmp_path / "out" / "r.json")]

    status, out, _err = anima("db", "migrate", "--phase", "pre", "--dry-run", *both)
    assert (status, out.count("pending")) == (0, 2)
    assert rows(url, "select to_regclass('olives')") == [(None,)]
    assert json.loads((tmp_path / "out" / "r.json").read_text())["result"] == "pending"

    status, out, err = anima("db", "migrate", "--phase", "pre", *both)
    assert (status, out.count("applied")) == (0, 2)
    assert "0002_pre_colour (" in err
    told = json.loads((tmp_path / "out" / "r.json").read_text())
    assert (told["target"], told["result"]) == (parse(url).where, "applied")
    first = told["migrations"][0]
    assert (first["migration"], first["state"], first["phase"]) == ("0001_pre_olives", "applied", "pre")
    assert len(first["sha256"]) == 64
    assert first["duration_ms"] >= 0
    assert "| `0001_pre_olives` | applied |" in (tmp_path / "out" / "r.md").read_text()
    summary = (tmp_path / "summary").read_text()
    assert [summary.count(kind) for kind in ("### Dry run", "### Deployment")] == [1, 1]
    secret = parse(url).password
    assert secret
    assert secret not in summary + (tmp_path / "out" / "r.json").read_text() + out + err


def test_a_failed_deployment_is_reported_too(
    anima: Commands, url: str, files: Callable[..., None], tmp_path: Path
) -> None:
    files(OLIVES | {"0002_pre_colour.sql": "create table half (); select nonsense;"})

    status, _out, err = anima("db", "migrate", "--report", str(tmp_path / "r.json"))

    assert status == 1
    assert "0002_pre_colour failed and left nothing" in err
    told = json.loads((tmp_path / "r.json").read_text())
    assert [(one["migration"], one["state"]) for one in told["migrations"]] == [
        ("0001_pre_olives", "applied"),
        ("0002_pre_colour", "failed"),
    ]
    assert told["result"] == "failed"
    assert "nonsense" in told["error"]
    assert rows(url, "select to_regclass('half'), to_regclass('olives') is not null") == [(None, True)]


def test_a_report_of_another_kind_is_refused_before_anything_is_done(
    anima: Commands, url: str, files: Callable[..., None]
) -> None:
    files(OLIVES)
    status, _out, err = anima("db", "migrate", "--report", "report.txt")
    assert (status, err) == (1, "error: The input is not valid: a report ends in .md or .json, not report.txt.\n")
    assert rows(url, "select to_regclass('olives')") == [(None,)]


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(
    anima: Commands, url: str, files: Callable[..., None], tmp_path: Path
) -> None:
    files(OLIVES)
    (tmp_path / "r.md").mkdir()
    (tmp_path / "file").touch()
    for report in (tmp_path / "r.md", tmp_path / "file" / "r.json"):
        status, _out, err = anima("db", "migrate", "--report", str(report))
        assert (status, "cannot be written" in err) == (1, True), err
    assert rows(url, "select to_regclass('olives')") == [(None,)]


@pytest.mark.parametrize(
    "last",
    [
        "create unique index on people (diary)",
        "alter table people alter column diary type int using diary::int",
        "alter table people add check (false)",
        "insert into people (name) values ('x')",
    ],
)
def test_a_failure_tells_nothing_that_people_wrote(
    anima: Commands, url: str, files: Callable[..., None], tmp_path: Path, last: str
) -> None:
    people = "create table people (name text, diary text not null);"
    rows_ = "insert into people values ('mara@example.org', 'I \"love\" (Tom)'), ('mara', 'I \"love\" (Tom)');"
    files({"0001_pre_people.sql": people + rows_, "0002_pre_more.sql": f"{last};"})

    status, out, err = anima("db", "migrate", "--report", str(tmp_path / "r.md"), "--report", str(tmp_path / "r.json"))

    assert status == 1
    told = out + err + (tmp_path / "r.md").read_text() + (tmp_path / "r.json").read_text()
    assert "0002_pre_more failed" in told
    assert not any(word in told for word in ("love", "Tom", "mara"))


def test_a_pooler_is_refused_in_a_dry_run_too(
    anima: Commands, url: str, files: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    files(OLIVES)
    monkeypatch.setenv("ANIMA_DATABASE_DIRECT_URL", with_address(url, "ep-1-pooler.eu.neon.tech"))
    for option in (["--dry-run"], ["--phase", "pre"], ["--code", "none"]):
        status, _out, err = anima("db", "migrate", *option)
        assert status == 1
        assert "ep-1-pooler.eu.neon.tech is a connection pooler; migrations need the direct host" in err


def test_a_deployment_leaves_the_passwords_of_the_logins_alone(
    anima: Commands,
    url: str,
    files: Callable[..., None],
    login_passwords: bootstrap.LoginPasswords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bootstrap.ensure(url, login_passwords)
    files(OLIVES)
    monkeypatch.setenv("SECRET_KEY", "another-key-than-the-one-of-the-deployment")
    assert anima("db", "migrate")[0] == 0

    bootstrap.check_login(with_login(url, "anima_app", login_passwords.app))


def test_post_asks_for_the_code(
    anima: Commands, url: str, files: Callable[..., None], deployed_code: Callable[[Any], str]
) -> None:
    files(OLIVES)
    assert anima("db", "migrate", "--phase", "pre")[0] == 0

    for code, reason in [
        ([], "say with --code, or `code` of the event, where that answers (or none, where none is deployed)"),
        (["--code", ""], "say with --code, or `code` of the event, where that answers"),
        (["--code", deployed_code({"status": "ok"})], "does not say which migrations it knows"),
        (["--code", deployed_code({"schema_version": 2})], "the deployed code may still read: that knows up to 0002"),
        (["--code", "http://127.0.0.1:1"], "does not answer"),
    ]:
        for phase in (["--phase", "post"], []):
            status, _out, err = anima("db", "migrate", *phase, *code)
            assert status == 1
            assert reason in err
    assert rows(url, "select count(*) from schema_migrations") == [(2,)]

    assert anima("db", "migrate", "--phase", "post", "--code", deployed_code({"schema_version": 3}))[0] == 0
    assert anima("db", "migrate", "--phase", "post")[0] == 0, "nothing is left: nothing is asked"


def test_rollback_says_the_way_and_waits_for_a_yes(anima: Commands, url: str, files: Callable[..., None]) -> None:
    files(OLIVES | {"0003_post_drop.down.sql": "-- The ids come back empty.\nalter table olives add id int;"})
    anima("db", "migrate", "--code", "none")

    status, out, _err = anima("db", "rollback")
    assert status == 0
    assert "0003_post_drop.down.sql takes it back. The ids come back empty. Older code can be put back after" in out
    assert "Nothing was changed" in out
    assert rows(url, "select count(*) from schema_migrations") == [(3,)]

    assert anima("db", "rollback", "--yes")[:2] == (0, "rolled back 0003_post_drop\n")
    assert rows(url, "select count(*) from schema_migrations") == [(2,)]


def test_rollback_names_the_moment_before_where_no_way_is_written(
    anima: Commands, url: str, files: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    files(OLIVES)
    anima("db", "migrate", "--code", "none")
    status, out, _err = anima("db", "rollback")
    assert status == 1
    assert f"Restore a backup that is older than {rows(url, MOMENT_BEFORE)[0][0]} (`anima db restore FILE`" in out
    monkeypatch.setenv("NEON_API_KEY", "a-key")
    monkeypatch.setenv("NEON_PROJECT_ID", "a-project")

    for option in ([], ["--yes"]):
        status, out, _err = anima("db", "rollback", *option)
        assert status == 1
        assert "0003_post_drop has no written way back: there is no 0003_post_drop.down.sql." in out
        moment = rows(url, MOMENT_BEFORE)[0][0]
        assert f"`anima db branch restore main --to {moment}`" in out
    assert rows(url, "select count(*) from schema_migrations") == [(3,)]


MOMENT_BEFORE = """
select to_char((applied_at - make_interval(secs => duration_ms / 1000.0 + 1)) at time zone 'utc',
    'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from schema_migrations where version = 3
"""


def test_the_trace_goes_through_and_nothing_is_kept(
    anima: Commands, fresh_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMA_DATABASE_DIRECT_URL", fresh_database.owner_url)
    monkeypatch.delenv("ANIMA_SQL_DIR")

    status, out, err = anima("db", "smoke", "--json")

    assert (status, err) == (0, "")
    assert json.loads(out)["answer"] == "In 1911 [1]."
    assert rows(fresh_database.owner_url, "select count(*) from users") == [(0,)]
    with psycopg.connect(fresh_database.owner_url) as connection:
        connection.execute("alter table llm_responses drop column usage")
    status, _out, err = anima("db", "smoke")
    assert status == 1
    assert "The trace did not go through" in err
    assert 'column "usage" of relation "llm_responses" does not exist' in err


def test_the_trace_is_loaded_for_good_and_read_back_by_its_user(fresh_database: Any) -> None:
    seed = migration_files.sql_dir() / "seed"
    expected = json.loads((seed / "seed_max.json").read_text())
    with psycopg.connect(fresh_database.owner_url) as connection:
        connection.execute((seed / "seed_max.sql").read_bytes())
    with psycopg.connect(fresh_database.app_url) as connection:
        read = (seed / "seed_max_read.sql").read_bytes()
        assert connection.execute(read).fetchall() == [], "without a tenant nobody sees it"
        (user,) = rows(fresh_database.owner_url, "select user_id from users where username = 'seed_max'")[0]
        connection.execute("select set_config('anima.user_id', %s, true)", [str(user)])
        cursor = connection.execute(read)
        names = [column.name for column in cursor.description or []]
        (row,) = cursor.fetchall()
    assert dict(zip(names, row, strict=True)) == expected

    assert schema.smoke(fresh_database.owner_url) == expected, "loaded before, it is only read"
    assert rows(fresh_database.owner_url, "select count(*) from users") == [(1,)]


def test_check_shows_drift_but_no_partition_of_a_month(
    anima: Commands, fresh_database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from anima.kernel.postgres.schema import dump_schema

    owner = fresh_database.owner_url
    (tmp_path / "sql" / "migrations").mkdir(parents=True)
    (tmp_path / "sql" / "schema.sql").write_text(dump_schema(owner))
    monkeypatch.setenv("ANIMA_DATABASE_DIRECT_URL", owner)
    with psycopg.connect(owner) as connection:
        connection.execute("""
            create table retrieval_logs_y2031m01 partition of retrieval_logs
            for values from ('2031-01-01') to ('2031-02-01')
        """)
    assert anima("db", "check")[:2] == (0, "the schema is what the migrations make\n")

    with psycopg.connect(owner) as connection:
        connection.execute("alter table users add olives text")
    status, out, _err = anima("db", "check")
    assert status == 1
    assert "+    olives text" in out


def test_two_databases_are_compared(fresh_database: Any, database: Any) -> None:
    assert schema.difference(database.owner_url, fresh_database.owner_url) == ""
    with psycopg.connect(fresh_database.owner_url) as connection:
        connection.execute("alter table users add olives text")

    told = schema.difference(database.owner_url, fresh_database.owner_url, ("main", "pr-12"))

    assert told.splitlines()[:2] == ["--- main", "+++ pr-12"]
    assert "+    olives text" in told
    comment = schema_report.difference(told)
    assert "````diff\n--- main" in comment
    assert "<summary>+1 and -0 lines</summary>" in comment
    assert len(schema_report.difference(told * 1000)) < 65_536, "more than a comment holds is cut off"
    assert schema_report.difference("") == "### Schema\n\nThe schema is the same.\n"


def test_a_way_back_is_no_migration_of_its_own() -> None:
    new = ["0001_pre_olives.down.sql", "0001_pre_olives.sql"]
    found = schema_report.Validation(1, new, "origin/main", [], [])
    assert found.added == 1
    assert "1 files, compared with `origin/main`, 1 new" in found.markdown()
