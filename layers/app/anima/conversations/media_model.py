"""Media: files that messages and documents refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Medium:
    """A stored file."""

    media_id: int
    storage_uri: str
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    """A medium that came with a message of a session that is not private; the newest, where there are several."""

    media_id: int
    storage_uri: str
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    message_id: int


@dataclass(frozen=True, slots=True)
class NewMedium:
    """A file to be entered, which was stored."""

    storage_uri: str
    media_type: str
    mime_type: str
    size_bytes: int
    sha256: str
    name: str | None
