"""The kind of a file is told by its bytes."""

from __future__ import annotations

import pytest

from anima.conversations.media_model import kind_of


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", "audio/wav"),
        (b"....ftypisom", "video/mp4"),
        (b"%PDF-1.7 ...", "application/pdf"),
        ("<svg>olivier</svg>é".encode(), "text/plain"),
    ],
)
def test_known_kinds(data: bytes, mime_type: str) -> None:
    found = kind_of(data)
    assert found is not None
    assert found.mime_type == mime_type


@pytest.mark.parametrize("data", [b"", b"MZ\x90\x00\x03", b"\xc3\x28 no text"])
def test_what_is_not_known_has_no_kind(data: bytes) -> None:
    assert kind_of(data) is None
