"""Neon's API, strict as published: what is asked of it, what is asked again, and what its refusals say."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest

from anima.kernel.errors import BadInput
from anima.kernel.postgres.branch_errors import (
    BadBranchName,
    BranchDiffers,
    BranchHasChildren,
    BranchInUse,
    NoParentToResetTo,
    NoSuchBranch,
    TrunkRefused,
)
from anima.operations import branches, database
from anima.vendors.neon import (
    Neon,
    NeonBusy,
    NeonConflict,
    NeonKeyRefused,
    NeonLimitReached,
    NeonNotFound,
    NeonOperationFailed,
    NeonRefused,
    NeonUnreachable,
)
from fixtures.neon_double import NeonDouble
from fixtures.served import ROOT


def client(double: NeonDouble, **options: object) -> Neon:
    return Neon(double.url, double.project.key, double.project.id, **options)  # type: ignore[arg-type]


@pytest.fixture
def api(neon: NeonDouble) -> Iterator[Neon]:
    with client(neon, patience=10.0) as made:
        yield made


def note(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists notes (text text)")
        connection.execute("insert into notes values (%s)", [text])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [text for (text,) in connection.execute("select text from notes order by text")]


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from {table}").fetchone()
    return row[0] if row else 0


# The double is strict


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/branches", {"branch": {"nam": "x"}}, 400),
        ("POST", "/branches", {"endpoints": [{"kind": "read_write"}]}, 400),
        ("POST", "/branches", {"endpoints": [{}]}, 400),
        ("POST", "/branches", {"branch": {"init_source": "nothing"}}, 400),
        ("POST", "/branches", {"branch": {"expires_at": "2026-12-01"}}, 400),
        ("PATCH", "/branches/br-1", {}, 400),
        ("PUT", "/branches", {}, 405),
        ("GET", "/branches?serch=x", None, 400),
        ("GET", "/connection_uri?database_name=x", None, 400),
        ("GET", "/nothing", None, 404),
        ("GET", "/branches/br-unknown", None, 404),
    ],
)
def test_what_the_description_does_not_have_is_refused(
    neon: NeonDouble, method: str, path: str, body: object, status: int
) -> None:
    headers = {"Authorization": f"Bearer {neon.project.key}"}
    answer = httpx.request(method, f"{neon.url}/projects/{neon.project.id}{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text


# The client


def test_a_branch_is_made_looked_at_renamed_and_deleted(api: Neon, neon: NeonDouble) -> None:
    trunk = api.default_branch()
    branch = api.create_branch("try", trunk.id, expires_at=neon.project.now + timedelta(days=7))
    assert (branch.name, branch.parent_id, branch.is_default) == ("try", trunk.id, False)
    assert branch.expires_at == neon.project.now + timedelta(days=7)
    assert api.named("try") == api.branch(branch.id)
    assert api.named("tr") is None
    assert api.rename_branch(branch.id, "tried").name == "tried"
    assert api.expire_branch(branch.id, None).expires_at is None
    api.delete_branch(branch.id)
    api.delete_branch(branch.id)
    assert [one.name for one in api.branches()] == ["main"]


def test_computes_databases_and_roles_of_a_branch(api: Neon, neon: NeonDouble) -> None:
    branch = api.create_branch("try", api.default_branch().id)
    (compute,) = api.endpoints(branch.id)
    api.suspend_endpoint(compute.id)
    api.start_endpoint(compute.id)
    with pytest.raises(NeonConflict):
        api.create_endpoint(branch.id)
    api.delete_endpoint(compute.id)
    assert api.create_endpoint(branch.id).branch_id == branch.id
    assert [one.name for one in api.databases(branch.id)] == [neon.project.database]
    assert api.roles(branch.id) == ["anima_owner"]


def test_all_pages_are_read(api: Neon, neon: NeonDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anima.vendors.neon.client._PAGE", 2)
    for number in range(4):
        api.create_branch(f"pr-{number}", api.default_branch().id)
    assert [one.name for one in api.branches()] == ["main", "pr-0", "pr-1", "pr-2", "pr-3"]
    assert [one.name for one in api.branches(search="pr-3")] == ["pr-3"]


def test_a_locked_project_and_a_burst_of_refusals_are_waited_for(neon: NeonDouble) -> None:
    pauses: list[float] = []
    with client(neon, pause=pauses.append) as api:
        trunk = api.default_branch()
        neon.answer_next(423, 2)
        neon.answer_next(429, Retry_After="7")
        neon.answer_next(503)
        neon.project.seconds = 0.0
        api.create_branch("try", trunk.id)
    assert [method for method, _ in neon.requests].count("POST") == 5
    assert pauses[2] >= 7
    assert len(set(pauses[:4])) == 4, "no two waits are the same"


def test_the_lock_of_another_operation_ends(api: Neon, neon: NeonDouble) -> None:
    trunk = api.default_branch()
    neon.project.seconds = 0.3
    neon.project.begin("apply_config", neon.project.trunk)
    assert neon.project.locked()
    assert api.create_branch("try", trunk.id).name == "try"


def test_patience_ends(neon: NeonDouble) -> None:
    neon.answer_next(423, 50)
    with client(neon, patience=5.0, pause=lambda _: None) as api, pytest.raises(NeonBusy) as caught:
        api.default_branch()
    assert caught.value.status == 503


def test_only_reading_is_asked_again_without_an_answer(neon: NeonDouble) -> None:
    neon.answer_next(500, 2)
    with client(neon, pause=lambda _: None) as api:
        trunk = api.default_branch()
        neon.answer_next(500)
        with pytest.raises(NeonRefused):
            api.create_branch("try", trunk.id)
        neon.hang_up_next()
        with pytest.raises(NeonUnreachable):
            api.create_branch("try", trunk.id)
        assert [method for method, _ in neon.requests].count("POST") == 2
        assert api.named("try") is not None, "it was made, only its answer was lost"


def test_nobody_answers() -> None:
    waited: list[float] = []
    with (
        Neon("http://127.0.0.1:9/api/v2", "k", "p", pause=waited.append) as api,
        pytest.raises(NeonUnreachable) as caught,
    ):
        api.default_branch()
    assert "127.0.0.1:9" in caught.value.detail
    assert len(waited) > 1
    assert sum(waited) <= 10, "a wrong address is told soon, however long a busy project is waited for"


def test_a_wrong_key_and_a_wrong_project(neon: NeonDouble) -> None:
    secret = "napi_wrong_and_secret"
    with Neon(neon.url, secret, neon.project.id) as api, pytest.raises(NeonKeyRefused) as caught:
        api.default_branch()
    assert secret not in caught.value.detail + repr(api._transport)
    with Neon(neon.url, neon.project.key, "other-project") as api, pytest.raises(NeonNotFound) as missing:
        api.default_branch()
    assert "other-project" in missing.value.detail
    assert neon.project.key not in missing.value.detail


@pytest.mark.parametrize("mistake", ["{}\n", "two {}", "{}é", "\x00{}"])
def test_a_key_that_is_none_is_told_to_nobody(neon: NeonDouble, mistake: str) -> None:
    key = mistake.format(neon.project.key)
    with Neon(neon.url, key, neon.project.id) as api, pytest.raises(NeonKeyRefused) as caught:
        api.default_branch()
    assert neon.project.key not in caught.value.detail
    assert neon.requests == []


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"{}", b'{"branches": null}', b'{"branches": [{"id": 1}]}', b'{"branches": [1]}']
)
def test_an_answer_of_another_shape(body: bytes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked: list[Callable[[Neon], object]] = [
        lambda api: api.default_branch(),
        lambda api: api.create_branch("x", "br-1"),
        lambda api: api.connection_uri("br-1", "d", "r"),
    ]
    try:
        for ask in asked:
            url = f"http://127.0.0.1:{server.server_port}"
            with Neon(url, "napi_k", "p") as api, pytest.raises(NeonRefused, match="answer"):
                ask(api)
    finally:
        server.shutdown()
        server.server_close()


def test_a_project_over_its_limit(api: Neon, neon: NeonDouble) -> None:
    neon.project.branches_limit = 1
    with pytest.raises(NeonLimitReached) as caught:
        api.create_branch("try", api.default_branch().id)
    assert "BRANCHES_LIMIT_EXCEEDED" in caught.value.detail
    neon.project.branches_limit, neon.project.root_branches_limit = 10, 1
    with pytest.raises(NeonLimitReached, match="ROOT_BRANCHES"):
        api.create_branch("try", api.default_branch().id, schema_only=True)


def test_an_operation_that_fails(api: Neon, neon: NeonDouble) -> None:
    neon.project.failing = 1
    with pytest.raises(NeonOperationFailed, match=r"create_branch.*the compute was lost"):
        api.create_branch("try", api.default_branch().id)


def test_an_operation_that_never_ends(neon: NeonDouble) -> None:
    neon.project.seconds = 600.0
    with (
        client(neon, patience=3.0, pause=lambda _: None) as api,
        pytest.raises(NeonBusy, match="create_branch is running"),
    ):
        api.create_branch("try", api.default_branch().id)


def test_schemas_are_compared(api: Neon, neon: NeonDouble) -> None:
    trunk = api.default_branch()
    branch = api.create_branch("try", trunk.id)
    owner = neon.project.trunk
    assert api.compare_schema(branch.id, trunk.id, neon.project.database) == ""
    note(api.connection_uri(branch.id, neon.project.database, "anima_owner"), "new")
    assert "+CREATE TABLE public.notes" in api.compare_schema(branch.id, trunk.id, neon.project.database)
    assert owner.default


# Branches on Neon, by the words of the command line


def test_creating_the_branch_of_a_pull_request_twice_is_one_branch(neon: NeonDouble) -> None:
    first = branches.create("pr-12", schema_only=True, expires=timedelta(days=7))
    again = branches.create("pr-12", schema_only=True, expires=timedelta(days=7))
    assert (first.made_now, again.made_now) == (True, False)
    assert (again.name, again.schema_only, again.trunk) == ("pr-12", True, False)
    assert [branch.name for branch in branches.every()] == ["main", "pr-12"]


def test_two_creations_at_once_are_one_branch(neon: NeonDouble) -> None:
    made: list[branches.Branch] = []
    threads = [threading.Thread(target=lambda: made.append(branches.create("pr-12"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [branch.name for branch in made] == ["pr-12"] * 3
    assert sum(branch.name == "pr-12" for branch in neon.project.branches.values()) == 1


def test_a_lost_answer_is_no_second_branch(neon: NeonDouble) -> None:
    neon.hang_up_next()
    assert branches.create("pr-12").name == "pr-12"
    assert len(neon.project.branches) == 2


def test_a_branch_whose_answer_was_lost_is_waited_for(neon: NeonDouble) -> None:
    neon.project.seconds = 0.3
    neon.hang_up_next()
    branches.create("pr-12")
    assert not neon.project.making(neon.project.named("pr-12"))


def test_the_trunk_is_no_branch_that_is_there_already(neon: NeonDouble) -> None:
    neon.project.trunk.name = "prod"
    with pytest.raises(BadBranchName, match="the trunk has it"):
        branches.create("prod")


def test_a_life_that_no_calendar_holds(neon: NeonDouble) -> None:
    with pytest.raises(BadInput, match="calendar"):
        branches.create("pr-12", expires=timedelta(weeks=999_999))
    assert neon.requests == []


def test_a_schema_only_branch_has_no_memories_and_can_be_migrated(neon: NeonDouble) -> None:
    note(neon.project.owner_url, "private")
    branches.create("pr-12", schema_only=True)
    url = branches.owner_url("pr-12")
    assert notes(url) == []
    for table in ("schema_migrations", "roles"):
        assert count(url, table) == count(neon.project.owner_url, table) > 0
    with database.at("pr-12") as where:
        assert [one for one in database.migrations.status(where, database.migration_files.sql_dir())]
        database.prepare(where, logins=True)
        assert database.migrations.migrate(where, database.migration_files.sql_dir()) == []


def test_a_branch_of_another_kind_is_not_taken_for_it(neon: NeonDouble) -> None:
    branches.create("pr-12")
    with pytest.raises(BranchDiffers, match="has the data too"):
        branches.create("pr-12", schema_only=True)


@pytest.mark.parametrize("name", ["", " ", "x" * 64, "a b", "main", "Production", "../x", "-x", "+x", "ä"])
def test_an_invalid_name_reaches_nobody(neon: NeonDouble, name: str) -> None:
    with pytest.raises(BadBranchName):
        branches.create(name)
    assert neon.requests == []


def test_a_life_that_neon_does_not_give(neon: NeonDouble) -> None:
    for life in (timedelta(days=31), timedelta(0)):
        with pytest.raises(BadInput):
            branches.create("pr-12", expires=life)
    assert len(neon.project.branches) == 1


def test_a_branch_expires(neon: NeonDouble) -> None:
    branches.create("pr-12", expires=timedelta(days=2))
    neon.project.advance(timedelta(days=3))
    assert [branch.name for branch in branches.every()] == ["main"]


def test_reset_and_restore(neon: NeonDouble) -> None:
    note(neon.project.owner_url, "before")
    branches.create("try")
    at = neon.project.remember("try")
    note(branches.owner_url("try"), "on the branch")
    neon.project.advance(timedelta(hours=1))
    branches.restore("try", at)
    assert notes(branches.owner_url("try")) == ["before"]
    kept = [branch.name for branch in branches.every() if branch.name.startswith("try-before-restore")]
    assert len(kept) == 1
    assert notes(branches.owner_url(kept[0])) == ["before", "on the branch"]
    note(neon.project.owner_url, "since")
    branches.reset("try")
    assert notes(branches.owner_url("try")) == ["before", "since"]


def test_what_cannot_be_reset_or_restored(neon: NeonDouble) -> None:
    branches.create("pr-12", schema_only=True)
    with pytest.raises(NoParentToResetTo):
        branches.reset("pr-12")
    with pytest.raises(TrunkRefused):
        branches.reset("main")
    with pytest.raises(NeonRefused, match="outside of the history"):
        branches.restore("pr-12", datetime.now(UTC) - timedelta(days=90))
    with pytest.raises(BadInput, match="future"):
        branches.restore("pr-12", datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(BadInput, match="zone"):
        branches.restore("pr-12", datetime(2026, 1, 1))
    with pytest.raises(NoSuchBranch):
        branches.reset("nobody")


def test_delete(neon: NeonDouble) -> None:
    branches.create("try")
    branches.create("deeper", parent="try")
    with pytest.raises(BranchHasChildren, match="deeper"):
        branches.delete("try")
    with pytest.raises(TrunkRefused):
        branches.delete("main")
    assert branches.delete("deeper")
    assert not branches.delete("deeper")


def test_the_sweep_takes_orphans_and_nothing_else(neon: NeonDouble) -> None:
    for name in ("pr-1", "pr-2", "pr-3", "mine"):
        branches.create(name)
    assert list(branches.sweep("pr-")) == []
    assert list(branches.sweep("pr-", ["pr-2"])) == ["pr-1", "pr-3"]
    assert [branch.name for branch in branches.every()] == ["main", "mine", "pr-2"]
    with pytest.raises(BadInput, match="prefix"):
        branches.sweep("", [])


def test_a_branch_in_use_replaces_the_configured_host(
    neon: NeonDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path))
    for name in ("database_url", "app_database_url"):
        monkeypatch.setenv(f"ANIMA_{name.upper()}", neon.project.owner_url)
    database.settings.cache_clear()
    note(neon.project.owner_url, "before")
    branches.create("try")
    branches.use("try")
    with pytest.raises(BranchInUse):
        branches.delete("try")
    assert neon.project.key not in (tmp_path / "branch.json").read_text()
    with database.opened():
        note(database.owner_url(), "lived on the branch")
        app_url = database.settings().app_database_url
        assert app_url is not None
        assert app_url.get_secret_value() == database.owner_url()
    assert notes(neon.project.owner_url) == ["before"]


def test_one_setting_without_the_other(neon: NeonDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEON_PROJECT_ID")
    database.settings.cache_clear()
    with pytest.raises(BadInput, match="NEON_API_KEY is set and NEON_PROJECT_ID is not"):
        branches.every()


def test_the_double_is_a_program_too(neon: NeonDouble) -> None:
    command = [sys.executable, "-m", "fixtures.neon_double", "--owner-url", neon.project.owner_url, "--key", "k"]
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "layers" / "app")])
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        with Neon(process.stdout.readline().strip(), "k", neon.project.id) as api:
            assert [branch.name for branch in api.branches()] == ["main"]
        process.stdin.close()
        assert process.wait(10) == 0
