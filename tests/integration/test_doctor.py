"""`anima doctor` says what is wrong and what to do, whatever is wrong, and changes nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from anima.cli.main import app
from anima.kernel import config, db, secrets
from anima.kernel.postgres import migration_files
from anima.kernel.postgres.urls import parse, with_address, with_database, with_login
from anima.operations import doctor, doctor_database
from anima.operations.findings import Finding

PASSWORD = "not-the-right-password"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A data folder and a port of its own, and little patience."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ANIMA_DATA_DIR", str(folder))
    monkeypatch.setenv("ANIMA_PORT", "0")
    monkeypatch.setattr(doctor_database, "PATIENCE_SECONDS", 0.2)
    forget()
    yield folder
    monkeypatch.undo()
    forget()


def forget() -> None:
    db.close_pools()
    config.settings.cache_clear()
    secrets.master_key.cache_clear()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets a setting for the doctor to find."""

    def give(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        forget()

    return give


def found(**options: Any) -> list[Finding]:
    return list(doctor.examine(**options))


def of(check: str, findings: list[Finding]) -> Finding:
    """The worst finding of a check."""
    order = ("ok", "warn", "fail")
    chosen = [one for one in findings if one.check == check]
    assert chosen, [one.check for one in findings]
    return max(chosen, key=lambda one: order.index(one.state))


def test_all_is_well_with_a_migrated_database(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=database.owner_url)
    findings = found()
    for check in (
        "database",
        "extensions",
        "tables",
        "login app",
        "login worker",
        "login admin",
        "clock",
        "master key",
    ):
        assert of(check, findings).state == "ok", of(check, findings)
    assert "vector" in of("extensions", findings).said
    assert "directly" in of("database", findings).said
    assert parse(database.owner_url).password not in str(findings)


def test_a_database_that_is_down(database: Any, given: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = with_address(database.owner_url, "127.0.0.1", closed.getsockname()[1])
        given(ANIMA_DATABASE_URL=url)
        findings = found()
    wrong = of("database", findings)
    assert wrong.state == "fail"
    assert "refused" in wrong.said
    assert "is it running" in wrong.advice
    assert parse(url).password not in str(findings)
    assert of("language models", findings).state == "ok"


@contextmanager
def asleep(url: str, seconds: float) -> Iterator[str]:
    """A database that takes its time before it answers a first connection."""
    parts = parse(url)
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            first = True
            while True:
                try:
                    near, _ = door.accept()
                except OSError:
                    return
                time.sleep(seconds if first else 0)
                first = False
                far = socket.create_connection((parts.host or "127.0.0.1", parts.port or 5432))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=(source, target), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield with_address(url, "127.0.0.1", door.getsockname()[1])


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def test_a_database_that_slept(database: Any, given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_database, "_ASLEEP_SECONDS", 0.2)
    monkeypatch.setattr(doctor_database, "PATIENCE_SECONDS", 10.0)
    with asleep(database.owner_url, 0.3) as url:
        given(ANIMA_DATABASE_URL=url)
        findings = found()
    assert of("database", findings).state == "warn"
    assert "slept" in of("database", findings).said
    assert of("login app", findings).state == "ok"


def test_a_wrong_password(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=with_login(database.owner_url, parse(database.owner_url).user or "", PASSWORD))
    wrong = of("database", found())
    assert wrong.state == "fail"
    assert "the password is wrong" in wrong.advice
    assert PASSWORD not in str(wrong)


def test_logins_made_under_another_master_key(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=database.owner_url, SECRET_KEY="b" * 44)
    wrong = of("login app", found())
    assert wrong.state == "fail"
    assert "anima db migrate --logins" in wrong.advice


@pytest.mark.parametrize("url", ["mysql://a:pw@b/c", "postgresql://a:pw@host:no/c"])
def test_an_address_that_is_none(given: Any, url: str) -> None:
    given(ANIMA_DATABASE_URL=url)
    wrong = of("database", found())
    assert wrong.state == "fail"
    assert "pw" not in str(wrong)


def test_a_database_that_is_not_there(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=with_database(database.owner_url, "nowhere"))
    wrong = of("database", found())
    assert (wrong.state, "correct its name" in wrong.advice) == ("fail", True)


def test_a_pooler_where_migrations_need_the_direct_host(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=f"{database.owner_url}&pgbouncer=true")
    wrong = of("database", found())
    assert (wrong.state, wrong.advice) == ("fail", "set ANIMA_DATABASE_DIRECT_URL")


def test_a_migration_that_was_not_applied(fresh_database: Any, given: Any) -> None:
    newest = migration_files.read(migration_files.sql_dir() / "migrations")[-1]
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("delete from schema_migrations where version = %s", [newest.version])
    given(ANIMA_DATABASE_URL=fresh_database.owner_url)
    wrong = of("schema", found())
    assert (wrong.state, wrong.advice) == ("fail", "`anima db migrate`")
    assert newest.stem in wrong.said


def test_a_schema_that_somebody_changed_by_hand(fresh_database: Any, given: Any) -> None:
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("create table by_hand (id integer)")
    given(ANIMA_DATABASE_URL=fresh_database.owner_url)
    assert of("schema", found()).state == "warn"


def test_a_login_that_may_read_everybody(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=database.owner_url, ANIMA_APP_DATABASE_URL=database.owner_url)
    wrong = of("login app", found())
    assert wrong.state == "fail"
    assert "everybody's rows" in wrong.said


def test_weights_that_are_missing(given: Any, tmp_path: Path) -> None:
    given(ANIMA_MODEL_DIR=str(tmp_path / "none"))
    wrong = of("models", found())
    assert wrong.state == "fail"
    assert "anima provision" in wrong.advice


def test_a_weight_that_is_another_file(given: Any, tmp_path: Path) -> None:
    from anima.vendors import assets

    given(ANIMA_MODEL_DIR=str(tmp_path))
    path = assets.path_of("all-minilm-l6-v2-tokenizer")
    path.parent.mkdir(parents=True)
    path.write_text("something else")
    assert "not as published: all-minilm-l6-v2-tokenizer" in str(found())


def test_files_that_others_can_read(given: Any, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    for name in ("secret.key", "cli.json"):
        (place / name).write_text("x")
        (place / name).chmod(0o644)
    forget()
    findings = found()
    assert of("master key", findings).advice == f"chmod 600 {place / 'secret.key'}"
    assert of("file rights", findings).state == "fail"
    (place / "secret.key").chmod(0o600)
    assert of("master key", found()).state == "ok"


def test_it_makes_nothing(database: Any, given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    nowhere = tmp_path / "nowhere"
    given(ANIMA_DATA_DIR=str(nowhere), ANIMA_DATABASE_URL=database.owner_url)
    findings = found()
    assert of("login app", findings).state == "fail"
    assert "master key" in of("login app", findings).said
    assert not nowhere.exists()


def test_a_port_that_is_taken(given: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        given(ANIMA_PORT=str(other.getsockname()[1]))
        wrong = of("port", found())
    assert wrong.state == "fail"
    assert "ANIMA_PORT" in wrong.advice


def test_a_setting_that_is_wrong(given: Any) -> None:
    given(ANIMA_PORT="many")
    (wrong,) = found()
    assert (wrong.check, wrong.state) == ("settings", "fail")
    assert "port" in wrong.said


def test_a_disk_that_is_full(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_FULL_BYTES", 2**60)
    assert of("disk", found()).state == "fail"


def test_no_model_at_all(given: Any) -> None:
    given(ANIMA_LOCAL_LLM="false")
    assert "OPENAI_API_KEY" in of("language models", found()).advice


def test_a_key_that_the_server_refuses_is_seen_only_online(given: Any, stub_llm: Any) -> None:
    given(OPENAI_API_KEY="sk-of-nobody", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert of("language models", found()).state == "ok"
    wrong = of("language models", found(online=True))
    assert wrong.state == "fail"
    assert "sk-of-nobody" not in str(wrong)
    given(OPENAI_BASE_URL=stub_llm.url)
    assert of("language models", found(online=True)).state == "ok"


def test_queues_bucket_and_schedules_are_asked_without_a_change(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto import mock_aws

    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="one")["QueueUrl"]
        boto3.client("scheduler").create_schedule_group(Name="ours")
        where = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration=where)
        queues = json.dumps({"turn.finished": url, "document.queued": f"{url}-gone"})
        given(ANIMA_QUEUE_URLS=queues, ANIMA_OBJECT_STORE_URL="s3://kept/a", ANIMA_WAKE_SCHEDULE="ours/wake")
        findings = found()
    assert of("queue turn.finished", findings).state == "ok"
    assert of("queue document.queued", findings).state == "fail"
    assert of("object store", findings).state == "ok"
    assert of("schedules", findings).state == "ok"


def test_traces_without_their_packages(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given(OPEN_TELEMETRY_EXPORTER="otlp")
    assert of("traces", found()).state == "ok"
    monkeypatch.setattr(doctor, "find_spec", lambda _name: None)
    assert of("traces", found()).advice == "pip install 'anima[telemetry]'"


def test_a_check_that_breaks_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("what somebody wrote")
        yield

    monkeypatch.setattr(doctor, "_disk", broken)
    findings = found()
    assert of("disk", findings).state == "fail"
    assert "what somebody wrote" not in str(findings)
    assert of("language models", findings).state == "ok"


def test_the_command_prints_lines_or_json_and_ends_with_1(given: Any) -> None:
    given(ANIMA_LOCAL_LLM="false")
    lines = CliRunner().invoke(app, ["doctor"])
    assert lines.exit_code == 1
    assert "fail  language models: none is configured" in lines.output
    assert "      -> set OPENAI_API_KEY" in lines.output
    told = CliRunner().invoke(app, ["doctor", "--json"])
    assert told.exit_code == 1
    assert {"check", "state", "said", "advice"} == set(json.loads(told.output)[0])


def test_the_command_ends_with_0_where_nothing_is_wrong(database: Any, given: Any) -> None:
    given(ANIMA_DATABASE_URL=database.owner_url, OPENAI_API_KEY="sk-x")
    done = CliRunner().invoke(app, ["doctor", "--json"])
    wrong = [one for one in json.loads(done.output) if one["state"] == "fail" and one["check"] != "models"]
    assert not wrong
