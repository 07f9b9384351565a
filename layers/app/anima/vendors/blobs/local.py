"""Files in a local folder: written apart from their place, synced, then moved into it."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from anima.vendors.blobs import BlobMissing, NoRoom, checked, key_of

_START = "local:"
_DRAFTS = ".drafts"  # no key has a dot
_DRAFT_SECONDS = 3600.0
"""Whoever has been writing for so long is taken for dead."""


class LocalBlobs:
    """Blobs below one folder; uris are `local:<key>`, so that the folder may move."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def uri_of(self, key: str) -> str:
        """`local:` and the key."""
        return _START + checked(key)

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data`: when this returns, it survives a crash of the machine."""

        def write(draft: Path) -> None:
            with draft.open("xb") as file:
                file.write(data)

        return self._keep(key, write)

    def put_file(self, key: str, path: Path) -> str:
        """Keeps the file at `path`, without copying it where that can be had."""
        return self._keep(key, lambda draft: _copy(path, draft))

    def _keep(self, key: str, write: Callable[[Path], None]) -> str:
        path = self._folder / checked(key)
        try:
            self._make_folders(path.parent)
            draft = self._draft()
            try:
                write(draft)
                _sync(draft)
                draft.replace(path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom from error
            raise
        _sync(path.parent)
        return _START + key

    def _draft(self) -> Path:
        """A name for a file that is being written; those of writers who died go with the next."""
        drafts = self._folder / _DRAFTS
        self._make_folders(drafts)
        for left in drafts.iterdir():
            with suppress(FileNotFoundError):  # it has just been moved into its place
                if time.time() - left.stat().st_ctime > _DRAFT_SECONDS:
                    left.unlink()
        return drafts / uuid.uuid4().hex

    def get(self, uri: str) -> bytes:
        """The whole file."""
        with self.open(uri) as file:
            return file.read()

    def fetch(self, uri: str, path: Path) -> None:
        """Brings the file to `path`, without copying it where that can be had."""
        path.unlink(missing_ok=True)
        try:
            _copy(self._path(uri), path)
        except FileNotFoundError:
            raise BlobMissing(what="file", id=uri, uri=uri) from None

    def open(self, uri: str, start: int = 0) -> BinaryIO:
        """The file, to be read and closed."""
        try:
            file = self._path(uri).open("rb")
        except FileNotFoundError:
            raise BlobMissing(what="file", id=uri, uri=uri) from None
        file.seek(start)
        return file

    def size(self, uri: str) -> int:
        """How many bytes it has."""
        try:
            return self._path(uri).stat().st_size
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

    def delete_all(self, folder: str) -> None:
        """Removes a folder with all that is in it."""
        while (place := self._folder / checked(folder)).exists():  # a file may come into it meanwhile
            shutil.rmtree(place, ignore_errors=True)

    def _path(self, uri: str) -> Path:
        return self._folder / key_of(uri, _START)

    def _make_folders(self, folder: Path) -> None:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for each in made:
            _sync(each.parent)


def _copy(source: Path, target: Path) -> None:
    """A second name for the same bytes, which nobody changes; on another disk a copy."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    """Makes a file's content, or a new name in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
