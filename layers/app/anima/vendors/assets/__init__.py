"""Model files: what there is, where it comes from, and that what lies in the cache is exactly that."""

from anima.vendors.assets.entries import Asset, UnknownAsset, asset, built_in, catalogue
from anima.vendors.assets.progress import Bar, Lines, Progress, Silent, console_progress
from anima.vendors.assets.store import (
    SPEECH,
    AssetUnavailable,
    EmbedderFiles,
    NotEnoughDisk,
    embedder_digest,
    embedder_state,
    ensure,
    ensure_embedder,
    ensure_speech,
    is_present,
    path_of,
    provision,
    provision_stated,
    recorded,
)

__all__ = [
    "SPEECH",
    "Asset",
    "AssetUnavailable",
    "Bar",
    "EmbedderFiles",
    "Lines",
    "NotEnoughDisk",
    "Progress",
    "Silent",
    "UnknownAsset",
    "asset",
    "built_in",
    "catalogue",
    "console_progress",
    "embedder_digest",
    "embedder_state",
    "ensure",
    "ensure_embedder",
    "ensure_speech",
    "is_present",
    "path_of",
    "provision",
    "provision_stated",
    "recorded",
]
