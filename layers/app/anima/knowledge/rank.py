"""What becomes of what a search found: merged, cut at the floor, copies folded. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anima.knowledge.search_model import Hit

FLOOR = 0.25
"""The relevance under which nothing is an answer, for stores that say nothing else; see `floor_of`."""

_SAME = 0.85  # share of words in common from which two passages say the same
_LEAST_WEIGHT, _SHARPNESS = 0.01, 10.0
_FEWEST_WORDS = 6  # shorter ones ("Thank you!") are said more than once and mean something else


def merged(found: Iterable[Sequence[Hit]]) -> list[Hit]:
    """The rows of several statements, best first; a chunk that two of them found counts once, as the first has it.

    A row's score stands for its rank within its statement (1: the best), its strength for how good that best one is.
    """
    kept: dict[int, Hit] = {}
    for hit in (hit for rows in found for hit in rows):
        kept.setdefault(hit.chunk_id, hit)
    scored = [replace(hit, score=min(1.0, max(0.0, hit.score * hit.strength))) for hit in kept.values()]
    return sorted(scored, key=lambda hit: (-hit.score, hit.chunk_id))


def floor_of(metadata: Mapping[str, Any], modulators: Mapping[str, float]) -> float:
    """The floor of a store: its own or FLOOR, moved by the modulators that its bindings name; between 0 and 1.

    `{"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": 0.1}}}`: a theta of 1.5 makes it 0.35.
    """
    floor = _number(metadata.get("floor"), FLOOR)
    for name, scale in bindings(metadata).items():
        floor += scale * modulators.get(name, 0.0)
    return min(1.0, max(0.0, floor)) if math.isfinite(floor) else FLOOR


def bindings(metadata: Mapping[str, Any]) -> dict[str, float]:
    """The modulators that move a store's floor, with their scales; what is no such binding moves nothing."""
    bound = metadata.get("bindings")
    if not isinstance(bound, Mapping):
        return {}
    return {
        name: _number(binding.get("scale"), 1.0)
        for name, binding in bound.items()
        if isinstance(binding, Mapping) and binding.get("moves") == "floor"
    }


def _number(value: Any, otherwise: float) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return otherwise
    try:
        number = float(value)
    except OverflowError:  # JSON knows no largest number
        return otherwise
    return number if math.isfinite(number) else otherwise


def above_floor(hits: Sequence[Hit], modulators: Mapping[str, float]) -> list[Hit]:
    """The hits that reach the floor of their store."""
    return [hit for hit in hits if hit.score >= floor_of(hit.store_metadata, modulators)]


def attended(hits: Sequence[Hit], gain: float) -> list[Hit]:
    """What attention lets through of the hits, best first: of weights in proportion to exp((gain - 1) * 10 * score)
    those of at least a hundredth of the best; all of them at rest (gain 1) and below.
    """
    if gain <= 1.0 or not hits:
        return list(hits)
    lowest = max(hit.score for hit in hits) - math.log(1 / _LEAST_WEIGHT) / (_SHARPNESS * (gain - 1.0))
    return [hit for hit in hits if hit.score >= lowest]


def folded(hits: Sequence[Hit]) -> list[Hit]:
    """The hits without those that say the same as a better one; that one names them in `same_as`."""
    kept: list[tuple[Hit, frozenset[str], frozenset[str]]] = []
    copies: dict[int, list[dict[str, Any]]] = {}
    for hit in hits:
        words = frozenset(hit.text.casefold().split())
        figures = frozenset(word for word in words if any(letter.isdigit() for letter in word))
        original = next((one for one, theirs, same in kept if figures == same and _alike(words, theirs)), None)
        if original is None:
            kept.append((hit, words, figures))
        else:
            copy = {"chunk_id": hit.chunk_id, "document_id": hit.document_id, "title": hit.title}
            copies.setdefault(original.chunk_id, []).append(copy)
    return [replace(hit, same_as=tuple(copies.get(hit.chunk_id, ()))) for hit, _, _ in kept]


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < _FEWEST_WORDS or fewer < _SAME * more:
        return False
    common = len(one & other)
    return common >= _SAME * (fewer + more - common)
