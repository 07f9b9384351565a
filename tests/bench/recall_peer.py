"""The peers of recall, each in its own environment: PGVector of langchain-postgres, mem0 without a model, hnswlib.

Run as a program: recall_peer.py SYSTEM FOLDER URL. The folder holds `talks.json`, `[{"name", "texts", "questions"}]`,
and the vectors of all texts and of all questions, in that order: nobody embeds here. Prints one JSON object:
`rate` (texts a second), `ms` (the median of a search), `found` (for each question the numbers of its talk's texts).
"""

import importlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

MOST = 20


class Langchain:
    """A collection a talk."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made = importlib.import_module("langchain_postgres").PGVector
        self._store: Any = self._of("tables are made")

    def _of(self, name: str) -> Any:
        return self._made(None, connection=self._url, collection_name=name, use_jsonb=True, create_extension=False)

    def add(self, name: str, texts: list[str], vectors: Any) -> None:
        """All at once."""
        self._store = self._of(name)
        numbers = [{"turn": number} for number in range(len(texts))]
        ids = [f"{name} {number}" for number in range(len(texts))]
        self._store.add_embeddings(texts, vectors.tolist(), metadatas=numbers, ids=ids)

    def search(self, name: str, text: str, vector: Any) -> list[int]:
        """The numbers of the nearest."""
        del name, text
        hits = self._store.similarity_search_with_score_by_vector(vector.tolist(), k=MOST)
        return [hit.metadata["turn"] for hit, _score in hits]


class Mem0:
    """A user a talk; `infer` is off, so that it keeps what it is given."""

    def __init__(self, url: str) -> None:
        del url
        self._vectors: dict[str, list[float]] = {}
        none = {"api_key": "none", "openai_base_url": "http://127.0.0.1:9"}
        store = {"collection_name": "bench", "embedding_model_dims": 384, "path": ":memory:"}
        self._memory = importlib.import_module("mem0").Memory.from_config(
            {
                "llm": {"provider": "openai", "config": none},
                "embedder": {"provider": "openai", "config": none},
                "vector_store": {"provider": "qdrant", "config": store},
                "history_db_path": f"{tempfile.mkdtemp()}/history.db",
            }
        )
        self._memory.embedding_model = self

    def embed(self, text: str, memory_action: Any = None) -> list[float]:
        """mem0's protocol of an embedder."""
        del memory_action
        return self._vectors[text.strip()]

    def embed_batch(self, texts: list[str], memory_action: Any = None) -> list[list[float]]:
        """The same for many."""
        return [self.embed(text, memory_action) for text in texts]

    def add(self, name: str, texts: list[str], vectors: Any) -> None:
        """One by one, as they are said."""
        self._vectors |= {text.strip(): one for text, one in zip(texts, vectors.tolist(), strict=True)}
        for number, text in enumerate(texts):
            said = [{"role": "user", "content": text}]
            self._memory.add(said, user_id=name, infer=False, metadata={"turn": number})

    def search(self, name: str, text: str, vector: Any) -> list[int]:
        """The numbers of the best."""
        self._vectors[text.strip()] = vector.tolist()  # it strips what it is asked
        found = self._memory.search(text, filters={"user_id": name}, top_k=MOST, threshold=0.0)
        return [hit["metadata"]["turn"] for hit in found["results"]]


class Hnsw:
    """An index in memory a talk: M 16, ef 100 to build and to search."""

    def __init__(self, url: str) -> None:
        del url
        self._made = importlib.import_module("hnswlib").Index
        self._index: Any = None

    def add(self, name: str, texts: list[str], vectors: Any) -> None:
        """All at once."""
        del name
        self._index = self._made(space="cosine", dim=len(vectors[0]))
        self._index.init_index(max_elements=len(texts), M=16, ef_construction=100)
        self._index.add_items(vectors)
        self._index.set_ef(100)

    def search(self, name: str, text: str, vector: Any) -> list[int]:
        """The numbers of the nearest."""
        del name, text
        found: list[int] = self._index.knn_query([vector], k=MOST)[0][0].tolist()
        return found


SYSTEMS: dict[str, Callable[[str], Any]] = {"langchain": Langchain, "mem0": Mem0, "hnswlib": Hnsw}


def main(system: str, folder: str, url: str) -> None:
    """Adds and asks talk after talk."""
    numpy = importlib.import_module("numpy")
    talks = json.loads((Path(folder) / "talks.json").read_text())
    texts, questions = (numpy.load(Path(folder) / f"{name}.npy") for name in ("texts", "questions"))
    peer, added, seconds = SYSTEMS[system](url), 0, 0.0
    searches: list[float] = []
    found: list[list[int]] = []
    for talk in talks:
        vectors = texts[added : added + len(talk["texts"])]
        seconds += _seconds(partial(peer.add, talk["name"], talk["texts"], vectors))
        added += len(vectors)
        for question in talk["questions"]:
            began = time.perf_counter()
            found.append(peer.search(talk["name"], question, questions[len(found)]))
            searches.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"rate": added / seconds, "ms": statistics.median(searches), "found": found}), flush=True)


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # threads of telemetry and of stores would be waited for
