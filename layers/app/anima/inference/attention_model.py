"""Attention patterns: how much each token of an input looked at each other one, by layer and head."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TOKENS = 4096
_TOKEN_CHARS = 1000
_OFF = 0.02
"""How far a row may be from 1: numbers of 16 bits add up so badly."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a model attended to in one input: its tokens, and by layer an array (heads, queries, keys) of weights."""

    tokens: Sequence[str]
    layers: Mapping[int, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of one head; the matrix (queries, keys) is the tensor. `input_hash` is in hexadecimal."""

    pattern_id: uuid.UUID
    inference_id: uuid.UUID | None
    model_id: uuid.UUID
    layer: int
    head: int
    tokens: list[str]
    input_hash: str
    tensor_id: uuid.UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Input:
    """An input whose patterns were recorded, and of how many layers and heads."""

    input_hash: str
    tokens: list[str]
    layers: int
    heads: int
    created_at: datetime


def input_hash(tokens: Sequence[str]) -> bytes:
    """What an input is known by: sha256 of its tokens, each with its length."""
    digest = hashlib.sha256()
    for token in tokens:
        said = token.encode("utf-8", "surrogatepass")
        digest.update(len(said).to_bytes(8, "little") + said)
    return digest.digest()


def why_no_pattern(one: Recorded) -> str | None:
    """What is wrong with a recording, or nothing: the rows of each matrix are weights that add up to 1."""
    n = len(one.tokens)
    if not 1 <= n <= MOST_TOKENS:
        return f"an input has 1 to {MOST_TOKENS} tokens"
    if any(len(token) > _TOKEN_CHARS or "\0" in token or _broken(token) for token in one.tokens):
        return f"a token is text of at most {_TOKEN_CHARS} characters"
    if not one.layers:
        return "no layer was recorded"
    for layer, weights in one.layers.items():
        if layer < 0 or weights.ndim != 3 or weights.shape[0] < 1 or weights.shape[1:] != (n, n):
            return f"layer {layer} has the shape {tuple(weights.shape)}, not (heads, {n}, {n})"
        if not adds_up(weights):
            return f"rows of layer {layer} do not add up to 1"
    return None


def _broken(token: str) -> bool:
    """Whether it has half of a character, as a tokenizer may cut it."""
    return any("\ud800" <= letter <= "\udfff" for letter in token)


def adds_up(weights: NDArray[Any]) -> bool:
    """Whether all numbers are from 0 on, and those of each row add up to 1."""
    import numpy as np

    wide = weights.astype(np.float64)
    return bool((wide >= 0).all() and (np.abs(wide.sum(axis=-1) - 1) <= _OFF).all())
