"""Writes snapshots: all of an avatar as it was at one moment, on the disk first, so that no reader holds the database.

Memory grows with the number of messages by their ids only: rows come and go a page at a time.
"""

from __future__ import annotations

import hashlib
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO, LiteralString, cast

from anima.avatars import service as avatars
from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError, Unauthenticated
from anima.snapshots import snapshot_read_repo as repo
from anima.snapshots.snapshot_file import Writer, dumped
from anima.snapshots.snapshot_parts import PARTS, Link
from anima.style import carry_service as style
from anima.vendors.blobs import blobs, spool

JSON_NAME = "snapshot.json"
FILES = "media/"
_PAGE = 2_000
_PIECE_BYTES = 1 << 18
_MESSAGES_AT_ONCE = 1_000
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""What files in the archive are dated, so that the same content makes the same archive."""
_PAGED: dict[str, db.Query[repo.Line]] = {
    "entities": repo.ENTITIES,
    "facts": repo.FACTS,
    "episodes": repo.EPISODES,
    "felt": repo.FELT,
    "questions": repo.QUESTIONS,
}
_PLAIN: dict[str, db.Query[repo.Plain]] = {
    "avatar": repo.AVATAR,
    "versions": repo.VERSIONS,
    "picture": repo.PICTURE,
    "feelings": repo.FEELINGS,
    "affinity": repo.AFFINITY,
}


def export(principal: db.Principal, avatar_id: uuid.UUID, *, with_files: bool = False) -> tuple[str, Iterator[bytes]]:
    """The avatar's name and its snapshot, piece by piece: JSON, or with files a zip. Raises AvatarNotFound.

    All of it was read when this returns; the pieces come from the disk.
    """
    name = avatars.get(principal, avatar_id).name
    pieces = _pieces(principal, avatar_id, with_files=with_files)
    next(pieces)
    return name, pieces


def write(principal: db.Principal, avatar_id: uuid.UUID, file: BinaryIO, *, with_files: bool = False) -> list[Kept]:
    """Writes the JSON of a snapshot to a file; answers the files that belong to it."""
    writing = _Writing(principal.user_id or 0, avatar_id, Writer(file), with_files)
    with db.transaction(principal, steady=True) as tx:
        repo.utc(tx)
        writing.all(tx)
    telemetry.info("snapshot.exported", rows=writing.rows)
    return writing.kept


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that belongs to a snapshot: its digest, and where it lies."""

    sha256: str
    storage_uri: str


def _pieces(principal: db.Principal, avatar_id: uuid.UUID, *, with_files: bool) -> Iterator[bytes]:
    """Nothing once it is written, then the bytes; the place on the disk goes with whoever reads them."""
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    with spool.workplace() as folder:
        path = folder / JSON_NAME
        with path.open("wb") as file:
            kept = write(principal, avatar_id, file, with_files=with_files)
        if with_files:
            path = _zipped(folder, path, kept)
        yield b""
        with path.open("rb") as file:
            yield from iter(lambda: file.read(_PIECE_BYTES), b"")


def _zipped(folder: Path, text: Path, kept: Sequence[Kept]) -> Path:
    """The archive of a snapshot and its files; what is not there any more, or is another by now, is left out."""
    path = folder / "snapshot.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo(JSON_NAME, _FIRST_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with text.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
            _copy(source, target)
        for sha256, uri in sorted({each.sha256: each.storage_uri for each in kept}.items()):
            _add(archive, folder, sha256, uri)
    return path


def _add(archive: zipfile.ZipFile, folder: Path, sha256: str, uri: str) -> None:
    path = folder / "medium"
    try:
        with closing(blobs().open(uri)) as source, path.open("wb") as target:
            digest = _copy(source, target)
    except AnimaError as error:
        telemetry.warning("snapshot.file_missing", reason=error.slug)
        return
    if digest == sha256:
        entry = zipfile.ZipInfo(FILES + sha256, _FIRST_TIME)
        with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as stored:
            _copy(source, stored)


def _copy(source: BinaryIO, target: IO[bytes]) -> str:
    """Copies a file; answers its SHA-256."""
    digest = hashlib.sha256()
    for piece in iter(lambda: source.read(_PIECE_BYTES), b""):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


@dataclass(slots=True)
class _Writing:
    """A snapshot as it is written: which number each session, message and file got, and which ids have other names."""

    owner_id: int
    avatar_id: uuid.UUID
    writer: Writer
    with_files: bool
    rows: int = 0
    kept: list[Kept] = field(default_factory=list)
    _sessions: dict[int, int] = field(default_factory=dict)
    _messages: dict[int, int] = field(default_factory=dict)
    _media: dict[int, int] = field(default_factory=dict)
    _batched: list[list[int]] = field(default_factory=list)
    _origins: dict[str, str] = field(default_factory=dict)

    def all(self, tx: db.Transaction) -> None:
        """Every part, in order."""
        found = repo.origins(tx, self.owner_id, self.avatar_id)
        self._origins = {str(each.id): str(each.origin_id) for each in found.all()}
        tx.release(found)
        self.writer.begin(uuid.UUID(self._origin(str(self.avatar_id))), clock.now(), f"anima {version('anima')}")
        special: Mapping[str, Callable[[db.Transaction], None]] = {
            "style": self._write_style,
            "media": self._write_media,
            "sessions": self._write_sessions,
            "messages": self._write_messages,
        }
        for name in PARTS:
            self.writer.part(name)
            if name in special:
                special[name](tx)
            elif name in _PAGED:
                self._write_pages(tx, name, _PAGED[name])
            else:
                for row in repo.plain(tx, _PLAIN[name], self.owner_id, self.avatar_id).all():
                    self._row(row.line)
        self.writer.end()

    def _write_style(self, tx: db.Transaction) -> None:
        if part := style.as_part(style.portable(tx, self.owner_id).first()):
            self._row(dumped(part))

    def _write_media(self, tx: db.Transaction) -> None:
        if not self.with_files:
            return
        for number, each in enumerate(repo.media(tx, self.owner_id, self.avatar_id).all()):
            self._media[each.media_id] = number
            self.kept.append(Kept(each.sha256, each.storage_uri))
            self._row(each.line)

    def _write_sessions(self, tx: db.Transaction) -> None:
        found = repo.sessions(tx, self.owner_id, self.avatar_id)
        for number, each in enumerate(found.all()):
            self._sessions[each.session_id] = number
            self._row(_joined({"id": str(each.place)}, each.line))
        self._batched = list(_batches(found.all()))
        tx.release(found)

    def _write_messages(self, tx: db.Transaction) -> None:
        """Numbered as they are written; those that a message refers to stand before it."""
        for session_ids in self._batched:
            found = repo.messages(tx, self.owner_id, self.avatar_id, session_ids, with_files=self.with_files)
            for each in found.all():
                self._messages[each.message_id] = len(self._messages)
                self._row(_joined(self._links("messages", each.links), each.line))
            tx.release(found)

    def _write_pages(self, tx: db.Transaction, name: str, query: db.Query[repo.Line]) -> None:
        after: uuid.UUID | None = None
        while True:
            page = repo.page(tx, query, self.owner_id, self.avatar_id, after, _PAGE)
            rows = page.all()
            for each in rows:
                links = self._links(name, each.links)
                self._row(_joined({"id": str(each.place), **links}, each.line))
            tx.release(page)
            if len(rows) < _PAGE:
                return
            after = rows[-1].place

    def _row(self, text: str) -> None:
        self.writer.row(text)
        self.rows += 1

    def _links(self, part: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a row refers to, by the names that it has in the file; what is not in the file is left out."""
        read = {
            name: self._named(kind, given[name])
            for name, kind in PARTS[part].links
            if name != "id" and given.get(name) is not None
        }
        return {name: value for name, value in read.items() if value is not None}

    def _named(self, kind: Link, value: Any) -> Any:
        numbers = {"session": self._sessions, "message": self._messages}
        if kind in numbers:
            return numbers[kind].get(value)
        if kind == "item":
            return self._origin(value)
        if kind == "items":
            return [self._origin(each) for each in value]
        if kind == "mentions":
            known = [each for each in value if each["message"] in self._messages]
            return sorted(
                ({**each, "message": self._messages[each["message"]]} for each in known),
                key=lambda each: cast("int", each["message"]),
            )
        if kind == "lists":
            return [[self._messages[each] for each in listed if each in self._messages] for listed in value]
        of = self._media if kind == "media" else self._messages
        known = [of[each] for each in value if each in of]
        return known if kind == "messages" else sorted(known)

    def _origin(self, local: str) -> str:
        return self._origins.get(local, local)


def _joined(links: Mapping[str, Any], line: LiteralString | str) -> str:
    """A row of the file: what it refers to, and then its columns as the database wrote them."""
    return f"{dumped(links)[:-1]}, {line[1:]}"


def _batches(sessions: Sequence[repo.Spoken]) -> Iterator[list[int]]:
    """Sessions to be read together: many short ones, or one long one."""
    batch: list[int] = []
    size = 0
    for each in sessions:
        batch.append(each.session_id)
        size += each.messages
        if size >= _MESSAGES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
