"""How the database is: what an admin is shown, what is recorded day by day, and what happens when parts are missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from anima.cli.main import app as commands
from anima.kernel import config, db
from anima.kernel.postgres import migration_files
from anima.kernel.postgres.urls import with_database
from anima.operations import health
from fixtures.api import Person

Owner = psycopg.Connection[Any]
HEALTH = "/api/v1/health/database"


@pytest.fixture(autouse=True)
def no_sizes(owner_conn: Owner) -> Iterator[None]:
    """Nothing is recorded yet."""
    owner_conn.execute("truncate table_sizes")
    yield
    owner_conn.execute("truncate table_sizes")


def shown(admin: Person) -> dict[str, Any]:
    answer = admin.http.get(HEALTH)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def table(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["tables"] if one["name"] == name)


def test_an_admin_sees_it_and_nobody_else(admin: Person, alice: Person, client: Any) -> None:
    assert client.get(HEALTH).status_code == 401
    assert alice.http.get(HEALTH).status_code == 403
    found = shown(admin)
    assert found["server"]["size_bytes"] > 1_000_000
    assert 0 < found["server"]["connections_used"] <= found["server"]["connections_max"]
    assert table(found, "messages")["total_bytes"] > 0
    assert table(found, "llm_response_chunks")["partitions"] >= 1
    assert {one["login"] for one in found["pools"]} >= {"app", "admin"}
    applied = [one["version"] for one in found["migrations"]]
    assert applied == [file.version for file in migration_files.read(migration_files.sql_dir() / "migrations")]
    assert found["pending"] == []


def test_what_the_login_may_not_see_is_said(admin: Person) -> None:
    found = shown(admin)
    assert any("pg_stat_statements" in note for note in found["notes"])
    assert any("pg_read_all_stats" in note for note in found["notes"])
    assert found["statements"] == []


def test_sizes_are_recorded_once_a_day_and_growth_is_told(admin: Person, owner_conn: Owner) -> None:
    tables = health.record_sizes()
    assert tables > 25
    assert health.record_sizes() == tables
    kept = owner_conn.execute("select count(*), count(distinct measured_on) from table_sizes").fetchone()
    assert kept == (tables, 1)
    assert table(shown(admin), "messages")["grown_day"] is None
    for days, size in ((1, 5000), (8, 3000), (40, 1000)):
        owner_conn.execute(
            "insert into table_sizes values ('messages', current_date - %s::integer, %s, 0, 0)", [days, size]
        )
    now = table(shown(admin), "messages")
    assert now["grown_day"] == now["total_bytes"] - 5000
    assert now["grown_week"] == now["total_bytes"] - 3000
    assert now["grown_month"] == now["total_bytes"] - 1000


def test_old_sizes_are_forgotten(owner_conn: Owner) -> None:
    owner_conn.execute("insert into table_sizes values ('messages', current_date - 401, 1, 0, 0)")
    owner_conn.execute("insert into table_sizes values ('messages', current_date - 399, 1, 0, 0)")
    health.record_sizes()
    found = owner_conn.execute(
        "select min(current_date - measured_on), max(current_date - measured_on) from table_sizes"
    )
    assert found.fetchone() == (0, 399)


def test_who_waits_for_whom_is_shown_and_a_locked_table_costs_only_its_part(
    admin: Person, database: Any, owner_conn: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_LIMIT_MS", 300)
    with psycopg.connect(database.owner_url) as holder:
        holder.execute("lock table prompts in access exclusive mode")
        with psycopg.connect(database.owner_url) as waiter, waiter.pipeline():
            waiter.execute("set lock_timeout = '20s'")
            waiter.execute("select 1 from prompts")
            found = next(found for found in iter(lambda: shown(admin), None) if found["locks"])
            (lock,) = [one for one in found["locks"] if one["table_name"] == "prompts"]
            assert lock["blocked_by"] == [holder.info.backend_pid]
            assert lock["pid"] == waiter.info.backend_pid
            assert any(note.startswith("tables: no answer") for note in found["notes"])
            assert found["server"]["size_bytes"] > 0
            holder.rollback()


def test_a_migration_that_waits_is_named(fresh_database: Any) -> None:
    newest = migration_files.read(migration_files.sql_dir() / "migrations")[-1]
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("delete from schema_migrations where version = %s", [newest.version])
    with fresh_database.use():
        found = health.report()
    assert found.pending == [newest.stem]
    assert any(newest.stem in note for note in found.notes)


def test_dead_rows_and_unused_indexes_are_told(fresh_database: Any) -> None:
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("create table churned (id integer primary key, word text)")
        connection.execute("alter table churned set (autovacuum_enabled = false)")
        connection.execute("insert into churned select n, repeat('x', 100) from generate_series(1, 2000) n")
        connection.execute("create index churned_word on churned (word)")
        connection.execute("delete from churned where id > 500")
        connection.execute("analyze churned")
        connection.execute("select pg_stat_force_next_flush()")
    with fresh_database.use():
        found = health.report()
    churned = next(one for one in found.tables if one.table.name == "churned")
    assert 0.5 < churned.dead_share < 0.9
    assert 0 < churned.bloat_bytes < churned.table.total_bytes
    assert "churned_word" in {one.name for one in found.unused_indexes()}
    assert "churned_pkey" not in {one.name for one in found.unused_indexes()}


def test_growth_is_asked_of_the_replica_where_there_is_one(
    admin: Person, database: Any, setting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second address of the same server stands for it."""
    health.record_sizes()
    setting("ANIMA_READ_DATABASE_URL", f"{database.admin_url}&application_name=replica")
    asked: list[str] = []
    real = db.transaction

    def heard(principal: db.Principal) -> Any:
        asked.append(principal.login)
        return real(principal)

    monkeypatch.setattr(db, "transaction", heard)
    found = shown(admin)
    assert found["replica"] == {"is_replica": False, "lag_seconds": None}
    assert asked.count("read") == 2
    db.close_pools()
    setting("ANIMA_READ_DATABASE_URL", with_database(database.admin_url, "nowhere"))
    found = shown(admin)
    assert found["replica"] is None
    assert any(note.startswith("read replica:") for note in found["notes"])
    assert table(found, "messages")["total_bytes"] > 0
    db.close_pools()


def test_a_database_that_is_gone_is_503(
    admin: Person, database: Any, setting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting("ANIMA_ADMIN_DATABASE_URL", with_database(database.admin_url, "nowhere"))
    answer = admin.http.get(HEALTH)
    db.close_pools()
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("/database-unavailable")


def test_the_command_prints_tables_or_json(database: Any) -> None:
    config.settings.cache_clear()
    told = CliRunner().invoke(commands, ["db", "health"])
    assert told.exit_code == 0, told.output
    assert "messages" in told.output
    assert "connections" in told.output
    found = json.loads(CliRunner().invoke(commands, ["db", "health", "--json"]).output)
    assert {"server", "tables", "indexes", "locks", "pools", "notes"} <= set(found)


def test_no_statement_of_it_reads_what_anybody_wrote(admin: Person, alice: Person) -> None:
    alice.http.post("/api/v1/documents", json={"title": "xyzzymark", "text": "xyzzymark"})
    assert "xyzzymark" not in admin.http.get(HEALTH).text
