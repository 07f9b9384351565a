"""Vectors of texts: the protocol, and the embedders of this process by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from anima.kernel.config import settings
from anima.kernel.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class UnknownEmbedder(Unavailable):
    """There is no embedding model {name} here; known are {known}."""

    slug = "unknown-embedder"


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
        """Vectors of length 1 of texts to be found, shape (len(texts), dimension)."""

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """The vector of length 1 of what is looked for, shape (dimension,)."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, those that mark its ends included; comparable with `max_tokens`."""


_lock = threading.Lock()
_made: dict[str, Embedder] = {}
_active: str | None = None
_instead: tuple[Embedder, ...] = ()


def embedder(name: str | None = None) -> Embedder:
    """The embedder of that name (a profile's, or as vectors carry it); not given: the one that serves.

    Nothing is loaded before it is asked for a vector. Raises UnknownEmbedder.
    """
    with _lock:
        wanted = name or _active
        for other in reversed(_instead):
            if wanted in (None, other.name):
                return other
        wanted = wanted or settings().embedding_model
        if wanted not in _made:
            _made[wanted] = _make(wanted)
        return _made[wanted]


def provider(name: str | None = None) -> str | None:
    """Who sees what is embedded by a model (none: by the one that serves); nobody, where it runs here."""
    from anima.vendors.embeddings.profiles import Hosted, profile_of

    profile = profile_of(name or embedder().name)
    return profile.provider if isinstance(profile, Hosted) else None


def follow(name: str) -> bool:
    """Lets this process ask by the model that the database is searched by now; False where it does so already."""
    global _active
    if embedder().name == name:
        return False
    embedder(name)
    _active = name
    return True


def forget() -> None:
    """Lets go of all embedders, as after a change of settings."""
    global _active
    with _lock:
        _made.clear()
        _active = None


def _make(name: str) -> Embedder:
    from anima.vendors.embeddings.profiles import PROFILES, Hosted, profile_of

    profile = profile_of(name)
    made: Embedder | None = None
    if isinstance(profile, Hosted):
        from anima.vendors.embeddings.hosted import HostedEmbedder

        made = HostedEmbedder(profile)
    elif profile is not None:
        from anima.vendors.embeddings.onnx import OnnxEmbedder

        made = OnnxEmbedder(profile)
    if made is None or ("@" in name and made.name != name):
        raise UnknownEmbedder(what=f"The embedding model {name}", name=name, known=", ".join(PROFILES))
    return made


@contextmanager
def use(other: Embedder) -> Iterator[Embedder]:
    """Makes `other` the process's embedder for as long as the block lasts; those of outer blocks keep their names."""
    global _instead, _active
    before, _instead, _active = (_instead, _active), (*_instead, other), None
    try:
        yield other
    finally:
        _instead, _active = before
