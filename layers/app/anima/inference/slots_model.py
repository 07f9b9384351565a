"""Slots of the local server: what it made of the beginning of a prompt, as the bytes of its file."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

_MAGIC = b"qsgg"  # "ggsq", as a little-endian number
_HEAD = struct.Struct("<4sII")


@dataclass(frozen=True, slots=True)
class Slot:
    """The state of a slot by whose it is and what the prompt began with; `model` is the name of the model's file."""

    avatar_id: uuid.UUID
    prompt_hash: bytes
    model: str


def tokens_of(head: bytes) -> int | None:
    """How many tokens a slot's file holds, by its first 12 bytes (magic, version, count); nothing where it is none."""
    if len(head) < _HEAD.size:
        return None
    magic, _, tokens = _HEAD.unpack_from(head)
    return tokens if magic == _MAGIC and 0 < tokens < 2**31 else None
