"""Joins passages that were found side by side in a document: their text, their place, and what they are of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from anima.knowledge.search_model import Hit

_MOST_JOINED = 4


def joined(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, those that stand side by side in a document as one, in the place of the best of them."""
    groups: list[list[Hit]] = []
    at: dict[tuple[int, int], list[Hit]] = {}  # the group that a place in a document would belong to
    for hit in hits:
        group = at.get((hit.document_id, hit.chunk_index))
        if group is None or len(group) >= _MOST_JOINED:
            groups.append(group := [])
        group.append(hit)
        for beside in (hit.chunk_index - 1, hit.chunk_index + 1):
            at.setdefault((hit.document_id, beside), group)
    return [_as_one(group) for group in groups]


def _as_one(group: Sequence[Hit]) -> Hit:
    best = group[0]
    if len(group) == 1:
        return best
    parts = sorted(group, key=lambda hit: hit.chunk_index)
    text = parts[0].text
    for before, after in pairwise(parts):
        text = _continued(text, before, after)
    return replace(
        best,
        text=text,
        location=_span([part.location for part in parts]),
        met=sorted({number for part in group for number in part.met}),
        neighbours=tuple(part.chunk_id for part in parts if part is not best),
        same_as=tuple(copy for part in group for copy in part.same_as),
    )


def _continued(text: str, before: Hit, after: Hit) -> str:
    """The text with what follows it; a sentence that both chunks hold comes once."""
    ends, starts = before.location.get("char_end"), after.location.get("char_start")
    if not isinstance(ends, int) or not isinstance(starts, int):
        return f"{text}\n{after.text}"
    shared = ends - starts
    if shared > 0 and text.endswith(after.text[:shared]):
        return text + after.text[shared:]
    return f"{text} {after.text}" if shared == -1 else f"{text}\n\n{after.text}"


_FIRST = {"char_start": "char_end", "line_start": "line_end", "row_start": "row_end", "second_start": "second_end"}


def _span(places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From where the first begins to where the last ends; of the rest what all of them say."""
    first, last = places[0], places[-1]
    whole = {key: value for key, value in first.items() if all(place.get(key) == value for place in places)}
    for begin, until in _FIRST.items():
        if begin in first and until in last:
            whole |= {begin: first[begin], until: last[until]}
    for one in ("page", "slide"):
        if one in first and (end := last.get(f"{one}_end", last.get(one))) is not None:
            whole[one] = first[one]
            whole |= {f"{one}_end": end} if end != first[one] else {}
    return whole
