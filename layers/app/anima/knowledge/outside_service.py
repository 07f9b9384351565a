"""Asks other engines what is near: each in a thread, for so long only; one that fails costs its own candidates."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from anima.kernel import db, secrets, telemetry
from anima.kernel.errors import AnimaError
from anima.knowledge import outside_repo
from anima.knowledge.stores_model import OutsideStore

if TYPE_CHECKING:
    from anima.vendors.vector_stores import Found, Metric, Space, VectorStore

PATIENCE = 3.0
"""Seconds that a search waits for an engine."""
_REST_SECONDS = 20.0  # so long an engine that let a search wait is not asked again
_CHUNK = "chunk:"
_FERNET = b"gAAAA"

_lock = threading.Lock()
_resting: dict[tuple[str, str | None, str], float] = {}


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """A store that could not be asked, and why."""

    store_id: int
    store_name: str
    reason: str

    @property
    def warning(self) -> str:
        """As an answer tells it."""
        return f"the store {self.store_name} was not searched: {self.reason}"


@dataclass(frozen=True, slots=True)
class Outside:
    """Candidates from other engines: chunks and their cosines, one for one; and the stores that gave none."""

    chunk_ids: list[int]
    cosines: list[float]
    failures: list[StoreFailure]


def searched(
    tx: db.Transaction, owner_id: int, purposes: Sequence[str], embedding_model: str
) -> db.Pending[OutsideStore]:
    """The stores on other engines that a search of these purposes asks; of this model only, others do not compare."""
    return outside_repo.searched(tx, owner_id, purposes, embedding_model)


def api_key_of(store: OutsideStore) -> str | None:
    """The key in the clear; one that came by plain SQL is as it came. Raises BadCiphertext under another master key."""
    if store.api_key is None:
        return None
    raw = bytes(store.api_key)
    return secrets.decrypt(raw) if raw.startswith(_FERNET) else raw.decode("utf-8", "replace")


def told(store: OutsideStore, reason: str) -> str:
    """What an engine said, for people: some repeat the key that they were given."""
    try:
        key = api_key_of(store)
    except secrets.BadCiphertext:
        return reason
    return reason.replace(key, "…") if key else reason


def is_plain(store: OutsideStore) -> bool:
    """Whether the key lies in the database as it is."""
    return store.api_key is not None and not bytes(store.api_key).startswith(_FERNET)


def opened(store: OutsideStore, embedding_model: str | None = None) -> VectorStore:
    """The space of a store for a model (the store's own, if none is named). Asks nothing of the engine yet.

    Raises UnknownProvider, NoEndpoint, ClientMissing, BadAddress, PrivateAddress, UnknownHost, BadCiphertext.
    """
    from anima.vendors import vector_stores

    where = space_of(store, embedding_model or store.embedding_model)
    return vector_stores.connect(store.provider, store.endpoint_url, api_key_of(store), where)


def space_of(store: OutsideStore, model: str) -> Space:
    """Where the vectors of a model lie."""
    from anima.vendors import vector_stores

    metric = cast("Metric", store.metric)
    return vector_stores.space(store.store_id, model, store.dimension_of(model), metric, store.space_name)


def dropped(store: OutsideStore, model: str, owner_id: int) -> None:
    """Removes the space of a model with all of the owner in it. Raises as `opened`, and what the engine says."""
    from anima.vendors import vector_stores

    key = api_key_of(store)
    vector_stores.drop(store.provider, store.endpoint_url, key, space_of(store, model), owner_id)


def nearest(
    owner_id: int,
    stores: Sequence[OutsideStore],
    vector: Sequence[float],
    limit: int,
    document_ids: Sequence[int] | None = None,
    patience: float = PATIENCE,
) -> Outside:
    """The chunks of an owner that are nearest to a vector, in all these stores; raises nothing for what they do.

    The caller checks that the chunks are the owner's and their documents done: an engine's word is not enough.
    """
    asked = [_Asked(store) for store in stores]
    for each in asked:
        each.begin(owner_id, vector, limit, document_ids)
    deadline = time.monotonic() + patience
    outside = Outside([], [], [])
    for each in asked:
        each.wait(max(0.0, deadline - time.monotonic()))
        _take(outside, each)
    return outside


class _Asked:
    """One store that is being asked in a thread of its own; who waits no longer leaves it behind."""

    def __init__(self, store: OutsideStore) -> None:
        self.store = store
        self.found: list[Found] | None = None
        self.reason = f"it did not answer within {PATIENCE:g} seconds"
        self._ended = threading.Event()

    def begin(self, owner_id: int, vector: Sequence[float], limit: int, document_ids: Sequence[int] | None) -> None:
        """Asks, unless the engine has just let somebody wait in vain."""
        if _rests(self.store):
            self.reason = "it did not answer a moment ago"
            self._ended.set()
            return
        arguments = (owner_id, vector, limit, document_ids)
        threading.Thread(target=self._ask, args=arguments, name="outside-search", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Waits for the answer."""
        if not self._ended.wait(seconds):
            _rest(self.store)

    def _ask(self, owner_id: int, vector: Sequence[float], limit: int, document_ids: Sequence[int] | None) -> None:
        from anima.kernel.errors import Unavailable

        try:
            self.found = opened(self.store).search(vector, limit, owner_id, document_ids)
        except Unavailable as error:
            _rest(self.store)
            self.reason = told(self.store, error.detail)
        except AnimaError as error:
            self.reason = told(self.store, error.detail)
        except Exception as error:  # whatever a client raises, the other stores have their answers
            telemetry.error("store.search", error, provider=self.store.provider)
            self.reason = f"an error of kind {type(error).__name__}"
        finally:
            self._ended.set()


def _take(outside: Outside, asked: _Asked) -> None:
    found = asked.found
    if found is None:
        telemetry.count("stores.unsearched", provider=asked.store.provider)
        outside.failures.append(StoreFailure(asked.store.store_id, asked.store.store_name, asked.reason))
        return
    for each in found:
        number = each.external_id.removeprefix(_CHUNK)
        if each.external_id.startswith(_CHUNK) and number.isdecimal():
            outside.chunk_ids.append(int(number))
            outside.cosines.append(each.similarity)


def _place(store: OutsideStore) -> tuple[str, str | None, str]:
    return store.provider, store.endpoint_url, bytes(store.api_key or b"").hex()


def _rests(store: OutsideStore) -> bool:
    with _lock:
        return time.monotonic() < _resting.get(_place(store), 0.0)


def _rest(store: OutsideStore) -> None:
    with _lock:
        _resting[_place(store)] = time.monotonic() + _REST_SECONDS


def wake(store: OutsideStore) -> None:
    """The engine answers again: searches may ask it at once."""
    with _lock:
        _resting.pop(_place(store), None)
