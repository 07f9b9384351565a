"""Disks that lose and change what they were given: what is wrong is named, fetched once more, and never handed out."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from anima.tensors import service
from anima.tensors.errors import DamagedChunk, DamagedTensor, MissingPack, Unreadable
from anima.tensors.model import CHUNK_BYTES, TensorRef
from anima.vendors.blobs import NoRoom
from anima.vendors.packs import PackUnwritable
from fixtures.tensors import Keeper, Sound

MIB = 1 << 20


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n, np.float32)


def pack_file(folder: Path, keeper: Keeper) -> Path:
    [path] = (folder / str(keeper.owner_id)).glob("*.pack")
    return path


def place_of(connection: psycopg.Connection[Any], ref: TensorRef, index: int) -> tuple[int, int]:
    row = connection.execute(
        """
        select pack_offset, stored_bytes from tensor_chunks c
        join tensor_data d on d.owner_id = c.owner_id and d.checksum = c.checksum
        where d.tensor_id = %s and d.chunk_index = %s
        """,
        (ref.tensor_id, index),
    ).fetchone()
    assert row is not None
    return row


def flip(path: Path, offset: int) -> None:
    """Turns one bit round."""
    with path.open("r+b") as file:
        file.seek(offset)
        [byte] = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 4]))
        file.flush()
        os.fsync(file.fileno())


def every_way(keeper: Keeper, ref: TensorRef, row: int) -> dict[str, Any]:
    """All ways to read what lies in the damaged chunk."""
    return {
        "read": lambda: service.read(keeper.principal, [ref]),
        "slice": lambda: service.read_slice(keeper.principal, ref, (slice(row, row + 1),)),
        "columns": lambda: service.read_slice(keeper.principal, ref, (slice(None), 3)),
        "mapped": lambda: service.open_mapped(keeper.principal, ref),
        "chunks": lambda: list(service.chunks(keeper.principal, ref)),
    }


@pytest.mark.parametrize("compression", ["raw", "compressed"])
def test_a_flipped_bit_is_named_whoever_reads(
    keeper: Keeper, packs_folder: Path, owner_conn: psycopg.Connection[Any], compression: Any
) -> None:
    array = noise(6 * MIB).reshape(-1, 1024)
    [ref] = keeper.save({"weights": array}, compression).tensors.values()
    offset, stored = place_of(owner_conn, ref, 1)
    path = pack_file(packs_folder, keeper)
    for at in (offset, offset + stored // 2, offset + stored - 1):
        flip(path, at)
        for way, read in every_way(keeper, ref, 3000).items():
            with pytest.raises(DamagedChunk, match="Chunk 1 of the tensor weights") as caught:
                read()
            assert path.stem in caught.value.detail, way
        [bad] = service.verify(keeper.principal)
        assert (bad.tensor, bad.chunk_index) == (ref, 1)
        assert (service.read_slice(keeper.principal, ref, (slice(10),)) == array[:10]).all()  # of another chunk
        flip(path, at)
    assert (service.read(keeper.principal, [ref])["weights"] == array).all()
    assert service.verify(keeper.principal, [ref]) == []


def test_a_bit_that_was_flipped_on_its_way_is_fetched_again(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    array = noise(6 * MIB)
    [ref] = keeper.save({"weights": array}).tensors.values()
    real, times = keeper.packs.read, [0]

    def read(owner_id: int, pieces: Any, done: Any = None) -> None:
        def spoil(index: int) -> None:
            times[0] += 1
            if times[0] == 2:
                pieces[index].out[7] ^= 1
            if done is not None:
                done(index)

        real(owner_id, pieces, spoil)

    monkeypatch.setattr(keeper.packs, "read", read)
    assert (service.read(keeper.principal, [ref])["weights"] == array).all()
    assert times[0] == len(array) * 4 // CHUNK_BYTES + 1


def test_a_missing_pack_is_named(keeper: Keeper, packs_folder: Path) -> None:
    [ref] = keeper.save({"weights": noise(3 * MIB).reshape(-1, 1024)}).tensors.values()
    path = pack_file(packs_folder, keeper)
    path.rename(path.with_suffix(".away"))
    for read in every_way(keeper, ref, 2100).values():
        with pytest.raises(MissingPack, match=path.stem):
            read()
    assert len(service.verify(keeper.principal)) == 2
    path.with_suffix(".away").rename(path)
    assert service.verify(keeper.principal) == []


def test_a_truncated_pack_gives_what_is_left_and_refuses_the_rest(keeper: Keeper, packs_folder: Path) -> None:
    array = noise(6 * MIB).reshape(-1, 1024)
    [ref] = keeper.save({"weights": array}).tensors.values()
    path = pack_file(packs_folder, keeper)
    os.truncate(path, path.stat().st_size - 5 * MIB)
    for read in every_way(keeper, ref, 5500).values():
        with pytest.raises(DamagedChunk, match="Chunk 2 of the tensor weights"):
            read()
    assert (service.read_slice(keeper.principal, ref, (slice(100),)) == array[:100]).all()
    assert [bad.chunk_index for bad in service.verify(keeper.principal)] == [2]


def test_a_pack_that_was_emptied(keeper: Keeper, packs_folder: Path) -> None:
    [ref] = keeper.save({"weights": noise(MIB).reshape(-1, 1024)}).tensors.values()
    os.truncate(pack_file(packs_folder, keeper), 0)
    for read in every_way(keeper, ref, 0).values():
        with pytest.raises(Unreadable):
            read()


def test_a_damaged_base_spoils_what_stands_on_it_and_a_new_save_does_without(
    keeper: Keeper, packs_folder: Path, owner_conn: psycopg.Connection[Any], sound: Sound
) -> None:
    first = np.random.default_rng(0).integers(0, 1 << 15, MIB, np.int16)
    [base] = keeper.save({"w": first}, "delta").tensors.values()
    [path] = list((packs_folder / str(keeper.owner_id)).glob("*.pack"))
    second = first.copy()
    second[::997] += 1
    [ref] = keeper.save({"w": second}, "delta", {"w": base}).tensors.values()
    offset, _ = place_of(owner_conn, base, 0)
    flip(path, offset + 100)
    for damaged in (base, ref):
        with pytest.raises(DamagedChunk):
            service.read(keeper.principal, [damaged])
    third = second.copy()
    third[5] += 1
    [new] = keeper.save({"w": third}, "delta", {"w": ref}).tensors.values()
    assert (service.read(keeper.principal, [new])["w"] == third).all()
    assert len(service.verify(keeper.principal)) == 2
    flip(path, offset + 100)
    sound(keeper)


def test_what_was_damaged_is_whole_once_it_is_saved_again(
    keeper: Keeper, packs_folder: Path, owner_conn: psycopg.Connection[Any], sound: Sound
) -> None:
    array = noise(6 * MIB)
    [ref] = keeper.save({"weights": array}).tensors.values()
    offset, _ = place_of(owner_conn, ref, 1)
    flip(pack_file(packs_folder, keeper), offset + 77)
    with pytest.raises(DamagedChunk):
        service.read(keeper.principal, [ref])
    again = keeper.save({"weights": array})
    assert (again.tensors["weights"], again.new_bytes) == (ref, CHUNK_BYTES)  # the others are kept
    assert (service.read(keeper.principal, [ref])["weights"] == array).all()
    sound(keeper)


def test_what_stood_on_something_damaged_stands_by_itself_once_it_is_saved_again(
    keeper: Keeper, packs_folder: Path, owner_conn: psycopg.Connection[Any], sound: Sound
) -> None:
    first = np.random.default_rng(0).integers(0, 1 << 15, MIB, np.int16)
    [base] = keeper.save({"w": first}, "delta").tensors.values()
    [path] = list((packs_folder / str(keeper.owner_id)).glob("*.pack"))
    second = first.copy()
    second[::997] += 1
    [ref] = keeper.save({"w": second}, "delta", {"w": base}).tensors.values()
    offset, _ = place_of(owner_conn, base, 0)
    flip(path, offset + 100)
    assert {bad.tensor for bad in service.verify(keeper.principal)} == {base, ref}
    keeper.save({"w": second}, "delta", {"w": base})
    assert (service.read(keeper.principal, [ref])["w"] == second).all()
    assert [bad.tensor for bad in service.verify(keeper.principal)] == [base]
    keeper.save({"w": first}, "delta", {"w": ref})
    sound(keeper)


def test_a_small_tensor_that_lies_in_the_database_is_mended_too(
    keeper: Keeper, owner_conn: psycopg.Connection[Any], sound: Sound
) -> None:
    [ref] = keeper.save({"bias": np.arange(100, dtype=np.float32)}).tensors.values()
    owner_conn.execute(
        "update tensor_chunks set data = set_byte(data, 3, get_byte(data, 3) # 1) where owner_id = %s",
        [keeper.owner_id],
    )
    assert len(service.verify(keeper.principal)) == 1
    keeper.save({"bias": np.arange(100, dtype=np.float32)})
    assert service.read(keeper.principal, [ref])["bias"][99] == 99
    sound(keeper)


@pytest.mark.parametrize(
    "lie",
    [
        "update tensor_chunks set data = set_byte(data, 3, get_byte(data, 3) # 1) where owner_id = %s",
        "update tensor_chunks set data = substr(data, 2) where owner_id = %s",
        "update tensor_chunks set stored_bytes = stored_bytes + 1 where owner_id = %s",
        "update tensor_chunks set n_bytes = n_bytes + 1 where owner_id = %s",
        "update tensor_chunks set codec = 'zstd:4' where owner_id = %s",
        "update tensor_chunks set codec = 'unknown' where owner_id = %s",
        "update tensor_chunks set base = checksum, depth = 1 where owner_id = %s",
        "update tensor_data set chunk_index = 1 - chunk_index where owner_id = %s and chunk_index = 0",
        "update tensor_metadata set shape = '{2, 50}' where owner_id = %s",
        "update tensor_metadata set dtype = 'int32' where owner_id = %s",
        "update tensor_metadata set n_bytes = 404 where owner_id = %s",
    ],
)
def test_rows_that_lie_are_refused(keeper: Keeper, owner_conn: psycopg.Connection[Any], lie: str) -> None:
    [ref] = keeper.save({"x": noise(100)}).tensors.values()
    owner_conn.execute(lie, (keeper.owner_id,))
    if "chunk_index" in lie:
        assert (service.read(keeper.principal, [ref])["x"] == noise(100)).all()  # the order is what counts
        return
    with pytest.raises((DamagedChunk, DamagedTensor)):
        service.read(keeper.principal, [ref])
    assert len(service.verify(keeper.principal)) == 1


def test_a_disk_that_is_read_only_of_a_sudden_is_said_and_swept_later(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, sound: Sound
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as read_only:
        read_only.setattr(os, "pwritev", refuse)
        read_only.setattr(Path, "unlink", refuse)
        with pytest.raises(PackUnwritable):
            keeper.save({"large": noise(MIB)})
    assert len(keeper.files()) == 1
    service.collect(keeper.principal, timedelta(0))
    assert keeper.files() == {}
    assert keeper.save({"large": noise(MIB)}).new_bytes == 4 * MIB
    sound(keeper)


def test_a_full_disk_is_said_and_nothing_of_the_save_is_left(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, sound: Sound
) -> None:
    before = keeper.save({"small": noise(10)})
    real, written = os.pwritev, [0]

    def pwritev(file: int, buffers: Any, offset: int, *flags: int) -> int:
        written[0] += sum(map(len, buffers))
        if written[0] > 20 * MIB:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, buffers, offset, *flags)

    with monkeypatch.context() as full:
        full.setattr(os, "pwritev", pwritev)
        with pytest.raises(NoRoom):
            keeper.save({"large": noise(10 * MIB), "larger": noise(12 * MIB, 1)})
    assert written[0] > 20 * MIB
    assert keeper.files() == {}
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.packs) == (1, 0)
    assert keeper.save({"large": noise(10 * MIB)}).new_bytes == 40 * MIB
    assert (service.read(keeper.principal, [before.tensors["small"]])["small"] == noise(10)).all()
    sound(keeper)
