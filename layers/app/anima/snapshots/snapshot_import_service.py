"""Takes snapshots in: all of a file is checked first, then all of it is written in one transaction, or nothing.

A process that is killed leaves nothing but files that nobody refers to, which go within a day.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from anima.avatars import service as avatars
from anima.kernel import db, outbox, telemetry
from anima.kernel.errors import BadInput, FieldError, Unauthenticated
from anima.knowledge import uploads_service
from anima.memory import remember_service
from anima.snapshots import snapshot_file, snapshot_keys
from anima.snapshots import snapshot_target_repo as targets
from anima.snapshots import transcripts_turns_repo as turns
from anima.snapshots.snapshot_archive import Opened, opened
from anima.snapshots.snapshot_errors import SignedElsewhere
from anima.snapshots.snapshot_links import Check
from anima.snapshots.snapshot_merge_service import Merging, fresh_id
from anima.snapshots.snapshot_model import Head, Options, Row, Taken
from anima.snapshots.snapshot_read_repo import utc
from anima.vendors.blobs import blobs
from anima.vendors.cache import cache

TOPIC = "snapshot.imported"
_ROWS, _BYTES = 1_000, 4_000_000
"""So much is written by one statement."""


class _Tried(Exception):
    """All of it went well, and is to be taken back."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken


def take_in(principal: db.Principal, path: Path, options: Options | None = None) -> Taken:
    """Takes in the snapshot in a file (JSON or zip); the same again changes nothing.

    Raises NotASnapshot, SnapshotNewer, SnapshotCutShort, SnapshotEdited, SnapshotInvalid, SignedElsewhere, TooLarge,
    AvatarNotFound, NameTaken, SeenByEmbedder; then nothing was changed.
    """
    owner_id, wanted = _owner(principal), options or Options()
    if wanted.into is not None and wanted.name is not None:
        wrong = FieldError("name", "only for a new avatar")
        raise BadInput(reason="an avatar that is there keeps its name", fields=[wrong])
    with opened(path) as source:
        check = Check()
        with source.text() as file:
            head = snapshot_file.check(file, check.look)
        _check_whole(head, check, wanted)
        uris = _placed(principal, owner_id, source, check, dry_run=wanted.dry_run)
        taken = _written(principal, owner_id, source, head, check, wanted, uris)
    if not wanted.dry_run:
        cache().forget(owner_id)
        telemetry.info("snapshot.imported", rows=sum(head.parts.values()), created=taken.created)
    return taken


def queue(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> None:
    """Has what was taken in made searchable."""
    outbox.emit(tx, TOPIC, f"snapshot:{avatar_id}", owner_id, {"avatar_id": str(avatar_id)})


def _check_whole(head: Head, check: Check, wanted: Options) -> None:
    """What can be said of a file only when all of it was read."""
    if head.fingerprint != snapshot_keys.own() and head.fingerprint not in wanted.trust:
        wrong = FieldError("trust", head.fingerprint)
        raise SignedElsewhere(fingerprint=head.fingerprint, fields=[wrong])
    if check.counts.get("avatar") != 1:
        raise snapshot_file.invalid("avatar", None, "there is none")


def _placed(
    principal: db.Principal, owner_id: int, source: Opened, check: Check, *, dry_run: bool
) -> Mapping[str, str]:
    """Where the files of the snapshot lie from now on, by their digests. On record before they are kept."""
    there = [(sha256, size) for sha256, size in dict.fromkeys(check.media) if source.has(sha256)]
    uris = {sha256: blobs().uri_of(f"{owner_id}/media/{sha256}") for sha256, _ in there}
    if uris and not dry_run:
        with db.transaction(principal) as tx:
            uploads_service.expect(tx, owner_id, uris.values())
    for sha256, size in there:
        with source.medium(sha256, size) as path:
            if not dry_run:
                uris[sha256] = blobs().put_file(f"{owner_id}/media/{sha256}", path)
    return uris


def _written(
    principal: db.Principal,
    owner_id: int,
    source: Opened,
    head: Head,
    check: Check,
    wanted: Options,
    uris: Mapping[str, str],
) -> Taken:
    """Everything in one transaction; what the database does not take is told by its part."""
    import psycopg

    merging: Merging | None = None
    try:
        with db.transaction(principal) as tx, source.text() as file:
            merging, taken = _begun(tx, owner_id, file, head, check, wanted, uris)
            for part, rows in _batches(file):
                merging.take(part, rows)
            merging.end()
            queue(tx, owner_id, merging.avatar_id)
            taken.parts.update(merging.tallies)
            tx.settle()
            if wanted.dry_run:
                raise _Tried(taken)
    except _Tried as tried:
        return tried.taken
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        reason = error.diag.message_primary or type(error).__name__
        raise snapshot_file.invalid(merging.part if merging else "avatar", None, reason) from error
    return taken


def _begun(
    tx: db.Transaction,
    owner_id: int,
    file: BinaryIO,
    head: Head,
    check: Check,
    wanted: Options,
    uris: Mapping[str, str],
) -> tuple[Merging, Taken]:
    """The avatar that it goes into, made where there is none. Raises AvatarNotFound, NameTaken, SeenByEmbedder."""
    remember_service.lock(tx, owner_id)
    utc(tx)
    found = targets.target(tx, owner_id, head.avatar_id, wanted.into, wanted.name)
    own = targets.target(tx, owner_id, head.avatar_id, None, wanted.name)
    numbers = turns.message_ids(tx, check.counts.get("messages", 0))
    message_ids = [each.id for each in numbers.all()]
    tx.release(numbers)
    there, same = found.first(), own.first()
    if there is None and wanted.into is not None:
        raise avatars.AvatarNotFound(avatar=wanted.into)
    (_, row), *_ = snapshot_file.rows(file)
    is_own = there is None or (same is not None and same.avatar_id == there.avatar_id)
    if is_own:
        avatars.check_egress(row.value["egress"])
    name = there.name if there is not None else wanted.name or str(row.value["name"])
    avatar_id = there.avatar_id if there is not None else fresh_id(head.avatar_id)
    if there is None:
        until = message_ids[check.forgotten - 1] if check.forgotten else 0
        _make(tx, owner_id, avatar_id, row, name, until)
    merging = Merging(tx, owner_id, avatar_id, there is None, is_own, uris)
    merging.begin(head.avatar_id, message_ids, check.forgotten)
    shown = None if wanted.dry_run and there is None else avatar_id
    signed = (head.made_at, head.fingerprint, head.fingerprint == snapshot_keys.own())
    taken = Taken(shown, name, there is None, wanted.dry_run, *signed, notes=_notes(check, uris, own=is_own))
    return merging, taken


def _make(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, row: Row, name: str, until: int) -> None:
    text = f"[{row.text.rstrip()[:-1]}, {snapshot_file.dumped({'name': name})[1:]}]"
    if targets.add_avatar(tx, owner_id, avatar_id, text, until).first() is None:
        raise avatars.NameTaken(name=name, fields=[FieldError("name", "a name that is not taken")])


def _notes(check: Check, uris: Mapping[str, str], *, own: bool) -> list[str]:
    """What its owner should know."""
    missing = len({sha256 for sha256, _ in check.media} - set(uris))
    notes = [f"{missing} of the files that came with messages are not in it"] if missing else []
    return notes if own else [*notes, "the avatar stays who it is: only what the other one knows was taken over"]


def _batches(file: BinaryIO) -> Iterator[tuple[str, list[Row]]]:
    """The rows of a checked file, some of a part at a time."""
    part, batch, size = "", list[Row](), 0
    for name, row in snapshot_file.rows(file):
        if batch and (name != part or len(batch) >= _ROWS or size >= _BYTES):
            yield part, batch
            batch, size = [], 0
        part = name
        batch.append(row)
        size += len(row.text)
    if batch:
        yield part, batch


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id
