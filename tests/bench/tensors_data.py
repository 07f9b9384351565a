"""Weights as a GPT-2 has them, the same in every process: names, shapes and seeded numbers. Needs numpy alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

WIDTH = 1024
VOCABULARY = 50257
POSITIONS = 1024


def shapes(parameters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """As many blocks as make up about so many parameters, between embeddings and the last norm."""
    yield "wte.weight", (VOCABULARY, WIDTH)
    yield "wpe.weight", (POSITIONS, WIDTH)
    per_block = 12 * WIDTH * WIDTH
    for block in range(max(1, (parameters - (VOCABULARY + POSITIONS) * WIDTH) // per_block)):
        at = f"h.{block}."
        for norm in ("ln_1", "ln_2"):
            yield f"{at}{norm}.weight", (WIDTH,)
            yield f"{at}{norm}.bias", (WIDTH,)
        for name, rows, columns in (
            ("attn.c_attn", WIDTH, 3 * WIDTH),
            ("attn.c_proj", WIDTH, WIDTH),
            ("mlp.c_fc", WIDTH, 4 * WIDTH),
            ("mlp.c_proj", 4 * WIDTH, WIDTH),
        ):
            yield f"{at}{name}.weight", (rows, columns)
            yield f"{at}{name}.bias", (columns,)
    yield "ln_f.weight", (WIDTH,)
    yield "ln_f.bias", (WIDTH,)


def numbers(name: str, shape: tuple[int, ...], seed: int = 0) -> Any:
    """float32, normal with the deviation that GPT-2 begins with."""
    random = np.random.default_rng((zlib.crc32(name.encode()), seed))
    found = random.standard_normal(shape, dtype=np.float32)
    found *= 0.02
    return found


def half(array: Any) -> Any:
    """The same numbers rounded to bfloat16, as their 16 bits."""
    bits = array.view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)


def weights(dtype: str, n_bytes: int) -> dict[str, Any]:
    """About `n_bytes` of weights as arrays of numpy: float32, or bfloat16 of ml_dtypes."""
    if dtype == "float32":
        return {name: numbers(name, shape) for name, shape in shapes(n_bytes // 4)}
    import ml_dtypes

    return {name: half(numbers(name, shape)).view(ml_dtypes.bfloat16) for name, shape in shapes(n_bytes // 2)}
