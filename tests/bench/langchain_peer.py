"""The peer of searches and of ingestion: PGVector of langchain-postgres, as its documentation sets it up.

Read by benches for what to install; run by the peer's own interpreter it answers searches, a JSON line each.
"""

import importlib
import json
import sys
import time
from typing import Any

LANGCHAIN = (
    "langchain-core==1.7.2",
    "langchain-postgres==0.0.19",
    "psycopg[binary]==3.3.9",
    "SQLAlchemy==2.1.9",
)


def main(url: str) -> None:
    """Reads `{"collection", "vectors", "k"}`; writes `{"milliseconds": [...], "found": [[id, …], …]}`."""
    stores: dict[str, Any] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["collection"]
        if name not in stores:
            stores[name] = _store(url, name)
        milliseconds, found = [], []
        for vector in asked["vectors"]:
            began = time.perf_counter()
            hits = stores[name].similarity_search_with_score_by_vector(vector, k=asked["k"])
            milliseconds.append((time.perf_counter() - began) * 1000)
            found.append([hit.id for hit, _score in hits])
        print(json.dumps({"milliseconds": milliseconds, "found": found}), flush=True)


def _store(url: str, name: str) -> Any:
    # It is in the peer's environment only. Questions come as vectors: it needs no embedder.
    vector_store = importlib.import_module("langchain_postgres").PGVector
    return vector_store(None, connection=url, collection_name=name, use_jsonb=True, create_extension=False)


if __name__ == "__main__":
    main(sys.argv[1])
