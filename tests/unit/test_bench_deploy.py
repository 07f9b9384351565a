"""The bench of deployments: how it cuts migrations into statements, and reads what a function says of a turn."""

from __future__ import annotations

import json

from tests.bench import deploy_locks, deploy_turns

from anima.kernel.postgres import migration_files


def test_a_migration_is_cut_into_its_statements() -> None:
    text = """
    -- a comment; with a semicolon
    create table a (b text default ';');
    create function f() returns text language sql as $$ select ';'; $$;
    comment on table a is 'it''s; one';
    """
    found = deploy_locks.statements(text)
    assert [one.split()[-1] for one in found] == ["';')", "$$", "one'"]


def test_the_statements_are_the_whole_migration() -> None:
    for file in migration_files.read(migration_files.sql_dir() / "migrations"):
        found = deploy_locks.statements(file.sql)
        assert "".join(found).replace(";", "") == file.sql.rstrip().replace(";", "")
        assert all(one.strip() for one in found)


def test_a_wait_is_the_sum_of_its_parts() -> None:
    told = "\n".join(
        [
            "(rapid) INIT REPORT(durationMs: 900.5)",
            json.dumps({"event": "http.request", "ms": 200.0, "spans": {"db": 40.0, "embed": 30.0, "model": 20.0}}),
            json.dumps({"_aws": {}, "db.wait": [3.0, 1.0]}),
            "REPORT RequestId: x",
        ]
    )
    parts = deploy_turns._parts(told, 1100.0)
    assert parts == {"start": 900.5, "connect": 4.0, "database": 40.0, "embed": 30.0, "model": 20.0, "rest": 105.5}
    assert sum(parts.values()) == 1100.0


def test_quantiles_of_one_value_are_that_value() -> None:
    assert deploy_turns.quantiles([7.0] * 8) == (7.0, 7.0)
