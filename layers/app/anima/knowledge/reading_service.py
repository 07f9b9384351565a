"""Stage parse: a document's file becomes lines of blocks on disk, read apart from this process or by a reader job."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from anima.kernel import db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.knowledge import claim_repo
from anima.knowledge.claim_repo import Claimed
from anima.knowledge.errors import EmptyDocument, NothingRead, ReaderFailed, Superseded
from anima.vendors import readers
from anima.vendors.blobs import blobs, spool
from anima.vendors.readers import Block, Item, Medium, Progress, UnknownMedium, Unread, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from anima.vendors.llm.client import Message

_HEAD_CHARS = 20_000
_MOST_UNREAD = 200
_PULSE_SECONDS = 1.0
_SMALL_BYTES = 1_000_000
_HERE = {"text", "markdown", "source"}
"""Kinds whose small files are read in this process: their readers only split lines."""
_NUMBERED = re.compile(r"(.*\S) \d+")
_DESCRIPTION_TOKENS = 400
_DESCRIPTION_SECONDS = 60.0


@dataclass(slots=True)
class Reading:
    """What was read: the blocks, one a line of a file; the beginning of the text; what nothing could read."""

    path: Path
    blocks: int = 0
    head: str = ""
    unread: list[dict[str, str]] = field(default_factory=list)
    n_unread: int = 0

    def add(self, item: Block | Unread) -> None:
        """Counts an item; of what could not be read only so much is named."""
        if isinstance(item, Block):
            self.blocks += 1
            if len(self.head) < _HEAD_CHARS:
                self.head += item.text[:_HEAD_CHARS] + "\n\n"
            return
        self.n_unread += 1
        if len(self.unread) < _MOST_UNREAD:
            self.unread.append({"what": item.what, "reason": item.reason})

    def all_unread(self) -> list[dict[str, str]]:
        """What could not be read, with a last entry for what is not named."""
        more = self.n_unread - len(self.unread)
        return self.unread if not more else [*self.unread, {"what": f"{more} more", "reason": "as those before"}]


def reason_of(unread: Sequence[dict[str, str]]) -> str | None:
    """What could not be read of a document, in a few words: "3 pages could not be read: no text was found"."""
    if not unread:
        return None
    named = [entry["what"] for entry in unread]
    kinds = {found[1] if (found := _NUMBERED.fullmatch(what)) else "" for what in named}
    kind = kinds.pop() if len(kinds) == 1 else ""
    what = named[0] if len(named) == 1 else f"{len(named)} {kind}s" if kind else ", ".join(named[:5])
    reasons = list(dict.fromkeys(entry["reason"] for entry in unread))[:2]
    return f"{what} could not be read: {'; '.join(reasons)}"


def read(owner: db.Principal, owner_id: int, claimed: Claimed, work: Path, ended: str | None) -> Reading | None:
    """Reads a document into a file below `work`; None where a reader job was asked to, which says so when it `ended`.

    Raises the errors of readers, EmptyDocument, NothingRead, ReaderFailed, Superseded, BlobMissing.
    """
    if ended is not None and claimed.parsed_uri is not None:
        reading = _gather(_Pulse(owner, owner_id, claimed), _fetched_items(claimed.parsed_uri, work), work)
    else:
        found = _read_here(owner, owner_id, claimed, work)
        if found is None:
            return None
        reading = found
    _note(owner, owner_id, claimed, reading)
    if reading.blocks == 0:
        raise NothingRead(reason=reason_of(reading.unread)) if reading.unread else EmptyDocument
    return reading


def blocks(reading: Reading) -> Iterator[Block]:
    """The blocks that were read, in order."""
    with reading.path.open("rb") as file:
        for line in file:
            item = readers.from_json(line)
            if isinstance(item, Block):
                yield item


class _Pulse:
    """Says now and then how far the reading is, and that its worker lives."""

    def __init__(self, owner: db.Principal, owner_id: int, claimed: Claimed) -> None:
        self._told = time.monotonic()
        self._act = owner, owner_id, claimed

    def __call__(self, progress: Progress | None = None) -> None:
        """Raises Superseded where the document was deleted or taken over."""
        if time.monotonic() - self._told >= _PULSE_SECONDS:
            self.now(progress)

    def now(self, progress: Progress | None = None) -> None:
        """Says it at once."""
        self._told = time.monotonic()
        owner, owner_id, claimed = self._act
        unit, done, total = (None, None, None) if progress is None else (progress.unit, progress.done, progress.total)
        with db.transaction(owner) as tx:
            held = claim_repo.advance(tx, owner_id, claimed, "parse", unit=unit, units_done=done, units_total=total)
        if held.first() is None:
            raise Superseded


def _read_here(owner: db.Principal, owner_id: int, claimed: Claimed, work: Path) -> Reading | None:
    source = work / "source"
    medium = readers.medium_of(source, name=claimed.name, declared=claimed.doc_type)
    with_job = settings().reader_job is not None
    if with_job and readers.needs_media(medium):
        _hand_over(owner, owner_id, claimed, medium)
        return None
    pulse = _Pulse(owner, owner_id, claimed)
    with closing(_items(source, medium, claimed.doc_type)) as items:
        try:
            reading = _gather(pulse, items, work, whole=with_job and medium.kind == "pdf")
        except _NeedsJob:
            _hand_over(owner, owner_id, claimed, medium)
            return None
    if medium.kind == "image":
        _describe(owner, owner_id, source, reading)
    source.unlink()
    return reading


class _NeedsJob(Exception):
    """A page has no text, and there is a job that reads pictures."""


def _items(source: Path, medium: Medium, declared: str) -> Generator[Item, None, None]:
    if medium.kind in _HERE and source.stat().st_size <= _SMALL_BYTES:
        yield from readers.read(source, medium, declared=declared)
    else:
        yield from readers.read_apart(source, medium, declared=declared)


def _gather(pulse: _Pulse, items: Iterator[Item], work: Path, whole: bool = False) -> Reading:
    """Writes the blocks down as they come. Where `whole`, a part that could not be read raises _NeedsJob."""
    reading = Reading(work / "blocks")
    last: Progress | None = None
    with reading.path.open("w", encoding="utf-8") as file:
        for item in items:
            if isinstance(item, Progress):
                last = item
            elif whole and isinstance(item, Unread):
                raise _NeedsJob
            else:
                reading.add(item)
                if isinstance(item, Block):
                    file.write(readers.to_json(item) + "\n")
            pulse(last)
    if last is not None:
        pulse.now(last)
    return reading


def _note(owner: db.Principal, owner_id: int, claimed: Claimed, reading: Reading) -> None:
    """Says what could not be read, before anything comes of it."""
    with db.transaction(owner) as tx:
        held = claim_repo.read(tx, owner_id, claimed, reading.all_unread())
    if held.first() is None:
        raise Superseded


def _job_key(owner_id: int, document_id: int) -> str:
    """The key of the file that a reader job makes of a document: the same each time, so that none is left behind."""
    return f"parsed/{owner_id}/{document_id}"


def _hand_over(owner: db.Principal, owner_id: int, claimed: Claimed, medium: Medium) -> None:
    """Leaves the document to a reader job: first on record, so that whoever dies in between has it started again."""
    uri = blobs().uri_of(_job_key(owner_id, claimed.document_id))
    with db.transaction(owner) as tx:
        if claim_repo.hand_over(tx, owner_id, claimed, uri).first() is None:
            raise Superseded
    blobs().delete(uri)  # what a job made of it before
    _start(owner_id, claimed, medium)


def _start(owner_id: int, claimed: Claimed, medium: Medium) -> None:
    from anima.vendors import job_backends

    key = _job_key(owner_id, claimed.document_id)
    job_backends.start_reading(claimed.document_id, owner_id, claimed.claims, claimed.storage_uri or "", key, medium)
    telemetry.info("document.handed_over", document_id=claimed.document_id, kind=medium.kind)


def look_after(owner: db.Principal, owner_id: int, document_id: int, ended: str | None) -> None:
    """What a delivery does for a document that it cannot take.

    One that a reader job has: sees to it that the job was started. One that is gone: removes what its job wrote.
    """
    with db.transaction(owner) as tx:
        there = claim_repo.there(tx, owner_id, document_id)
        reading = claim_repo.at_reader(tx, owner_id, document_id)
    if ended is not None and there.first() is None:
        blobs().delete(blobs().uri_of(_job_key(owner_id, document_id)))
    elif (claimed := reading.first()) is not None and settings().reader_job is not None:
        with spool.workplace() as work:
            blobs().fetch(claimed.storage_uri or "", work / "source")
            medium = readers.medium_of(work / "source", name=claimed.name, declared=claimed.doc_type)
        _start(owner_id, claimed, medium)


def _fetched_items(uri: str, work: Path) -> Iterator[Item]:
    """What a reader job wrote. Raises what it says of the document, ReaderFailed where it wrote nothing."""
    path = work / "source"
    if not blobs().exists(uri):
        raise ReaderFailed
    blobs().fetch(uri, path)
    with path.open("rb") as file:
        for line in file:
            refused = json.loads(line) if line.startswith(b'{"refused"') else None
            if refused is None:
                yield readers.from_json(line)
            elif refused["refused"] == UnknownMedium.slug:
                raise NothingRead(reason=refused["reason"])
            else:
                raise Unreadable(reason=refused["reason"])
    path.unlink()


def _describe(owner: db.Principal, owner_id: int, source: Path, reading: Reading) -> None:
    """Adds what a model that takes images says of one; where there is none, or it fails, the image is as it is."""
    from anima.gateway import service as gateway
    from anima.vendors.readers import vision

    model = gateway.seeing()
    if model is None:
        return

    def complete(messages: Sequence[dict[str, Any]]) -> str:
        deadline = time.monotonic() + _DESCRIPTION_SECONDS
        asked = cast("Sequence[Message]", messages)
        account = gateway.Account(owner, owner_id, None, "vision")
        done = gateway.complete(model, asked, max_tokens=_DESCRIPTION_TOKENS, deadline=deadline, account=account)
        return done.text

    try:
        said = vision.describe(vision.png_of(source), complete)
    except AnimaError as error:
        telemetry.warning("document.not_described", reason=error.slug)
        telemetry.count("vision.skipped")
        return
    if said:
        block = Block(said, vision.HEADING)
        reading.add(block)
        with reading.path.open("a", encoding="utf-8") as file:
            file.write(readers.to_json(block) + "\n")
