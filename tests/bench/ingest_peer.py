"""The peer of the bench of ingestion: langchain-postgres PGVector with our embedder, in an environment of its own.

Run as a program. Arguments: the folder of our packages, a SQLAlchemy URL, a JSON file of texts. For each line on its
standard input it adds the texts to a new collection, and prints how many seconds that took.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Serves until its standard input ends."""
    house, url, file = sys.argv[1:]
    sys.path.insert(0, house)
    from langchain_postgres import PGVector  # type: ignore[import-not-found,unused-ignore]

    from anima.vendors.embeddings import embedder

    model = embedder()

    class Ours:
        """LangChain's protocol of an embedder."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [list(map(float, vector)) for vector in model.embed(texts).tolist()]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    texts: list[str] = json.loads(Path(file).read_text(encoding="utf-8"))
    embeddings: Any = Ours()
    for number, _ in enumerate(sys.stdin):
        store = PGVector(embeddings, connection=url, collection_name=f"bench-{number}", use_jsonb=True)
        begun = time.perf_counter()
        store.add_texts(texts, metadatas=[{"index": index} for index in range(len(texts))])
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
