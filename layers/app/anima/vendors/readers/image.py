"""Images: the text in them by optical character recognition, whose weights come with its package. Asks no network."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.vendors.readers import layout
from anima.vendors.readers.errors import TooMuch, UnknownMedium, Unreadable
from anima.vendors.readers.media import MediaUnavailable, installed
from anima.vendors.readers.model import Block, Item, Limits, Place, Progress, Unread

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "ICO", "PPM", "JPEG2000")
"""What Pillow may open: none that calls another program (as EPS does) or that nobody brings."""
MAX_PIXELS = 120_000_000
MAX_PAGES = 500
WHAT = "images and scanned pages"
NO_TEXT = "no text was found in it"

_WORKED_PIXELS = 40_000_000
_SIDE = 2000
_TALL = 2.5
_SEARCHED = 300
_LEAST_SIDE = 8

_lock = threading.Lock()


def read(path: Path, _limits: Limits | None = None) -> Iterator[Item]:
    """The text of an image, of each page where the file has several (TIFF); of an animation the first picture.

    Raises Unreadable, UnknownMedium, TooMuch, MediaUnavailable.
    """
    total = _pages(path)
    for number in range(1, total + 1):
        place = Place(page=number) if total > 1 else Place()
        blocks = read_image(_loaded(path, number), place)
        yield from blocks
        if not blocks:
            yield Unread(f"page {number}" if total > 1 else "image", NO_TEXT)
        yield Progress(number, total, "pages")


def read_image(image: Image | bytes, place: Place | None = None) -> list[Block]:
    """The paragraphs of an image in reading order, each at `place`; none where it shows no text.

    Raises MediaUnavailable where the packages are not installed, and for bytes Unreadable, UnknownMedium, TooMuch.
    """
    _check_packages()
    picture = upright(opened(io.BytesIO(image))) if isinstance(image, bytes) else image
    texts = [text for strip in _strips(picture) for text in layout.paragraphs(_recognised(strip))]
    return [Block(text, place=place or Place()) for text in texts]


def _check_packages() -> None:
    if not installed("rapidocr", "PIL", "onnxruntime"):
        raise MediaUnavailable(medium=WHAT)


def opened(source: Path | io.BytesIO) -> Image:
    """An image whose pixels are not decoded yet, to be closed.

    Raises Unreadable, UnknownMedium, TooMuch, MediaUnavailable.
    """
    from PIL import Image, UnidentifiedImageError

    _check_packages()
    try:
        image = Image.open(source, formats=FORMATS)
    except UnidentifiedImageError:
        raise UnknownMedium(medium="an image of this format") from None
    except Image.DecompressionBombError:
        raise TooMuch(reason="the image has too many pixels") from None
    except Exception as error:  # whatever a damaged file makes the decoder do
        raise Unreadable(reason="the image is damaged") from error
    if image.width * image.height > MAX_PIXELS:
        raise TooMuch(reason=f"the image has {image.width} x {image.height} pixels; {MAX_PIXELS:,} are read")
    return image


def _pages(path: Path) -> int:
    with opened(path) as image:
        count = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    if count > MAX_PAGES:
        raise TooMuch(reason=f"the image has {count} pages; {MAX_PAGES} are read")
    return count


def _loaded(path: Path, number: int) -> Image:
    with opened(path) as image:
        if number > 1:
            image.seek(number - 1)
        return upright(image)


def upright(image: Image) -> Image:
    """As a person sees it: turned as the camera says, on white where it is transparent, RGB. Raises Unreadable."""
    from PIL import Image as Images
    from PIL import ImageOps

    try:
        turned = ImageOps.exif_transpose(_smaller(image))
        if turned.has_transparency_data:
            over = turned.convert("RGBA")
            return Images.alpha_composite(Images.new("RGBA", over.size, "white"), over).convert("RGB")
        return turned.convert("RGB")
    except Exception as error:  # whatever a damaged file makes the decoder do
        raise Unreadable(reason="the image is damaged") from error


def _smaller(image: Image) -> Image:
    """The image with no more pixels than are looked at; those of a JPEG that are too many are not even decoded."""
    scale = (_WORKED_PIXELS / (image.width * image.height)) ** 0.5
    if scale >= 1:
        return image
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    image.draft("RGB", size)
    return image.resize(size, reducing_gap=2.0)


def _strips(image: Image) -> Iterator[Image]:
    """The image in sizes that its letters survive: a long one in pieces, cut where a row is all of one colour."""
    if min(image.size) < _LEAST_SIDE:
        return
    if image.width > 2 * _SIDE:
        image = image.resize((2 * _SIDE, max(1, image.height * 2 * _SIDE // image.width)))
    longest = int(max(image.width, _SIDE) * _TALL / 2)
    top = 0
    while image.height - top > 2 * longest:
        cut = _quiet_row(image, top + longest)
        yield image.crop((0, top, image.width, cut))
        top = cut
    yield image.crop((0, top, image.width, image.height)) if top else image


def _quiet_row(image: Image, near: int) -> int:
    """The row above `near` that holds the least, so that no line of text is cut."""
    import numpy as np

    first = near - _SEARCHED
    rows = np.asarray(image.crop((0, first, image.width, near)).convert("L"), dtype=np.int16)
    return near - 1 - int(rows.std(axis=1)[::-1].argmin())


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 2})


def _recognised(image: Image) -> list[layout.Line]:
    import numpy as np

    pixels = np.asarray(image)[:, :, ::-1]  # the engine wants blue first
    with _lock:
        found = _engine()(pixels)
    if found.boxes is None or found.txts is None:
        return []
    return [
        layout.Line(text, *(float(each) for each in (*box.min(axis=0), *box.max(axis=0))))
        for box, text in zip(found.boxes, found.txts, strict=True)
        if text.strip()
    ]
