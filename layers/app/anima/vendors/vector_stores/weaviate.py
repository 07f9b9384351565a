"""Weaviate by its published interfaces, REST and GraphQL over HTTP: a class a space, every object with its tenant.

https://docs.weaviate.io/weaviate/api: a class does not say how long its vectors are; the first one decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anima.vendors.vector_stores.errors import StoreFault, StoreMismatch, StoreUnavailable
from anima.vendors.vector_stores.model import Found, IdPage, Point, Space, similarity_of_squared_distance
from anima.vendors.vector_stores.rest import Rest, shaped

if TYPE_CHECKING:
    from anima.vendors.vector_stores import Place

_DISTANCES = {"cosine": "cosine", "l2": "l2-squared", "inner_product": "dot"}
_PAGE = 100
_PROPERTIES: list[dict[str, Any]] = [
    {
        "name": name,
        "dataType": ["text"],
        "tokenization": "field",
        "indexFilterable": True,
        "indexSearchable": False,
    }
    for name in ("tenant", "external_id")
] + [{"name": "document_id", "dataType": ["int"], "indexFilterable": True}]


def open_store(place: Place, space: Space) -> WeaviateStore:
    """The class of a space."""
    return WeaviateStore(str(place.url), place.api_key, space)


class WeaviateStore:
    """A class of objects whose vectors we bring; `tenant` says whose they are."""

    batch = 100

    def __init__(self, url: str, api_key: str | None, space: Space) -> None:
        self._space = space
        self._class = _class_name(space)
        self._rest = Rest(url, {"Authorization": f"Bearer {api_key}"} if api_key else {})

    @shaped
    def check(self) -> None:
        """Looks at the class, and at a vector in it."""
        self._schema()

    @shaped
    def ensure(self) -> None:
        """Makes the class, or the properties that it lacks."""
        found = self._schema()
        if found is None:
            self._create()
            return
        there = {each["name"] for each in found.get("properties") or []}
        for each in _PROPERTIES:
            if each["name"] not in there:
                self._rest.call("POST", f"{self._path()}/properties", each)

    @shaped
    def upsert(self, points: Sequence[Point]) -> None:
        """Writes objects under ids of their own. Raises StoreMismatch where one has another length than is there."""
        objects = [
            {
                "class": self._class,
                "id": self._space.point_id(point.owner_id, point.external_id),
                "vector": [float(value) for value in point.vector],
                "properties": {
                    "tenant": self._space.tenant(point.owner_id),
                    "external_id": point.external_id,
                    "document_id": point.document_id,
                },
            }
            for point in points
        ]
        answers = self._rest.call("POST", "/v1/batch/objects", {"objects": objects})
        if len(answers) != len(objects):  # what it does not say that it took is not there
            reason = f"it answers for {len(answers)} of {len(objects)} objects"
            raise StoreUnavailable(what="The vector store", place=self._rest.place, reason=reason)
        for answer in answers:
            result = answer.get("result") or {}
            if result.get("status") == "FAILED":
                reason = str(result.get("errors") or "it was not taken")[:200]
                if "length" in reason or "dimension" in reason:
                    raise StoreMismatch(reason=reason)
                raise StoreFault(place=self._rest.place, reason=reason)

    @shaped
    def delete(self, owner_id: int, external_ids: Sequence[str]) -> None:
        """Removes objects by their ids."""
        if self._schema() is None:
            return
        ids = [self._space.point_id(owner_id, external_id) for external_id in external_ids]
        self._remove({"path": ["id"], "operator": "ContainsAny", "valueTextArray": ids})

    @shaped
    def search(
        self, vector: Sequence[float], top_k: int, owner_id: int, document_ids: Sequence[int] | None = None
    ) -> list[Found]:
        """The nearest objects of an owner."""
        mine = f'{{path: ["tenant"], operator: Equal, valueText: {json.dumps(self._space.tenant(owner_id))}}}'
        where = mine
        if document_ids is not None:
            named = f'{{path: ["document_id"], operator: ContainsAny, valueInt: {json.dumps(list(document_ids))}}}'
            where = f"{{operator: And, operands: [{mine}, {named}]}}"
        near = json.dumps([float(value) for value in vector])
        query = (
            f"{{ Get {{ {self._class}(nearVector: {{vector: {near}}}, limit: {top_k}, where: {where})"
            " { external_id _additional { distance } } } }"
        )
        answer = self._rest.call("POST", "/v1/graphql", {"query": query})
        if answer.get("errors"):
            if self._schema() is None:
                return []
            raise StoreFault(place=self._rest.place, reason=str(answer["errors"])[:200])
        rows = answer["data"]["Get"][self._class] or []
        return [Found(str(row["external_id"]), self._similarity(float(row["_additional"]["distance"]))) for row in rows]

    @shaped
    def ids(self, owner_id: int, cursor: str | None = None) -> IdPage:
        """The external ids of an owner's objects; a page may hold fewer than there are objects on it."""
        if self._schema() is None:
            return IdPage([], None)
        query = {"class": self._class, "limit": _PAGE, "after": cursor or ""}
        objects = self._rest.call("GET", "/v1/objects", query=query)["objects"] or []
        mine = self._space.tenant(owner_id)
        found = [each["properties"] for each in objects if each.get("properties", {}).get("tenant") == mine]
        last = str(objects[-1]["id"]) if len(objects) == _PAGE else None
        return IdPage([str(each["external_id"]) for each in found], last)

    @shaped
    def drop(self, owner_id: int) -> None:
        """Deletes the class where it is ours, else the owner's objects."""
        if self._space.own:
            self._rest.call("DELETE", self._path(), missing_is_none=True)
        elif self._schema() is not None:
            self._remove({"path": ["tenant"], "operator": "Equal", "valueText": self._space.tenant(owner_id)})

    def close(self) -> None:
        """Closes the connections."""
        self._rest.close()

    def _path(self) -> str:
        return f"/v1/schema/{quote(self._class, safe='')}"

    def _remove(self, where: dict[str, Any]) -> None:
        """Deletes what matches; the server takes so many at once, and says how many were left."""
        body = {"match": {"class": self._class, "where": where}, "output": "minimal"}
        while True:
            results = self._rest.call("DELETE", "/v1/batch/objects", body)["results"]
            if results.get("failed"):
                raise StoreFault(place=self._rest.place, reason=f"{results['failed']} objects could not be deleted")
            if not results.get("successful") or results["matches"] <= results["successful"]:
                return

    def _schema(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._rest.call("GET", self._path(), missing_is_none=True)
        if found is not None:
            self._fitting(found)
        return found

    def _fitting(self, found: dict[str, Any]) -> None:
        metric = (found.get("vectorIndexConfig") or {}).get("distance", "cosine")
        if metric != _DISTANCES[self._space.metric]:
            raise StoreMismatch(
                reason=f"the class {self._class} is by {metric}, wanted is {_DISTANCES[self._space.metric]}"
            )
        query = {"class": self._class, "limit": 1, "include": "vector"}
        objects = self._rest.call("GET", "/v1/objects", query=query)["objects"] or []
        length = len(objects[0].get("vector") or []) if objects else self._space.dimension
        if length != self._space.dimension:
            raise StoreMismatch(
                reason=f"the class {self._class} has vectors of {length} dimensions, not {self._space.dimension}"
            )

    def _create(self) -> None:
        body = {
            "class": self._class,
            "vectorizer": "none",
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": {"distance": _DISTANCES[self._space.metric]},
            "properties": _PROPERTIES,
        }
        try:
            self._rest.call("POST", "/v1/schema", body)
        except StoreFault:
            if self._schema() is None:  # else another made it at the same time
                raise

    def _similarity(self, distance: float) -> float:
        if self._space.metric == "l2":
            return similarity_of_squared_distance(distance)
        return 1.0 - distance if self._space.metric == "cosine" else -distance


def _class_name(space: Space) -> str:
    """A name as GraphQL wants it: a capital, then letters, digits and underscores."""
    name = "".join(each if each.isascii() and (each.isalnum() or each == "_") else "_" for each in space.name)
    return name[:1].upper() + name[1:]
