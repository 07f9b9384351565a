"""The visual front end (`corneal_parameters`): pictures are cropped, scaled, turned grey and stacked.

A picture is (height, width) or (height, width, channels), of bytes or of bits; what comes out is (channels, height,
width), so that it can be convolved. Scaling takes the mean of the pixels that fall into each new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]
GREY = (0.299, 0.587, 0.114)
"""How bright red, green and blue look (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What is done to each picture. `crop` is what goes: top, bottom, left, right; `scale` (height, width)."""

    crop: tuple[int, int, int, int] | None = None
    scale: tuple[int, int] | None = None
    grey: bool = False
    stack: int = 1

    def see(self, picture: Picture) -> Picture:
        """(channels, height, width) of a picture, in its own type; what is scaled or grey is of bytes."""
        seen = picture[..., None] if picture.ndim == 2 else picture
        if self.crop is not None:
            top, bottom, left, right = self.crop
            seen = seen[top : seen.shape[0] - bottom, left : seen.shape[1] - right]
        if self.grey and seen.shape[2] > 1:
            seen = _grey(seen)
        if self.scale is not None and seen.shape[:2] != self.scale:
            seen = _scaled(seen, *self.scale)
        return np.ascontiguousarray(seen.transpose(2, 0, 1))


def is_picture(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether observations of this shape and type are pictures: bytes or bits in two or three dimensions."""
    return len(shape) in (2, 3) and dtype in (np.dtype(np.uint8), np.dtype(np.bool_))


def _bytes(picture: Picture) -> NDArray[np.float32]:
    return picture.astype(np.float32) * np.float32(255.0 if picture.dtype == np.bool_ else 1.0)


def _grey(picture: Picture) -> NDArray[np.uint8]:
    """Three channels are colours; of any other number the brightest one counts."""
    seen = _bytes(picture)
    made = seen @ np.asarray(GREY, np.float32) if picture.shape[2] == 3 else seen.max(axis=2)
    return np.rint(made).astype(np.uint8)[..., None]


def _scaled(picture: Picture, height: int, width: int) -> NDArray[np.uint8]:
    rows, columns = _shares(picture.shape[0], height), _shares(picture.shape[1], width)
    made = np.einsum("hi,ijc,wj->hwc", rows, _bytes(picture), columns, optimize=True)
    return np.rint(made).astype(np.uint8)


_KNOWN: dict[tuple[int, int], NDArray[np.float32]] = {}


def _shares(old: int, new: int) -> NDArray[np.float32]:
    """(new, old): which share of each new pixel an old one is, by the length that they have in common."""
    if (old, new) not in _KNOWN:
        edges = np.arange(new + 1) * (old / new)
        pixel = np.arange(old)
        common = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
        shares = np.maximum(common, 0.0)
        _KNOWN[old, new] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return _KNOWN[old, new]
