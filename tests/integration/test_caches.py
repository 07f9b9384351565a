"""A cache on a server of the Redis protocol: right answers with it, without it, and when it breaks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from anima.vendors.cache import Cache, prefix_of
from anima.vendors.cache.over_redis import RedisCache
from anima.vendors.embeddings import question
from fixtures.api import Person
from fixtures.models import HashingEmbedder
from fixtures.stub_llm import StubLLM
from fixtures.turns import said

redis = pytest.importorskip("redis")
fakeredis = pytest.importorskip("fakeredis")


@pytest.fixture
def server() -> Iterator[Any]:
    """A server on a port of its own."""
    made = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def url(server: Any) -> str:
    return f"redis://127.0.0.1:{server.server_address[1]}/0"


@pytest.fixture
def seen(url: str) -> Any:
    """What the server holds, as somebody sees it who looks into it."""
    return redis.Redis.from_url(url)


def two(url: str) -> tuple[Cache, Cache]:
    """The caches of two processes that share a server."""
    shared = RedisCache(url, 20.0), RedisCache(url, 20.0)  # however slow this machine is
    assert all(one.await_ready(20.0) for one in shared)
    return Cache(shared[0]), Cache(shared[1])


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20.0
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def test_what_one_process_kept_another_finds(url: str, seen: Any) -> None:
    one, other = two(url)
    one.put(7, "question", "I hate olives", b"\x01\x02" * 500)
    assert eventually(lambda: bool(seen.dbsize()))
    assert other.get(7, "question", "I hate olives") == b"\x01\x02" * 500
    assert other.get(8, "question", "I hate olives") is None


def test_who_looks_into_the_server_learns_nothing(url: str, seen: Any) -> None:
    one, _ = two(url)
    one.put(7, "question", "I hate olives", b"olives, and nothing but olives")
    assert eventually(lambda: bool(seen.dbsize()))
    ((key,),) = [seen.keys("*")]
    assert b"olives" not in key
    assert b"olives" not in seen.get(key)
    assert 0 < seen.ttl(key) <= 24 * 3600
    seen.set(key, b"something else")
    assert Cache(one._shared).get(7, "question", "I hate olives") is None


def test_it_goes_with_its_tenant(url: str, seen: Any) -> None:
    one, other = two(url)
    for tenant in (7, 8):
        for number in range(30):
            one.put(tenant, "question", f"question {number}", b"x")
    assert eventually(lambda: seen.dbsize() == 60)
    assert other.forget(7)
    assert seen.dbsize() == 30
    assert not list(seen.scan_iter(match=f"{prefix_of(7)}*"))


def test_a_server_that_is_not_there_costs_nothing_after_the_first_time() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = RedisCache(f"redis://127.0.0.1:{port}/0")
    cache = Cache(shared)
    cache.put(1, "question", "a", b"1")
    assert cache.get(1, "question", "a") == b"1"
    assert cache.get(1, "question", "b") is None
    assert eventually(lambda: not shared._pinging)
    assert cache.get(1, "question", "b") is None
    assert not shared._pinging, "nobody asks again while the circuit is open"
    assert not cache.forget(1), "an erasure is told that it did not reach the server"


def test_a_server_that_hangs_is_waited_for_once_and_shortly() -> None:
    """It takes the call and never answers."""
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        shared = RedisCache(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0")
        shared._ready = True  # it answered until now
        cache = Cache(shared)
        assert cache.get(1, "question", "a") is None
        assert not shared._ready
        calls: list[Any] = []
        shared._threads.submit = lambda *asked: calls.append(asked)  # type: ignore[method-assign,assignment]
        for _ in range(1000):
            assert cache.get(1, "question", "a") is None
        assert calls == []


def test_a_server_that_comes_back_is_used_again(url: str, seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two(url)
    shared = one._shared
    assert isinstance(shared, RedisCache)
    shared._break("of the test")
    one.put(7, "question", "a", b"1")
    assert one.get(7, "question", "b") is None
    shared._open_until = 0.0
    assert shared.await_ready(20.0)
    one.put(7, "question", "a", b"1")
    assert eventually(lambda: bool(seen.dbsize()))
    assert other.get(7, "question", "a") == b"1"


@pytest.fixture
def shared(url: str) -> Iterator[Cache]:
    before = question._cache
    cache, _ = two(url)
    question.keep_in(cache)
    yield cache
    question.keep_in(before)


def test_turns_and_searches_keep_their_questions_but_those_of_private_sessions(
    alice: Person, luna: str, talking: StubLLM, shared: Cache, seen: Any, fast_embedder: HashingEmbedder
) -> None:
    private = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()["session_id"]
    said(alice, "What is kept of this?", session_id=private)
    assert shared.get(alice.user_id, "question", f"{fast_embedder.name}\0What is kept of this?") is None
    first = said(alice, "What do I hate?", avatar_id=luna)
    assert eventually(lambda: seen.dbsize() == 1)
    assert shared.get(alice.user_id, "question", f"{fast_embedder.name}\0What do I hate?") is not None
    said(alice, "What do I hate?", session_id=first["session_id"])
    alice.http.post(f"/api/v1/avatars/{luna}/memories/search", json={"query": "olives"})
    alice.http.post("/api/v1/search", json={"query": "herons"})
    assert eventually(lambda: seen.dbsize() == 3)
    assert not [key for key in seen.scan_iter() if not key.decode().startswith(prefix_of(alice.user_id))]
