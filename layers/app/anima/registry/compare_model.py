"""What is compared with what, tensor by tensor, and what comes of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

State = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of a model or of a checkpoint."""

    role: str
    name: str
    tensor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """How a tensor of the one side differs from that of its name on the other.

    Numbers stand where both have the same shape: the largest |a - b|, the root of the mean of (a - b)^2, |a - b| / |a|,
    the cosine of the angle between them (also None where one is zero), the share of values that differ, and the norms.
    Of the same ones, which are not read, neither cosine nor norms are known.
    What is no number on either side takes part in the share only.
    """

    name: str
    role: str
    state: State
    dtype_left: str | None
    dtype_right: str | None
    shape_left: tuple[int, ...] | None
    shape_right: tuple[int, ...] | None
    max_abs: float | None = None
    rmse: float | None = None
    relative: float | None = None
    cosine: float | None = None
    share_changed: float | None = None
    norm_left: float | None = None
    norm_right: float | None = None
