"""Qdrant by its own client: a server's HTTP interface, or an engine in this process on a folder of files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from anima.kernel import addresses
from anima.vendors.vector_stores.errors import ClientMissing, StoreFault, StoreMismatch, StoreRefused, StoreUnavailable
from anima.vendors.vector_stores.model import Found, IdPage, Point, Space

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from anima.vendors.vector_stores import Place

_DISTANCES = {"cosine": "Cosine", "l2": "Euclid", "inner_product": "Dot"}
_PAGE = 500


def open_store(place: Place, space: Space) -> QdrantStore:
    """The collection of a space. Raises ClientMissing, and what `kernel.addresses` says of an address."""
    try:
        from qdrant_client import QdrantClient
    except ImportError:
        raise ClientMissing(provider="qdrant") from None
    if place.path is not None:
        client = QdrantClient(path=str(place.path), force_disable_check_same_thread=True)
        return QdrantStore(client, space, "this machine", threading.RLock())
    checked = addresses.check_public(str(place.url))
    client = QdrantClient(
        url=checked.url,
        port=checked.port,
        api_key=place.api_key,
        timeout=10,
        check_compatibility=False,
        follow_redirects=False,
        trust_env=False,
        transport=_Pinned(checked),
    )
    return QdrantStore(client, space, urlsplit(checked.url).hostname or "", None)


class _Pinned(httpx.HTTPTransport):
    """Connects to the address that was checked, whatever the name leads to by now; TLS still goes by the name."""

    def __init__(self, checked: addresses.Checked) -> None:
        super().__init__(trust_env=False)
        self._checked = checked

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": self._checked.host}
        request.url = request.url.copy_with(host=self._checked.address)
        return super().handle_request(request)


class QdrantStore:
    """A collection; `tenant` in the payload says whose a point is."""

    batch = 100

    def __init__(self, client: QdrantClient, space: Space, place: str, one_at_a_time: threading.RLock | None) -> None:
        self._client = client
        self._space = space
        self._place = place
        self._lock = one_at_a_time

    def check(self) -> None:
        """Looks at the collection."""
        with self._told():
            self._there()

    def ensure(self) -> None:
        """Makes the collection and its index of tenants."""
        from qdrant_client import models

        with self._told():
            if self._there():
                return
            params = models.VectorParams(
                size=self._space.dimension, distance=models.Distance(_DISTANCES[self._space.metric])
            )
            try:
                self._client.create_collection(self._space.name, vectors_config=params)
            except Exception:
                if not self._there():  # else another made it at the same time
                    raise
            if self._lock is None:
                keyword = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
                self._client.create_payload_index(self._space.name, "tenant", field_schema=keyword)

    def upsert(self, points: Sequence[Point]) -> None:
        """Writes points under ids of their own, and waits until they can be found."""
        from qdrant_client import models

        structs = [
            models.PointStruct(
                id=self._space.point_id(point.owner_id, point.external_id),
                vector=[float(value) for value in point.vector],
                payload={
                    "tenant": self._space.tenant(point.owner_id),
                    "external_id": point.external_id,
                    "document_id": point.document_id,
                },
            )
            for point in points
        ]
        with self._told():
            self._client.upsert(self._space.name, structs, wait=True)

    def delete(self, owner_id: int, external_ids: Sequence[str]) -> None:
        """Removes points by their ids."""
        from qdrant_client import models

        ids: list[Any] = [self._space.point_id(owner_id, external_id) for external_id in external_ids]
        with self._told():
            if self._there():
                self._client.delete(self._space.name, models.PointIdsList(points=ids), wait=True)

    def search(
        self, vector: Sequence[float], top_k: int, owner_id: int, document_ids: Sequence[int] | None = None
    ) -> list[Found]:
        """The nearest points of an owner."""
        from qdrant_client import models

        must = self._mine(owner_id)
        if document_ids is not None:
            any_of = models.MatchAny(any=list(document_ids))
            must.append(models.FieldCondition(key="document_id", match=any_of))
        with self._told():
            if not self._there():
                return []
            found = self._client.query_points(
                self._space.name,
                query=[float(value) for value in vector],
                query_filter=models.Filter(must=must),
                limit=top_k,
                with_payload=["external_id"],
            )
        return [
            Found(str((point.payload or {})["external_id"]), self._similarity(point.score)) for point in found.points
        ]

    def ids(self, owner_id: int, cursor: str | None = None) -> IdPage:
        """The external ids of an owner's points."""
        from qdrant_client import models

        with self._told():
            if not self._there():
                return IdPage([], None)
            records, following = self._client.scroll(
                self._space.name,
                scroll_filter=models.Filter(must=self._mine(owner_id)),
                limit=_PAGE,
                offset=cursor,
                with_payload=["external_id"],
            )
        external_ids = [str((record.payload or {})["external_id"]) for record in records]
        return IdPage(external_ids, None if following is None else str(following))

    def drop(self, owner_id: int) -> None:
        """Deletes the collection where it is ours, else the owner's points."""
        from qdrant_client import models

        with self._told():
            if not self._client.collection_exists(self._space.name):
                return
            if self._space.own:
                self._client.delete_collection(self._space.name)
            else:
                chosen = models.FilterSelector(filter=models.Filter(must=self._mine(owner_id)))
                self._client.delete(self._space.name, chosen, wait=True)

    def close(self) -> None:
        """Closes the connection or the files."""
        self._client.close()

    def _mine(self, owner_id: int) -> list[Any]:
        from qdrant_client import models

        value = models.MatchValue(value=self._space.tenant(owner_id))
        return [models.FieldCondition(key="tenant", match=value)]

    def _there(self) -> bool:
        """Whether the collection is there. Raises StoreMismatch where it is another than is wanted."""
        if not self._client.collection_exists(self._space.name):
            return False
        params: Any = self._client.get_collection(self._space.name).config.params.vectors
        held = (getattr(params, "size", None), getattr(getattr(params, "distance", None), "value", "several vectors"))
        wanted = (self._space.dimension, _DISTANCES[self._space.metric])
        if held != wanted:
            reason = "the collection {} is of {} dimensions by {}, wanted are {} by {}".format(
                self._space.name, *held, *wanted
            )
            raise StoreMismatch(reason=reason)
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The client's errors by their kind; the engine in this process does one thing at a time."""
        from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

        with _held(self._lock):
            try:
                yield
            except UnexpectedResponse as error:
                reason = f"{error.status_code}: {_words(error.content)}"
                if error.status_code in (401, 403):
                    raise StoreRefused(place=self._place, reason=reason) from None
                if error.status_code in (408, 429) or (error.status_code or 500) >= 500:
                    raise self._away(reason) from None
                raise StoreFault(place=self._place, reason=reason) from None
            except (ResponseHandlingException, ApiException, OSError) as error:
                raise self._away(type(error).__name__) from error
            except (ValueError, KeyError) as error:  # the engine in this process says so what does not fit
                raise StoreFault(place=self._place, reason=str(error)[:200]) from error

    def _away(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(what="The vector store", place=self._place, reason=reason)

    def _similarity(self, score: float) -> float:
        return 1.0 - score * score / 2.0 if self._space.metric == "l2" else float(score)


@contextmanager
def _held(lock: threading.RLock | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    with lock:
        yield


def _words(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace")[:200]
