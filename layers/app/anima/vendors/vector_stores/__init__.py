"""Engines that hold vectors outside this database, behind one protocol: Pinecone, Milvus, Qdrant, Weaviate.

Pinecone and Weaviate are asked by their published HTTP interfaces and need no package of theirs, so that they can be
asked from the functions too; Milvus and Qdrant need the packages of the extra `stores`.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import shutil
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from anima.kernel import secrets
from anima.kernel.config import settings
from anima.vendors.vector_stores.errors import (
    ClientMissing,
    NoEndpoint,
    StoreFault,
    StoreMismatch,
    StoreRefused,
    StoreUnavailable,
    UnknownProvider,
)
from anima.vendors.vector_stores.model import Found, IdPage, Metric, Point, Space, VectorStore

__all__ = [
    "LOCAL",
    "PROVIDERS",
    "ClientMissing",
    "Found",
    "IdPage",
    "Metric",
    "NoEndpoint",
    "Point",
    "Space",
    "StoreFault",
    "StoreMismatch",
    "StoreRefused",
    "StoreUnavailable",
    "UnknownProvider",
    "VectorStore",
    "close_all",
    "connect",
    "drop",
    "forget",
    "space",
]

PROVIDERS = ("pinecone", "milvus", "qdrant", "weaviate")
LOCAL = "local"
"""The address that means: files of the engine in the data folder of this process."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,44}")
_KEPT_SECONDS = 300.0
_MOST_OPEN = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine answers: its address, or a file of its own; and the key for it."""

    provider: str
    url: str | None
    path: Path | None
    api_key: str | None


_lock = threading.Lock()
_open: OrderedDict[tuple[Place, Space], tuple[float, VectorStore]] = OrderedDict()


def space(
    store_id: int, embedding_model: str, dimension: int, metric: Metric = "cosine", named: str | None = None
) -> Space:
    """Where the vectors of a store and a model lie: under a name of ours, or in what somebody has there already.

    Raises StoreMismatch for a name that is none: it becomes part of addresses, queries and paths.
    """
    if named is not None and not _NAME.fullmatch(named):
        raise StoreMismatch(reason="a space is named by up to 45 letters, digits, _ and -, a letter first")
    deployment = secrets.derive("vector-spaces").hex()[:8]
    mark = f"{deployment}-{store_id}-{hashlib.sha256(embedding_model.encode()).hexdigest()[:8]}"
    return Space(named or f"anima-{mark}", mark, dimension, metric, own=named is None)


def connect(provider: str, endpoint_url: str | None, api_key: str | None, where: Space) -> VectorStore:
    """A space of an engine; nothing is asked of it yet. Connections are kept for a while by all that they depend on.

    Raises UnknownProvider, NoEndpoint, ClientMissing, and what `kernel.addresses` says of an address.
    """
    place = _place(provider, endpoint_url, api_key, where)
    with _lock:
        kept = _open.get((place, where))
        if kept is not None and (place.path is not None or time.monotonic() - kept[0] < _KEPT_SECONDS):
            return kept[1]
        if place.path is not None:
            _close_files(place)  # files have one client
        made = _made(place, where)
        _open[place, where] = (time.monotonic(), made)
        remote = [each for each in _open if each[0].path is None]
        for each in remote[: max(0, len(remote) - _MOST_OPEN)]:
            del _open[each]  # who still uses it keeps it
    return made


def forget(store: VectorStore) -> None:
    """Keeps this connection no longer, as after an error: the next call looks the address up again."""
    with _lock:
        for each in [each for each, (_, kept) in _open.items() if kept is store and each[0].path is None]:
            del _open[each]


def drop(provider: str, endpoint_url: str | None, api_key: str | None, where: Space, owner_id: int) -> None:
    """Removes all that a space holds of an owner, and the space with its files where it is ours."""
    place = _place(provider, endpoint_url, api_key, where)
    connect(provider, endpoint_url, api_key, where).drop(owner_id)
    if endpoint_url == LOCAL and place.path is not None:
        with _lock:
            _close_files(place)
            for left in place.path.parent.glob(f"{place.path.name}*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def _close_files(place: Place) -> None:
    for each in [each for each in _open if each[0] == place]:
        _open.pop(each)[1].close()


def close_all() -> None:
    """Closes every connection and file (shutdown, tests)."""
    with _lock:
        stores = [store for _, store in _open.values()]
        _open.clear()
    for store in stores:
        store.close()


def _made(place: Place, where: Space) -> VectorStore:
    module = importlib.import_module(f"anima.vendors.vector_stores.{place.provider}")
    return cast(VectorStore, module.open_store(place, where))


def _place(provider: str, endpoint_url: str | None, api_key: str | None, where: Space) -> Place:
    if provider not in PROVIDERS:
        raise UnknownProvider(provider=provider, known=", ".join(("pgvector", *PROVIDERS)))
    if endpoint_url == LOCAL:
        if not where.own:  # files of this process belong to the stores that made them
            raise StoreMismatch(reason="what lies on this server has no space that could be named")
        return Place(provider, None, _folder(provider) / where.name.replace("-", "_"), None)
    if endpoint_url is not None:
        return Place(provider, endpoint_url.rstrip("/"), None, api_key)
    return _default(provider, api_key, where)


def _default(provider: str, api_key: str | None, where: Space) -> Place:
    """The engine that the settings name; who uses that with the deployment's key names no space there."""
    ours = settings()
    if not where.own and api_key is None:
        raise StoreMismatch(reason="a space by name needs an address or a key of its own")
    if provider == "pinecone":
        key = api_key or (ours.pinecone_api_key.get_secret_value() if ours.pinecone_api_key else None)
        return Place(provider, "https://api.pinecone.io", None, key)
    url, setting = {
        "milvus": (ours.milvus_uri, "MILVUS_URI"),
        "qdrant": (ours.qdrant_url, "QDRANT_URL"),
        "weaviate": (ours.weaviate_url, "WEAVIATE_URL"),
    }[provider]
    if url is None:
        raise NoEndpoint(provider=provider, setting=setting)
    if provider == "milvus" and "://" not in url:
        return Place(provider, None, Path(url), None)
    return Place(provider, url.rstrip("/"), None, api_key)


def _folder(provider: str) -> Path:
    """Where engines of this process keep their files; none in a deployment, whose disks do not last."""
    if provider not in ("milvus", "qdrant"):
        raise StoreMismatch(reason=f"{provider} has no engine that runs in this process")
    if settings().object_store_url is not None or settings().queue_urls:
        raise StoreMismatch(reason="this deployment keeps no files of its own; give an endpoint_url")
    folder = settings().data_dir / "vector_stores" / provider
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
