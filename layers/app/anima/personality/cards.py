"""Character cards of other programs (V1, V2, V3 as PNG, JSON or CharX) to personalities and back. Pure.

    card = cards.read(Path("aria.png").read_bytes())
    personality, told = cards.personality(card)
    Path("again.png").write_bytes(cards.file(personality, "png", picture=card.picture))

Every word of a card is data: it becomes texts of a personality, which are quoted where they go before a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.personality import card_fields, card_file, card_given
from anima.personality.card_file import MAX_FILE_BYTES, MAX_PICTURE_BYTES, Card, UnreadableCard, mime_of, read
from anima.personality.parse import MOST_BYTES, parse

__all__ = [
    "FILES",
    "MAX_FILE_BYTES",
    "MAX_PICTURE_BYTES",
    "Card",
    "UnreadableCard",
    "card",
    "file",
    "mime_of",
    "personality",
    "read",
]

FILES = {"png": "image/png", "json": "application/json", "charx": "application/zip"}
_BACKFILL = (
    "This character card is Character Card V3, but it is loaded as a Character Card V2. Please use a Character Card V3 "
    "compatible application to use this character card properly."
)


def personality(card: Card) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The personality in a card, checked, and what of the card could not be kept or used.

    Raises UnreadableCard (nobody is in it), TooLarge, InvalidPersonality.
    """
    if not card_fields.name_of(card.data):
        raise card_file.unreadable("the character has no name", "a card whose `name` is a text")
    made, told = card_fields.taken(card.form, card.whole)
    if _size(made) > MOST_BYTES:
        made["source"].pop("card")
        made.get("lorebook", {}).pop("extensions", None)
        told = (*told, "the card is so large that only what is used of it is kept; the rest does not go out again")
    if _size(made) > MOST_BYTES:
        raise TooLarge(what="personality in the card", size=f"{_size(made)} bytes", limit=MOST_BYTES)
    parse(made)
    return made, (*card.told, *told)


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def card(personality: Mapping[str, Any], version: str | None = None) -> dict[str, Any]:
    """The JSON of a personality's card: as it came in, with what was changed since; `version` v2 or v3."""
    if version not in (None, "v2", "v3"):
        raise BadInput(reason="unknown version of cards", fields=[FieldError("version", "v2 or v3")])
    return card_given.given(personality, version)


def file(
    personality: Mapping[str, Any], container: str, *, version: str | None = None, picture: bytes | None = None
) -> bytes:
    """The card as a file: png, json or charx (which holds V3 alone). A PNG of V3 holds V2 too, for older programs."""
    if container not in FILES:
        raise BadInput(reason="unknown kind of file", fields=[FieldError("format", ", ".join(FILES))])
    made = card(personality, "v3" if container == "charx" else version)
    if container == "json":
        return card_file.to_json(made)
    if container == "charx":
        from anima.personality import charx

        return charx.written(made, picture)
    cards = {"chara": made}
    if made["spec"] != "chara_card_v2":
        cards = {"ccv3": made, "chara": _for_older(card(personality, "v2"))}
    return card_file.to_png(cards, picture, made["data"]["name"])


def _for_older(made: dict[str, Any]) -> dict[str, Any]:
    """A card V2 beside one of V3: it says so, where V3 asks for it."""
    notes = f"{_BACKFILL}\n\n{made['data'].get('creator_notes') or ''}".strip()
    return {**made, "data": {**made["data"], "creator_notes": notes}}
