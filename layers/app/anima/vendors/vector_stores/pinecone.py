"""Pinecone by its published HTTP interface (version 2026-04): an index a space, a namespace for each owner in it.

https://docs.pinecone.io/reference/api: the control plane makes, describes and deletes indexes; each index answers at a
host of its own for its vectors. A new index takes a while to be ready, and what was written is found a little later.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anima.vendors.vector_stores.errors import StoreFault, StoreMismatch, StoreRefused, StoreUnavailable
from anima.vendors.vector_stores.model import Found, IdPage, Point, Space, similarity_of_squared_distance
from anima.vendors.vector_stores.rest import Rest, shaped

if TYPE_CHECKING:
    from anima.vendors.vector_stores import Place

VERSION = "2026-04"
_METRICS = {"cosine": "cosine", "l2": "euclidean", "inner_product": "dotproduct"}
_SPEC = {"serverless": {"cloud": "aws", "region": "us-east-1"}}
_READY_SECONDS = 8.0
_PAGE = 100  # the most that a list answers at once


def open_store(place: Place, space: Space) -> PineconeStore:
    """The index of a space."""
    if place.api_key is None:
        raise StoreRefused(place="Pinecone", reason="there is none; give api_key, or set PINECONE_API_KEY")
    return PineconeStore(str(place.url), place.api_key, space)


class PineconeStore:
    """An index; vectors of an owner lie in a namespace of their own."""

    batch = 100  # far under 2 MB and 1,000 vectors a call

    def __init__(self, url: str, api_key: str, space: Space) -> None:
        self._space = space
        self._headers = {"Api-Key": api_key, "X-Pinecone-Api-Version": VERSION}
        self._control = Rest(url, self._headers)
        self._https = url.startswith("https://")
        self._data: Rest | None = None
        self._host = ""

    @shaped
    def check(self) -> None:
        """Describes the index; a listing tells whether the key is good where there is none."""
        if self._described() is None:
            self._control.call("GET", "/indexes")

    @shaped
    def ensure(self) -> None:
        """Makes the index and waits a little until it is ready. Raises StoreUnavailable where that takes longer."""
        found = self._described()
        if found is None:
            found = self._create()
        deadline = time.monotonic() + _READY_SECONDS
        while not found["status"]["ready"]:
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    what="The vector store", place=self._control.place, reason="its index is not ready yet"
                )
            time.sleep(0.25)
            found = self._described() or found
        self._reach(found)

    @shaped
    def upsert(self, points: Sequence[Point]) -> None:
        """Writes points, those of each owner into his namespace."""
        for owner_id in {point.owner_id for point in points}:
            vectors = [
                {
                    "id": point.external_id,
                    "values": [float(value) for value in point.vector],
                    "metadata": {"document_id": point.document_id},
                }
                for point in points
                if point.owner_id == owner_id
            ]
            body = {"namespace": self._space.tenant(owner_id), "vectors": vectors}
            taken = self._index().call("POST", "/vectors/upsert", body)["upsertedCount"]
            if taken != len(vectors):  # what it does not say that it took is not there
                reason = f"it took {taken} of {len(vectors)} vectors"
                raise StoreUnavailable(what="The vector store", place=self._control.place, reason=reason)

    @shaped
    def delete(self, owner_id: int, external_ids: Sequence[str]) -> None:
        """Removes points by their ids; without the index or the namespace there are none."""
        if self._described() is not None:
            body = {"namespace": self._space.tenant(owner_id), "ids": list(external_ids)}
            self._index().call("POST", "/vectors/delete", body, missing_is_none=True)

    @shaped
    def search(
        self, vector: Sequence[float], top_k: int, owner_id: int, document_ids: Sequence[int] | None = None
    ) -> list[Found]:
        """The nearest in the owner's namespace."""
        body: dict[str, Any] = {
            "namespace": self._space.tenant(owner_id),
            "vector": [float(value) for value in vector],
            "topK": top_k,
            "includeMetadata": False,
            "includeValues": False,
        }
        if document_ids is not None:
            body["filter"] = {"document_id": {"$in": list(document_ids)}}
        if self._data is None and self._described() is None:
            return []
        answer = self._index().call("POST", "/query", body)
        return [Found(str(match["id"]), self._similarity(float(match["score"]))) for match in answer["matches"]]

    @shaped
    def ids(self, owner_id: int, cursor: str | None = None) -> IdPage:
        """The ids of the owner's namespace."""
        if self._described() is None:
            return IdPage([], None)
        query = {"namespace": self._space.tenant(owner_id), "limit": _PAGE, "paginationToken": cursor}
        answer = self._index().call("GET", "/vectors/list", query=query, missing_is_none=True)
        if answer is None:
            return IdPage([], None)
        token = (answer.get("pagination") or {}).get("next")
        return IdPage([str(each["id"]) for each in answer.get("vectors") or []], token or None)

    @shaped
    def drop(self, owner_id: int) -> None:
        """Deletes the index where it is ours, else the owner's namespace."""
        if self._space.own:
            self._control.call("DELETE", self._path(), missing_is_none=True)
        elif self._described() is not None:
            body = {"namespace": self._space.tenant(owner_id), "deleteAll": True}
            self._index().call("POST", "/vectors/delete", body, missing_is_none=True)
        self._data = None

    def close(self) -> None:
        """Closes the connections."""
        self._control.close()
        if self._data is not None:
            self._data.close()

    def _path(self) -> str:
        return f"/indexes/{quote(self._space.name, safe='')}"

    def _described(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._control.call("GET", self._path(), missing_is_none=True)
        if found is not None:
            self._fitting(found)
        return found

    def _fitting(self, found: dict[str, Any]) -> None:
        wanted = (self._space.dimension, _METRICS[self._space.metric])
        if (found.get("dimension"), found.get("metric")) != wanted:
            reason = "the index {} is of {} dimensions by {}, wanted are {} by {}".format(
                self._space.name, found.get("dimension"), found.get("metric"), *wanted
            )
            raise StoreMismatch(reason=reason)

    def _create(self) -> dict[str, Any]:
        body = {
            "name": self._space.name,
            "dimension": self._space.dimension,
            "metric": _METRICS[self._space.metric],
            "spec": _SPEC,
            "deletion_protection": "disabled",
        }
        try:
            made: dict[str, Any] = self._control.call("POST", "/indexes", body)
        except StoreFault:
            again = self._described()  # another made it at the same time
            if again is None:
                raise
            return again
        return made

    def _index(self) -> Rest:
        if self._data is None:
            found = self._described()
            if found is None:
                raise StoreUnavailable(
                    what="The vector store", place=self._control.place, reason="its index is not there"
                )
            self._reach(found)
        assert self._data is not None
        return self._data

    def _reach(self, found: dict[str, Any]) -> None:
        host = str(found["host"])
        if "://" not in host:
            host = f"{'https' if self._https else 'http'}://{host}"
        if host != self._host or self._data is None:
            self._data, self._host = Rest(host, self._headers), host

    def _similarity(self, score: float) -> float:
        return similarity_of_squared_distance(score) if self._space.metric == "l2" else score
