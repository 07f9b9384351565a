"""What a cold function does while it waits for the database: it loads the SDK of the model that is asked after."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from anima.app.main import chat_app
from anima.gateway import service as gateway
from anima.vendors.llm import client


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Is released when the SDK is loaded, in a process that had nothing to do with a model yet."""
    told = threading.Semaphore(0)
    monkeypatch.setattr(client, "load", told.release)
    gateway.expect.cache_clear()
    yield told
    gateway.expect.cache_clear()


def test_it_is_loaded_before_anybody_knows_who_speaks_and_once(loaded: threading.Semaphore) -> None:
    http = TestClient(chat_app(), base_url="http://localhost")
    for _ in range(2):
        assert http.post("/api/v1/chat", json={"message": "Hello"}).status_code == 401
    assert loaded.acquire(timeout=10)
    assert not loaded.acquire(timeout=0.1)


def test_what_is_no_turn_loads_nothing(loaded: threading.Semaphore) -> None:
    http = TestClient(chat_app(), base_url="http://localhost")
    assert http.get("/api/v1/sessions").status_code == 401
    assert not loaded.acquire(timeout=0.1)
