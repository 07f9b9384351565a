"""Chunks on disk, from being cut to being written: one a line, so that a large document takes little memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from anima.knowledge.chunker import Chunk


def keep(path: Path, chunks: Iterable[Chunk]) -> Iterator[int]:
    """Writes chunks, one a line, and says after each how many there are."""
    with path.open("w", encoding="utf-8") as file:
        for number, chunk in enumerate(chunks, 1):
            above = chunk.indexed.removesuffix(chunk.text)
            file.write(json.dumps([chunk.text, chunk.token_count, chunk.location, above]) + "\n")
            yield number


def kept(path: Path, start: int = 0) -> Iterator[Chunk]:
    """The chunks from index `start` on."""
    with path.open(encoding="utf-8") as file:
        for index, line in enumerate(file):
            if index >= start:
                text, token_count, location, above = json.loads(line)
                yield Chunk(index, text, token_count, location, above + text)
