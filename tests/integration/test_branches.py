"""Branches on the server itself: forked, lived with, compared, thrown away, and what a kill -9 leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import sql

from anima.cli.main import main
from anima.kernel import clock, db
from anima.kernel.config import settings
from anima.kernel.postgres import copies, ephemeral, local_branches, schema, schema_copy
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.branch_errors import (
    BadBranchName,
    BranchDiffers,
    BranchHasChildren,
    BranchingRefused,
    BranchInUse,
    BranchServed,
    DatabaseIsThere,
    DatabaseNameTooLong,
    NoHistory,
    NoParentToResetTo,
    NoRoom,
    NoSuchBranch,
    TrunkRefused,
)
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.migration_files import MigrationFile
from anima.kernel.postgres.urls import parse, with_database, with_login
from anima.operations import branches, branches_mark, branches_use, database, running, schema_rollback
from fixtures.minds import Connect, sow
from fixtures.served import ROOT


def note(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists notes (text text)")
        connection.execute("insert into notes values (%s)", [text])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [text for (text,) in connection.execute("select text from notes order by text")]


def names() -> list[str]:
    return [branch.name for branch in branches.every()]


# Forked, lived with, thrown away


def test_a_branch_is_a_copy_that_goes_its_own_way(trunk: str) -> None:
    note(trunk, "before")
    branch = branches.create("try-new-sleep")
    assert (branch.made_now, branch.parent, branch.schema_only, branch.trunk) == (True, "main", False, False)
    url = branches.owner_url("try-new-sleep")
    note(url, "on the branch")
    assert notes(trunk) == ["before"]
    assert notes(url) == ["before", "on the branch"]
    assert schema.dump_schema(url) == schema.dump_schema(trunk)
    assert names() == ["main", "try-new-sleep"]


def kept_for(url: str) -> dict[str, str | None]:
    """The branches for which a database keeps what they may read."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select value -> 'branches' from settings where key = 'tensors.branches'").fetchone()
    return row[0] if row else {}


def test_a_database_knows_the_branches_that_read_its_packs(trunk: str) -> None:
    branches.create("reader")
    short = branches.create("short", expires=timedelta(hours=1))
    child = branches.create("child", parent="reader")
    branches.create("bare", schema_only=True)
    assert child.parent == "reader"
    assert short.expires_at is not None
    assert kept_for(trunk) == {"reader": None, "short": short.expires_at.isoformat()}
    assert kept_for(branches.owner_url("reader")) == {"child": None}
    branches.delete("child")
    branches.delete("reader")
    branches.sweep("short", [])
    assert kept_for(trunk) == {}


def test_a_branch_that_could_not_be_made_keeps_nothing(trunk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from anima.operations.branches_local import LocalEngine

    def full(*_given: object, **_named: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(LocalEngine, "create", full)
    with pytest.raises(OSError, match="no room"):
        branches.create("never")
    assert kept_for(trunk) == {}


def test_public_has_no_more_rights_in_a_branch_than_in_the_trunk(trunk: str) -> None:
    branches.create("try")
    with psycopg.connect(branches.owner_url("try")) as connection:
        rights = connection.execute(
            "select has_database_privilege('public', current_database(), 'connect'),"
            " has_database_privilege('anima_app', current_database(), 'connect'),"
            " has_database_privilege('public', current_database(), 'temp')"
        ).fetchone()
    assert rights == (False, True, False)


def test_creating_it_again_is_the_same_branch(trunk: str) -> None:
    branches.create("try")
    note(branches.owner_url("try"), "kept")
    assert not branches.create("try").made_now
    assert notes(branches.owner_url("try")) == ["kept"]
    with pytest.raises(BranchDiffers, match="the data too"):
        branches.create("try", schema_only=True)
    branches.create("other")
    with pytest.raises(BranchDiffers, match="came from main"):
        branches.create("try", parent="other")


def test_two_creations_at_once_are_one_branch(trunk: str) -> None:
    made: list[bool] = []
    threads = [threading.Thread(target=lambda: made.append(branches.create("try").made_now)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, True]


def test_a_schema_only_branch_is_as_a_database_that_was_just_migrated(trunk: str) -> None:
    """No row of anybody's, and every row that migrations write: a table that they fill from now on belongs to it."""
    tables = "select tablename from pg_tables where schemaname = 'public' order by 1"
    with psycopg.connect(trunk) as connection:
        every = [name for (name,) in connection.execute(tables)]
        expected = {name: rows(connection, name) for name in every}
        sow(connection, "Luna")
        connection.execute(
            "insert into llm_models (provider, model_name, endpoint_url, max_context_len)"
            " values ('private', 'm', 'http://10.0.0.7', 1)"
        )
    branches.create("preview", schema_only=True)
    with psycopg.connect(branches.owner_url("preview")) as connection:
        assert {name: rows(connection, name) for name in every} == expected
        connection.execute("insert into roles (role_name, description) values ('new', '')")
    assert schema.dump_schema(branches.owner_url("preview")) == schema.dump_schema(trunk)
    assert {table for table, _ in schema_copy.CATALOGUE} <= set(every)


def rows(connection: Connect, table: str) -> int:
    found = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 64, "a b", "main", "MAIN", "production", "../x", "-x", "+x", "~x", "ä"]
)
def test_an_invalid_name(trunk: str, name: str) -> None:
    with pytest.raises(BadBranchName):
        branches.create(name)
    assert names() == ["main"]


def test_the_longest_names_are_different_databases(trunk: str) -> None:
    one, other = "x" * 62 + "1", "x" * 62 + "2"
    databases = {local_branches.database_of("anima", name) for name in (one, other)}
    assert len(databases) == 2
    assert all(len(name) <= 63 for name in databases)
    branches.create(one)
    branches.create(other)
    assert names() == ["main", one, other]


def test_a_branch_of_a_branch_reset_and_deleted(trunk: str) -> None:
    note(trunk, "trunk")
    branches.create("one")
    note(branches.owner_url("one"), "one")
    branches.create("two", parent="one")
    note(branches.owner_url("two"), "two")
    branches.reset("two")
    assert notes(branches.owner_url("two")) == ["one", "trunk"]
    with pytest.raises(BranchHasChildren, match="two"):
        branches.delete("one")
    assert branches.delete("two")
    assert not branches.delete("two")
    assert names() == ["main", "one"]


def test_what_is_refused(trunk: str) -> None:
    branches.create("preview", schema_only=True)
    with pytest.raises(NoParentToResetTo):
        branches.reset("preview")
    for act in (branches.reset, branches.delete):
        with pytest.raises(TrunkRefused):
            act("main")
    with pytest.raises(NoHistory, match="backup"):
        branches.restore("preview", datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(NoSuchBranch, match="main, preview"):
        branches.create("x", parent="nobody")
    with pytest.raises(NoSuchBranch):
        branches.owner_url("nobody")


def test_a_branch_expires_and_lives_again_as_long_when_it_is_reset(trunk: str) -> None:
    with clock.use(clock.SimulatedClock(datetime(2026, 11, 21, tzinfo=UTC))) as now:
        assert isinstance(now, clock.SimulatedClock)
        branches.create("short", expires=timedelta(days=2))
        branches.create("kept", expires=timedelta(days=2))
        now.advance(timedelta(days=1))
        branches.reset("kept")
        now.advance(timedelta(days=1, minutes=1))
        assert names() == ["main", "kept"]


def test_the_sweep_takes_orphans_and_nothing_else(trunk: str) -> None:
    for name in ("pr-1", "pr-2", "mine"):
        branches.create(name)
    assert list(branches.sweep("pr-")) == []
    assert list(branches.sweep("pr-", ["pr-2"])) == ["pr-1"]
    assert names() == ["main", "mine", "pr-2"]


# While others work


def test_who_is_connected_comes_back_after_the_copy(trunk: str) -> None:
    principal = db.Principal(None, login="worker")
    one = db.Query(Number, "select 1 as number")
    with db.transaction(principal) as tx:
        assert tx.fetch(one).one().number == 1
    branches.create("try")
    with db.transaction(principal) as tx:
        assert tx.fetch(one).one().number == 1


class Number:
    """A row with one number."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_what_is_being_written_is_finished_before_the_copy(trunk: str) -> None:
    note(trunk, "before")
    writer = psycopg.connect(trunk)
    writer.execute("insert into notes values ('in time')")
    timer = threading.Timer(0.2, writer.commit)
    timer.start()
    branches.create("try")
    timer.join()
    assert notes(branches.owner_url("try")) == ["before", "in time"]


def test_a_role_that_may_not_make_databases_sends_nobody_away(trunk: str, cluster: Server) -> None:
    role = f"plain_{os.urandom(4).hex()}"
    other = psycopg.connect(trunk, autocommit=True)
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as server:
        server.execute(sql.SQL("create role {} login password 'p'").format(sql.Identifier(role)))
        try:
            with pytest.raises(BranchingRefused, match=rf"{role} may not branch.*no databases"):
                local_branches.create(with_login(trunk, role, "p"), LoginPasswords("a", "b", "c"), "try")
        finally:
            server.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
    assert other.execute("select 1").fetchone() == (1,)


# kill -9 in the middle

KILLED = """
import sys, time
from anima.kernel.postgres import copies, local_branches
from anima.kernel.postgres.bootstrap import LoginPasswords
def stuck(*_, **__):
    print("here", flush=True)
    time.sleep(600)
setattr(copies, sys.argv[2], stuck)
local_branches.create(sys.argv[1], LoginPasswords(*sys.argv[3:6]), "try")
"""


@pytest.mark.parametrize("where", ["empty", "reopen", "put"])
def test_a_kill_in_the_middle_is_put_right(trunk: str, login_passwords: LoginPasswords, where: str) -> None:
    note(trunk, "kept")
    passwords = [login_passwords.app, login_passwords.worker, login_passwords.admin]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, trunk, where, *passwords], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.wait()
    assert branches_use.embedded_url(trunk) == trunk
    assert notes(trunk) == ["kept"]
    assert branches.create("try").made_now
    with copies.server(trunk) as connection:
        left = copies.family(connection, copies.trunk_of(trunk))
    assert [row.open for row in left] == [True, True]
    assert not any(row.closed_by_us or "~" in row.name for row in left)


@pytest.mark.parametrize("change", ["create", "reset"])
def test_a_ctrl_c_while_people_are_sent_away_leaves_nobody_outside(
    trunk: str, login_passwords: LoginPasswords, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    branches.create("try")
    note(trunk, "kept")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copies, "empty", interrupted)
        with pytest.raises(KeyboardInterrupt):
            {"create": branches.create, "reset": branches.reset}[change]("other" if change == "create" else "try")
    with copies.server(trunk) as connection:
        assert all(row.open for row in copies.family(connection, copies.trunk_of(trunk)))
    assert notes(trunk) == ["kept"]


def test_a_branch_whose_deletion_was_killed_is_gone(trunk: str, cluster: Server) -> None:
    looks: list[Callable[[str], bool]] = [
        lambda _: names() == ["main"],
        lambda url: not local_branches.ensure_open(url),
    ]
    for look in looks:
        assert branches.create("try").made_now
        url = branches.owner_url("try")
        # What a server leaves of a database whose dropping was cut off.
        with psycopg.connect(cluster.superuser_url(), autocommit=True) as connection:
            connection.execute("update pg_database set datconnlimit = -2 where datname = %s", [parse(url).dbname])
        assert look(url)


HOLDS = """
import sys
from anima.operations import branches_mark
with branches_mark.held():
    print("here", flush=True)
    sys.stdin.read()
"""


def test_a_running_server_opens_what_a_killed_command_left_closed(trunk: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    with copies.server(trunk) as connection:
        copies.close(connection, parse(trunk).dbname or "")
    branches_mark.put_right(trunk)
    with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
        psycopg.connect(trunk)
    process.kill()
    process.communicate()
    branches_mark.put_right(trunk)
    psycopg.connect(trunk).close()
    assert not (settings().data_dir / "branching.lock").exists()


def test_a_disk_that_is_full_is_found_before_the_server_ends(
    trunk: str, login_passwords: LoginPasswords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_branches.create(trunk, login_passwords, "try", folder=tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=90_000_000))
    other = psycopg.connect(trunk, autocommit=True)
    with pytest.raises(NoRoom, match="90 MB are free"):
        local_branches.create(trunk, login_passwords, "more", folder=tmp_path)
    with pytest.raises(NoRoom):
        local_branches.reset(trunk, login_passwords, "try", tmp_path)
    assert other.execute("select 1").fetchone() == (1,), "nobody was sent away"
    assert local_branches.create(trunk, login_passwords, "try", folder=tmp_path)[1] is False


def test_a_folder_that_takes_no_file(trunk: str, tmp_path: Path) -> None:
    branches.create("try")
    (tmp_path / "branch.json").mkdir()
    with pytest.raises(branches_use.BranchNotKept, match="is as it was"):
        branches.use("try")


def test_a_database_of_somebody_else_is_left_alone(trunk: str) -> None:
    with copies.server(trunk) as connection:
        copies.make_empty(connection, local_branches.database_of(copies.trunk_of(trunk), "try"))
    other = psycopg.connect(trunk, autocommit=True)
    with pytest.raises(DatabaseIsThere, match="is no branch"):
        branches.create("try")
    assert other.execute("select 1").fetchone() == (1,), "nobody was sent away"


@pytest.mark.parametrize("length", [50, 63])
def test_a_trunk_with_a_long_name_is_refused_before_anything_is_done(trunk: str, length: int, tmp_path: Path) -> None:
    name = "t" * (length - 12) + os.urandom(6).hex()
    with copies.server(trunk) as connection:
        copies.copy(connection, parse(trunk).dbname or "", name)
        try:
            url = with_database(trunk, name)
            for change in (
                lambda: local_branches.create(url, LoginPasswords("a", "b", "c"), "try"),
                lambda: local_branches.every(url),
                lambda: local_branches.delete(url, "try"),
            ):
                with pytest.raises(DatabaseNameTooLong):
                    change()
            psycopg.connect(url).close()
        finally:
            copies.drop(connection, name)


def test_a_server_that_starts_opens_what_was_left_closed() -> None:
    place = ephemeral.reserve()
    server = ephemeral.attach(place.folder)
    try:
        with copies.server(server.owner_url) as connection:
            copies.close(connection, "anima")
        with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
            psycopg.connect(server.owner_url)
        server.stop()
        server = ephemeral.attach(place.folder)
        psycopg.connect(server.owner_url).close()
    finally:
        server.release()
        place.close()


# In use


def test_a_branch_in_use_is_what_everything_works_on(trunk: str, capsys: pytest.CaptureFixture[str]) -> None:
    note(trunk, "before")
    branches.create("try")
    branches.use("try")
    with database.opened():
        assert parse(database.owner_url()).dbname == local_branches.database_of(copies.trunk_of(trunk), "try")
        note(database.owner_url(), "lived there")
        assert names() == ["main", "try"]
    with pytest.raises(SystemExit, match="0"):
        main(["db", "branch", "list", "--json"])
    said = capsys.readouterr()
    assert said.err == "on branch try\n"
    assert {row["name"]: row["in_use"] for row in json.loads(said.out)} == {"main": False, "try": True}
    with pytest.raises(BranchInUse, match="use main"):
        branches.delete("try")
    branches.use("main")
    assert branches_use.current() is None
    assert notes(trunk) == ["before"]


def test_a_branch_in_use_is_what_the_commands_of_the_schema_work_on(
    trunk: str, capsys: pytest.CaptureFixture[str]
) -> None:
    branches.create("try")
    branches.use("try")
    try:
        with database.at() as url:
            assert parse(url).dbname == f"{parse(trunk).dbname}+try"
            note(url, "here")
        main(["db", "check"])
    except SystemExit:
        assert "CREATE TABLE public.notes" in capsys.readouterr().out
    finally:
        branches.use("main")
    with psycopg.connect(trunk) as connection:
        assert connection.execute("select to_regclass('notes')").fetchone() == (None,)


def test_a_branch_without_data_or_of_another_is_no_way_back(trunk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(trunk) as connection:
        connection.execute("update schema_migrations set applied_at = now() + interval '1 hour', duration_ms = 0")
    monkeypatch.setattr(MigrationFile, "only_if", "false")
    branches.create("bare", schema_only=True)
    assert schema_rollback.way(trunk).kind == "none"
    branches.create("whole")
    branches.create("of-whole", parent="whole")
    found = schema_rollback.way(trunk)
    assert (found.kind, "The branch whole is older" in found.says) == ("branch", True)


def test_a_branch_that_somebody_works_on_is_not_deleted(trunk: str) -> None:
    branches.create("try")
    with psycopg.connect(branches.owner_url("try")) as connection:
        name = connection.info.dbname
    held = psycopg.connect(with_database(db.login_url("app"), name))
    with pytest.raises(BranchServed):
        branches.delete("try")
    assert list(branches.sweep("t", [])) == []
    held.close()


def test_a_branch_in_use_that_is_gone(trunk: str) -> None:
    branches_use.remember(branches_use.InUse("lost", branches_use.EMBEDDED, "anima+lost"))
    local = with_login(trunk, "anima_owner", parse(trunk).password)
    assert branches_use.current() is not None
    with pytest.raises(branches_use.BranchGone, match="lost"):
        branches_use.embedded_url(local)


def test_the_branch_of_another_server_is_left_alone(trunk: str) -> None:
    branches_use.remember(branches_use.InUse("try", "db.example.org:5432", "anima+try"))
    assert branches_use.current() is None
    with database.opened():
        assert database.owner_url() == trunk


def test_a_server_says_on_which_branch_it_runs(trunk: str, capsys: pytest.CaptureFixture[str]) -> None:
    branches.create("try")
    with running.alone():
        running.announce("http://127.0.0.1:1", uuid.uuid4())
        branches.use("try")
        with pytest.raises(SystemExit):
            main(["db", "branch", "list"])
        assert "runs on the trunk; from its next start on it works on try" in capsys.readouterr().err
        running.announce("http://127.0.0.1:1", uuid.uuid4())
        with pytest.raises(SystemExit):
            main(["db", "branch", "list"])
        assert capsys.readouterr().err == "on branch try\n"


def test_through_a_pooler_stays_through_the_pooler() -> None:
    branch = branches_use.InUse("try", "ep-a.eu.aws.neon.tech:5432", "neondb", "ep-b.eu.aws.neon.tech", 5432)
    pooled = branches_use.moved("postgresql://u:p@ep-a-pooler.eu.aws.neon.tech/neondb?sslmode=require", branch)
    direct = branches_use.moved("postgresql://u:p@ep-a.eu.aws.neon.tech/neondb", branch)
    assert (pooled.host, pooled.options) == ("ep-b-pooler.eu.aws.neon.tech", (("sslmode", "require"),))
    assert direct.host == "ep-b.eu.aws.neon.tech"


# The command line


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command and answers what it prints; with `fails` what it complains of."""

    def run(*arguments: str, fails: bool = False) -> str:
        status = 0
        try:
            main(["db", "branch", *arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        assert bool(status) == fails, said.out + said.err
        return said.err if fails else said.out

    return run


def test_the_words_of_the_command_line(forked: tuple[str, str, str], say: Callable[..., str]) -> None:
    assert "created branch idea" in say("create", "idea", "--expires", "7d")
    assert "is there already" in say("create", "idea", "--expires", "7d")
    listed = json.loads(say("list", "--json"))
    assert [row["name"] for row in listed] == ["main", "idea", "try"]
    assert "7d" not in say("list")
    said = say("diff", "try", "--data", "avatar:luna")
    assert "what try has that main has not" in said
    assert "messages: 1 added, 1 removed, 0 changed, 1 same" in said
    assert "+ user: Mia climbed a tree." in said
    assert "value: It rained. -> Mia climbed a tree." in said
    told = json.loads(say("diff", "try", "main", "--data", "avatar:luna", "--json"))
    assert told["tables"][1]["changed"][0]["fields"]["value"]["after"] == "Mia climbed a tree."
    assert "```diff" in say("diff", "try", "--data", "avatar:luna", "--markdown")
    assert "same schema" in say("diff", "idea")
    assert "is as its parent" in say("reset", "try", "--yes")
    assert "nothing: both are the same" in say("diff", "try", "--data", "avatar:luna")
    assert "deleted branch try" in say("delete", "try")
    assert "there is no branch try" in say("delete", "try", "--if-exists")
    assert "on branch idea from now on" in say("use", "idea")
    assert "on the trunk main from now on" in say("use", "main")
    assert "deleted branch idea" in say("sweep", "--prefix", "id", "--keep", "")


def test_a_schema_that_differs(trunk: str, say: Callable[..., str]) -> None:
    say("create", "try")
    note(branches.owner_url("try"), "x")
    assert "+CREATE TABLE public.notes" in say("diff", "try")
    told = json.loads(say("diff", "try", "main", "--json"))
    assert (told["branch"], told["base"], told["same"]) == ("try", "main", False)
    markdown = say("diff", "try", "--markdown")
    assert markdown.startswith("### Schema of `try` against `main`")
    assert parse(trunk).password not in markdown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "a b"], "is no name for a branch"),
        (["create", "x", "--expires", "soon"], "is no time to live"),
        (["create", "x", "--expires", "0d"], "in the future"),
        (["create", "x", "--parent", "nobody"], "there are: main"),
        (["delete", "nobody"], "There is no branch nobody"),
        (["use", "nobody"], "There is no branch nobody"),
        (["reset", "main", "--yes"], "is the trunk"),
        (["reset", "main"], "add --yes"),
        (["restore", "main", "--to", "yesterday", "--yes"], "is no time"),
        (["restore", "main", "--to", "2026-01-01T00:00:00Z", "--yes"], "keeps no history"),
        (["diff", "main"], "name two branches"),
        (["diff", "nobody"], "no branch nobody"),
        (["diff", "main", "main", "--data", "luna"], "not of the form avatar:NAME"),
        (["sweep", "--prefix", ""], "--prefix"),
    ],
)
def test_a_clear_complaint(trunk: str, say: Callable[..., str], arguments: list[str], complaint: str) -> None:
    assert complaint in say(*arguments, fails=True)
    assert names() == ["main"]


def test_the_help_says_whose_data_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anima.cli", "db", "branch", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "operators" in done.stdout
