"""The custom resources of the template: whatever happens, CloudFormation gets one clear answer, and in time."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws
from scripts.venvs import ROOT

from anima.identity import service as identity
from anima.kernel import config, db
from anima.kernel.errors import BadInput
from anima.kernel.postgres import bootstrap, migration_files
from anima.kernel.postgres.ephemeral import ephemeral
from anima.kernel.postgres.errors import CodeBehind, CodeUnknown
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.urls import parse, with_address
from anima.operations import setup, worker
from anima.vendors import secrets_manager
from fixtures.api import MakeUser, Person
from fixtures.proxy import Proxy


@dataclass
class CloudFormation:
    """Where answers are put: what came, and how often it is not taken first."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    types: list[str | None] = field(default_factory=list)
    refusals: int = 0

    @property
    def last(self) -> dict[str, Any]:
        return self.answers[-1]


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    told = CloudFormation()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if told.refusals > 0:
                told.refusals -= 1
                self.send_error(503)
                return
            told.types.append(self.headers.get("Content-Type"))
            told.answers.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/answer?signature=secret"
    monkeypatch.setattr(setup, "_pause", lambda _seconds: None)
    yield told
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Secrets:
    """The two secrets of a stack."""

    client: Any
    owner: str
    logins: str

    def owner_url(self, url: str) -> None:
        self.client.put_secret_value(SecretId=self.owner, SecretString=json.dumps({"owner_url": url}))

    def read(self) -> dict[str, str]:
        value: dict[str, str] = json.loads(self.client.get_secret_value(SecretId=self.logins)["SecretString"])
        return value


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Secrets]:
    """The function that migrates, as deployed: it knows the owner's URL from a secret only."""
    with mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        secrets_manager._client.cache_clear()
        client = boto3.client("secretsmanager")
        arns = [client.create_secret(Name=name, SecretString="{}")["ARN"] for name in ("owner", "logins")]
        monkeypatch.setenv("ANIMA_OWNER_SECRET_ARN", arns[0])
        monkeypatch.setenv("ANIMA_DATABASE_URL", "")  # and what a call leaves behind goes with the test
        _forget()
        yield Secrets(client, *arns)
    secrets_manager._client.cache_clear()
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    db.close_pools()
    config.settings.cache_clear()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server without anything of ours."""
    with ephemeral() as started:
        yield started


def event(name: str, cloudformation: CloudFormation, stack: Secrets, **changes: Any) -> dict[str, Any]:
    """The sample event, with the addresses of this test."""
    sample = json.loads((ROOT / "events" / f"{name}.json").read_text())
    properties = {**sample["ResourceProperties"], "LoginsSecret": stack.logins}
    return {**sample, "ResponseURL": cloudformation.url, "ResourceProperties": properties, **changes}


def test_a_new_database_is_made_ready_and_an_event_that_comes_twice_changes_nothing(
    cloudformation: CloudFormation, stack: Secrets, server: Server
) -> None:
    stack.owner_url(server.owner_url)
    created = event("migrate_setup", cloudformation, stack)
    worker.migrate(created, 900)
    first = cloudformation.last
    assert first["Status"] == "SUCCESS", first
    assert first["Data"]["Applied"].startswith("0001_pre_foundation, ")
    assert {first[name] for name in ("StackId", "RequestId", "LogicalResourceId")} == {
        created[name] for name in ("StackId", "RequestId", "LogicalResourceId")
    }
    assert not cloudformation.types[-1]  # the address is signed for none
    for login in ("app", "worker", "admin"):
        with psycopg.connect(stack.read()[f"{login}_url"]) as connection:
            assert connection.info.user == f"anima_{login}"
    worker.migrate(created, 900)
    again = cloudformation.last
    assert again["Data"] == {"Applied": "", "SecretVersion": first["Data"]["SecretVersion"]}
    assert again["PhysicalResourceId"] == first["PhysicalResourceId"]


def test_the_first_administrator_gets_one_link_however_often_the_event_comes(
    cloudformation: CloudFormation, stack: Secrets, server: Server
) -> None:
    stack.owner_url(server.owner_url)
    worker.migrate(event("migrate_setup", cloudformation, stack), 900)
    created = event("migrate_first_admin", cloudformation, stack)
    for _ in range(5):
        worker.migrate(created, 900)
    links = {answer["Data"]["AdminLink"] for answer in cloudformation.answers[1:]}
    assert len(links) == 1
    link = links.pop()
    assert link.startswith(f"{created['ResourceProperties']['BaseUrl']}/console/welcome#")
    tokens = identity.use_link(link.partition("#")[2], "olives are not for me")
    assert tokens.access_token
    worker.migrate({**created, "RequestType": "Update", "RequestId": "another"}, 900)
    assert "administrator already" in cloudformation.last["Data"]["AdminLink"]
    assert "http" not in cloudformation.last["Data"]["AdminLink"]


@pytest.fixture
def alice(make_user: MakeUser) -> Person:
    return make_user()


def test_a_lost_password(alice: Person, stack: Secrets, database: Any) -> None:
    stack.owner_url(database.owner_url)
    made = worker.migrate({"link_for": alice.username, "base_url": "https://anima.example.org/"})
    assert made["link"].startswith("https://anima.example.org/console/welcome#")
    for name in ("", "a\nb", "a\0", "\ud800", 5):
        with pytest.raises(BadInput):
            worker.migrate({"link_for": name, "base_url": "https://a.b"})
    for wrong in ({"link_for": "a"}, {"link_for": "a", "base_url": "a.b"}):
        with pytest.raises(BadInput):
            worker.migrate(wrong)


@pytest.mark.parametrize(
    "base_url",
    [
        "javascript:alert(1)//a.b",
        "https:///console",
        "https://[a.b",
        "https://a.b:port",
        "https://a.b\n.evil.example",
        "https://a.b/ x",
        "https://a.b\\@evil.example",
        "https://a.b@evil.example",
        "https://a.b?to=",
        "https://a.b#evil",
        ["https://a.b"],
    ],
)
def test_a_link_leads_to_a_plain_web_address_only(base_url: object, alice: Person, stack: Secrets) -> None:
    with pytest.raises(BadInput, match="base URL"):
        worker.migrate({"link_for": alice.username, "base_url": base_url})


def test_a_deployment_that_is_taken_back_leaves_the_newer_database(
    cloudformation: CloudFormation, stack: Secrets, fresh_database: Any
) -> None:
    with psycopg.connect(fresh_database.owner_url) as connection:
        connection.execute(
            "insert into schema_migrations (version, name, phase, sha256, duration_ms)"
            " values (9999, 'tomorrow', 'pre', 'x', 1)"
        )
    stack.owner_url(fresh_database.owner_url)
    worker.migrate(event("migrate_setup", cloudformation, stack, RequestType="Update", PhysicalResourceId="Setup"), 900)
    assert cloudformation.last["Status"] == "SUCCESS"
    assert cloudformation.last["Data"]["Applied"] == ""


@pytest.fixture
def pending(
    fresh_database: Any, stack: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], bool]:
    """A deployed database that lacks a pre and a post; answers whether it has a table."""
    folder = tmp_path / "sql" / "migrations"
    shutil.copytree(migration_files.sql_dir() / "migrations", folder)
    version = migration_files.read(folder)[-1].version
    (folder / f"{version + 1:04d}_pre_olives.sql").write_text("create table olives (id int);")
    (folder / f"{version + 2:04d}_post_figs.sql").write_text("-- alone: a trial\ncreate table figs (id int);")
    monkeypatch.setenv("ANIMA_SQL_DIR", str(folder.parent))
    stack.owner_url(fresh_database.owner_url)
    _forget()

    def there(name: str) -> bool:
        with psycopg.connect(fresh_database.owner_url) as connection:
            return bool(connection.execute("select to_regclass(%s) is not null", [name]).fetchone()[0])  # type: ignore[index]

    return there


def test_an_event_applies_post_only_where_it_says_which_code_serves(
    pending: Callable[[str], bool], deployed_code: Callable[[Any], str]
) -> None:
    newest = migration_files.read(migration_files.sql_dir() / "migrations")[-1].version
    for asked in ({}, {"phase": None}, {"phase": "post"}, {"phase": "post", "code": ""}, {"code": None}):
        with pytest.raises(CodeUnknown, match="`code` of the event, where that answers"):
            worker.migrate(asked)
    assert not pending("olives"), "a refusal changes nothing"
    (applied,) = worker.migrate({"phase": "pre"})["migrations"]
    assert applied.endswith("_pre_olives")

    assert worker.migrate({"phase": "post", "dry_run": True})["migrations"] == [f"{newest:04d}_post_figs"]
    with pytest.raises(CodeUnknown, match="does not answer"):
        worker.migrate({"phase": "post", "code": "http://127.0.0.1:1"})
    with pytest.raises(CodeBehind):
        worker.migrate({"phase": "post", "code": deployed_code({"schema_version": newest - 1})})
    assert not pending("figs")

    api = deployed_code({"schema_version": newest})
    assert worker.migrate({"phase": "post", "code": api})["migrations"] == [f"{newest:04d}_post_figs"]
    assert pending("figs")
    assert worker.migrate({})["migrations"] == [], "nothing is left: nothing is asked"


def test_an_event_may_say_that_no_code_is_deployed(pending: Callable[[str], bool]) -> None:
    assert len(worker.migrate({"code": "none"})["migrations"]) == 2
    assert pending("figs")


def test_a_database_without_any_migration_has_no_code_to_ask(stack: Secrets) -> None:
    with ephemeral() as empty:
        stack.owner_url(empty.owner_url)
        applied = worker.migrate({"phase": None})["migrations"]
    assert applied[0] == "0001_pre_foundation"


def test_delete_touches_nothing(cloudformation: CloudFormation, stack: Secrets) -> None:
    stack.owner_url("postgresql://owner:secret@127.0.0.1:1/gone")
    gone = event("migrate_setup", cloudformation, stack, RequestType="Delete", PhysicalResourceId="Setup-of-old")
    worker.migrate(gone, 900)
    assert cloudformation.last["Status"] == "SUCCESS"
    assert cloudformation.last["PhysicalResourceId"] == "Setup-of-old"
    assert stack.read() == {}


WRONG = {
    "a pooled host": ("postgresql://owner:s3cret@ep-a-pooler.eu.aws.neon.tech/db", "pooler"),
    "no URL": ("nonsense-s3cret", "postgresql://"),
    "a wrong password": (None, "password authentication failed"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_the_url_is_said_without_the_url(
    kind: str, cloudformation: CloudFormation, stack: Secrets, server: Server
) -> None:
    given, said = WRONG[kind]
    parts = parse(server.owner_url)
    stack.owner_url(given or server.owner_url.replace(str(parts.password), "s3cret"))
    worker.migrate(event("migrate_setup", cloudformation, stack), 900)
    assert cloudformation.last["Status"] == "FAILED"
    assert said in cloudformation.last["Reason"]
    assert "s3cret" not in json.dumps(cloudformation.answers)
    assert stack.read() == {}


def test_a_secret_without_the_url_and_a_resource_that_is_not_ours(
    cloudformation: CloudFormation, stack: Secrets
) -> None:
    worker.migrate(event("migrate_setup", cloudformation, stack), 900)
    assert "it has no owner_url" in cloudformation.last["Reason"]
    worker.migrate(event("migrate_setup", cloudformation, stack, ResourceType="Custom::Other"), 900)
    assert "Custom::Other" in cloudformation.last["Reason"]
    stray = event("migrate_setup", cloudformation, stack)
    worker.migrate({**stray, "ResourceProperties": {"PooledHost": ""}}, 900)
    assert "LoginsSecret" in cloudformation.last["Reason"]
    assert {answer["Status"] for answer in cloudformation.answers} == {"FAILED"}


def test_it_answers_before_the_functions_time_is_up(
    cloudformation: CloudFormation, stack: Secrets, server: Server
) -> None:
    """A database that takes the connection and never says a word."""
    parts = parse(server.owner_url)
    with Proxy(str(parts.host), int(parts.port or 0), delay=60) as silent:
        stack.owner_url(with_address(server.owner_url, "127.0.0.1", silent.port))
        worker.migrate(event("migrate_setup", cloudformation, stack), 30.5)
    assert cloudformation.last["Status"] == "FAILED"
    assert "in time" in cloudformation.last["Reason"]


def test_what_still_waits_when_time_is_up_is_cancelled(
    cloudformation: CloudFormation, stack: Secrets, server: Server
) -> None:
    """Somebody else prepares this database and does not end: we do not stay in the queue behind them."""
    stack.owner_url(server.owner_url)
    with psycopg.connect(server.owner_url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [bootstrap._LOCK])
        worker.migrate(event("migrate_setup", cloudformation, stack), 30.5)
        waiting = other.execute("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        assert waiting.fetchone() == (0,)
    assert "in time" in cloudformation.last["Reason"]
    worker.migrate(event("migrate_setup", cloudformation, stack), 900)
    assert cloudformation.last["Status"] == "SUCCESS"


def test_an_answer_that_is_not_taken_is_put_again_and_else_lambda_is_to_call_again(
    cloudformation: CloudFormation, stack: Secrets
) -> None:
    gone = event("migrate_setup", cloudformation, stack, RequestType="Delete")
    cloudformation.refusals = 2
    worker.migrate(gone, 900)
    assert cloudformation.last["Status"] == "SUCCESS"
    cloudformation.refusals = 9
    with pytest.raises(setup.NotAnswered):
        worker.migrate(gone, 900)


@pytest.mark.parametrize("lacking", ["ResponseURL", "StackId", "RequestId", "LogicalResourceId", "ResourceType"])
def test_an_event_that_cannot_be_answered_is_refused(
    lacking: str, cloudformation: CloudFormation, stack: Secrets
) -> None:
    whole = event("migrate_setup", cloudformation, stack)
    with pytest.raises(BadInput, match=lacking):
        worker.migrate({name: value for name, value in whole.items() if name != lacking}, 900)
    for wrong in ("file:///etc/passwd", "https://[a.b", "https:///answer", "https://a b/answer", "https://a.b:port/"):
        with pytest.raises(BadInput, match="web address"):
            worker.migrate({**whole, "ResponseURL": wrong}, 900)
    assert cloudformation.answers == []


NEON = "postgresql://owner:pw@ep-cool-sky-1.eu-central-1.aws.neon.tech/anima?sslmode=require"


def test_functions_connect_by_the_pooler() -> None:
    assert parse(setup.pooled(NEON)).host == "ep-cool-sky-1-pooler.eu-central-1.aws.neon.tech"
    assert setup.pooled(NEON).endswith("/anima?sslmode=require")
    assert setup.pooled(setup.pooled(NEON)) == setup.pooled(NEON)
    elsewhere = "postgresql://owner:pw@db.example.org:5432/anima"
    assert setup.pooled(elsewhere) == elsewhere
    given = parse(setup.pooled(elsewhere, "pool.example.org:6432"))
    assert (given.host, given.port) == ("pool.example.org", 6432)
    assert parse(setup.pooled(elsewhere, "pool.example.org")).port is None
