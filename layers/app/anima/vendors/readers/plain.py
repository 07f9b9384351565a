"""Plain text: a block for each paragraph; in a dialogue one for each thing that is said, with who says it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from anima.vendors.readers.decoding import Line, lines
from anima.vendors.readers.model import Block, Item, Progress
from anima.vendors.readers.passage import Passage

PROGRESS_BYTES = 1 << 20
_SAMPLE_LINES = 200
# "Ines: hello", "[12:04] Ines: hello", "12/03/2024, 09:15 - Ines Roy: hello", "**Ines**: hello".
_SPOKEN = re.compile(
    r"(?:\[?[\d/.:, -]{4,30}(?:[ap]m)?\]?[ -]{0,3})?\*{0,2}"
    r"(?P<who>[^\W\d_][\w.'’-]{0,30}(?: [\w.'’()-]{1,30}){0,3}?)\*{0,2} ?:\*{0,2}\s+\S",
    re.I,
)
_SHARE = 0.6


def read(path: Path) -> Iterator[Item]:
    """The paragraphs of a text, or the utterances of a dialogue."""
    coming = lines(path)
    sample = list(islice(coming, _SAMPLE_LINES))
    spoken = is_dialogue(sample)
    yield from with_progress(path, _blocks(_chained(sample, coming), spoken=spoken))


def is_dialogue(sample: Iterable[Line]) -> bool:
    """Whether most lines begin with a name, and names come back."""
    said = [(line.text, _SPOKEN.match(line.text)) for line in sample if line.text.strip()]
    names = [found["who"] for _, found in said if found]
    return len(names) >= 4 and len(names) >= _SHARE * len(said) and len(set(names)) <= len(names) / 2


def with_progress(path: Path, blocks: Iterator[Block]) -> Iterator[Item]:
    """The blocks of a text file, with the share of it that is done, in bytes as far as one can tell."""
    total, told, spent = path.stat().st_size, 0, 0
    for block in blocks:
        yield block
        spent += len(block.text.encode()) + len(block.joint)
        if spent - told >= PROGRESS_BYTES:
            told = spent
            yield Progress(min(spent, total), total, "bytes")
    yield Progress(total, total, "bytes")


def _chained(sample: list[Line], rest: Iterator[Line]) -> Iterator[Line]:
    held = deque(sample)
    sample.clear()
    while held:
        yield held.popleft()
    yield from rest


def _blocks(coming: Iterator[Line], *, spoken: bool) -> Iterator[Block]:
    passage = Passage()
    starts = True
    for line in coming:
        found = _SPOKEN.match(line.text) if spoken and starts else None
        if found:
            yield from passage.end()
            passage.speaker = found["who"]
        elif starts and not line.text.strip():
            yield from passage.end()
        yield from passage.add(line)
        starts = line.ends
    yield from passage.end()
