"""How near a message's wording is to that of people in danger: a linear model of its words and of its vector. Pure.

Beside the rules, which know what is said plainly: hints and unusual words are told by many small signs together. The
weights (wording.json) are what `python -m scripts.fit_safety` makes of the sentences in tests/bench/data; features are
hashed (Weinberger et al. 2009): word 1- to 3-grams, pairs around a word, character 4- and 5-grams.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

BUCKETS = 8192
DANGER, WORRY, HINT = 0.75, 0.0, -0.5
"""From here on a message is one of somebody in danger; worth a gentle word; worth listening to."""
HARMLESS = -1.5
"""Below this even what a rule finds is doubtful."""
_MOST_SCORE = 3.0
_STRONG = 2.5


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted model: weights of buckets and of the embedder's vector (none: without), then of the rules beside it."""

    weights: array[int]
    scale: float
    vector: array[int]
    vector_scale: float
    bias: float
    own: float
    rules: float
    strong: float
    shift: float


def logit(plain: str, score: float, vector: Sequence[float] | None = None) -> float:
    """The log-odds that somebody is in danger who writes `plain` (normal.py), with the rules' score beside it.

    `vector`: the message's, of the embedder of `model()`, where the message is English: that one reads no other.
    """
    head = _head("vector" if vector is not None else "words")
    found = buckets(plain)
    own = head.bias + head.scale * sum(head.weights[one] for one in found) / math.sqrt(max(1, len(found)))
    if vector is not None:
        own += head.vector_scale * sum(one * other for one, other in zip(head.vector, vector, strict=True))
    return head.shift + head.own * own + head.rules * min(score, _MOST_SCORE) + head.strong * (score >= _STRONG)


def model() -> str:
    """The embedding model whose vectors are known."""
    return str(_read()["model"])


def buckets(plain: str) -> set[int]:
    """The features of a message, as numbers of their buckets."""
    words = plain.replace("|", " ").split()
    text = f" {' '.join(words)} "
    grams = {f"w{' '.join(words[at : at + n])}" for n in (1, 2, 3) for at in range(len(words) - n + 1)}
    pairs = {f"s{words[at]}_{words[at + 2]}" for at in range(len(words) - 2)}
    letters = {f"c{text[at : at + n]}" for n in (4, 5) for at in range(len(text) - n + 1)}
    return {zlib.crc32(one.encode()) % BUCKETS for one in grams | pairs | letters}


@cache
def _read() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("wording.json").read_text("utf-8"))
    return loaded


@cache
def _head(name: str) -> Head:
    kept = _read()["heads"][name]
    numbers = {part: array("b", base64.b85decode(kept[part])) for part in ("weights", "vector")}
    return Head(**{**kept, **numbers})
