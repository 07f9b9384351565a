"""Fetches embedding models that the catalogue does not pin: by the digest that their publisher states, then noted."""

from __future__ import annotations

import hashlib

from anima.vendors.assets import store
from anima.vendors.assets.entries import Asset
from anima.vendors.assets.progress import Progress, Silent
from anima.vendors.assets.source import SourceFailed
from anima.vendors.assets.stated import stated
from anima.vendors.embeddings.onnx import DIGEST_FILE
from anima.vendors.embeddings.profiles import Local

_FILES = {"onnx/model.onnx": "onnx", "tokenizer.json": "tokenizer"}


def fetch(profile: Local, progress: Progress | None = None) -> str:
    """Brings a model's files here; the name that its vectors carry. Raises AssetUnavailable, NotEnoughDisk."""
    if profile.digest is not None:
        store.ensure_embedder(progress)
        return f"{profile.name}@{profile.digest}"
    digests = [_fetched(profile, file, kind, progress or Silent()) for file, kind in _FILES.items()]
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:12]
    store.path_in_cache(f"{profile.name}/{DIGEST_FILE}").write_text(f"{digest}\n")
    return f"{profile.name}@{digest}"


def _fetched(profile: Local, file: str, kind: str, progress: Progress) -> str:
    """One file; its sha256."""
    name = f"{profile.name.lower()}-{kind}"
    url = f"{profile.repository}/resolve/main/{file}"
    known = store.recorded(name)
    if known is None:
        try:
            size, sha256 = stated(url)
        except SourceFailed as failure:
            raise store.AssetUnavailable(name=name, reasons=f"publisher {url}: {failure}") from None
        known = Asset(name, f"{profile.name}/{file}", url, size, sha256, "as its publisher says", kind)
    store.obtain_recorded(known, progress)
    return known.sha256
