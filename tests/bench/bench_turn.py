"""A turn's own cost: CPU and wall of the server with a stub model, and its waits for the database, also far away.

The peer is a bare FastAPI handler that does one insert over a pooled connection. Both are asked in process, over ASGI;
the stub model answers from a process of its own. `sql_round_trips` counts every wait on the wire in a turn with its
authentication.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench

TURNS = 20
FAR_SECONDS = 0.005
MOST_ROUND_TRIPS = 4
PEER = "a bare FastAPI handler with one insert"


def run(bench: Bench) -> None:
    """CPU, wall and round trips of a turn, near the database and five milliseconds from it."""
    sys.path.insert(0, str(ROOT / "tests"))
    with place.opened() as here, place.quick_embedder():
        with psycopg.connect(here.owner_url, autocommit=True) as connection:
            connection.execute("create table peer (id bigint generated always as identity, content text)")
        near(bench, here)
        far(bench, here)


def near(bench: Bench, here: place.Place) -> None:
    """Side by side with the peer, the database on this machine."""
    say, insert = _anima(), _peer(here.owner_url)
    for clock, name in ((time.process_time, "cpu"), (time.perf_counter, "wall")):
        sides = bench.alternate(anima=_mean(say, clock), peer=_mean(insert, clock))
        bench.figure(f"{name}_per_turn", sides["anima"], "ms", peer=PEER, peer_value=sides["peer"])
    bench.note(f"each value is the mean of {TURNS} turns in one session, the database and the stub on this machine")


def far(bench: Bench, here: place.Place) -> None:
    """Through a proxy that counts waits, and makes each of them five milliseconds longer."""
    from fixtures.wire import through, wired

    with wired(here) as wire:
        say = _anima()
        say()
        before = wire.waits
        say()
        bench.figure("sql_round_trips", wire.waits - before, "waits", peer="limit", peer_value=MOST_ROUND_TRIPS)
        wire.delay = FAR_SECONDS
        insert = _peer(through(here.owner_url, wire))
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

    bearer = {"Authorization": f"Bearer {place.key_of(place.person())}"}
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
