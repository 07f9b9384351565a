"""A turn's own cost: CPU and wall of the server with a stub model, and its waits for the database, also far away.

The peer is a bare FastAPI handler that does one insert over a pooled connection. Both are asked in process, over ASGI;
the stub model answers from a process of its own. `sql_round_trips` counts every wait on the wire in a turn with its
authentication.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from scripts.venvs import ROOT
from tests.bench.frame import Bench

from anima.kernel import config, db, secrets, telemetry
from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.postgres.urls import with_login

TURNS = 20
FAR_SECONDS = 0.005
MOST_ROUND_TRIPS = 4
PEER = "a bare FastAPI handler with one insert"
LOGINS = ("anima_app", "anima_worker", "anima_admin")


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated database in a throw-away server."""

    owner_url: str

    @property
    def app_url(self) -> str:
        return with_login(self.owner_url, "anima_app", secrets.login_password("anima_app"))


def run(bench: Bench) -> None:
    """CPU, wall and round trips of a turn, near the database and five milliseconds from it."""
    sys.path.insert(0, str(ROOT / "tests"))
    with ExitStack() as held:
        place = held.enter_context(_database())
        held.enter_context(_settings(place, held.enter_context(_stub())))
        held.enter_context(_quick_embedder())
        near(bench, place)
        far(bench, place)


def near(bench: Bench, place: Place) -> None:
    """Side by side with the peer, the database on this machine."""
    say, insert = _anima(), _peer(place.owner_url)
    for clock, name in ((time.process_time, "cpu"), (time.perf_counter, "wall")):
        sides = bench.alternate(anima=_mean(say, clock), peer=_mean(insert, clock))
        bench.figure(f"{name}_per_turn", sides["anima"], "ms", peer=PEER, peer_value=sides["peer"])
    bench.note(f"each value is the mean of {TURNS} turns in one session, the database and the stub on this machine")


def far(bench: Bench, place: Place) -> None:
    """Through a proxy that counts waits, and makes each of them five milliseconds longer."""
    from fixtures.wire import through, wired

    with wired(place) as wire:
        say = _anima()
        say()
        before = wire.waits
        say()
        bench.figure("sql_round_trips", wire.waits - before, "waits", peer="limit", peer_value=MOST_ROUND_TRIPS)
        wire.delay = FAR_SECONDS
        insert = _peer(through(place.owner_url, wire))
        sides = bench.alternate(anima=_mean(say, time.perf_counter), peer=_mean(insert, time.perf_counter))
    bench.figure("wall_per_turn_at_5_ms", sides["anima"], "ms", peer=PEER, peer_value=sides["peer"])


def _mean(act: Callable[[], None], clock: Callable[[], float]) -> Callable[[], float]:
    def measured() -> float:
        begun = clock()
        for _ in range(TURNS):
            act()
        return (clock() - begun) * 1000 / TURNS

    return measured


def _anima() -> Callable[[], None]:
    """One turn in a session of its own, over HTTP with a key."""
    from fastapi.testclient import TestClient

    from anima.app.main import chat_app
    from anima.identity import service as identity

    principal = db.Principal(_user(), frozenset({"viewer"}))
    bearer = {"Authorization": f"Bearer {identity.create_key(principal, 'of the bench').key}"}
    client = TestClient(chat_app(), base_url="http://localhost", headers=bearer)
    client.__enter__()  # one event loop for all calls
    session = _said(client, {"message": "Hello, I am Diego and I hate olives"})["session_id"]

    def say() -> None:
        _said(client, {"message": "What do I hate?", "session_id": session})

    return say


def _said(client: Any, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/api/v1/chat", json=body)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    return dict(answer.json())


def _peer(url: str) -> Callable[[], None]:
    """The same protocol and framework, and nothing but an insert."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(url, min_size=1, max_size=2, kwargs={"autocommit": True}, open=True)
    app = FastAPI()

    @app.post("/insert")
    def insert(body: dict[str, str]) -> dict[str, int]:
        with pool.connection() as connection:
            row = connection.execute(
                "insert into peer (content) values (%s) returning id", [body["message"]]
            ).fetchone()
        return {"id": row[0] if row else 0}

    client = TestClient(app)
    client.__enter__()

    def act() -> None:
        client.post("/insert", json={"message": "What do I hate?"}).raise_for_status()

    return act


def _user() -> int:
    """A new person, without an avatar of the life beside them."""
    owner = config.settings().database_url
    assert owner is not None
    with psycopg.connect(owner.get_secret_value(), autocommit=True) as connection:
        row = connection.execute(
            "insert into users (username, password_hash) values (%s, '-') returning user_id",
            [f"bench-{os.urandom(4).hex()}"],
        ).fetchone()
    assert row is not None
    principal = db.Principal(int(row[0]), frozenset({"viewer"}))
    _avatar(principal)
    return int(row[0])


def _avatar(principal: db.Principal) -> None:
    from anima import personality
    from anima.avatars import service as avatars
    from anima.avatars.model import NewAvatar

    avatars.create(principal, NewAvatar("luna", personality.load_ready("luna")))


@contextmanager
def _database() -> Iterator[Place]:
    """A throw-away Postgres with everything migrated, and the table of the peer."""
    with ephemeral.ephemeral() as server, tempfile.TemporaryDirectory() as data:
        os.environ |= {"SECRET_KEY": "of the bench", "ANIMA_DATA_DIR": data}
        config.settings.cache_clear()
        secrets.master_key.cache_clear()
        passwords = bootstrap.LoginPasswords(*(secrets.login_password(login) for login in LOGINS))
        bootstrap.ensure(server.owner_url, passwords)
        migrations.migrate(server.owner_url, migration_files.sql_dir())
        with psycopg.connect(server.owner_url, autocommit=True) as connection:
            connection.execute("create table peer (id bigint generated always as identity, content text)")
        yield Place(server.owner_url)
        db.close_pools()


@contextmanager
def _settings(place: Place, stub: str) -> Iterator[None]:
    wanted = {
        "ANIMA_DATABASE_URL": place.owner_url,
        "OPENAI_API_KEY": "sk-of-the-bench",
        "OPENAI_BASE_URL": stub,
        "ANIMA_LOG_LEVEL": "error",
    }
    os.environ |= wanted
    config.settings.cache_clear()
    telemetry.configure("error")
    yield
    for name in wanted:
        os.environ.pop(name, None)
    config.settings.cache_clear()


@contextmanager
def _stub() -> Iterator[str]:
    """The stub model, outside this process, so that its CPU is not counted."""
    program = str(ROOT / "tests" / "fixtures" / "stub_llm.py")
    process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()


@contextmanager
def _quick_embedder() -> Iterator[None]:
    from anima.vendors import embeddings
    from fixtures.models import HashingEmbedder

    with embeddings.use(HashingEmbedder()):
        yield
