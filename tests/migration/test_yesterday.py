"""Yesterday's code on today's schema: the code that landed last works, and a `pre` that takes from it is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scripts import yesterday
from scripts.venvs import ROOT

from anima.kernel.postgres import migration_files

QUERIES = ["--tests", "tests/contract/test_queries.py::test_the_server_understands_it"]


@pytest.fixture
def today(tmp_path: Path) -> Path:
    """Today's migrations, to be changed."""
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    return tmp_path / "sql"


def add(sql: Path, name: str, text: str) -> None:
    newest = migration_files.read(sql / "migrations")[-1].version
    (sql / "migrations" / f"{newest + 1:04d}_{name}.sql").write_text(text)


def test_a_pre_that_takes_a_column_away_is_noticed(today: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add(today, "pre_bad", "alter table messages drop column content;")

    assert yesterday.main(["HEAD", "--sql", str(today), *QUERIES]) == 1

    told = capfd.readouterr().out
    assert "_pre_bad" in told
    assert 'column "content"' in told or "column m.content" in told
    assert "FAILED tests/contract/test_queries.py::test_the_server_understands_it" in told


def test_a_pre_that_adds_is_not_and_a_post_waits(today: Path) -> None:
    add(today, "pre_good", "alter table messages add column olives integer not null default 0;")
    add(today, "post_bad", "-- alone: a test\nalter table messages drop column content;")

    assert yesterday.main(["HEAD", "--sql", str(today), *QUERIES]) == 0


def test_all_tests_that_ask_by_the_repos_are_chosen(tmp_path: Path) -> None:
    yesterday.unpack("HEAD", tmp_path)

    chosen = yesterday.using_the_repos(tmp_path)

    assert {"tests/contract/test_queries.py", "tests/integration/test_turn.py"} <= set(chosen)
    assert "tests/integration/test_postgres_launcher.py" not in chosen
    assert len(chosen) > 10
