"""Files of character cards: PNG with a text inside, JSON, and CharX (a zip), read with suspicion and written.

A file that lies (about lengths, checksums, what is packed, what is text) is refused with UnreadableCard before
anything is made of it. After the specifications of character card V2 (malfoyslastname) and V3 (kwaroran).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.personality import png

MAX_FILE_BYTES = 16_000_000
MAX_JSON_BYTES = 8_000_000
"""Of the text of a card, with pictures that it may hold as text."""
MAX_PICTURE_BYTES = 4_000_000
MAX_DEPTH = 32
MAX_VALUES = 100_000
FORMATS = {"chara_card_v2": "v2", "chara_card_v3": "v3"}
_TEXTS = ("ccv3", "chara")
_ASSET = "chara-ext-asset_:"
_V1 = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_SPEAKING = {"personality", "scenario", "first_mes", "mes_example"}
"""Other files have a name and a description, too."""
_ZIP = b"PK\x03\x04"
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class UnreadableCard(BadInput):
    """The character card cannot be read: {reason}."""

    slug = "unreadable-card"
    quoted = ("reason",)


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it came: `whole` is its JSON, `data` the fields in it, `picture` what it looks like.

    `form` is v1, v2 or v3, `container` png, json or charx; `told` says what of it was not kept.
    """

    form: str
    container: str
    whole: dict[str, Any]
    picture: bytes | None = None
    told: tuple[str, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """Its fields, wherever its version keeps them."""
        return self.whole if self.form == "v1" else dict(self.whole["data"])


def unreadable(reason: str, expected: str = "a character card V1, V2 or V3 as PNG, JSON or CharX") -> UnreadableCard:
    """The error of a card that cannot be read, and what would be."""
    return UnreadableCard(reason=reason, fields=[FieldError("card", expected)])


def read(data: bytes) -> Card:
    """The card in a file, told by its content. Raises UnreadableCard, TooLarge."""
    if len(data) > MAX_FILE_BYTES:
        raise TooLarge(what="card", size=f"{len(data)} bytes", limit=f"{MAX_FILE_BYTES} bytes")
    if data.startswith(png.SIGNATURE):
        return _from_png(data)
    if data.startswith(_ZIP):
        from anima.personality import charx

        return charx.read(data)
    if data[:3] in (b"\xff\xd8\xff", b"GIF") or data[:4] == b"RIFF":
        raise unreadable("it is a picture, but no PNG; cards are kept in PNG pictures")
    card = Card(*_opened(data, "json"))
    return _with_inner_picture(card)


def _from_png(data: bytes) -> Card:
    try:
        chunks = png.chunks(data)
        texts = png.texts(chunks, frozenset(_TEXTS))
    except png.BadPng as error:
        raise unreadable(f"as a PNG it is damaged: {error}", "a PNG that is whole") from None
    found = next((texts[name] for name in _TEXTS if name in texts), None)
    if found is None:
        raise unreadable("the picture holds no character (no text ccv3 or chara)", "a PNG with a card in it")
    form, container, whole = _opened(decoded(found), "png")
    assets = frozenset(name for name in _keywords(chunks) if name.startswith(_ASSET))
    picture, told = fitting_picture(png.with_texts(chunks, {}, frozenset(_TEXTS) | assets))
    left = (f"{len(assets)} files in the picture are not kept",) if assets else ()
    return Card(form, container, whole, picture, (*told, *left))


def _keywords(chunks: list[png.Chunk]) -> set[str]:
    kinds = (b"tEXt", b"zTXt", b"iTXt")
    return {one.data.partition(b"\0")[0].decode("latin-1").lower() for one in chunks if one.kind in kinds}


def decoded(text: bytes) -> bytes:
    """What stands in base64. Raises UnreadableCard."""
    packed = bytes(text).translate(None, b" \t\r\n")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise unreadable("the text in its picture is no base64", "the card's JSON in base64") from None


def _opened(data: bytes, container: str) -> tuple[str, str, dict[str, Any]]:
    whole = loaded(data)
    return form_of(whole), container, whole


def form_of(whole: Mapping[str, Any]) -> str:
    """Which version of cards a JSON object is. Raises UnreadableCard."""
    spec = whole.get("spec")
    if isinstance(spec, str) and spec.startswith("chara_card_v") and isinstance(whole.get("data"), dict):
        return FORMATS.get(spec, "v3")  # a newer version adds to the last that is known
    named = [name for name in _V1 if isinstance(whole.get(name), str)]
    if spec is None and "name" in named and set(named) & _SPEAKING:
        return "v1"
    if "entries" in whole or spec == "lorebook_v3":
        raise unreadable("it is a lorebook; an avatar takes one with PUT /avatars/{avatar_id}/lorebook")
    raise unreadable("its JSON is no card: `spec` with `data` is expected")


def loaded(data: bytes) -> dict[str, Any]:
    """The JSON object in some bytes. Raises UnreadableCard: no UTF-8, no JSON, no object, too deep, no numbers."""
    if len(data) > MAX_JSON_BYTES:
        raise TooLarge(what="JSON of the card", size=f"{len(data)} bytes", limit=f"{MAX_JSON_BYTES} bytes")
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise unreadable(f"its JSON is no UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise unreadable(f"its JSON breaks off at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise unreadable("its JSON is nested too deep") from None
    except ValueError as error:
        raise unreadable(f"its JSON has a number that is none ({error})") from None
    if not isinstance(found, dict):
        raise unreadable("its JSON is no object")
    _check_values(found)
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _check_values(found: Any) -> None:
    """Texts and numbers that can be stored as JSON, no deeper than is sensible; without recursion."""
    level, seen = [found], 0
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        seen += len(level)
        if not level:
            return
        if seen > MAX_VALUES:
            raise unreadable(f"its JSON has more than {MAX_VALUES} values")
    raise unreadable(f"its JSON is nested deeper than {MAX_DEPTH}")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, str) and (
        "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value))
    ):
        raise unreadable("its JSON has a character that is none")
    if isinstance(value, float) and not math.isfinite(value):
        raise unreadable("its JSON has a number that is too large")
    return []


def mime_of(picture: bytes) -> str | None:
    """What kind of picture some bytes are, by themselves; None where they are none that is known."""
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for head, mime in _PICTURES.items() if picture.startswith(head)), None)


def fitting_picture(picture: bytes) -> tuple[bytes | None, tuple[str, ...]]:
    """The picture if it can be kept, or why not."""
    if len(picture) > MAX_PICTURE_BYTES:
        return None, (f"the picture is not kept: it has more than {MAX_PICTURE_BYTES} bytes",)
    if mime_of(picture) is None:
        return None, ("the picture is not kept: it is no PNG, JPEG, WebP or GIF",)
    return picture, ()


def icon(data: Mapping[str, Any]) -> dict[str, Any]:
    """The asset that is the character's main picture, if one is named."""
    assets = data.get("assets")
    listed = [one for one in assets if isinstance(one, dict)] if isinstance(assets, list) else []
    icons = [one for one in listed if one.get("type") == "icon" and isinstance(one.get("uri"), str)]
    return next((one for one in icons if one.get("name") == "main"), icons[0] if icons else {})


def _with_inner_picture(card: Card) -> Card:
    """A card in JSON may hold its picture as a data URI; what the URI says of its kind is not believed."""
    uri = str(icon(card.data).get("uri", ""))
    if not uri.startswith("data:"):
        return card
    try:
        picture, told = fitting_picture(decoded(uri.partition(",")[2].encode("utf-8")))
    except UnreadableCard:
        picture, told = None, ("the picture is not kept: its text is no base64",)
    return Card(card.form, card.container, card.whole, picture, told)


def to_json(whole: Mapping[str, Any]) -> bytes:
    """A card, or a lorebook, as a JSON file."""
    return json.dumps(whole, ensure_ascii=False, indent=2).encode() + b"\n"


def to_png(cards: Mapping[str, Mapping[str, Any]], picture: bytes | None, name: str) -> bytes:
    """A picture with cards in it, by the name of the text (ccv3, chara); without a PNG of its own one is drawn."""
    base = picture if picture is not None and picture.startswith(png.SIGNATURE) else png.drawn(name)
    texts = {key: base64.b64encode(json.dumps(one, ensure_ascii=False).encode()) for key, one in cards.items()}
    try:
        return png.with_texts(png.chunks(base), texts)
    except (png.BadPng, zlib.error):
        return png.with_texts(png.chunks(png.drawn(name)), texts)
