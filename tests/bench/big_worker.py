"""A worker on a big file, for the bench of ingestion: what the process and its readers hold at most.

Run as a program in the environment of a worker. Arguments: the owner, the document. Prints the peak of the memory of
the process with its children, in bytes. The embedder costs nothing: where there is one, its memory is the same whatever
the file.
"""

import hashlib
import sys
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Quick:
    """Vectors that only tell texts apart, by the name of the embedder that a new store is for."""

    dimension = 384
    max_tokens = 256

    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), 384)."""
        digests = b"".join(hashlib.shake_128(text.encode()).digest(self.dimension) for text in texts)
        values = np.frombuffer(digests, dtype=np.int8).reshape(len(texts), self.dimension).astype(np.float32)
        unit: NDArray[np.float32] = values / np.linalg.norm(values, axis=1, keepdims=True)
        return unit

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """As any text."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """About as many as there are words, and two for the ends."""
        return [text.count(" ") + 3 for text in texts]


class Peak(threading.Thread):
    """Looks at the memory of this process and its children, often."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.n_bytes = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Until `end`."""
        import psutil

        me = psutil.Process()
        while not self._ended.wait(0.02):
            held = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    held += process.memory_info().rss
                except psutil.Error:
                    continue
            self.n_bytes = max(self.n_bytes, held)

    def end(self) -> int:
        """The most that was held at one moment."""
        self._ended.set()
        self.join()
        return self.n_bytes


def main() -> None:
    """Ingests the document."""
    from anima.kernel import db
    from anima.knowledge import ingest_service
    from anima.vendors import embeddings

    owner_id, document_id = map(int, sys.argv[1:])
    peak = Peak()
    peak.start()
    with embeddings.use(Quick(embeddings.embedder().name)):
        ingest_service.ingest(db.Principal(owner_id, login="worker"), owner_id, document_id)
    print(peak.end())


if __name__ == "__main__":
    main()
