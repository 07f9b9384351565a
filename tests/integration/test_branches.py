"""Branches on the server itself: forked, lived with, compared, thrown away, and what a kill -9 leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from anima.cli.main import main
from anima.kernel import clock, db
from anima.kernel.errors import BadInput
from anima.kernel.postgres import copies, ephemeral, local_branches, schema, schema_copy
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.branch_errors import (
    BadBranchName,
    BranchDiffers,
    BranchHasChildren,
    BranchingRefused,
    BranchInUse,
    BranchServed,
    NoHistory,
    NoParentToResetTo,
    NoSuchBranch,
    TrunkRefused,
)
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.urls import parse, with_database, with_login
from anima.operations import branch_data, branches, branches_use, database, running
from fixtures.served import ROOT

Connect = psycopg.Connection[Any]


@pytest.fixture
def trunk(fresh_database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database with settings that lead to it, and a data folder of its own; its branches go with it."""
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path))
    # The fixture drops the trunk; a copy of it is put right and dropped here.
    with fresh_database.use():
        yield fresh_database.owner_url
    with copies.alone(fresh_database.owner_url) as connection:
        for row in copies.family(connection, copies.trunk_of(fresh_database.owner_url)):
            if row.name != fresh_database.name:
                copies.drop(connection, row.name)


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


# The mind of an avatar on two branches

SOWN = """
with u as (
    insert into users (username, email, password_hash) values (%(user)s, %(mail)s, 'x') returning user_id
),
a as (
    insert into avatars (avatar_id, owner_id, name, personality_name, personality)
    select %(avatar)s, user_id, %(name)s, 'friend', '{}' from u returning avatar_id, owner_id
),
s as (
    insert into sessions (user_id, avatar_id, title) select owner_id, avatar_id, 'first' from a
    returning session_id, user_id
),
m as (
    insert into messages (session_id, owner_id, role, content)
    select session_id, user_id, 'user', 'I have a cat.' from s returning message_id
),
f as (
    insert into user_facts (id, user_id, avatar_id, category, key, value)
    select %(fact)s, owner_id, avatar_id, 'pets', 'cat', '"Mia"' from a returning id
),
p as (
    insert into user_affinity (user_id, avatar_id, personality_name, affinity_points, current_level)
    select owner_id, avatar_id, 'friend', 10, 'stranger' from a returning user_id
),
d as (
    insert into session_moods (session_id, user_id, current_mood) select session_id, user_id, 'calm' from s
    returning user_id
)
select 1 from u, m, f, p, d
"""


def uuid_of(text: str, kind: int) -> str:
    import hashlib

    return str(uuid.UUID(hashlib.md5(f"{text} {kind}".encode()).hexdigest()))  # noqa: S324


def sow(connection: Connect, name: str, user: str = "mara") -> str:
    """A user with an avatar and a mind of one of everything but episodes; answers the avatar's id."""
    avatar = uuid_of(user + name, 1)
    given = {"user": user, "mail": f"{user}@x.org", "avatar": avatar, "name": name, "fact": uuid_of(user + name, 2)}
    connection.execute(SOWN, given)
    return avatar


def live(connection: Connect, avatar: str, words: str) -> None:
    """A little of a life: something said, something learnt, somebody liked better."""
    owner = "(select owner_id from avatars where avatar_id = %(avatar)s)"
    given = {"avatar": avatar, "words": words, "episode": uuid_of(words, 3)}
    for statement in (
        "insert into messages (session_id, owner_id, role, content, created_at) select session_id, user_id, 'user',"
        " %(words)s, clock_timestamp() from sessions where avatar_id = %(avatar)s",
        f"insert into episodes (id, user_id, avatar_id, type, title, summary, importance)"
        f" values (%(episode)s, {owner}, %(avatar)s, 'event', %(words)s, 's', 5)",
        "update user_facts set value = to_jsonb(%(words)s::text) where avatar_id = %(avatar)s",
        "update user_affinity set affinity_points = affinity_points + 5 where avatar_id = %(avatar)s",
        "update session_moods set current_mood = 'happy', mood_started_at = clock_timestamp()"
        " where session_id in (select session_id from sessions where avatar_id = %(avatar)s)",
    ):
        connection.execute(statement, given)  # type: ignore[arg-type]


@pytest.fixture
def forked(trunk: str) -> tuple[str, str, str]:
    """A trunk and a branch on which Luna lived differently: both URLs, and her id."""
    with psycopg.connect(trunk, autocommit=True) as connection:
        luna = sow(connection, "Luna")
        sow(connection, "Rex", "theo")
    branches.create("try")
    url = branches.owner_url("try")
    for place, words in ((url, "Mia climbed a tree."), (trunk, "It rained.")):
        with psycopg.connect(place, autocommit=True) as connection:
            live(connection, luna, words)
    return url, trunk, luna


def test_a_mind_on_two_branches(forked: tuple[str, str, str]) -> None:
    url, base, luna = forked
    found = {one.table: one for one in branch_data.difference(url, base, "luna", ("try", "main"))}
    assert [row["content"] for row in found["messages"].added] == ["Mia climbed a tree."]
    assert [row["content"] for row in found["messages"].removed] == ["It rained."]
    assert found["messages"].same == 1
    assert [row["title"] for row in found["episodes"].added] == ["Mia climbed a tree."]
    (fact,) = found["user_facts"].changed
    assert fact.fields["value"] == ("It rained.", "Mia climbed a tree.")
    assert "embedding" not in fact.row
    assert {"user_affinity", "sessions", "avatars", "session_moods"} <= set(found)
    assert found["user_affinity"].empty, "both grew by the same"
    (mood,) = found["session_moods"].changed
    assert set(mood.fields) == {"mood_started_at"}
    assert found["avatars"].same == 1
    by_id = {one.table: one for one in branch_data.difference(url, base, luna, ("try", "main"))}
    assert by_id == found


def test_the_same_mind_on_both(trunk: str) -> None:
    with psycopg.connect(trunk) as connection:
        sow(connection, "Luna")
    branches.create("try")
    tables = branch_data.difference(branches.owner_url("try"), trunk, "Luna", ("try", "main"))
    assert all(table.empty for table in tables)
    assert sum(table.same for table in tables) == 6


def test_avatars_that_cannot_be_told(trunk: str) -> None:
    with psycopg.connect(trunk, autocommit=True) as connection:
        sow(connection, "Luna")
        sow(connection, "Luna", "theo")
    with pytest.raises(BadInput, match=r"of mara; .* of theo"):
        branch_data.difference(trunk, trunk, "Luna", ("main", "main"))
    with pytest.raises(branch_data.NoSuchAvatar, match="there are: Luna"):
        branch_data.difference(trunk, trunk, "Nova", ("main", "main"))


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
