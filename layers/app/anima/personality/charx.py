"""CharX: a zip with `card.json` and files that belong to the character. Only the card and its main picture are read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from anima.personality.card_file import (
    MAX_JSON_BYTES,
    MAX_PICTURE_BYTES,
    Card,
    fitting_picture,
    form_of,
    icon,
    loaded,
    mime_of,
    unreadable,
)

MAX_ENTRIES = 5_000
CARD = "card.json"
_EMBEDDED = ("embeded://", "embedded://")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError, KeyError)
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_AT = (1980, 1, 1, 0, 0, 0)
"""The same card makes the same file."""


def read(data: bytes) -> Card:
    """The card in a zip. Raises UnreadableCard: no zip, no card in it, encrypted, or larger than it says."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > MAX_ENTRIES:
                raise unreadable(f"it holds more than {MAX_ENTRIES} files")
            if CARD not in names:
                raise unreadable(f"the archive holds no {CARD}", f"a CharX file with {CARD} at its root")
            text = _bounded(archive, CARD, MAX_JSON_BYTES)
            if text is None:
                raise unreadable(f"its {CARD} is larger than {MAX_JSON_BYTES} bytes")
            return _card(archive, names, loaded(text))
    except _DAMAGED as error:
        raise unreadable(f"as an archive it is damaged or locked ({error})", "a zip that is whole") from None


def _card(archive: zipfile.ZipFile, names: list[str], whole: dict[str, Any]) -> Card:
    form = form_of(whole)
    place = _place(whole if form == "v1" else whole["data"])
    picture: bytes | None = None
    told: tuple[str, ...] = ()
    if place is not None and place in names:
        inner = _bounded(archive, place, MAX_PICTURE_BYTES)
        picture, told = fitting_picture(inner if inner is not None else bytes(MAX_PICTURE_BYTES + 1))
    others = sum(not name.endswith("/") and name not in (CARD, place) for name in names)
    left = (f"{others} further files in the archive are not kept",) if others else ()
    return Card(form, "charx", whole, picture, (*told, *left))


def _place(data: Mapping[str, Any]) -> str | None:
    """Where in the archive the main picture lies, as the card says; only a plain place below the root."""
    uri = str(icon(data).get("uri", ""))
    place = next((uri.removeprefix(start) for start in _EMBEDDED if uri.startswith(start)), "")
    parts = place.split("/")
    plain = place.isascii() and place.isprintable() and "\\" not in place and len(place) <= 200
    return place if plain and place != CARD and not {"", ".", ".."} & set(parts) else None


def _bounded(archive: zipfile.ZipFile, name: str, most: int) -> bytes | None:
    """A file of the archive; None where it is larger, whatever the archive says of it."""
    with archive.open(name) as packed:
        data = packed.read(most + 1)
    return data if len(data) <= most else None


def written(whole: Mapping[str, Any], picture: bytes | None) -> bytes:
    """A card (V3) as a CharX file, with its main picture in it."""
    card = json.loads(json.dumps(whole))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        ending = _ENDINGS.get(mime_of(picture) or "") if picture is not None else None
        if picture is not None and ending is not None:
            place = _place(card["data"]) or f"assets/icon/images/main.{ending}"
            if icon(card["data"]).get("uri") != f"{_EMBEDDED[0]}{place}":
                card["data"]["assets"] = _with_icon(card["data"].get("assets"), f"{_EMBEDDED[0]}{place}", ending)
            archive.writestr(zipfile.ZipInfo(place, _AT), picture)
        archive.writestr(
            zipfile.ZipInfo(CARD, _AT), json.dumps(card, ensure_ascii=False, indent=2), zipfile.ZIP_DEFLATED
        )
    return file.getvalue()


def _with_icon(assets: object, uri: str, ending: str) -> list[Any]:
    main = icon({"assets": assets})
    others = [one for one in assets if one is not main and one != main] if isinstance(assets, list) else []
    return [{**main, "type": "icon", "name": "main", "uri": uri, "ext": ending}, *others]
