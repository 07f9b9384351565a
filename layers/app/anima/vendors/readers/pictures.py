"""Pictures within documents: read where the packages for that are installed, named as unread where not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anima.vendors.readers.errors import UnknownMedium, Unreadable
from anima.vendors.readers.media import MediaUnavailable
from anima.vendors.readers.model import Block, Item, Place, Unread

_NO_READER = "it is a picture, and nothing here reads those"
_NO_TEXT = "it is a picture in which no text was found"


def read(images: Iterable[bytes], what: str, place: Place) -> Iterator[Item]:
    """The text of the pictures of one page or slide, which is `what`; that it is unread where they give none."""
    from anima.vendors.readers import image

    reason, found = _NO_TEXT, False
    for data in images:
        try:
            blocks: list[Block] = image.read_image(data, place)
        except MediaUnavailable:
            reason = _NO_READER
            break
        except (Unreadable, UnknownMedium) as error:
            reason = error.detail
            continue
        found = found or bool(blocks)
        yield from blocks
    if not found:
        yield Unread(what, reason)
