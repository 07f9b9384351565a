"""Vector stores: where documents of a purpose lie, checked and mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from anima.client.call import UNSET, Given, Unset, changed, present
from anima.client.operations import listing, operation
from anima.client.results.stores import StoreCheck, StoreDeleted, StorePublished, VectorStore


class Stores:
    """Vector stores."""

    @listing("/vector-stores", VectorStore)
    def list_stores(self) -> Given:
        """Your stores."""
        return Given()

    @operation("POST", "/vector-stores", VectorStore)
    def create_store(
        self,
        store_name: str,
        purpose: str,
        *,
        provider: Literal["pgvector", "pinecone", "milvus", "qdrant", "weaviate"] = "pgvector",
        endpoint_url: str | None = None,
        api_key: str | None = None,
        embedding_model: str | None = None,
        dimension: int | None = None,
        metric: Literal["cosine", "l2", "inner_product"] = "cosine",
        space: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Given:
        """A store for a purpose, in the database or on another engine."""
        place = present(endpoint_url=endpoint_url, api_key=api_key, space=space, metadata=metadata)
        kind = present(provider=provider, embedding_model=embedding_model, dimension=dimension, metric=metric)
        return Given(body={"store_name": store_name, "purpose": purpose, **kind, **place})

    @operation("PATCH", "/vector-stores/{store_id}", VectorStore)
    def change_store(
        self,
        store_id: int,
        *,
        api_key: str | Unset = UNSET,
        endpoint_url: str | Unset = UNSET,
        metadata: Mapping[str, Any] | Unset = UNSET,
    ) -> Given:
        """Changes how a store is reached, or what is noted of it."""
        body = changed(api_key=api_key, endpoint_url=endpoint_url, metadata=metadata)
        return Given({"store_id": store_id}, body=body)

    @operation("DELETE", "/vector-stores/{store_id}", StoreDeleted)
    def delete_store(self, store_id: int) -> Given:
        """Deletes a store with what lies in it."""
        return Given({"store_id": store_id})

    @operation("POST", "/vector-stores/{store_id}/check", StoreCheck, harmless=True)
    def check_store(self, store_id: int, *, mend: bool = False) -> Given:
        """Compares a store with the database, and mends it where that is said."""
        return Given({"store_id": store_id}, body={"mend": mend})

    @operation("POST", "/vector-stores/{store_id}/publish", StorePublished)
    def publish_store(self, store_id: int, *, store_name: str | None = None) -> Given:
        """Lets everybody search a store (admins)."""
        return Given({"store_id": store_id}, body=present(store_name=store_name))

    @operation("DELETE", "/vector-stores/{store_id}/publish")
    def unpublish_store(self, store_id: int) -> Given:
        """Takes a store back from the others (admins)."""
        return Given({"store_id": store_id})
