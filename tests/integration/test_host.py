"""`anima up` through all that can happen to it: a second one, a taken port, stops at any moment, kill -9."""

from __future__ import annotations

import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from anima.kernel import db, delivery, outbox
from anima.operations.deliverer import Deliverer
from fixtures.api import MakeUser
from fixtures.house import House, wait_for
from fixtures.stub_llm import Reply, StubLLM

WORDS = "crane harbour tide seal winter grease rope anchor storm lamp keel mast cargo gull pilot".split()


def long_text(sentences: int) -> str:
    """A text of sentences that differ."""
    count = len(WORDS)
    told = (
        f"The {WORDS[n % count]} of day {n} met the {WORDS[(n * 7 + 3) % count]} by the {WORDS[(n * 11 + 5) % count]}."
        for n in range(sentences)
    )
    return "\n\n".join(told)


@pytest.fixture
def up(house: House) -> House:
    """The server, running at the beginning of a test."""
    if house.process is None or house.process.poll() is not None:
        house.up()
    return house


@pytest.mark.model
class TestStarting:
    def test_the_first_start_says_where_and_the_password_once(self, house: House) -> None:
        house.up()
        assert "password:" in house.output
        password = next(line for line in house.output.splitlines() if "password:" in line).split()[1]
        key_file = house.data_dir / "cli.json"
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        signed_in = httpx.post(f"{house.url}/api/v1/token", data={"username": "admin", "password": password})
        assert signed_in.status_code == 200
        with house.http() as client:
            assert [one["name"] for one in client.get("/avatars").json()["items"]] == ["Luna"]
        assert not [
            path for path in house.data_dir.rglob("*") if path.is_file() and password in path.read_text("latin1")
        ]

        assert house.stop(signal.SIGINT) == 0
        assert house.output.rstrip().endswith("stopped")
        house.up()
        assert "password" not in house.output
        assert password not in house.output
        with house.http() as client:
            assert client.get("/users/me").json()["username"] == "admin"

    def test_a_second_one_says_that_it_runs(self, up: House) -> None:
        done = up.run("up")
        assert done.returncode == 1
        assert up.url in done.stderr
        assert up.run("status").returncode == 0

    def test_a_port_of_another_program_is_said_at_once(self, up: House) -> None:
        port = up.url.rpartition(":")[2]
        done = up.run("up", ANIMA_DATA_DIR=str(up.folder / "other"), ANIMA_PORT=port)
        assert done.returncode == 1
        assert f"port {port}" in done.stderr
        assert "ANIMA_PORT" in done.stderr
        assert not (up.folder / "other" / "cli.json").exists()

    @pytest.mark.parametrize("after", [0.0, 0.3, 0.8, 1.3])
    def test_it_stops_while_it_starts(self, up: House, tmp_path: Path, after: float) -> None:
        other = House(tmp_path, up.settings)
        other.begin()
        wait_for((other.data_dir / "run" / "up.lock").exists)  # from here on it listens
        time.sleep(after)
        assert other.stop() == 0, other.output
        assert "Traceback" not in other.output
        assert other.run("status").returncode == 1

    def test_it_stops_in_the_middle_of_a_turn(self, up: House, stub_llm: StubLLM, house_db: Any) -> None:
        stub_llm.script(Reply("one two three four five six seven eight nine ten " * 20, token_delay=0.2))
        with up.http() as client, client.stream("POST", "/chat", json={"message": "count", "stream": True}) as events:
            assert next(line for line in events.iter_lines() if "event: token" in line)
            assert up.stop() == 0
        assert "Traceback" not in up.output
        state = house_db.execute("select state from llm_requests order by request_id desc limit 1").fetchone()
        assert state == ("completed",)
        kept = house_db.execute("select content from messages order by message_id desc limit 1").fetchone()
        assert kept[0].startswith("one two")

    def test_a_turn_that_hangs_does_not_keep_it_from_stopping(
        self, up: House, stub_llm: StubLLM, house_db: Any
    ) -> None:
        stub_llm.script(Reply(hang=True))
        asked = threading.Thread(target=_post, args=(up, "will you ever answer?"), daemon=True)
        asked.start()
        wait_for(lambda: stub_llm.chats)
        assert up.stop() == 0
        asked.join()
        up.up()
        row = house_db.execute("select state from llm_requests order by request_id desc limit 1").fetchone()
        assert row == ("interrupted",)


def _post(house: House, message: str, key: str | None = None) -> httpx.Response | None:
    with house.http() as client:
        try:
            return client.post("/chat", json={"message": message}, headers={"Idempotency-Key": key} if key else {})
        except httpx.HTTPError:
            return None


@pytest.mark.model
class TestKilled:
    def test_in_the_middle_of_a_turn(self, up: House, stub_llm: StubLLM, house_db: Any) -> None:
        stub_llm.script(Reply(hang=True))
        asked = threading.Thread(target=_post, args=(up, "remember the milk", "milk"), daemon=True)
        asked.start()
        wait_for(lambda: stub_llm.chats)
        up.kill()
        asked.join()
        states = "select state from llm_requests r join messages m using (message_id) where m.content = %s"
        assert house_db.execute(states, ["remember the milk"]).fetchall() == [("pending",)]

        up.up()
        assert house_db.execute(states, ["remember the milk"]).fetchall() == [("interrupted",)]
        stub_llm.script("Milk it is.")
        answer = _post(up, "remember the milk", "milk")
        assert answer is not None
        assert answer.json()["content"] == "Milk it is."
        again = _post(up, "remember the milk", "milk")
        assert again is not None
        assert again.json()["response_id"] == answer.json()["response_id"]
        said = house_db.execute("select count(*) from messages where content = 'remember the milk'").fetchone()
        assert said == (1,)

    def test_in_the_middle_of_an_ingestion(self, up: House, house_db: Any) -> None:
        with up.http() as client:
            body = {"title": "days", "text": long_text(2000)}
            queued = client.post("/documents", json=body)
            assert queued.status_code == 202, queued.text
            document = queued.json()["document_id"]
            wait_for(lambda: client.get(f"/documents/{document}").json()["chunks_done"] > 0)
            up.kill()
        half = house_db.execute("select state from documents where document_id = %s", [document]).fetchone()
        assert half != ("done",)

        up.up()
        with up.http() as client:
            done = wait_for(lambda: _ended(client, document))
        assert done["state"] == "done"
        counted = house_db.execute(
            "select count(*), count(distinct text) from chunks where document_id = %s", [document]
        ).fetchone()
        assert counted == (done["chunks_total"], done["chunks_total"])
        left = "select count(*) from outbox where delivered_at is null"
        wait_for(lambda: house_db.execute(left).fetchone() == (0,))


def _ended(client: httpx.Client, document: int) -> dict[str, Any] | None:
    shown: dict[str, Any] = client.get(f"/documents/{document}").json()
    return shown if shown["state"] in ("done", "failed") else None


@pytest.mark.model
def test_what_is_idle_asks_the_database_nothing(up: House, stub_llm: StubLLM, house_db: Any) -> None:
    stub_llm.script("Good morning.")
    up.say("chat", "luna", "good morning")
    wait_for(lambda: house_db.execute("select count(*) from outbox where delivered_at is null").fetchone() == (0,))
    asked = """
        select max(query_start), max(state_change) from pg_stat_activity
        where datname = current_database() and usename like 'anima\\_%' and pid <> pg_backend_pid()
            and usename <> current_user
    """
    time.sleep(0.5)
    before = house_db.execute(asked).fetchone()
    time.sleep(2)
    assert before[0] is not None
    assert house_db.execute(asked).fetchone() == before


@pytest.mark.model
def test_nothing_is_left_when_it_has_stopped(up: House) -> None:
    assert up.process is not None
    children = psutil.Process(up.process.pid).children(recursive=True)
    assert up.stop() == 0
    assert [child for child in children if child.is_running()] == []
    assert up.run("down").stdout == "nothing runs here\n"


class TestDelivering:
    """The threads that deliver the outbox, with workers of a test."""

    @pytest.fixture
    def emit(self, make_user: MakeUser) -> Callable[..., None]:
        person = make_user()

        def emitted(number: int, key: str = "a") -> None:
            with db.transaction(person.principal) as tx:
                outbox.emit(tx, "test", f"{person.user_id}:{key}", person.user_id, {"number": number})

        return emitted

    @pytest.fixture
    def deliver(self) -> Iterator[Callable[..., Deliverer]]:
        started: list[Deliverer] = []

        def start(handle: Callable[[dict[str, Any]], None], **more: Any) -> Deliverer:
            def worker(event: dict[str, Any], *, raising: bool) -> dict[str, Any]:
                return delivery.consume(event, lambda one: handle(one.payload), raising=raising)

            started.append(Deliverer({"test": worker}, **more))
            started[-1].start()
            return started[-1]

        yield start
        for one in started:
            one.stop()

    def test_what_is_committed_is_handled_at_once_and_in_order(self, emit: Any, deliver: Any) -> None:
        handled: list[int] = []
        deliver(lambda payload: handled.append(payload["number"]))
        for number in range(5):
            emit(number)
        wait_for(lambda: len(handled) == 5)
        assert handled == [0, 1, 2, 3, 4]

    def test_what_fails_comes_again(self, emit: Any, deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery, "_BACKOFF", [0.05] * 5)
        tries: list[int] = []

        def handle(payload: dict[str, Any]) -> None:
            tries.append(payload["number"])
            if len(tries) < 3:
                raise ValueError("not yet")

        deliver(handle)
        emit(7)
        wait_for(lambda: len(tries) == 3)
        emit(8)
        wait_for(lambda: len(tries) == 4)
        assert tries == [7, 7, 7, 8]

    def test_a_long_one_is_not_handed_out_twice(self, emit: Any, deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=0.4))
        begun: list[int] = []
        ended = threading.Event()

        def handle(payload: dict[str, Any]) -> None:
            begun.append(payload["number"])
            time.sleep(1.2)
            ended.set()

        deliver(handle, renew_seconds=0.1)
        emit(1)
        assert ended.wait(20)
        assert begun == [1]

    def test_what_waits_behind_another_does_not_make_it_spin(
        self, emit: Any, deliver: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[float] = []
        claim = delivery.claim
        monkeypatch.setattr(delivery, "claim", lambda topics: (asked.append(time.monotonic()), claim(topics))[1])
        go, handled = threading.Event(), []

        def handle(payload: dict[str, Any]) -> None:
            go.wait(10)
            handled.append(payload["number"])

        deliver(handle)
        emit(1)
        emit(2)
        time.sleep(0.5)
        assert len(asked) < 15
        go.set()
        wait_for(lambda: len(handled) == 2)
        assert handled == [1, 2]

    def test_a_heap_of_another_topic_keeps_nobody_waiting(self, make_user: MakeUser) -> None:
        person, go, handled = make_user(), threading.Event(), threading.Event()

        def slow(_event: dict[str, Any], *, raising: bool) -> dict[str, Any]:
            go.wait(20)
            return {}

        def quick(_event: dict[str, Any], *, raising: bool) -> dict[str, Any]:
            handled.set()
            return {}

        delivering = Deliverer({"slow": slow, "quick": quick})
        delivering.start()
        try:
            with db.transaction(person.principal) as tx:
                for number in range(10):
                    outbox.emit(tx, "slow", f"slow:{person.user_id}:{number}", person.user_id, {})
            with db.transaction(person.principal) as tx:
                outbox.emit(tx, "quick", f"quick:{person.user_id}", person.user_id, {})
            assert handled.wait(10)
        finally:
            go.set()
            delivering.stop()

    def test_what_a_killed_predecessor_had_taken_is_handled(self, emit: Any, deliver: Any) -> None:
        emit(3)
        assert delivery.claim() is not None
        handled: list[int] = []
        deliver(lambda payload: handled.append(payload["number"]))
        wait_for(lambda: handled == [3])
