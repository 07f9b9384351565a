"""Searches and hits as the room hands them around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Mode = Literal["hybrid", "vector", "words"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the statement takes it: see kernel.terms.Question.

    `left_out` are the words that are not in `plain`, `names` all that may name somebody who speaks.
    """

    text: str
    vector: Sequence[float]
    model: str | None
    terms: Sequence[str]
    words: Sequence[int]
    plain: Sequence[float] | None = None
    left_out: Sequence[str] = ()
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """What a search is limited to: these documents, those whose metadata holds this, those of a time."""

    document_ids: tuple[int, ...] | None = None
    metadata: Mapping[str, Any] | None = None
    after: datetime | None = None
    before: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether it limits nothing."""
        return self.document_ids is None and self.metadata is None and self.after is None and self.before is None


@dataclass(frozen=True, slots=True)
class Outside:
    """Passages that other engines name, with the cosines of their vectors and the question's."""

    chunk_ids: Sequence[int] = ()
    cosines: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found: a chunk, perhaps with its neighbours.

    `score` (0-1) orders the hits and says how good they are. `vector` is the cosine with the question, `words` the BM25
    score, `trigram` the likeness of the spelling where a word was only found in another one; null where it says
    nothing. `met` numbers the words of the question that the chunk holds,
    `spelled` the terms in whose spelling it holds them, `neighbours` are the chunks that were joined
    to it, `same_as` those that say the same, `speaker` who speaks in it if the question asks for somebody's words.
    """

    chunk_id: int
    document_id: int
    source_uri: str | None
    title: str
    location: dict[str, Any]
    text: str
    score: float
    vector: float | None
    words: float | None
    trigram: float | None
    store_id: int | None = None
    purpose: str = "context"
    chunk_index: int = 0
    strength: float = 1.0
    store_metadata: Mapping[str, Any] = field(default_factory=dict)
    met: Sequence[int] = ()
    spelled: Mapping[str, str] = field(default_factory=dict)
    speaker: str | None = None
    neighbours: tuple[int, ...] = ()
    same_as: tuple[dict[str, Any], ...] = ()

    @property
    def scores(self) -> dict[str, float | None]:
        """What the score is made of."""
        return {"vector": self.vector, "words": self.words, "trigram": self.trigram}
