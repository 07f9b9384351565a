"""A house that is killed again and again while somebody brings and deletes things: in the end all of it agrees."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from anima.kernel import config, delivery, outbox
from anima.operations.deliverer import workers
from anima.vendors import embeddings
from fixtures import agreement, files
from fixtures.api import Person
from fixtures.hostile_web import Web, said
from fixtures.models import HashingEmbedder
from fixtures.pinecone_double import KEY, PineconeDouble

Connection = psycopg.Connection[Any]
SECONDS = float(os.environ.get("STORM_SECONDS", "5"))
SEED = int(os.environ.get("STORM_SEED", "7"))
_WAITING = "select count(*) from outbox where owner_id = %s and delivered_at is null and dead_at is null"
_DOCUMENTS = "select document_id from documents where owner_id = %s"
TESTS = str(Path(__file__).parents[1])

# The app and what delivers its events in one process, as at home: each line that comes kills it and starts another.
HOUSE = f"""
import os, signal, socket, sys, threading
sys.path.insert(0, {TESTS!r})
import uvicorn
from anima.app.main import local
from anima.kernel.config import Settings
from anima.operations.deliverer import Deliverer, workers
from anima.vendors import embeddings
from fixtures.models import HashingEmbedder
import anima.vendors.vector_stores.pinecone, anima.vendors.readers.pdf, anima.vendors.readers.plain
from datetime import timedelta
from anima.knowledge import claim_repo
claim_repo.SILENCE = timedelta(seconds=3)
Settings.model_config["env_file"] = None
local(), workers()

def serve(listener):
    os.setsid()
    server = uvicorn.Server(uvicorn.Config(local(), log_level="error"))
    with embeddings.use(HashingEmbedder()):
        Deliverer(workers()).start()
        server.run(sockets=[listener])

listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(listener.getsockname()[1], flush=True)
child = 0
for line in iter(sys.stdin.readline, ""):
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    child = os.fork() if line.strip() == "start" else 0
    if line.strip() == "start" and not child:
        serve(listener)
        os._exit(0)
    print("done", flush=True)
if child:
    os.kill(child, signal.SIGKILL)
"""


@dataclass(slots=True)
class House:
    """What starts the process and kills it, where that serves, and how often it was killed."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[str] | None = None
    url: str = ""
    kills: int = -1

    def open(self) -> None:
        """Makes ready to start."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HOUSE],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def again(self, command: str = "start") -> None:
        """kill -9, as a machine does it that runs out of memory, and another."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(command, file=self.process.stdin, flush=True)
        self.process.stdout.readline()
        self.kills += 1

    def close(self) -> None:
        """Ends both."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass(slots=True)
class Kept:
    """What was acknowledged: documents by what only they say, and those that somebody asked to delete."""

    documents: dict[int, str] = field(default_factory=dict)
    asked_away: set[int] = field(default_factory=set)
    away: set[int] = field(default_factory=set)
    uploads: list[str] = field(default_factory=list)
    summaries: set[int] = field(default_factory=set)
    stores: dict[int, str] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)


class Storm:
    """Random acts of a person on a house that is killed under them."""

    def __init__(self, house: House, person: Person, web: Web, double: PineconeDouble, seed: int) -> None:
        self.house, self.person, self.web, self.double = house, person, web, double
        self.chance, self.kept = random.Random(seed), Kept()  # noqa: S311 (no secret)
        self.number = 0
        self.engine = threading.Lock()

    def call(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        """An answer, or nothing where the house died or was not there."""
        headers = {"Authorization": f"Bearer {self.person.key}"}
        try:
            answer = httpx.request(
                method, f"{self.house.url}/api/v1{path}", headers=headers, timeout=20, trust_env=False, **given
            )
        except httpx.HTTPError:
            time.sleep(0.05)
            return None
        name = f"{method} {path.split('/')[1]} {answer.status_code}"
        self.kept.done[name] = self.kept.done.get(name, 0) + 1
        return answer

    def text(self) -> tuple[str, str]:
        self.number += 1
        word = f"marguerite{self.number}"
        lines = [
            f"Line {n} of {word} tells of boat {self.chance.randrange(90)} and of harbour {n % 13}."
            for n in range(self.chance.choice([1, 5, 60, 900]))
        ]
        return word, "\n\n".join(lines)

    def took(self, answer: httpx.Response | None, word: str) -> None:
        if answer is not None and answer.status_code == 202:
            self.kept.documents[int(answer.json()["document_id"])] = word

    def brings_text(self) -> None:
        word, text = self.text()
        purpose = "semantic" if self.kept.stores and self.chance.random() < 0.5 else "context"
        self.took(self.call("POST", "/documents", json={"text": text, "purpose": purpose}), word)

    def brings_a_file(self) -> None:
        word, text = self.text()
        if self.chance.random() < 0.5:
            given = ("pages.pdf", files.pdf(*text.split("\n\n")[:6]))
        else:
            given = ("notes.md", text.encode())
        self.took(self.call("POST", "/documents", files={"file": given}), word)

    def brings_an_address(self) -> None:
        _, text = self.text()
        path = f"/{self.chance.randrange(6)}.txt"
        self.web.paths[path] = said(text.encode(), "Content-Type: text/plain")
        answer = self.call("POST", "/documents", json={"uri": self.web.url(path)})
        self.took(answer, "")

    def uploads(self) -> None:
        word, text = self.text()
        data = text.encode()
        ticket = self.call("POST", "/uploads", json={"name": "notes.txt", "size_bytes": len(data)})
        if ticket is None or ticket.status_code != 201:
            return
        upload = ticket.json()["upload_id"]
        for _ in range(2):
            sent = self.call("PUT", f"/uploads/{upload}/content", content=data)
            if sent is not None and sent.status_code == 200:
                break
        if self.chance.random() < 0.8:
            self.took(self.call("POST", "/documents", json={"upload": upload}), word)

    def deletes(self) -> None:
        if not self.kept.documents:
            return
        document_id = self.chance.choice(list(self.kept.documents))
        self.kept.asked_away.add(document_id)
        answer = self.call("DELETE", f"/documents/{document_id}")
        if answer is not None and answer.status_code == 204:
            self.kept.away.add(document_id)

    def retries(self) -> None:
        if self.kept.documents:
            self.call("POST", f"/documents/{self.chance.choice(list(self.kept.documents))}/retry")

    def sums_up(self) -> None:
        if self.kept.documents:
            document_id = self.chance.choice(list(self.kept.documents))
            answer = self.call("POST", f"/documents/{document_id}/summary", json={"mode": "extractive"})
            if answer is not None and answer.status_code == 202:
                self.kept.summaries.add(int(answer.json()["summary_id"]))

    def makes_a_store(self) -> None:
        if len(self.kept.stores) >= 2:
            return
        body = {
            "store_name": f"papers-{self.number}-{len(self.kept.done)}",
            "purpose": "semantic",
            "provider": "pinecone",
            "endpoint_url": self.double.url,
            "api_key": KEY,
        }
        answer = self.call("POST", "/vector-stores", json=body)
        if answer is not None and answer.status_code == 201:
            self.kept.stores[int(answer.json()["store_id"])] = body["store_name"]

    def deletes_a_store(self) -> None:
        if not self.kept.stores or self.chance.random() < 0.6:
            return
        store_id = self.chance.choice(list(self.kept.stores))
        listed = self.call("GET", "/documents", params={"limit": 200, "purpose": "semantic"})
        if listed is None or listed.status_code != 200:
            return
        self.kept.asked_away |= {d["document_id"] for d in listed.json()["items"]}
        self.kept.asked_away |= set(self.kept.documents)  # some of them may lie in it and not be listed yet
        answer = self.call("DELETE", f"/vector-stores/{store_id}")
        if answer is not None and answer.status_code in (202, 204, 404):
            self.kept.stores.pop(store_id, None)

    def engine_dies(self) -> None:
        if self.engine.acquire(blocking=False):
            self.double.kill()
            threading.Timer(0.7, self.engine_lives).start()

    def engine_lives(self) -> None:
        self.double.revive()
        self.engine.release()

    def rages(self, seconds: float) -> None:
        """Acts at random in some threads, while the house is killed at random."""
        acts: list[tuple[Callable[[], None], int]] = [
            (self.brings_text, 8),
            (self.brings_a_file, 4),
            (self.brings_an_address, 3),
            (self.uploads, 4),
            (self.deletes, 6),
            (self.retries, 2),
            (self.sums_up, 3),
            (self.makes_a_store, 3),
            (self.deletes_a_store, 1),
            (self.engine_dies, 1),
        ]
        until = time.monotonic() + seconds

        def acting() -> None:
            while time.monotonic() < until:
                act = self.chance.choices([a for a, _ in acts], [n for _, n in acts])[0]
                with suppress(OSError):
                    act()
                time.sleep(0.02)

        threads = [threading.Thread(target=acting) for _ in range(3)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            time.sleep(self.chance.uniform(0.2, 2.5))
            self.house.again()
        for thread in threads:
            thread.join()


def calm(connection: Connection, person: Person, seconds: float = 90) -> None:
    """Lets all be due that waits, until nothing does; what fails all the time stays, and is found out."""
    until = time.monotonic() + seconds
    given = [person.user_id]
    while time.monotonic() < until:
        connection.execute(
            """
            update outbox set next_attempt_at = now()
            where owner_id = %s and delivered_at is null and dead_at is null
                and (attempts = 0 or last_error is not null and attempts < 4)
            """,
            given,
        )
        connection.execute("update vector_stores set retry_at = now() where owner_id = %s and retry_at > now()", given)
        connection.execute(
            """
            update outside_vectors set busy_until = now()
            where owner_id = %s and busy_until between now() and now() + interval '115 seconds'
            """,
            given,
        )
        waiting = connection.execute(_WAITING, given).fetchone()
        if waiting == (0,):
            return
        time.sleep(0.3)


@pytest.fixture
def house(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: Web) -> Iterator[House]:
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["127.0.0.1"]')
    config.settings.cache_clear()
    made = House({**os.environ}, tmp_path / "log")
    made.open()
    made.again()
    yield made
    made.close()
    monkeypatch.undo()
    config.settings.cache_clear()


def once_more(connection: Connection, person: Person, chance: random.Random) -> None:
    """All events that ever were are delivered again, in any order, two at once."""
    query = (
        "select event_id, topic, key, owner_id, payload, 1 from outbox where owner_id = %s and topic <> 'turn.finished'"
    )
    events = [outbox.Event(*row) for row in connection.execute(query, [person.user_id])]
    chance.shuffle(events)
    with embeddings.use(HashingEmbedder()), ThreadPoolExecutor(2) as pool:
        for answer in pool.map(lambda event: workers()[event.topic](delivery.as_sqs(event)), events * 2):
            assert answer == {"batchItemFailures": []}


def all_agrees(connection: Connection, person: Person, storm: Storm, data_dir: Path) -> None:
    there = {row[0] for row in connection.execute(_DOCUMENTS, [person.user_id])}
    assert agreement.disagreements(connection, person.user_id) == {}
    assert agreement.stray_files(connection, person.user_id, data_dir) == {}
    assert agreement.stray_points(connection, person.user_id, storm.double.points()) == {}
    assert set(storm.kept.documents) - storm.kept.asked_away <= there, "what was acknowledged is there"
    assert not storm.kept.away & there, "what was deleted stays away"
    assert list((data_dir / "spool").iterdir()) == []


def test_after_a_storm_all_agrees(
    house: House, alice: Person, web: Web, pinecone_double: PineconeDouble, owner_conn: Connection, tmp_path: Path
) -> None:
    storm = Storm(house, alice, web, pinecone_double, SEED)
    storm.rages(SECONDS)
    storm.engine.acquire()
    calm(owner_conn, alice)
    # What was killed each time is told so, and taken on again where somebody asks.
    failed = owner_conn.execute(_DOCUMENTS + " and state = 'failed'", [alice.user_id])
    for (document_id,) in failed.fetchall():
        storm.call("POST", f"/documents/{document_id}/retry")
    calm(owner_conn, alice)
    print(house.kills, "kills", storm.kept.done)
    all_agrees(owner_conn, alice, storm, tmp_path / "data")

    house.again("stop")
    once_more(owner_conn, alice, storm.chance)
    house.again()
    calm(owner_conn, alice)
    all_agrees(owner_conn, alice, storm, tmp_path / "data")
    assert storm.kept.documents, "something was acknowledged"
