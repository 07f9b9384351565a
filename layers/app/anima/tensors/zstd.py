"""Zstandard by whichever package is there: `zstandard`, which unpacks twice as fast, else `backports.zstd`, a twentieth
of its size, which has room in a function. Frames are the same.
"""

from __future__ import annotations

from collections.abc import Callable

_LEVEL = 1


class BadFrame(ValueError):
    """This is no frame of Zstandard's, or not one of this length."""


def compress(data: memoryview) -> bytes:
    """One frame that tells its length."""
    return _COMPRESS(data)


def decompress(stored: memoryview, n_bytes: int) -> bytes:
    """What is in a frame of so many bytes. Raises BadFrame."""
    return _DECOMPRESS(stored, n_bytes)


def _fast() -> tuple[Callable[[memoryview], bytes], Callable[[memoryview, int], bytes]]:
    import zstandard

    def packed(data: memoryview) -> bytes:
        return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False).compress(data)

    def unpacked(stored: memoryview, n_bytes: int) -> bytes:
        try:
            if zstandard.frame_content_size(stored) != n_bytes:
                raise BadFrame("its length is wrong")
            return zstandard.ZstdDecompressor().decompress(stored, max_output_size=n_bytes)
        except zstandard.ZstdError as error:
            raise BadFrame("it cannot be decompressed") from error

    return packed, unpacked


def _small() -> tuple[Callable[[memoryview], bytes], Callable[[memoryview, int], bytes]]:
    from backports import zstd

    def packed(data: memoryview) -> bytes:
        return zstd.compress(data, level=_LEVEL)

    def unpacked(stored: memoryview, n_bytes: int) -> bytes:
        try:
            if zstd.get_frame_info(stored).decompressed_size != n_bytes:
                raise BadFrame("its length is wrong")
            whole = zstd.ZstdDecompressor()
            found = whole.decompress(stored, max_length=n_bytes)
        except zstd.ZstdError as error:
            raise BadFrame("it cannot be decompressed") from error
        if len(found) != n_bytes or not whole.eof:
            raise BadFrame("its length is wrong")
        return found

    return packed, unpacked


try:
    _COMPRESS, _DECOMPRESS = _fast()
except ImportError:
    _COMPRESS, _DECOMPRESS = _small()
