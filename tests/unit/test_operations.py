"""What keeps a place running, as far as it needs neither database nor model: quiet, idleness, the wish to end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anima.kernel import config
from anima.operations import running
from anima.operations.idle import IdleExit
from anima.operations.quiet import Quiet
from anima.operations.stop import Interruptible, Stop, Stopped
from anima.vendors.assets import Silent


class Held:
    """An ASGI app that answers when it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.set()
        await asyncio.to_thread(self.released.wait, 10)

    def ask(self, app: Any, path: str, method: str = "POST") -> threading.Thread:
        """A request in a thread, under way when this returns."""
        scope = {"type": "http", "method": method, "path": path}
        thread = threading.Thread(target=lambda: asyncio.run(app(scope, None, None)))
        thread.start()
        assert self.reached.wait(10)
        return thread


@pytest.fixture
def held() -> Iterator[Held]:
    app = Held()
    yield app
    app.released.set()


class TestQuiet:
    def test_nothing_asked_is_quiet(self) -> None:
        assert Quiet().wait(patience=0.1)

    def test_a_turn_that_is_answered_is_not(self, held: Held) -> None:
        quiet = Quiet()
        asked = held.ask(quiet.around(held), "/api/v1/chat")
        assert not quiet.wait(patience=0.05, quiet=0)
        held.released.set()
        asked.join()
        assert quiet.wait(patience=5, quiet=0.01)

    def test_the_first_moments_after_it_are_not_either(self, held: Held) -> None:
        quiet = Quiet()
        held.released.set()
        held.ask(quiet.around(held), "/api/v1/chat").join()
        assert not quiet.wait(patience=0.05, quiet=60)

    @pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/chat"), ("POST", "/api/v1/documents")])
    def test_other_requests_do_not_count(self, held: Held, method: str, path: str) -> None:
        quiet = Quiet()
        asked = held.ask(quiet.around(held), path, method)
        assert quiet.wait(patience=0.05)
        held.released.set()
        asked.join()

    def test_work_begins_when_it_is_quiet(self) -> None:
        assert Quiet().before(lambda a, b: a + b)(1, b=2) == 3


class TestIdleExit:
    def test_it_stops_after_a_while(self) -> None:
        stopped = threading.Event()
        IdleExit(None, 0.02, stopped.set, lambda: False)
        assert stopped.wait(10)

    def test_what_is_asked_or_worked_on_keeps_it(self, held: Held) -> None:
        stopped, busy = threading.Event(), threading.Event()
        busy.set()
        app = IdleExit(held, 0.02, stopped.set, busy.is_set)
        asked = held.ask(app, "/")
        assert not stopped.wait(0.2)
        held.released.set()
        asked.join()
        assert not stopped.wait(0.2)
        busy.clear()
        assert stopped.wait(10)

    def test_a_server_that_only_lives_is_idle(self, held: Held) -> None:
        stopped = threading.Event()
        app = IdleExit(held, 0.02, stopped.set, lambda: False)
        thread = threading.Thread(target=lambda: asyncio.run(app({"type": "lifespan"}, None, None)))
        thread.start()
        assert stopped.wait(10)
        held.released.set()
        thread.join()


class TestStop:
    @pytest.fixture(autouse=True)
    def same_signals(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_is_a_wish_and_no_exception(self, number: int) -> None:
        stop = Stop()
        stop.listen()
        stop.check()
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert stop.wanted
        with pytest.raises(Stopped):
            stop.check()

    def test_it_ends_a_download(self) -> None:
        stop = Stop()
        progress = Interruptible(Silent(), stop)
        progress.update("a model", 1, 2)
        stop.ask()
        with pytest.raises(Stopped):
            progress.update("a model", 2, 2)
        with pytest.raises(Stopped):
            progress.note("passed over")


class TestRunning:
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path / "data"))
        config.settings.cache_clear()
        yield tmp_path / "data"
        config.settings.cache_clear()

    def test_nothing_runs_and_nothing_is_made_by_asking(self, place: Path) -> None:
        assert running.holder() is None
        assert running.ready() is None
        assert not place.exists()

    def test_one_at_a_time(self) -> None:
        with running.alone():
            assert running.holder()
            with pytest.raises(running.AlreadyRunning) as refused, running.alone():
                pytest.fail("two at once")
        assert str(os.getpid()) in refused.value.detail
        assert running.holder() is None

    def test_what_ran_before_is_known_and_not_ready(self, place: Path) -> None:
        instance = uuid.uuid4()
        running.announce("http://127.0.0.1:1", instance)
        assert running.ready() is None
        known = running.last_known()
        assert known is not None
        assert known.instance == instance
        with running.alone():
            assert running.ready() == known
        (place / "run" / "server.json").write_text("half a fi")
        assert running.last_known() is None
