"""Scanned pages: a page of a PDF without text of its own is drawn, and read as an image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from anima.vendors.readers import image
from anima.vendors.readers.errors import Unreadable
from anima.vendors.readers.media import MediaUnavailable, installed
from anima.vendors.readers.model import Block, Item, Place, Unread

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PAGES = 2_000
"""So many pages of a document are read as images, which takes seconds each."""
NO_READER = "it is a scanned page, and nothing here reads those"
TOO_MANY = f"it is a scanned page, and the first {MAX_PAGES:,} of those are read"

_DOTS_PER_INCH = 200
_POINTS_PER_INCH = 72
_MOST_PIXELS = 12_000_000
_LEAST_CONTRAST = 24


class Scan:
    """The pages of one PDF that are pictures, read one by one; a context manager, which opens it when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pdf: Any = None
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pdf is not None:
            self._pdf.close()

    def read_page(self, number: int, heading: tuple[str, ...] = ()) -> Iterator[Item]:
        """The text of page `number` (from 1), nothing for an empty page, or that it is unread, and why."""
        what = f"page {number}"
        if self._read >= MAX_PAGES:
            yield Unread(what, TOO_MANY)
            return
        try:
            drawn = self._drawn(number)
            blocks = [] if _blank(drawn) else image.read_image(drawn, Place(page=number))
        except MediaUnavailable:
            yield Unread(what, NO_READER)
            return
        except Unreadable as error:
            yield Unread(what, error.detail)
            return
        self._read += 1
        yield from (Block(block.text, heading, block.place) for block in blocks)
        if not blocks and not _blank(drawn):
            yield Unread(what, image.NO_TEXT)

    def _drawn(self, number: int) -> Image:
        """The page at 200 dots an inch, or fewer where it is so large that they would be too many."""
        if not installed("pypdfium2", "PIL"):
            raise MediaUnavailable(medium=image.WHAT)
        import pypdfium2

        try:
            self._pdf = self._pdf or pypdfium2.PdfDocument(self._path)
            page = self._pdf[number - 1]
            width, height = page.get_size()
            scale = _DOTS_PER_INCH / _POINTS_PER_INCH
            scale = min(scale, (_MOST_PIXELS / max(1.0, width * height)) ** 0.5)
            drawn: Image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
            page.close()
        except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
            raise Unreadable(reason=f"page {number} of the PDF is damaged") from error
        return drawn


def _blank(picture: Image) -> bool:
    """Whether there is nothing on a page: it is nearly of one colour."""
    darkest, brightest = picture.convert("L").getextrema()
    return bool(int(brightest) - int(darkest) < _LEAST_CONTRAST)  # type: ignore[arg-type]
