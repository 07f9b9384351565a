"""Files in a local folder: written beside their place, synced, then moved into it."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from anima.vendors.blobs import BlobMissing, NoRoom, checked, key_of

_START = "local:"


class LocalBlobs:
    """Blobs below one folder; uris are `local:<key>`, so that the folder may move."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data`: when this returns, it survives a crash of the machine."""
        path = self._folder / checked(key)
        try:
            self._write(path, data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom from error
            raise
        return _START + key

    def _write(self, path: Path, data: bytes) -> None:
        self._make_folders(path.parent)
        draft = path.with_name(f".{uuid.uuid4().hex}")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def get(self, uri: str) -> bytes:
        """The whole file."""
        with self.open(uri) as file:
            return file.read()

    def open(self, uri: str) -> BinaryIO:
        """The file, to be read and closed."""
        try:
            return self._path(uri).open("rb")
        except FileNotFoundError:
            raise BlobMissing(what="file", id=uri, uri=uri) from None

    def exists(self, uri: str) -> bool:
        """Whether the file is there."""
        return self._path(uri).is_file()

    def delete(self, uri: str) -> None:
        """Removes the file, and the folders that it leaves empty."""
        path = self._path(uri)
        path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or gone with another file
            while (path := path.parent) != self._folder:
                path.rmdir()

    def _path(self, uri: str) -> Path:
        return self._folder / key_of(uri, _START)

    def _make_folders(self, folder: Path) -> None:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for each in made:
            _sync(each.parent)


def _sync(folder: Path) -> None:
    """Makes a new name in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
