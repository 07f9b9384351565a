"""What the readers of images, scans and speech need besides the base: whether it is here, and what to say if not."""

from __future__ import annotations

import importlib.util

from anima.vendors.readers.errors import UnknownMedium


class MediaUnavailable(UnknownMedium):
    """Nothing here reads {medium}: the extra `media` is not installed, and no reader job is configured."""

    slug = "media-unavailable"


def installed(*packages: str) -> bool:
    """Whether these packages can be imported; none of them is."""
    return all(importlib.util.find_spec(name) is not None for name in packages)
