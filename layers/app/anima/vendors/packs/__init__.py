"""Packs: where the bytes of tensors lie, in a local folder or in an object store (S3, Google's, Azure's)."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from anima.kernel.config import BadSettings, settings
from anima.vendors.packs.buffers import Buffers, aligned
from anima.vendors.packs.model import (
    ALIGNMENT,
    Found,
    PackMissing,
    Packs,
    PackTruncated,
    PackUnreadable,
    PackUnwritable,
    PackWriter,
    Piece,
    padded,
)

__all__ = [
    "ALIGNMENT",
    "Buffers",
    "Found",
    "PackMissing",
    "PackTruncated",
    "PackUnreadable",
    "PackUnwritable",
    "PackWriter",
    "Packs",
    "Piece",
    "aligned",
    "packs",
    "packs_at",
    "padded",
]

_SCHEMES = ("s3", "gs", "az")


def packs() -> Packs:
    """The store that the settings name: `tensor_store_url`, else below `object_store_url`, else a folder of ours."""
    given = settings()
    if given.tensor_store_url:
        return packs_at(given.tensor_store_url)
    if given.object_store_url:
        return packs_at(given.object_store_url.rstrip("/") + "/tensors")
    return packs_at((given.data_dir / "tensors").absolute().as_uri())


@lru_cache(maxsize=16)
def packs_at(url: str) -> Packs:
    """The store at `s3://bucket/prefix`, `gs://…`, `az://container/prefix` or `file:///folder`. Raises BadSettings."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path and parts.netloc in ("", "localhost"):
        from anima.vendors.packs.folder import FolderPacks

        return FolderPacks(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and find_spec("obstore") is None:
        from anima.vendors.packs.boto import BotoPacks

        return BotoPacks(url)
    if parts.scheme in _SCHEMES and parts.netloc:
        from anima.vendors.packs.objects import ObjectPacks

        return ObjectPacks(url)
    raise BadSettings(reason="ANIMA_TENSOR_STORE_URL begins with s3://, gs://, az:// or file:///")
