"""Vectors of texts, made once: by the activation cache, and by the model where it knows nothing.

For what is indexed. A search embeds its question itself: what was cached never answers one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from anima.inference import cache_repo
from anima.kernel import db, telemetry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anima.vendors.embeddings import Embedder

KEPT = timedelta(days=30)
"""An entry that nobody asked for in so long goes with the next maintenance."""
LAYER = "sentence"
"""The layer whose activation is the vector of the whole text."""


def embed(
    owner: db.Principal, owner_id: int, model: Embedder, texts: Sequence[str], document_id: int | None = None
) -> NDArray[np.float32]:
    """Vectors of the texts, shape (len(texts), model.dimension): to the bit those that the model made at first.

    `owner` acts through the worker's login; nobody else may read the cache. A text that occurs twice is embedded once.
    What is made for a document is forgotten with it.
    """
    import numpy as np

    hashes = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    text_of = dict(zip(hashes, texts, strict=True))
    with db.transaction(owner) as tx:
        held = cache_repo.found(tx, owner_id, model.name, LAYER, list(text_of), KEPT)
    tensors = {row.input_hash: row.tensor for row in held.all() if len(row.tensor) == 4 * model.dimension}
    missing = [digest for digest in text_of if digest not in tensors]
    telemetry.count("cache.hits", len(text_of) - len(missing), cache="activation")
    telemetry.count("cache.misses", len(missing), cache="activation")
    if missing:
        vectors = np.ascontiguousarray(model.embed([text_of[digest] for digest in missing]), dtype="<f4")
        made = {digest: vector.tobytes() for digest, vector in zip(missing, vectors, strict=True)}
        with db.transaction(owner) as tx:
            cache_repo.keep(tx, owner_id, document_id, model.name, LAYER, made, KEPT)
        tensors |= made
    joined = b"".join(tensors[digest] for digest in hashes)
    whole: NDArray[np.float32] = np.frombuffer(joined, dtype="<f4").reshape(len(texts), model.dimension)
    return whole
