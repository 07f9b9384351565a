"""The weights of a trained network as a file that others read too (safetensors: a header of JSON, then the numbers)."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .failures import BadWeights
from .keeper import disk
from .network import Floats

MOST_HEADER = 1 << 20


def write(path: Path, weights: Mapping[str, Floats], about: Mapping[str, str]) -> None:
    """Writes them whole or not at all, with what is said `about` them in the header. Raises NoRoom."""
    at, header = 0, {"__metadata__": dict(about)}
    for name, array in weights.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}  # type: ignore[dict-item]
        at += array.nbytes
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with disk("the weights"), draft.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for array in weights.values():
            file.write(np.ascontiguousarray(array, "<f4").tobytes())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    """The weights of such a file, and what is said about them. Raises BadWeights."""
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        if size > min(MOST_HEADER, len(data) - 8):
            raise ValueError("its header is longer than the file, or than any header is")
        header = json.loads(data[8 : 8 + size])
        about = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        return {name: _array(one, memoryview(data)[8 + size :]) for name, one in header.items()}, about
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadWeights(reason=f"{path.name} cannot be read: {error}") from error


def _array(entry: Mapping[str, object], data: memoryview) -> Floats:
    shape, (start, stop) = entry["shape"], entry["data_offsets"]  # type: ignore[misc]
    if entry["dtype"] != "F32" or math.prod(shape) * 4 != stop - start or not 0 <= start <= stop <= len(data):  # type: ignore[arg-type]
        raise ValueError("its numbers are not 32-bit floats in the shapes that it names")
    return np.frombuffer(data[start:stop], "<f4").reshape(shape).astype(np.float32)  # type: ignore[arg-type]
