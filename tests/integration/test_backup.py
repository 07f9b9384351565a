"""The whole database as one file, and back: nothing is lost, and nothing is half done."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.cli.main import main
from anima.kernel import db
from anima.kernel.postgres import backup, bootstrap, clients, copies, ephemeral, migration_files, migrations, schema
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.branch_errors import BackupFailed, NotABackup, RestoreFailed
from anima.kernel.postgres.urls import parse, with_database
from anima.operations import backups, branches, database


@pytest.fixture
def trunk(fresh_database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database with somebody in it, settings that lead to it, and what is made beside it goes with it."""
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path))
    with psycopg.connect(fresh_database.owner_url) as connection:
        add(connection, "mara")
    with fresh_database.use():
        yield fresh_database.owner_url
    with copies.alone(fresh_database.owner_url) as connection:
        for row in copies.family(connection, copies.trunk_of(fresh_database.owner_url)):
            if row.name != fresh_database.name:
                copies.drop(connection, row.name)


def add(connection: psycopg.Connection[Any], name: str) -> None:
    values = [name, f"{name}@example.org"]
    connection.execute("insert into users (username, email, password_hash) values (%s, %s, '')", values)


def users(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute("select username::text from users order by 1")]


def written(file: Path) -> Path:
    backups.write(file, lambda _: None)
    return file


def restored(file: Path, *, confirmed: bool = True) -> backups.Restored:
    return backups.restore(file, confirmed=confirmed, say=lambda _: None)


def test_there_and_back(trunk: str, tmp_path: Path) -> None:
    before = schema.dump_schema(trunk)
    file = written(tmp_path / "anima.backup")
    assert file.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(trunk) as connection:
        add(connection, "theo")
    done = restored(file)
    assert (done.users, done.messages, done.migrations) == (1, 0, [])
    assert users(trunk) == ["mara"]
    assert schema.dump_schema(trunk) == before
    assert users(branches.owner_url(done.kept_as)) == ["mara", "theo"]
    assert [branch.name for branch in branches.every()] == ["main", done.kept_as]
    assert branches.delete(done.kept_as)


def test_every_login_works_after_a_restore_and_sees_its_own(trunk: str, tmp_path: Path) -> None:
    restored(written(tmp_path / "anima.backup"))
    for login in ("app", "worker", "admin"):
        bootstrap.check_login(db.login_url(login))
    with psycopg.connect(db.login_url("app")) as connection:
        assert connection.execute("select count(*) from avatars").fetchone() == (0,)
    with psycopg.connect(trunk) as connection:
        owners = connection.execute(
            "select distinct proowner::regrole::text from pg_proc where proname like 'auth_%' and prosecdef"
        ).fetchall()
        rights = connection.execute("select has_database_privilege('public', current_database(), 'connect')").fetchone()
    assert owners == [("anima_auth",)]
    assert rights == (False,)


def test_people_in_the_way_are_not_replaced_without_a_word(trunk: str, tmp_path: Path) -> None:
    file = written(tmp_path / "anima.backup")
    with psycopg.connect(trunk) as connection:
        add(connection, "theo")
    with pytest.raises(backups.RestoreNotConfirmed, match=r"2 users and 0 messages.*--yes"):
        restored(file, confirmed=False)
    assert users(trunk) == ["mara", "theo"]
    assert [branch.name for branch in branches.every()] == ["main"]


def test_nobody_in_the_way(trunk: str, tmp_path: Path) -> None:
    file = written(tmp_path / "anima.backup")
    with psycopg.connect(trunk) as connection:
        connection.execute("delete from users")
    assert restored(file, confirmed=False).users == 1


def test_an_older_schema_is_brought_up_before_it_is_put_in_place(trunk: str, tmp_path: Path) -> None:
    name = migrations.rollback(trunk, migration_files.sql_dir())
    file = written(tmp_path / "anima.backup")
    migrations.migrate(trunk, migration_files.sql_dir())
    assert name in restored(file).migrations
    assert database.status()[-1]["state"] == "applied"


@pytest.mark.parametrize("content", [b"", b"hello", b"PGDMP", b"PGDMP\x01\x10\x00" + b"\x00" * 200])
def test_a_file_that_is_no_backup(trunk: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(NotABackup, match="Nothing was changed"):
        restored(tmp_path / "odd")
    assert users(trunk) == ["mara"]


def test_a_backup_of_something_else_and_no_file_at_all(trunk: str, tmp_path: Path) -> None:
    done = clients.run("pg_dump", with_database(trunk, "postgres"), "--format", "custom")
    (tmp_path / "other").write_bytes(done.stdout)
    with pytest.raises(NotABackup, match="another database"):
        restored(tmp_path / "other")
    with pytest.raises(NotABackup, match="No such file"):
        restored(tmp_path / "nothing")


def test_a_backup_that_was_cut_off(trunk: str, tmp_path: Path) -> None:
    file = written(tmp_path / "anima.backup")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    with pytest.raises((NotABackup, RestoreFailed)):
        restored(file)
    assert users(trunk) == ["mara"]
    assert [branch.name for branch in branches.every()] == ["main"]


def test_a_backup_of_newer_code(trunk: str, tmp_path: Path) -> None:
    with psycopg.connect(trunk) as connection:
        connection.execute(
            "insert into schema_migrations (version, name, phase, sha256, duration_ms)"
            " values (9999, 'n', 'pre', 'x', 1)"
        )
    file = written(tmp_path / "anima.backup")
    with psycopg.connect(trunk) as connection:
        connection.execute("delete from schema_migrations where version = 9999")
    with pytest.raises(RestoreFailed, match="older than the database"):
        restored(file)
    assert [branch.name for branch in branches.every()] == ["main"]


def test_a_backup_that_cannot_be_written_leaves_the_old_one(trunk: str, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed):
        written(tmp_path / "nowhere" / "anima.backup")
    file = written(tmp_path / "anima.backup")
    before = file.read_bytes()
    with pytest.raises(BackupFailed, match=rf"{file} is as it was: .*nobody"):
        backup.write(with_database(trunk, "nobody"), file, lambda _: None)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_what_a_killed_backup_left_goes_with_the_next(trunk: str, tmp_path: Path) -> None:
    file = tmp_path / "anima.backup"
    left, others = tmp_path / ".anima.backup.1.part", tmp_path / ".other.backup.1.part"
    for path in (left, others):
        path.write_bytes(b"half")
    with (tmp_path / ".anima.backup.2.part").open("wb") as working:
        fcntl.flock(working, fcntl.LOCK_EX)
        written(file)
    assert {path.name for path in tmp_path.glob(".*.part")} == {".anima.backup.2.part", others.name}


def test_the_password_is_no_argument(trunk: str) -> None:
    parts = parse(trunk)
    assert parts.password
    asked = str(replace(parts, password=None, options=(*parts.options, ("password", parts.password))))
    for url in (trunk, asked):
        assert parts.password not in " ".join(clients.command("pg_dump", url))
        assert clients.surroundings(url)["PGPASSWORD"] == parts.password
    assert schema.dump_schema(asked) == schema.dump_schema(trunk)


def test_what_is_put_aside_has_its_name_in_the_same_moment(
    trunk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "anima.backup")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # The first that is done after both have their names.
        patch.setattr(copies, "reopen", killed)
        with pytest.raises(KeyboardInterrupt):
            restored(file)
    with copies.server(trunk) as connection:
        rows = copies.family(connection, copies.trunk_of(trunk))
    assert len(branches.every()) == len([row for row in rows if "~" not in row.name])


KILLED = """
import sys, time
from pathlib import Path
from anima.kernel.postgres import backup, local_branches, schema_copy
from anima.operations import backups
def stuck(*_, **__):
    print("here", flush=True)
    time.sleep(600)
module = {"load": schema_copy, "set_aside": local_branches}[sys.argv[2]]
setattr(module, sys.argv[2], stuck)
backups.restore(Path(sys.argv[1]), confirmed=True, say=lambda _: None)
"""


@pytest.mark.parametrize("where", ["load", "set_aside"])
def test_a_kill_in_the_middle_changes_nothing(trunk: str, tmp_path: Path, where: str) -> None:
    file = written(tmp_path / "anima.backup")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file), where], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.wait()
    assert users(trunk) == ["mara"]
    assert restored(file).users == 1


def test_a_backup_moves_to_a_server_of_another_owner(
    trunk: str, tmp_path: Path, login_passwords: LoginPasswords
) -> None:
    file = written(tmp_path / "anima.backup")
    with ephemeral.ephemeral() as server:
        url = server.superuser_url("anima")
        with copies.alone(url) as connection:
            made = backup.load(connection, url, file, login_passwords)
        assert users(with_database(url, made)) == ["mara"]
        assert schema.dump_schema(with_database(url, made)) == schema.dump_schema(trunk)


def test_the_words_of_the_command_line(trunk: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "anima.backup"

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["db", *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    status, out, _ = run("backup", str(file))
    assert status == 0
    assert f"wrote {file}" in out
    assert "master key" in out
    status, _, err = run("restore", str(file))
    assert (status, "add --yes" in err) == (1, True)
    status, out, err = run("restore", str(file), "--yes")
    assert status == 0, err
    assert "users: 1, messages: 0" in out
    assert "anima db branch delete before-restore-" in out
    status, out, _ = run("backup", str(file), "--json")
    assert json.loads(out)["size_bytes"] == os.stat(file).st_size
    assert run("restore", str(tmp_path / "nothing"))[0] == 1
