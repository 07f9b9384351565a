"""Tensors in an object store: nothing can be mapped there, and what is written goes out in order or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from anima.tensors import save_service, service, writing_service
from anima.vendors import packs as vendor
from anima.vendors.packs import Found, PackMissing, PackUnwritable, Piece, padded
from fixtures.tensors import Keeper, Sound

MIB = 1 << 20


class ObjectWriter:
    """An upload whose parts go out one after the other."""

    def __init__(self, store: Objects, key: tuple[int, UUID]) -> None:
        self._store, self._key, self._data, self._end = store, key, bytearray(), 0
        self._turn, self._over = threading.Condition(), False

    @property
    def n_bytes(self) -> int:
        return self._end

    def append(self, data: memoryview) -> int:
        offset = self.reserve(len(data))
        self.write(offset, data)
        return offset

    def reserve(self, n_bytes: int) -> int:
        with self._turn:
            offset, self._end = self._end, self._end + padded(n_bytes)
            return offset

    def write(self, offset: int, data: memoryview) -> None:
        with self._turn:
            assert self._turn.wait_for(lambda: self._over or len(self._data) >= offset, 20), "its turn never came"
            if self._over or len(self._data) + len(data) > self._store.room:
                self._over = True
                self._turn.notify_all()
                raise PackUnwritable(what="The pack", pack_id=self._key[1], reason="refused")
            if len(self._data) < offset + len(data):
                self._data += bytes(offset + padded(len(data)) - len(self._data))
            self._data[offset : offset + len(data)] = data
            self._turn.notify_all()

    def seal(self) -> int:
        self._store.packs[self._key] = bytes(self._data)
        return len(self._data)

    def abandon(self) -> None:
        with self._turn:
            self._over = True
            self._turn.notify_all()


class Objects:
    """A store of whole objects."""

    def __init__(self) -> None:
        self.packs: dict[tuple[int, UUID], bytes] = {}
        self.begun: list[tuple[int, int]] = []
        self.room = 1 << 40

    def writer(self, owner_id: int, pack_id: UUID) -> ObjectWriter:
        self.begun.append((len(self.begun) + 1, len(self.packs)))
        return ObjectWriter(self, (owner_id, pack_id))

    def read(self, owner_id: int, pieces: Sequence[Piece], done: Callable[[int], None] | None = None) -> None:
        for index, piece in enumerate(pieces):
            if (owner_id, piece.pack_id) not in self.packs:
                raise PackMissing(pack_id=piece.pack_id)
            piece.out[:] = self.packs[owner_id, piece.pack_id][piece.offset :][: len(piece.out)]
            if done is not None:
                done(index)

    def map(self, owner_id: int, pack_id: UUID) -> None:
        return None

    def delete(self, owner_id: int, pack_id: UUID) -> None:
        self.packs.pop((owner_id, pack_id), None)

    def delete_owner(self, owner_id: int) -> None:
        self.packs = {key: data for key, data in self.packs.items() if key[0] != owner_id}

    def listed(self, owner_id: int) -> Iterator[Found]:
        for key, data in self.packs.items():
            if key[0] == owner_id:
                yield Found(key[1], len(data), datetime.now(UTC))


@pytest.fixture
def objects(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Objects:
    store = Objects()
    monkeypatch.setattr(vendor, "packs", lambda: store)
    keeper.packs = store
    return store


def given() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [3 * MIB, 200_000, 230_000, 210_000, 250_000, 240_000, 260_000, 5 * MIB, 100, 2 * MIB]
    return {str(n): rng.standard_normal(size, np.float32) for n, size in enumerate(sizes)}


@pytest.mark.parametrize("compression", ["raw", "compressed", "delta"])
def test_saved_and_read(keeper: Keeper, objects: Objects, sound: Sound, compression: Any) -> None:
    arrays = given()
    saved = keeper.save(arrays, compression)
    assert len(objects.packs) == 1
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in arrays.items())
    opened = service.open_mapped(keeper.principal, saved.tensors["7"])
    assert (opened == arrays["7"]).all()
    assert not opened.flags.writeable
    assert (service.read_slice(keeper.principal, saved.tensors["7"], (slice(7, 9),)) == arrays["7"][7:9]).all()
    sound(keeper)


@pytest.mark.parametrize("compression", ["raw", "compressed"])
@pytest.mark.parametrize("room", [0, 9 * MIB, 30 * MIB])
def test_a_store_that_refuses_ends_the_save_at_once(
    keeper: Keeper, objects: Objects, compression: Any, room: int
) -> None:
    objects.room = room
    with pytest.raises(PackUnwritable):
        keeper.save(given(), compression)
    assert objects.packs == {}
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.packs) == (0, 0)


def test_small_ones_and_large_ones_take_their_turns(
    keeper: Keeper, objects: Objects, monkeypatch: pytest.MonkeyPatch, sound: Sound
) -> None:
    """Blocks of small chunks are given places between those of large ones: no thread waits for one behind it."""
    monkeypatch.setattr(writing_service, "INLINE_BYTES", 1000)
    monkeypatch.setattr(save_service, "INLINE_BYTES", 1000)
    rng = np.random.default_rng(1)
    arrays = {str(n): rng.integers(0, 256, 900 if n % 3 else 3000, np.uint8) for n in range(200)}
    saved = keeper.save(arrays)
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in arrays.items())
    sound(keeper)


def test_packs_have_a_size(keeper: Keeper, objects: Objects, monkeypatch: pytest.MonkeyPatch, sound: Sound) -> None:
    """A full pack takes no more tensors; one that has begun in it lies in one piece, up to twice the size."""
    monkeypatch.setattr(writing_service, "PACK_BYTES", 10 * MIB)
    saved = keeper.save(given())
    sizes = sorted(len(data) for data in objects.packs.values())
    assert len(sizes) >= 3
    assert sizes[-1] <= 28 * MIB
    assert len(service.read(keeper.principal, list(saved.tensors.values()))) == 10
    sound(keeper)


def test_a_large_save_has_few_packs_open(keeper: Keeper, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (writing_service, "PACK_BYTES", 100_000),
        (writing_service, "INLINE_BYTES", 1000),
        (save_service, "INLINE_BYTES", 1000),
        (save_service, "_GROUP_BYTES", 1),
    ):
        monkeypatch.setattr(module, name, value)
    rng = np.random.default_rng(2)
    saved = keeper.save({str(n): rng.standard_normal(30_000, np.float32) for n in range(40)})
    assert len(objects.packs) == 40
    assert max(begun - sealed for begun, sealed in objects.begun) <= 6
    assert len(service.read(keeper.principal, list(saved.tensors.values()))) == 40
