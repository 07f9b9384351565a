"""How a whole document is put to a model: in one piece, in parts that are joined, or by its own sentences. Pure.

The plan follows from the sizes of the chunks and the model's window alone, so that a worker that takes over makes
the same one.
"""

from __future__ import annotations

from collections.abc import Sequence

from anima.gateway.model import Model
from anima.knowledge.summary_model import Estimate, Mode, Part, Size, WantedMode

NOTES_TOKENS = 300
ANSWER_TOKENS = 700
CHUNKS_A_PART = 200
"""Chunks that one extractive part reads."""
_BYTES_A_TOKEN = 3.0  # from below: what is planned must fit
_BYTES_A_TOKEN_MOSTLY = 3.6
_FRAME_TOKENS = 350  # the words around what is quoted
_MOST_TOKENS = 60_000  # of one call, however much a model reads
_READ_A_SECOND, _WRITTEN_A_SECOND = 31.0, 10.4  # the local 1.5B model on two cores
_SENTENCES_A_SECOND = 4_000.0
_BYTES_A_SENTENCE = 120.0


def room(model: Model) -> int:
    """How many bytes of a document one call of a model may read."""
    tokens = min(_MOST_TOKENS, int(model.context_len * 0.85)) - ANSWER_TOKENS - _FRAME_TOKENS
    return int(max(500, tokens) * _BYTES_A_TOKEN)


def is_small(model: Model) -> bool:
    """Whether it is the local model, which copies sentences and takes long for it."""
    return model.provider == "local"


def mode(wanted: WantedMode, sizes: Sequence[Size], model: Model | None) -> Mode:
    """How it is done where nobody says how: by sentences with a small model, else in one piece where it fits."""
    if model is None:
        return "extractive"
    if wanted != "auto":
        return wanted
    if is_small(model):
        return "extractive"
    return "one_piece" if fits(sizes, model) else "map_reduce"


def fits(sizes: Sequence[Size], model: Model) -> bool:
    """Whether a model can read the whole document at once."""
    return sum(one.size for one in sizes) <= room(model)


def parts(how: Mode, sizes: Sequence[Size], model: Model | None) -> list[Part]:
    """Everything that has to be done, in order; the last part gives the summary."""
    if how == "extractive":
        steps = range(0, max(1, len(sizes)), CHUNKS_A_PART)
        lowest = [Part(0, n, first, min(len(sizes), first + CHUNKS_A_PART)) for n, first in enumerate(steps)]
        return [*lowest, Part(1, 0, 0, len(lowest))]
    assert model is not None
    if how == "one_piece":
        return [Part(0, 0, 0, len(sizes))]
    return _tree([one.size for one in sizes], model)


def _tree(sizes: Sequence[int], model: Model) -> list[Part]:
    """The parts of a document, then parts of their results, until one part holds all of them."""
    level, planned = 0, _packed(0, sizes, room(model))
    every = list(planned)
    while len(planned) > 1 or level == 0:
        level += 1
        notes = [int(NOTES_TOKENS * _BYTES_A_TOKEN_MOSTLY)] * len(planned)
        planned = _packed(level, notes, max(room(model), 2 * notes[0]))
        every += planned
    return every


def _packed(level: int, sizes: Sequence[int], limit: int) -> list[Part]:
    found: list[Part] = []
    first, held = 0, 0
    for number, size in enumerate(sizes):
        if number > first and held + size > limit:
            found.append(Part(level, len(found), first, number))
            first, held = number, 0
        held += size
    return [*found, Part(level, len(found), first, len(sizes))]


def estimate(how: Mode, sizes: Sequence[Size], model: Model | None) -> Estimate:
    """What it costs, before anything is done."""
    size = sum(one.size for one in sizes)
    if how == "extractive" or model is None:
        return Estimate("extractive", None, 0, 0, 0, round(1.0 + size / _BYTES_A_SENTENCE / _SENTENCES_A_SECOND, 1))
    planned = parts(how, sizes, model)
    notes = [part for part in planned if part.level == 0] if how == "map_reduce" else []
    inner = sum(part.end - part.first for part in planned if part.level > 0)
    tokens = int(size / _BYTES_A_TOKEN_MOSTLY) + inner * NOTES_TOKENS + len(planned) * _FRAME_TOKENS // 2
    written = (len(planned) - 1 if notes else 0) * NOTES_TOKENS + ANSWER_TOKENS
    seconds = tokens / _READ_A_SECOND + written / _WRITTEN_A_SECOND if is_small(model) else None
    return Estimate(how, model.id, tokens, written, len(planned), None if seconds is None else round(seconds, 1))
