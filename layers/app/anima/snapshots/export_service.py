"""Everything of a person as an archive that is made while it is sent: a page of rows or a piece of a file at a time."""

from __future__ import annotations

import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError, Unauthenticated
from anima.snapshots import export_model
from anima.snapshots import export_repo as repo
from anima.snapshots.export_repo import Kept, Picture
from anima.vendors.blobs import blobs

_ROWS = 500
_PIECE_BYTES = 1 << 18
_UNFIT = re.compile(r"[^\w.()+@ -]+")
_NAME_CHARS = 120


class _Outgoing:
    """Takes what the archive writes, until somebody sends it; it cannot be gone back in."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Takes some bytes."""
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        """What has come since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def export(principal: db.Principal) -> Iterator[bytes]:
    """The archive (zip) of all that is the caller's, piece by piece; memory does not grow with it."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        tables = [one.name for one in repo.tables(tx).all()]
    return _archive(principal, owner_id, tables, clock.now())


def _archive(principal: db.Principal, owner_id: int, tables: list[str], at: datetime) -> Iterator[bytes]:
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:  # type: ignore[call-overload]
        text = export_model.readme(tables, at.isoformat())
        archive.writestr(_entry("README.txt", at), text.encode())
        for table in tables:
            part = export_model.part_of(table)
            if part is not None:
                lines = _lines(principal, table)
                yield from _written(archive, outgoing, _entry(f"{part.name}.ndjson", at), lines)
        listed = (_noted(kept) for kept in _files(principal, owner_id))
        yield from _written(archive, outgoing, _entry("files.ndjson", at), listed)
        for kept in _files(principal, owner_id):
            yield from _file(archive, outgoing, kept, at)
        for picture in _pictures(principal, owner_id):
            name = f"pictures/{picture.avatar_id}.{picture.mime_type.rpartition('/')[2]}"
            yield from _written(archive, outgoing, _entry(name, at), iter([picture.picture]))
    yield outgoing.taken()
    telemetry.info("account.exported")


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _written(
    archive: zipfile.ZipFile, outgoing: _Outgoing, entry: zipfile.ZipInfo, pieces: Iterator[bytes]
) -> Iterator[bytes]:
    """Writes a file of the archive; answers what can be sent of it after each piece."""
    with archive.open(entry, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
            if ready := outgoing.taken():
                yield ready
    yield outgoing.taken()


def _lines(principal: db.Principal, table: str) -> Iterator[bytes]:
    """The rows of a table as lines of JSON, some at a time."""
    after: list[Any] | None = None
    while True:
        with db.transaction(principal) as tx:
            rows = repo.page(tx, table, after, _ROWS).all()
        if rows:
            yield b"".join(json.dumps(row.item, ensure_ascii=False).encode() + b"\n" for row in rows)
        if len(rows) < _ROWS:
            return
        after = rows[-1].place


def _files(principal: db.Principal, owner_id: int) -> Iterator[Kept]:
    after: str | None = None
    while True:
        with db.transaction(principal) as tx:
            found = repo.files(tx, owner_id, after, _ROWS).all()
        yield from found
        if len(found) < _ROWS:
            return
        after = found[-1].uri


def _pictures(principal: db.Principal, owner_id: int) -> Iterator[Picture]:
    after: uuid.UUID | None = None
    while True:
        with db.transaction(principal) as tx:
            found = repo.picture(tx, owner_id, after).first()
        if found is None:
            return
        yield found
        after = found.avatar_id


def _noted(kept: Kept) -> bytes:
    """The line about a file; one that is not there says so."""
    size, missing = None, None
    try:
        size = blobs().size(kept.uri)
    except AnimaError as error:
        missing = error.slug
    place = {"path": None if missing else _path(kept), "size_bytes": size, "missing": missing}
    row = {"kind": kept.kind, "id": kept.id, "name": kept.name, "mime_type": kept.mime_type, **place}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _file(archive: zipfile.ZipFile, outgoing: _Outgoing, kept: Kept, at: datetime) -> Iterator[bytes]:
    """Copies a file, if it is there."""
    try:
        opened = blobs().open(kept.uri)
    except AnimaError:
        return
    with closing(opened):
        pieces = iter(lambda: opened.read(_PIECE_BYTES), b"")
        yield from _written(archive, outgoing, _entry(_path(kept), at), pieces)


def _path(kept: Kept) -> str:
    name = _UNFIT.sub("_", kept.name or "file").strip(". ")[-_NAME_CHARS:] or "file"
    return f"files/{kept.kind}-{kept.id}/{name}"


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id
