"""`sql/schema.sql` is what all migrations make, and a second run of everything changes nothing."""

from __future__ import annotations

import itertools
from typing import Any

from anima.kernel.postgres import bootstrap, migration_files, migrations
from anima.kernel.postgres.schema import dump_schema, schema_drift


def test_the_schema_file_equals_all_migrations(fresh_database: Any) -> None:
    drift = schema_drift(fresh_database.owner_url, migration_files.sql_dir() / "schema.sql")

    assert drift == "", "generate it anew with `make docs`"


def test_bootstrap_and_migrations_again_change_nothing(
    fresh_database: Any, login_passwords: bootstrap.LoginPasswords
) -> None:
    before = dump_schema(fresh_database.owner_url)

    bootstrap.ensure(fresh_database.owner_url, login_passwords)
    assert migrations.migrate(fresh_database.owner_url, migration_files.sql_dir()) == []

    assert dump_schema(fresh_database.owner_url) == before


def test_no_login_is_bound_by_less_than_its_policies(fresh_database: Any) -> None:
    for url in (fresh_database.app_url, fresh_database.worker_url, fresh_database.admin_url):
        bootstrap.check_login(url)


def test_what_has_a_way_back_comes_back_the_same(fresh_database: Any) -> None:
    owner, sql = fresh_database.owner_url, migration_files.sql_dir()
    before, files = dump_schema(owner), migration_files.read(sql / "migrations")
    reversible = list(itertools.takewhile(lambda file: file.down is not None, reversed(files)))
    assert reversible, "the newest have one"

    assert [migrations.rollback(owner, sql) for _ in reversible] == [file.stem for file in reversible]

    assert dump_schema(owner) != before
    assert migrations.migrate(owner, sql) == [file.stem for file in reversed(reversible)]
    assert dump_schema(owner) == before
