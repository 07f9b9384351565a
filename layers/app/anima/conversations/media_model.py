"""What kind of file some bytes are, told by the bytes alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: one of image, audio, video, text, pdf, and its MIME type."""

    media_type: str
    mime_type: str


_SIGNATURES: list[tuple[int, bytes, Kind]] = [
    (0, b"\x89PNG\r\n\x1a\n", Kind("image", "image/png")),
    (0, b"\xff\xd8\xff", Kind("image", "image/jpeg")),
    (0, b"GIF87a", Kind("image", "image/gif")),
    (0, b"GIF89a", Kind("image", "image/gif")),
    (8, b"WEBP", Kind("image", "image/webp")),
    (4, b"ftypavif", Kind("image", "image/avif")),
    (4, b"ftypheic", Kind("image", "image/heic")),
    (0, b"%PDF-", Kind("pdf", "application/pdf")),
    (8, b"WAVE", Kind("audio", "audio/wav")),
    (0, b"ID3", Kind("audio", "audio/mpeg")),
    (0, b"\xff\xfb", Kind("audio", "audio/mpeg")),
    (0, b"fLaC", Kind("audio", "audio/flac")),
    (0, b"OggS", Kind("audio", "audio/ogg")),
    (4, b"ftypM4A", Kind("audio", "audio/mp4")),
    (4, b"ftyp", Kind("video", "video/mp4")),
    (0, b"\x1a\x45\xdf\xa3", Kind("video", "video/webm")),
]


def kind_of(data: bytes) -> Kind | None:
    """The kind of a file; nothing where it is none that is known. What reads as UTF-8 text is text."""
    for offset, signature, kind in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return kind
    if not data or b"\x00" in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Kind("text", "text/plain")
