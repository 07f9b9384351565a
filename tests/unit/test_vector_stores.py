"""Engines that misbehave, by the kind of error that comes of it; and names that no two stores share."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from anima.kernel.config import settings
from anima.vendors import vector_stores
from anima.vendors.vector_stores import Point, Space, StoreFault, StoreRefused, StoreUnavailable
from fixtures.engine_server import Asked, EngineServer


class Broken:
    """A server that answers everything alike."""

    def __init__(self) -> None:
        self.status, self.answer = 500, {"status": {"error": "out of order"}}  # type: tuple[int, Any]
        self.server = EngineServer(self._any)
        self.server.start()

    def _any(self, _asked: Asked) -> tuple[int, Any]:
        return self.status, self.answer


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["127.0.0.1"]')
    settings.cache_clear()
    server = Broken()
    yield server
    server.server.kill()
    vector_stores.close_all()
    settings.cache_clear()


SPACE = Space("anima-test", "anima-test", 4)


def calls(provider: str, url: str) -> list[Any]:
    """Every call of a store, to be made."""
    store = vector_stores.connect(provider, url, "a-key", SPACE)
    return [
        store.check,
        store.ensure,
        lambda: store.upsert([Point("chunk:1", [1.0, 0.0, 0.0, 0.0], 1, 1)]),
        lambda: store.delete(1, ["chunk:1"]),
        lambda: store.search([1.0, 0.0, 0.0, 0.0], 3, 1),
        lambda: store.ids(1),
        lambda: store.drop(1),
    ]


@pytest.mark.parametrize("provider", ["pinecone", "weaviate", "qdrant"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, StoreRefused),
        (403, StoreRefused),
        (429, StoreUnavailable),
        (500, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_what_a_server_answers_is_an_error_by_its_kind(
    provider: str, status: int, error: type[Exception], broken: Broken
) -> None:
    broken.status = status
    for call in calls(provider, broken.server.url):
        with pytest.raises(error) as raised:
            call()
        assert "a-key" not in str(raised.value)


@pytest.mark.parametrize("provider", ["pinecone", "weaviate", "qdrant"])
def test_a_server_that_is_away_is_unavailable(provider: str, broken: Broken) -> None:
    broken.server.kill()
    for call in calls(provider, broken.server.url):
        with pytest.raises(StoreUnavailable):
            call()


def test_a_milvus_that_is_away_is_unavailable(broken: Broken) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = vector_stores.connect("milvus", f"http://127.0.0.1:{nobody.getsockname()[1]}", "a:b", SPACE)
        with pytest.raises(StoreUnavailable):
            store.check()


@pytest.mark.parametrize("provider", ["pinecone", "weaviate"])
def test_redirects_lead_nowhere(provider: str, broken: Broken) -> None:
    broken.status, broken.answer = 302, None
    with pytest.raises(StoreUnavailable):
        vector_stores.connect(provider, broken.server.url, "a-key", SPACE).check()
    assert len(broken.server.asked) == 1


def test_an_answer_of_another_shape_is_no_crash(broken: Broken) -> None:
    broken.status, broken.answer = 200, {"errors": [{"message": "nonsense"}]}
    with pytest.raises((StoreFault, StoreUnavailable)):
        vector_stores.connect("weaviate", broken.server.url, "a-key", SPACE).search([1.0, 0.0, 0.0, 0.0], 3, 1)


def test_spaces_differ_by_store_and_model_and_points_by_owner() -> None:
    one = vector_stores.space(7, "a@1", 384)
    assert one == vector_stores.space(7, "a@1", 384)
    assert one.name != vector_stores.space(8, "a@1", 384).name != vector_stores.space(8, "a@2", 384).name
    assert len(vector_stores.space(2**62, "a@1", 384).name) <= 45
    assert one.tenant(1) != one.tenant(2)
    assert one.point_id(1, "chunk:1") != one.point_id(2, "chunk:1") != one.point_id(2, "chunk:2")
    named = vector_stores.space(7, "a@1", 384, named="papers")
    assert (named.name, named.own, named.tenant(1)) == ("papers", False, one.tenant(1))


@pytest.mark.parametrize("provider", ["qdrant", "weaviate", "pinecone"])
def test_a_name_that_leads_elsewhere_after_the_check_changes_nothing(
    provider: str, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is checked, inside when it is called."""
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["engine.test"]')
    settings.cache_clear()
    real, asked = socket.getaddrinfo, []

    def looked_up(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name != "engine.test":
            return real(host, *rest, **more)
        asked.append(name)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    port = broken.server.url.rpartition(":")[2]
    store = vector_stores.connect(provider, f"http://engine.test:{port}", "a-key", SPACE)
    with pytest.raises(StoreUnavailable):
        store.check()
    assert len(asked) == 1
    assert len(broken.server.asked) == 1
