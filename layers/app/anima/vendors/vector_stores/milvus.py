"""Milvus by its own client: a server, or Milvus Lite, which runs in this machine on a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anima.kernel import addresses
from anima.vendors.vector_stores.errors import ClientMissing, StoreFault, StoreMismatch, StoreRefused, StoreUnavailable
from anima.vendors.vector_stores.model import Found, IdPage, Point, Space, similarity_of_squared_distance

if TYPE_CHECKING:
    from anima.vendors.vector_stores import Place

_METRICS = {"cosine": "COSINE", "l2": "L2", "inner_product": "IP"}
_PAGE = 500
# The client pings every ten seconds, unused or not; a server that thinks that too often hangs up on it.
_PINGS = {"grpc.keepalive_time_ms": 600_000, "grpc.keepalive_permit_without_calls": False}
_SECONDS = 10.0
_UNREACHED = ("fail connecting", "connection", "deadline", "unavailable", "timeout", "timed out", "refused")
_REFUSED = ("unauthenticated", "auth check", "authentication", "permission", "password", "privilege", "api key")


def open_store(place: Place, space: Space) -> MilvusStore:
    """The collection of a space. Raises ClientMissing, and what `kernel.addresses` says of an address."""
    try:
        import pymilvus  # noqa: F401

        if place.path is not None:
            import milvus_lite  # noqa: F401
    except ImportError:
        raise ClientMissing(provider="milvus") from None
    if place.path is not None:
        place.path.parent.mkdir(parents=True, exist_ok=True)
        return MilvusStore(str(place.path.with_suffix(".db")), "", space, "this machine")
    checked = addresses.check_public(str(place.url), port=19530)
    # Without TLS nothing else would notice that the name leads to another machine by now.
    uri = checked.pinned if checked.scheme == "http" else checked.url
    return MilvusStore(uri, place.api_key or "", space, checked.host)


class MilvusStore:
    """A collection with a key of its own for every point; `tenant` says whose it is."""

    batch = 100

    def __init__(self, uri: str, token: str, space: Space, place: str) -> None:
        self._uri, self._token, self._space, self._place = uri, token, space, place
        self._name = "".join(each if each.isascii() and each.isalnum() else "_" for each in space.name)
        self._connected: Any = None

    def check(self) -> None:
        """Looks at the collection."""
        with self._told():
            self._there()

    def ensure(self) -> None:
        """Makes the collection and its index, and has it loaded."""
        with self._told():
            if self._there():
                return
            try:
                self._create()
            except Exception:
                if not self._there():  # else another made it at the same time
                    raise

    def upsert(self, points: Sequence[Point]) -> None:
        """Writes points under keys of their own."""
        rows = [
            {
                "id": self._space.point_id(point.owner_id, point.external_id),
                "vector": [float(value) for value in point.vector],
                "tenant": self._space.tenant(point.owner_id),
                "external_id": point.external_id,
                "document_id": point.document_id,
            }
            for point in points
        ]
        with self._told():
            self._client().upsert(self._name, rows, timeout=_SECONDS)

    def delete(self, owner_id: int, external_ids: Sequence[str]) -> None:
        """Removes points by their keys."""
        ids = [self._space.point_id(owner_id, external_id) for external_id in external_ids]
        with self._told():
            if self._there():
                self._client().delete(self._name, ids=ids, timeout=_SECONDS)

    def search(
        self, vector: Sequence[float], top_k: int, owner_id: int, document_ids: Sequence[int] | None = None
    ) -> list[Found]:
        """The nearest points of an owner."""
        mine = self._mine(owner_id)
        if document_ids is not None:
            mine += f" and document_id in {json.dumps(list(document_ids))}"
        with self._told():
            if not self._there():
                return []
            found = self._client().search(
                self._name,
                data=[[float(value) for value in vector]],
                filter=mine,
                limit=top_k,
                output_fields=["external_id"],
                timeout=_SECONDS,
            )
        return [
            Found(str(each["entity"]["external_id"]), self._similarity(float(each["distance"]))) for each in found[0]
        ]

    def ids(self, owner_id: int, cursor: str | None = None) -> IdPage:  # noqa: ARG002
        """The external ids of an owner's points, all of them at once; the client walks through them."""
        found: list[str] = []
        with self._told():
            if not self._there():
                return IdPage([], None)
            walk = self._client().query_iterator(
                self._name, batch_size=_PAGE, filter=self._mine(owner_id), output_fields=["external_id"]
            )
            while rows := walk.next():
                found += [str(row["external_id"]) for row in rows]
            walk.close()
        return IdPage(found, None)

    def drop(self, owner_id: int) -> None:
        """Deletes the collection where it is ours, else the owner's points."""
        with self._told():
            if not self._client().has_collection(self._name, timeout=_SECONDS):
                return
            if self._space.own:
                self._client().drop_collection(self._name, timeout=_SECONDS)
            else:
                self._client().delete(self._name, filter=self._mine(owner_id), timeout=_SECONDS)

    def close(self) -> None:
        """Closes the connection."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def _client(self) -> Any:
        if self._connected is None:
            from pymilvus import MilvusClient

            self._connected = MilvusClient(self._uri, token=self._token, timeout=5.0, grpc_options=_PINGS)
        return self._connected

    def _mine(self, owner_id: int) -> str:
        return f"tenant == {json.dumps(self._space.tenant(owner_id))}"

    def _there(self) -> bool:
        """Whether the collection is there. Raises StoreMismatch where it is another than is wanted."""
        client = self._client()
        if not client.has_collection(self._name, timeout=_SECONDS):
            return False
        fields = {each["name"]: each for each in client.describe_collection(self._name, timeout=_SECONDS)["fields"]}
        if "vector" not in fields or "tenant" not in fields:
            raise StoreMismatch(reason=f"the collection {self._name} was not made for this")
        index = client.describe_index(self._name, "vector", timeout=_SECONDS) or {}
        held = (int(fields["vector"]["params"]["dim"]), str(index.get("metric_type", "")))
        wanted = (self._space.dimension, _METRICS[self._space.metric])
        if held != wanted:
            reason = "the collection {} is of {} dimensions by {}, wanted are {} by {}".format(
                self._name, *held, *wanted
            )
            raise StoreMismatch(reason=reason)
        return True

    def _create(self) -> None:
        from pymilvus import DataType

        client = self._client()
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._space.dimension)
        schema.add_field("tenant", DataType.VARCHAR, max_length=128)
        schema.add_field("external_id", DataType.VARCHAR, max_length=256)
        schema.add_field("document_id", DataType.INT64)
        params = client.prepare_index_params()
        params.add_index(
            "vector", index_type="AUTOINDEX", metric_type=_METRICS[self._space.metric], index_name="vector"
        )
        # Strong: what was written is found by whoever asks next.
        client.create_collection(
            self._name, schema=schema, index_params=params, consistency_level="Strong", timeout=_SECONDS
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The client's errors by their kind; it tells them by their words."""
        import grpc
        from pymilvus.exceptions import MilvusException, ParamError

        try:
            yield
        except ParamError as error:
            raise StoreFault(place=self._place, reason=_words(error)) from error
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError, OSError) as error:
            words = f"{type(error).__name__} {error}".lower()
            if any(each in words for each in _REFUSED):
                raise StoreRefused(place=self._place, reason=_words(error)) from None
            if not isinstance(error, MilvusException) or any(each in words for each in _UNREACHED):
                self.close()
                raise StoreUnavailable(
                    what="The vector store", place=self._place, reason=type(error).__name__
                ) from error
            raise StoreFault(place=self._place, reason=_words(error)) from error

    def _similarity(self, distance: float) -> float:
        return similarity_of_squared_distance(distance) if self._space.metric == "l2" else distance


def _words(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error)[:200]
