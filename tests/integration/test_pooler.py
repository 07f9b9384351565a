"""Through a real PgBouncer in transaction mode, as before a hosted database: all that the application does."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import auth, connections, db, outbox
from anima.kernel.postgres import bootstrap, migration_files, migrations
from anima.kernel.postgres.errors import PooledConnection
from anima.kernel.postgres.urls import parse
from fixtures import pooler as poolers
from fixtures.api import PASSWORD, Person
from fixtures.pooler import Pooler
from fixtures.stub_llm import StubLLM
from fixtures.turns import said, streamed

API = "/api/v1"
ROOT = Path(__file__).resolve().parents[2]
# What belongs to a session, which nobody has behind a pooler in transaction mode.
OF_A_SESSION = {
    "set of a session": r"(\A|;)\s*(re)?set\s+(?!local\b)(session\s+)?[a-z_.]+\s*(=|\bto\b|\Z)",
    "set_config of a session": r"set_config\([^)]*,\s*false\s*\)",
    "an advisory lock of a session": r"pg_(try_)?advisory_(lock|unlock)\w*",
    "a prepared statement": r"\b(prepare|deallocate)\s+\w+",
    "a temporary table": r"\b(create\s+temp|temporary|on commit drop)\b",
    "listen and notify": r"^\s*(listen|unlisten)\b",
    "a cursor with hold": r"\bwith hold\b",
    "load": r"^\s*load\s+'",
}


@pytest.fixture
def through(pooler: Pooler, talking: StubLLM) -> Pooler:
    """The pooler, and a model that answers."""
    return pooler


def servers(pooler: Pooler) -> int:
    return sum(1 for one in pooler.show("servers") if one["user"] in poolers.LOGINS)


def test_turns_and_what_follows_them(
    through: Pooler, alice: Person, luna: str, drain_outbox: Callable[[], list[outbox.Event]]
) -> None:
    first = said(alice, "Hello, I am Diego and I hate olives", avatar_id=luna, key="first")
    again = said(alice, "Hello, I am Diego and I hate olives", avatar_id=luna, key="first")
    assert again["response_id"] == first["response_id"]
    events = streamed(alice, "What do I hate?", session_id=first["session_id"])
    assert [name for name, _ in events][-1] == "done"
    assert {event.topic for event in drain_outbox()} >= {"turn.finished"}
    listed = alice.http.get(f"{API}/sessions/{first['session_id']}/messages").json()["items"]
    assert [one["role"] for one in listed] == ["user", "assistant"] * 2
    assert servers(through) > 0, "it went another way"


def test_signing_in_and_out(through: Pooler, alice: Person) -> None:
    given = {"username": alice.username, "password": PASSWORD}
    pair = alice.http.post(f"{API}/token", data=given).json()
    assert auth.authenticate(pair["access_token"]).user_id == alice.user_id
    turned = alice.http.post(f"{API}/token/refresh", json={"refresh_token": pair["refresh_token"]})
    assert turned.status_code == 200
    stolen = alice.http.post(f"{API}/token/refresh", json={"refresh_token": pair["refresh_token"]})
    assert stolen.status_code == 401


def test_a_document_is_read_and_found(
    through: Pooler, alice: Person, drain_outbox: Callable[[], list[outbox.Event]]
) -> None:
    body = {"text": "The lighthouse of Punta Norte is green and white.", "title": "Lighthouses"}
    headers = {"Idempotency-Key": "the-lighthouse"}
    queued = alice.http.post(f"{API}/documents", json=body, headers=headers)
    assert queued.status_code == 202, queued.text
    assert alice.http.post(f"{API}/documents", json=body, headers=headers).json() == queued.json()
    assert len(drain_outbox()) == 1
    found = alice.http.post(f"{API}/search", json={"query": "which colour is the lighthouse"})
    assert found.status_code == 200, found.text
    assert "lighthouse" in found.text


def test_an_error_leaves_a_good_connection_behind(through: Pooler, alice: Person) -> None:
    wrong = db.Command("select 1 / (select 0)")
    with pytest.raises(psycopg.errors.DivisionByZero), db.transaction(alice.principal) as tx:
        tx.execute(wrong)
    assert alice.http.get(f"{API}/users/me").json()["user_id"] == alice.user_id


def test_nobody_inherits_the_tenant_of_a_shared_connection(
    needs_pooler: None, database: Any, alice: Person, bob: Person
) -> None:
    tenant = db.Query(_Tenant, "select coalesce(current_setting('anima.user_id', true), '') as user_id")
    with poolers.pooled(database.owner_url, size=1):
        for principal, expected in ((alice.principal, str(alice.user_id)), (auth.NOBODY, "")) * 2:
            with db.transaction(principal) as tx:
                seen = tx.fetch(tenant)
            assert seen.one().user_id == expected
        connection = db.pool("app").get()
        row = connection.execute("select count(*) from api_keys where user_id = %s", [alice.user_id]).fetchone()
        db.pool("app").put(connection)
    assert row == (0,)


def test_limits_of_the_roles_hold_behind_the_pooler(through: Pooler) -> None:
    for login, limit in (("app", "1min"), ("worker", "10min"), ("admin", "1min")):
        connection = db.pool(login).get()  # type: ignore[arg-type]
        row = connection.execute(
            "select current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        ).fetchone()
        db.pool(login).put(connection)  # type: ignore[arg-type]
        assert row == (limit, "1min")


def test_a_hundred_invocations_hold_few_connections(
    needs_pooler: None, database: Any, alice: Person, luna: str
) -> None:
    names = db.Query(_Tenant, "select user_id::text from users where user_id = %(owner_id)s")
    answered: list[str] = []

    def act() -> None:
        with db.transaction(alice.principal) as tx:
            found = tx.fetch(names, owner_id=alice.user_id)
        answered.append(found.one().user_id)

    load = poolers.measured(database.owner_url, act, invocations=100, size=5)
    assert (load.clients, load.failed) == (100, 0)
    assert 1 <= load.servers <= 5
    assert answered == [str(alice.user_id)] * 100


@pytest.fixture
def hidden_pooler(needs_pooler: None, fresh_database: Any) -> Iterator[str]:
    """The owner's URL by way of a pooler whose address says nothing, and which hands its connections round."""
    owner = parse(fresh_database.owner_url)
    users = {owner.user or "": owner.password or ""}
    settings = {"server_round_robin": 1}
    with poolers.running("127.0.0.1", owner.port or 5432, users, size=2, settings=settings) as pooler:
        url = pooler.url(fresh_database.owner_url)
        with connections.dial(url) as one, connections.dial(url) as other:  # two backends are there
            for connection in (one, other):
                connection.execute("begin")
        yield url


def test_migrations_refuse_a_pooler_by_its_url(hidden_pooler: str, login_passwords: bootstrap.LoginPasswords) -> None:
    url = with_option(hidden_pooler, "pgbouncer", "true")
    with pytest.raises(PooledConnection):
        migrations.migrate(url, migration_files.sql_dir())
    with pytest.raises(PooledConnection):
        bootstrap.ensure(url, login_passwords)


def test_migrations_refuse_a_pooler_by_what_it_does(hidden_pooler: str, fresh_database: Any, tmp_path: Path) -> None:
    shutil.copytree(migration_files.sql_dir() / "migrations", tmp_path / "migrations")
    number = 1 + len(migration_files.read(tmp_path / "migrations"))
    (tmp_path / "migrations" / f"{number:04d}_pre_probe.sql").write_text("create table probe (one integer);\n")
    with pytest.raises(PooledConnection):
        migrations.migrate(hidden_pooler, tmp_path)
    with connections.dial(fresh_database.owner_url) as direct:
        assert direct.execute("select to_regclass('probe')").fetchone() == (None,)


def with_option(url: str, name: str, value: str) -> str:
    parts = parse(url)
    return str(replace(parts, options=(*parts.options, (name, value))))


class _Tenant:
    def __init__(self, user_id: str) -> None:
        self.user_id = user_id


def sql_of_the_application() -> list[tuple[str, str]]:
    """Every string of the house that is run behind a pooler: all but what prepares and changes databases."""
    direct = (
        *("kernel/postgres/", "operations/branch", "operations/backup", "operations/schema", "operations/database"),
        *("operations/embeddings", "operations/nearest_indexes"),
    )
    house = ROOT / "layers" / "app" / "anima"
    found = []
    for path in sorted(house.rglob("*.py")):
        name = str(path.relative_to(house))
        if not name.startswith((*direct, "cli/")):
            found += [(name, text) for text in re.findall(r'"""(.*?)"""|"([^"\n]*)"', path.read_text(), re.DOTALL)]
    return [(name, one or other) for name, (one, other) in found]


def test_the_application_uses_nothing_that_belongs_to_a_session() -> None:
    statements = [(name, text) for name, text in sql_of_the_application() if looks_like_sql(text)]
    assert len(statements) > 100
    found = [
        f"{name}: {what}: {' '.join(text.split())[:80]}"
        for name, text in statements
        for what, pattern in OF_A_SESSION.items()
        if re.search(pattern, text, re.MULTILINE)
    ]
    assert not found, "\n".join(found)


def looks_like_sql(text: str) -> bool:
    return re.match(r"\s*(select|with|insert|update|delete|set|prepare|create|listen|load)\s", text) is not None
