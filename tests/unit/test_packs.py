"""Packs in a folder: written whole or not at all, read in parallel, past the page cache where that can be had."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from anima.kernel.config import BadSettings, settings
from anima.kernel.errors import Unavailable
from anima.vendors.blobs import NoRoom
from anima.vendors.packs import (
    ALIGNMENT,
    Buffers,
    PackMissing,
    Packs,
    PackTruncated,
    PackUnreadable,
    PackUnwritable,
    Piece,
    aligned,
    packs,
    packs_at,
)
from anima.vendors.packs.buffers import is_aligned
from anima.vendors.packs.runs import runs

OWNER = 7


@pytest.fixture
def store(tmp_path: Path) -> Packs:
    return packs_at((tmp_path / "packs").as_uri())


@pytest.fixture(params=["direct", "not direct", "refused when opened", "refused when used"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packs:
    """The same store on file systems that take O_DIRECT, lack it, and refuse it sooner or later."""
    if request.param == "not direct":
        monkeypatch.setattr("anima.vendors.packs.files._DIRECT", 0)
    if request.param == "refused when opened":
        _refuse(monkeypatch, "open", lambda _path, flags, *_more: bool(flags & os.O_DIRECT))
    if request.param == "refused when used":
        for name in ("pwritev", "preadv"):
            _refuse(monkeypatch, name, lambda file, *_more: _is_direct(file))
    return packs_at((tmp_path / "packs").as_uri())


def _is_direct(file: int) -> bool:
    import fcntl

    return bool(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT)


def _refuse(monkeypatch: pytest.MonkeyPatch, name: str, refused: Any) -> None:
    real = getattr(os, name)

    def call(*given: Any) -> Any:
        if refused(*given):
            raise OSError(errno.EINVAL, "not here")
        return real(*given)

    monkeypatch.setattr(f"anima.vendors.packs.files.os.{name}", call)


def sealed(store: Packs, *parts: bytes) -> tuple[UUID, list[int]]:
    """A pack of these parts, and where each lies."""
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    offsets = [writer.append(memoryview(part)) for part in parts]
    assert writer.seal() == writer.n_bytes
    return pack_id, offsets


def got(store: Packs, pack_id: UUID, *places: tuple[int, int]) -> list[bytes]:
    """What lies at these offsets, so long each."""
    pieces = [Piece(pack_id, offset, memoryview(bytearray(size))) for offset, size in places]
    store.read(OWNER, pieces)
    return [bytes(piece.out) for piece in pieces]


def test_what_was_written_is_read_whatever_its_size_and_place_in_memory(any_store: Packs) -> None:
    parts = [os.urandom(size) for size in (1, 4095, 4096, 4097, 0, 300_000, 5 * 2**20 + 13, 8 * 2**20)]
    pages = aligned(3 * ALIGNMENT)
    pages[:] = os.urandom(len(pages))
    parts.append(bytes(pages))
    pack_id, writer = uuid4(), None
    writer = any_store.writer(OWNER, pack_id)
    offsets = [writer.append(memoryview(part)) for part in parts[:-1]]
    offsets.append(writer.append(pages))
    assert writer.seal() == sum(-(-len(part) // ALIGNMENT) * ALIGNMENT for part in parts)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)

    assert got(any_store, pack_id, *zip(offsets, map(len, parts), strict=True)) == parts
    for offset, part in zip(offsets, parts, strict=True):
        assert got(any_store, pack_id, (offset, len(part))) == [part]
        out = aligned(len(part))
        any_store.read(OWNER, [Piece(pack_id, offset, out)])
        assert out == part
    middle = got(any_store, pack_id, (offsets[6] + 17, 4_500_000), (offsets[7] + ALIGNMENT, 100_000))
    assert middle == [parts[6][17:4_500_017], parts[7][ALIGNMENT : ALIGNMENT + 100_000]]
    mapped = any_store.map(OWNER, pack_id)
    assert mapped is not None
    assert mapped.readonly
    assert [bytes(mapped[o : o + len(part)]) for o, part in zip(offsets, parts, strict=True)] == parts


def test_a_page_that_is_lent_does_not_leak_into_a_pack(store: Packs) -> None:
    """What fills up the last page is zeros, not what another save left in the buffer."""
    pack_id, offsets = sealed(store, b"\xff" * 4096, b"\xff" * 8192, b"ab")
    assert got(store, pack_id, (offsets[2], 4096)) == [b"ab" + bytes(4094)]


def test_threads_share_a_writer(store: Packs) -> None:
    parts = [bytes([index]) * (1000 + 5000 * index) for index in range(60)]
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    with ThreadPoolExecutor(8) as pool:
        offsets = list(pool.map(lambda part: writer.append(memoryview(part)), parts))
    writer.seal()
    assert got(store, pack_id, *((offset, len(part)) for offset, part in zip(offsets, parts, strict=True))) == parts


def test_places_in_a_row_are_filled_in_any_order(store: Packs) -> None:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    parts = [os.urandom(8192), os.urandom(4096), os.urandom(5)]
    place = writer.reserve(8192 + 4096 + 5)
    behind = writer.append(memoryview(b"behind"))
    writer.write(place + 12_288, memoryview(parts[2]))
    writer.write(place, memoryview(parts[0]))
    writer.write(place + 8192, memoryview(parts[1]))
    assert writer.seal() == 5 * ALIGNMENT
    assert got(store, pack_id, (place, 12_293), (behind, 6)) == [b"".join(parts), b"behind"]


def test_who_reads_hears_of_each_piece_once_when_it_is_there(store: Packs) -> None:
    parts = [os.urandom(size) for size in (10, 20, 30, 9 * 2**20, 40)]
    pack_id, offsets = sealed(store, *parts)
    pieces = [Piece(pack_id, o, memoryview(bytearray(len(p)))) for o, p in zip(offsets, parts, strict=True)]
    heard: list[int] = []

    def done(index: int) -> None:
        assert bytes(pieces[index].out) == parts[index]
        heard.append(index)

    store.read(OWNER, pieces, done)
    assert sorted(heard) == [0, 1, 2, 3, 4]
    store.read(OWNER, [], done)
    assert len(heard) == 5

    def refuse(index: int) -> None:
        raise ValueError(index)

    with pytest.raises(ValueError, match=r"[0-4]"):
        store.read(OWNER, pieces, refuse)


def test_neighbours_are_read_together_and_strangers_apart() -> None:
    first, second = UUID(int=1), UUID(int=2)

    def piece(pack_id: UUID, offset: int, size: int) -> Piece:
        return Piece(pack_id, offset, memoryview(bytearray(size)))

    pieces = [
        piece(first, 8192, 100),
        piece(second, 0, 10),
        piece(first, 0, 100),
        piece(first, 0, 50),
        piece(first, 200_000, 4),
        piece(first, 4096, 4096),
        piece(first, 300_000, 70_000),
    ]
    found = [(run.pack_id.int, run.start, run.end, [i for i, _ in run.members]) for run in runs(pieces, 65_536, 4096)]
    assert found == [
        (1, 0, 8292, [2, 3, 5, 0]),
        (1, 200_000, 200_004, [4]),
        (1, 300_000, 370_000, [6]),
        (2, 0, 10, [1]),
    ]


def test_a_pack_appears_when_it_is_sealed_and_not_before(store: Packs) -> None:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    writer.append(memoryview(b"half"))
    with pytest.raises(PackMissing):
        got(store, pack_id, (0, 4))
    with pytest.raises(PackMissing):
        store.map(OWNER, pack_id)
    assert [(found.pack_id, found.sealed) for found in store.listed(OWNER)] == [(pack_id, False)]
    writer.seal()
    assert [(f.pack_id, f.n_bytes, f.sealed) for f in store.listed(OWNER)] == [(pack_id, 4096, True)]
    for late in (lambda: writer.append(memoryview(b"late")), writer.seal):
        with pytest.raises(PackUnwritable):
            late()
    writer.abandon()
    assert got(store, pack_id, (0, 4)) == [b"half"]
    assert list(store.listed(OWNER + 1)) == []


def test_what_is_abandoned_or_deleted_while_it_is_written_never_appears(store: Packs) -> None:
    writer = store.writer(OWNER, uuid4())
    writer.append(memoryview(b"x"))
    writer.abandon()
    writer.abandon()
    assert list(store.listed(OWNER)) == []
    with pytest.raises(PackUnwritable):
        writer.append(memoryview(b"x"))

    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    store.delete(OWNER, pack_id)
    writer.append(memoryview(b"x"))
    with pytest.raises(PackMissing):
        writer.seal()
    assert list(store.listed(OWNER)) == []


def test_packs_go_one_by_one_and_with_their_owner(store: Packs) -> None:
    first, _ = sealed(store, b"1")
    second, _ = sealed(store, b"2")
    mapped = store.map(OWNER, first)
    store.delete(OWNER, first)
    store.delete(OWNER, first)
    assert mapped is not None
    assert mapped[:1] == b"1", "who has mapped a pack keeps it"
    assert [found.pack_id for found in store.listed(OWNER)] == [second]
    store.delete_owner(OWNER)
    store.delete_owner(OWNER)
    assert list(store.listed(OWNER)) == []


def test_who_maps_a_pack_again_takes_no_more_of_the_system(store: Packs) -> None:
    pack_id, _ = sealed(store, b"x" * ALIGNMENT)
    held = [store.map(OWNER, pack_id)]
    files = len(os.listdir("/proc/self/fd"))
    held += [store.map(OWNER, pack_id) for _ in range(50)]
    assert len(os.listdir("/proc/self/fd")) == files
    assert {bytes(one) for one in held if one is not None} == {b"x" * ALIGNMENT}


def test_a_pack_that_cannot_be_removed_is_told(store: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(Unavailable):
        store.delete(OWNER, uuid4())


def test_a_draft_that_cannot_be_removed_holds_no_file_open(store: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    files = len(os.listdir("/proc/self/fd"))
    given_up, broken = store.writer(OWNER, uuid4()), store.writer(OWNER, uuid4())
    monkeypatch.setattr(Path, "unlink", refuse)
    given_up.abandon()
    monkeypatch.setattr("os.pwritev", refuse)
    with pytest.raises(PackUnwritable):
        broken.append(memoryview(b"x"))
    assert len(os.listdir("/proc/self/fd")) == files


def test_strange_files_are_no_packs(store: Packs, tmp_path: Path) -> None:
    pack_id, _ = sealed(store, b"1")
    folder = tmp_path / "packs" / str(OWNER)
    for name in ("readme", ".pack", f"{pack_id}.pack.bak", f"{str(pack_id).upper()}.PACK", f".{uuid4()}.pack"):
        (folder / name).write_bytes(b"?")
    assert [found.pack_id for found in store.listed(OWNER)] == [pack_id]


def test_a_missing_and_a_shortened_pack_are_told_apart(store: Packs, tmp_path: Path) -> None:
    pack_id, offsets = sealed(store, os.urandom(100_000), os.urandom(100_000))
    os.truncate(tmp_path / "packs" / str(OWNER) / f"{pack_id}.pack", 150_000)
    assert len(got(store, pack_id, (offsets[0], 100_000))[0]) == 100_000
    for places in ([(offsets[1], 100_000)], [(10**9, 1)], [(offsets[0], 10), (offsets[1], 99_999)]):
        with pytest.raises(PackTruncated) as refused:
            got(store, pack_id, *places)
        assert refused.value.values["pack_id"] == pack_id
    with pytest.raises(PackMissing):
        got(store, uuid4(), (0, 1))
    with pytest.raises(PackMissing):
        got(packs_at((tmp_path / "nowhere").as_uri()), pack_id, (0, 1))


def test_what_cannot_be_read_is_tried_once_more(store: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    pack_id, offsets = sealed(store, b"content")
    real, failures = os.preadv, [OSError(errno.EIO, "a bad block")]

    def read(*given: Any) -> int:
        if failures:
            raise failures.pop()
        return real(*given)

    monkeypatch.setattr("anima.vendors.packs.files.os.preadv", read)
    assert got(store, pack_id, (offsets[0], 7)) == [b"content"]
    failures += [OSError(errno.EIO, "a bad block")] * 2
    with pytest.raises(PackUnreadable):
        got(store, pack_id, (offsets[0], 7))


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
@pytest.mark.parametrize("step", ["pwritev", "fsync"])
def test_a_disk_that_is_full_or_broken_leaves_nothing(
    store: Packs, monkeypatch: pytest.MonkeyPatch, reason: int, step: str
) -> None:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    writer.append(memoryview(b"before"))

    def refuse(*_given: Any) -> int:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(PackUnwritable if reason == errno.EIO else NoRoom):
        writer.append(memoryview(b"after")) if step == "pwritev" else writer.seal()
    monkeypatch.undo()
    assert list(store.listed(OWNER)) == []
    for late in (lambda: writer.append(memoryview(b"late")), writer.seal):
        with pytest.raises(PackUnwritable):
            late()
    writer.abandon()
    pack_id, offsets = sealed(store, b"there is room again")
    assert got(store, pack_id, (offsets[0], 5)) == [b"there"]


def test_a_real_limit_of_the_system_leaves_nothing(tmp_path: Path) -> None:
    """A process that may not write more than a megabyte into a file: the kernel cuts its write short."""
    code = (
        "import resource, sys, uuid\n"
        "from anima.vendors.packs import aligned, packs_at\n"
        "from anima.vendors.blobs import NoRoom\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20 + 100, 2**20 + 100))\n"
        "store = packs_at(sys.argv[1])\n"
        "writer = store.writer(7, uuid.uuid4())\n"
        "try:\n    writer.append(aligned(2**21))\nexcept NoRoom:\n    print('no room', len(list(store.listed(7))))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, (tmp_path / "packs").as_uri()], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "no room 0\n"


def test_kill_9_in_the_middle_leaves_a_draft_that_is_no_pack(store: Packs, tmp_path: Path) -> None:
    pack_id = uuid4()
    code = (
        "import sys, time, uuid\n"
        "from anima.vendors.packs import packs_at\n"
        "writer = packs_at(sys.argv[1]).writer(7, uuid.UUID(sys.argv[2]))\n"
        "writer.append(memoryview(bytes(5_000_000)))\n"
        "print('written', flush=True)\n"
        "time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", code, (tmp_path / "packs").as_uri(), str(pack_id)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    assert [(found.pack_id, found.sealed) for found in store.listed(OWNER)] == [(pack_id, False)]
    with pytest.raises(PackMissing):
        got(store, pack_id, (0, 1))
    store.delete(OWNER, pack_id)
    assert list(store.listed(OWNER)) == []


def test_everything_is_durable_before_the_name_appears(store: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content, then the name, then the folder's entry."""
    steps: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(file: int) -> None:
        kind = "folder" if os.path.isdir(f"/proc/self/fd/{file}") else "content"
        steps.append(kind)
        real_sync(file)

    def rename(self: Path, target: Path) -> Path:
        steps.append("name")
        return real_rename(self, target)

    writer = store.writer(OWNER, uuid4())
    writer.append(memoryview(b"x"))
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    writer.seal()
    assert steps == ["content", "name", "folder"]


def _first_bytes(pool: Buffers) -> bytes:
    with pool.lent() as buffer:
        return bytes(buffer[:4])


def test_buffers_are_bounded_pages_that_are_used_again() -> None:
    pool = Buffers(10_000, 2)
    with pool.lent() as first, pool.lent() as second:
        assert is_aligned(first)
        assert is_aligned(second)
        second[:4] = b"left"
    with ThreadPoolExecutor(1) as other, pool.lent(), ExitStack() as last:
        last.enter_context(pool.lent())
        waiting = other.submit(_first_bytes, pool)
        assert not wait([waiting], timeout=0.05).done, "two are out"
        last.close()
        assert waiting.result(timeout=10) == b"left"
    assert len(aligned(0)) == 0
    assert is_aligned(aligned(1))
    assert not is_aligned(aligned(10)[1:])
    assert bytes(aligned(3 * 2**20)) == bytes(3 * 2**20)


def test_the_settings_say_where_packs_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANIMA_OBJECT_STORE_URL", "s3://bucket/files/")
    monkeypatch.setenv("ANIMA_TENSOR_STORE_URL", (tmp_path / "a place").as_uri())
    settings.cache_clear()
    try:
        store = packs()
        sealed(store, b"1")
        assert len(list((tmp_path / "a place" / str(OWNER)).iterdir())) == 1
        monkeypatch.delenv("ANIMA_TENSOR_STORE_URL")
        settings.cache_clear()
        assert packs() is packs_at("s3://bucket/files/tensors")
        monkeypatch.delenv("ANIMA_OBJECT_STORE_URL")
        settings.cache_clear()
        assert packs() is packs_at((tmp_path / "tensors").as_uri())
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://", "file://elsewhere/x", "/a/path", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="ANIMA_TENSOR_STORE_URL"):
        packs_at(url)
