"""What a snapshot comes in: the JSON as it is, or a zip with the files beside it, unpacked within bounds."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from anima.kernel.config import settings
from anima.kernel.errors import FieldError, TooLarge
from anima.snapshots.snapshot_errors import NotASnapshot, SnapshotCutShort, SnapshotEdited
from anima.vendors.blobs import spool

JSON_NAME = "snapshot.json"
FILES = "media/"
_MAGIC = b"PK\x03\x04"
_PIECE_BYTES = 1 << 18
_MOST_ENTRIES = 100_000
_MEDIUM = re.compile(rf"{FILES}[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot on the disk: its JSON, and the archive that its files are in, if there is one."""

    path: Path
    archive: zipfile.ZipFile | None = None

    def text(self) -> BinaryIO:
        """The JSON, to be closed."""
        return self.path.open("rb")

    def has(self, sha256: str) -> bool:
        """Whether a file came along."""
        return self.archive is not None and FILES + sha256 in self.archive.NameToInfo

    @contextmanager
    def medium(self, sha256: str, size: int) -> Iterator[Path]:
        """A file that came along, on the disk for a while. Raises SnapshotEdited where it is another."""
        assert self.archive is not None
        path = self.path.with_name("medium")
        digest = _unpack(self.archive, FILES + sha256, path, size)
        try:
            if digest != sha256:
                wrong = FieldError(FILES + sha256, "the file of this SHA-256")
                raise SnapshotEdited(what="a file in it is another", fields=[wrong])
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """What came, whether zipped or not. Raises NotASnapshot, SnapshotCutShort, TooLarge."""
    limit = settings().max_upload_bytes
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head != _MAGIC:
        if path.stat().st_size > limit:
            raise TooLarge(what="snapshot", size=f"{path.stat().st_size} bytes", limit=f"{limit} bytes")
        yield Opened(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        wrong = FieldError("file", "the whole file")
        raise SnapshotCutShort(where="before the end of its archive", fields=[wrong]) from None
    with archive, spool.workplace() as folder:
        _check(archive, limit)
        _unpack(archive, JSON_NAME, folder / JSON_NAME, limit)
        yield Opened(folder / JSON_NAME, archive)


def _check(archive: zipfile.ZipFile, limit: int) -> None:
    """What an archive says of itself; how much really comes out of it is counted besides."""
    entries = archive.infolist()
    names = [each.filename for each in entries]
    if JSON_NAME not in names:
        raise NotASnapshot(reason=f"the archive holds no {JSON_NAME}")
    if len(entries) > _MOST_ENTRIES or sum(each.file_size for each in entries) > limit:
        raise TooLarge(what="archive, unpacked,", size="more", limit=f"{limit} bytes in {_MOST_ENTRIES} files")
    strange = [each for each in names if each != JSON_NAME and not _MEDIUM.fullmatch(each)]
    if strange or len(set(names)) != len(names) or any(each.flag_bits & 1 for each in entries):
        raise NotASnapshot(reason="the archive holds other files, or some twice, or locked ones")


def _unpack(archive: zipfile.ZipFile, name: str, path: Path, most: int) -> str:
    """Unpacks a file; answers its SHA-256. Raises TooLarge, SnapshotEdited."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as source, path.open("wb") as target:
            for piece in iter(lambda: source.read(_PIECE_BYTES), b""):
                size += len(piece)
                if size > most:
                    raise TooLarge(what="file in the archive", size="more", limit=f"{most} bytes")
                digest.update(piece)
                target.write(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
        raise SnapshotEdited(what=f"{name} cannot be unpacked", fields=[FieldError(name, "as it was packed")]) from None
    return digest.hexdigest()
