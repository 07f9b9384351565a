"""Vectors of texts: the protocol, and the process's own embedder."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into vectors; may be called by several threads at once."""

    @property
    def name(self) -> str:
        """Which model it is, to the byte: vectors of different names do not compare."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text are read, those that mark its ends included; the rest is cut off."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension)."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, those that mark its ends included; comparable with `max_tokens`."""


_lock = threading.Lock()
_embedder: Embedder | None = None


def embedder() -> Embedder:
    """The process's embedder; nothing is loaded before it is asked for a vector."""
    global _embedder
    with _lock:
        if _embedder is None:
            from anima.vendors.embeddings.minilm import MiniLM

            _embedder = MiniLM()
        return _embedder


@contextmanager
def use(other: Embedder) -> Iterator[Embedder]:
    """Makes `other` the process's embedder for as long as the block lasts."""
    global _embedder
    before, _embedder = _embedder, other
    try:
        yield other
    finally:
        _embedder = before
