"""Vectors of a bench's texts, made once and kept beside its figures: embedding takes minutes and is not measured."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench.frame import OUTPUT

from anima.vendors.embeddings import embedder

_BATCH = 256


def vectors_of(texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Shape (len(texts), dimension), by the embedder that serves."""
    digest = hashlib.sha256("\x00".join([embedder().name, *texts]).encode()).hexdigest()[:16]
    kept = Path(OUTPUT) / f"vectors-{digest}.npy"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = [embedder().embed(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        np.save(kept, np.concatenate(made))
    vectors: np.ndarray[Any, np.dtype[np.float32]] = np.load(kept)
    return vectors
