"""What an hour costs in which nobody does anything, after a turn: statements at the database, and invocations.

The clock is a simulated one. At home the threads of `anima up` run in this process; deployed the functions' handlers
are called as their queues and one-shot schedules would call them, with moto in the place of both. Every login speaks to
the database through a proxy that counts whenever somebody waits for an answer: no wait is no statement.
"""

import sys

from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench

GREETING = "Hello, I am Diego and I hate olives"


def run(bench: Bench) -> None:
    """The hour after the last wake that followed a turn, deployed and at home."""
    sys.path.insert(0, str(ROOT / "tests"))
    with place.opened() as here, place.quick_embedder():
        _deployed(bench, here.owner_url)
        _at_home(bench, here.owner_url)


def _deployed(bench: Bench, owner_url: str) -> None:
    from fixtures.idle import in_the_cloud

    key = place.key_of(place.person())
    with in_the_cloud(owner_url) as cloud:
        cloud.say(key, message=GREETING)
        for _ in range(6):
            cloud.minute()
        bench.figure("wakes_after_a_turn", cloud.calls.count("outbox"), "invocations")
        statements, invocations = cloud.hour()
    bench.figure("sql_statements", statements, "statements", peer="limit", peer_value=0)
    bench.figure("invocations", invocations, "invocations", peer="limit", peer_value=0)


def _at_home(bench: Bench, owner_url: str) -> None:
    from fastapi.testclient import TestClient

    from anima.app.main import local
    from fixtures.idle import at_home

    bearer = {"Authorization": f"Bearer {place.key_of(place.person())}"}
    with at_home(owner_url) as home:
        client = TestClient(local(), base_url="http://localhost", headers=bearer)
        client.post("/api/v1/chat", json={"message": GREETING}).raise_for_status()
        home.settle()
        statements, calls = home.hour()
    bench.figure("sql_statements_at_home", statements, "statements", peer="limit", peer_value=0)
    bench.figure("invocations_at_home", calls, "invocations", peer="limit", peer_value=0)
    bench.note("one turn before the hour; the one wake after it lies two to five minutes behind the turn")
