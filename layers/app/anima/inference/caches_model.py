"""What caches hold, and what they have saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

KINDS = ("embeddings", "activations", "kv", "slots")
"""Vectors of texts; activations of transformers' layers; keys and values of sessions; slots of the local server."""


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache of somebody's. `saved_bytes` were given again instead of being computed; `saved_tokens` were not read
    by a model again (kv and slots; of the others nobody knows).
    """

    kind: str
    entries: int
    n_bytes: int
    hits: int
    saved_bytes: int
    saved_tokens: int | None
    oldest: datetime | None
    next_ends: datetime | None
