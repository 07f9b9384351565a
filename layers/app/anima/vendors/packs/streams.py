"""A pack on its way into a store that takes it from its beginning to its end: threads wait for their turn."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from anima.vendors.packs.buffers import as_bytes
from anima.vendors.packs.model import PackUnwritable, padded


class StreamWriter(ABC):
    """What a kind of store adds: how bytes go there, how it is completed and undone, and which errors it raises."""

    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, pack_id: UUID) -> None:
        self._pack_id = pack_id
        self._turn = threading.Condition()
        self._end, self._written, self._over = 0, 0, False

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Takes what comes next."""

    @abstractmethod
    def _complete(self) -> None:
        """Makes the object appear."""

    @abstractmethod
    def _undo(self) -> None:
        """Takes back what was sent."""

    @property
    def n_bytes(self) -> int:
        """How long the pack is so far."""
        return self._end

    def append(self, data: memoryview) -> int:
        """Hands `data` over; it has arrived when `seal` has."""
        offset = self.reserve(data.nbytes)
        self.write(offset, data)
        return offset

    def reserve(self, n_bytes: int) -> int:
        """The place behind what is there."""
        with self._turn:
            offset, self._end = self._end, self._end + padded(n_bytes)
            return offset

    def write(self, offset: int, data: memoryview) -> None:
        """Hands `data` over when its turn has come."""
        # A copy: a client keeps what it is given until it has sent it, and `data` may be used again.
        copy = bytes(as_bytes(data)) + bytes(padded(data.nbytes) - data.nbytes)
        with self._going(offset):
            if copy:
                self._send(copy)
            self._written += len(copy)

    def seal(self) -> int:
        """Completes the upload: until then there is no object."""
        with self._going(self._end):
            self._complete()
            self._over = True
            return self._end

    def abandon(self) -> None:
        """Takes the parts back; a store that does not answer keeps them until the bucket's own rule removes them."""
        with self._turn:
            if not self._over:
                self._give_up()

    def _give_up(self) -> None:
        self._over = True
        self._turn.notify_all()
        with suppress(*self.failures):
            self._undo()

    @contextmanager
    def _going(self, offset: int) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: self._over or self._written >= offset)
            if self._over:
                raise PackUnwritable(what="The pack", pack_id=self._pack_id, reason="it is written no more")
            try:
                yield
            except self.failures as error:
                self._give_up()
                raise PackUnwritable(what="The pack", pack_id=self._pack_id, reason=first_line(error)) from error
            self._turn.notify_all()


def first_line(error: Exception) -> str:
    """What an error says, without the report that some clients append."""
    return str(error).partition("\n")[0][:300]
