"""What a store of packs is: append-only files of one owner each, whole or not at all; and what can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from anima.kernel.errors import AnimaError, Unavailable

ALIGNMENT = 4096
"""What lies in a pack begins at a multiple of so many bytes: files can be read and written without a copy."""


class PackMissing(AnimaError):
    """The pack {pack_id} is not there: the tensors in it cannot be read."""

    slug = "pack-missing"


class PackTruncated(AnimaError):
    """The pack {pack_id} ends before byte {end}: the tensors in it cannot be read wholly."""

    slug = "pack-truncated"


class PackUnreadable(Unavailable):
    """The pack {pack_id} cannot be read at the moment: {reason}."""

    slug = "pack-unreadable"
    quoted = ("reason",)


class PackUnwritable(Unavailable):
    """The pack {pack_id} cannot be written at the moment: {reason}."""

    slug = "pack-unwritable"
    quoted = ("reason",)


@dataclass(frozen=True, slots=True)
class Piece:
    """What to read: `out` is filled wholly with what lies in the pack from byte `offset`."""

    pack_id: UUID
    offset: int
    out: memoryview = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Found:
    """One pack as it lies in the store; not sealed: a draft whose writer is at work, or dead."""

    pack_id: UUID
    n_bytes: int
    modified_at: datetime
    sealed: bool = True


class PackWriter(Protocol):
    """One pack that is being written; threads may share it."""

    @property
    def n_bytes(self) -> int:
        """How long the pack is so far: a multiple of 4096."""

    def append(self, data: memoryview) -> int:
        """Writes `data`; answers its offset, a multiple of 4096. Raises NoRoom, PackUnwritable: the pack is lost."""

    def reserve(self, n_bytes: int) -> int:
        """A place for so many bytes in a row, to be filled wholly by `write`; answers its offset."""

    def write(self, offset: int, data: memoryview) -> None:
        """Writes `data` at a multiple of 4096 in a place that was reserved. Raises as `append`.

        Several threads may; an object store takes the parts in order, so that a thread waits until what is reserved
        before its part was written, or the pack was abandoned: begin them in order.
        """

    def seal(self) -> int:
        """Makes everything durable and the pack visible, in one step; answers its length. Raises as `append`.

        Raises PackMissing where the pack was deleted meanwhile.
        """

    def abandon(self) -> None:
        """Leaves nothing of the pack; nothing happens to one that is sealed or lost already."""


class Packs(Protocol):
    """A place for packs, by owner."""

    def writer(self, owner_id: int, pack_id: UUID) -> PackWriter:
        """Begins a pack. Raises NoRoom, PackUnwritable."""

    def read(self, owner_id: int, pieces: Sequence[Piece], done: Callable[[int], None] | None = None) -> None:
        """Fills every piece, several at a time; `done` hears the index of each from the thread that has filled it.

        Raises PackMissing, PackTruncated, PackUnreadable, and what `done` raises.
        """

    def map(self, owner_id: int, pack_id: UUID) -> memoryview | None:
        """The pack as read-only memory, where it is a file; None elsewhere. Raises PackMissing, PackUnreadable."""

    def delete(self, owner_id: int, pack_id: UUID) -> None:
        """Removes a pack, also one that is being written; nothing happens where there is none. Raises Unavailable."""

    def delete_owner(self, owner_id: int) -> None:
        """Removes all packs of an owner."""

    def listed(self, owner_id: int) -> Iterator[Found]:
        """The packs of an owner, in no order."""


def padded(n_bytes: int) -> int:
    """The next multiple of 4096."""
    return -(-n_bytes // ALIGNMENT) * ALIGNMENT
