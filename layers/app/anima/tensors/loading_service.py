"""Bringing chunks back: read from where they lie, unpacked, and checked; one that is wrong is fetched again, once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError
from anima.tensors import chunking, codecs, repo
from anima.tensors.errors import DamagedChunk, MissingPack
from anima.tensors.model import CHUNK_BYTES
from anima.tensors.repo import Place
from anima.vendors import packs as vendor

MAX_DEPTH = 10
"""How many differences may stand one on another; the next one is taken against the first of them."""

_LONGEST_CHAIN = 64
_MOST_STORED = 2 * CHUNK_BYTES
"""No codec makes so much of a chunk."""


class Wrong(Exception):
    """A chunk is not what it was; says where and why."""

    def __init__(self, place: Place | None, reason: str, *, missing: bool = False, lasting: bool = True) -> None:
        super().__init__(reason)
        self.place, self.reason, self.missing, self.lasting = place, reason, missing, lasting


@dataclass(slots=True)
class Loader:
    """The chunks of an owner, by what they are known by; threads may share it."""

    principal: db.Principal
    owner_id: int
    packs: vendor.Packs
    verify: bool = True
    places: dict[bytes, Place] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look_up(self, checksums: Iterable[bytes], *, again: bool = False) -> None:
        """Asks where these chunks lie, and all that they were taken against."""
        wanted = [one for one in set(checksums) if again or one not in self.places]
        if not wanted:
            return
        with db.transaction(self.principal) as tx:
            found = tx.fetch(repo.PLACES, owner_id=self.owner_id, checksums=wanted)
        with self._lock:
            self.places |= {place.checksum: place for place in found.all()}

    def fill(self, tensor: str, index: int, checksum: bytes, out: memoryview) -> None:
        """Fills `out` with a chunk. Raises DamagedChunk, MissingPack, after it was fetched twice."""
        try:
            self._fill(checksum, out)
        except Wrong:
            self.fill_again(tensor, index, checksum, out)

    def fill_again(self, tensor: str, index: int, checksum: bytes, out: memoryview) -> None:
        """The second and last try: the chunk may lie elsewhere by now."""
        telemetry.warning("tensors.chunk_fetched_again", checksum=checksum.hex())
        self.look_up([checksum], again=True)
        try:
            self._fill(checksum, out)
        except Wrong as wrong:
            telemetry.count("tensors.damaged")
            self.mark(wrong)
            pack = _pack_of(wrong.place)
            if wrong.missing:
                raise MissingPack(tensor=tensor, chunk=index, pack=pack) from wrong
            raise DamagedChunk(tensor=tensor, chunk=index, pack=pack, reason=wrong.reason) from wrong

    def mark(self, wrong: Wrong) -> None:
        """Remembers that a chunk cannot be read, so that whoever saves it again stores it anew."""
        if wrong.place is None or not wrong.lasting:
            return
        try:
            with db.transaction(self.principal) as tx:
                tx.execute(repo.MARK_DAMAGED, owner_id=self.owner_id, checksum=wrong.place.checksum, now=clock.now())
        except AnimaError as error:  # what is wrong with the chunk is the answer
            telemetry.warning("tensors.not_marked", reason=error.slug)

    def raw(self, checksum: bytes) -> memoryview:
        """A chunk as it is in memory. Raises Wrong."""
        place = self.place(checksum)
        if place.n_bytes > CHUNK_BYTES:
            raise Wrong(place, f"it is said to have {place.n_bytes} bytes")
        out = memoryview(bytearray(place.n_bytes))
        self._fill(checksum, out)
        return out

    def place(self, checksum: bytes) -> Place:
        """Where a chunk lies. Raises Wrong where it is not there."""
        try:
            return self.places[checksum]
        except KeyError:
            raise Wrong(None, "it is not there any more") from None

    def check(self, place: Place, data: memoryview) -> None:
        """Raises Wrong where the bytes are not those that were saved."""
        if self.verify and chunking.quick(data, place.checksum) != place.quick_checksum:
            raise Wrong(place, "its bytes are not those that were saved")

    def _fill(self, checksum: bytes, out: memoryview) -> None:
        """Brings the chunk on which the chain stands, and what changed since; only what comes of it is checked."""
        chain = self._chain(checksum)
        if any(place.n_bytes != len(out) for place in chain):
            raise Wrong(chain[-1], f"it has not the {len(out)} bytes that are expected")
        self._whole(chain[0], out)
        differences = codecs.Differences(len(out))
        for place in chain[1:]:
            self._add(place, differences)
        differences.apply(out)
        try:
            self.check(chain[-1], out)
        except Wrong:
            self._look_closer(chain, out)
            raise

    def _look_closer(self, chain: list[Place], out: memoryview) -> None:
        """Raises Wrong for the first of a chain that is not right."""
        self._whole(chain[0], out)
        self.check(chain[0], out)
        for place in chain[1:]:
            difference = codecs.Differences(len(out))
            self._add(place, difference)
            difference.apply(out)
            self.check(place, out)

    def _chain(self, checksum: bytes) -> list[Place]:
        """The chunk, last, and before it all that it was taken against, the whole one first."""
        chain = [self.place(checksum)]
        while (base := chain[-1].base) is not None:
            chain.append(self.place(base))
            if len(chain) > _LONGEST_CHAIN:
                raise Wrong(chain[0], "it leads round in a circle")
        return chain[::-1]

    def _whole(self, place: Place, out: memoryview) -> None:
        """Brings a chunk that stands by itself."""
        try:
            if place.codec == codecs.RAW and place.stored_bytes == len(out):
                self._read(place, out)
            else:
                codecs.unpack(place.codec, self._stored(place), out)
        except codecs.BadEncoding as error:
            raise Wrong(place, str(error)) from error

    def _add(self, place: Place, differences: codecs.Differences) -> None:
        try:
            differences.add(place.codec, self._stored(place))
        except codecs.BadEncoding as error:
            raise Wrong(place, str(error)) from error

    def _stored(self, place: Place) -> memoryview:
        if place.stored_bytes > _MOST_STORED:
            raise Wrong(place, f"it is said to take {place.stored_bytes} bytes")
        stored = memoryview(bytearray(place.stored_bytes))
        self._read(place, stored)
        return stored

    def _read(self, place: Place, out: memoryview) -> None:
        if place.pack_id is None or place.pack_offset is None:
            if place.data is None or len(place.data) != len(out):
                raise Wrong(place, "it is shorter than it was")
            out[:] = place.data
            return
        try:
            self.packs.read(self.owner_id, [vendor.Piece(place.pack_id, place.pack_offset, out)])
        except vendor.PackMissing as error:
            raise Wrong(place, error.detail, missing=True) from error
        except vendor.PackTruncated as error:
            raise Wrong(place, error.detail) from error
        except AnimaError as error:
            raise Wrong(place, error.detail, lasting=False) from error


def _pack_of(place: Place | None) -> str:
    pack: uuid.UUID | None = place.pack_id if place else None
    return str(pack) if pack else "none"
