"""Tensors saved and read: bit for bit, once for equal content, whole or not at all."""

from __future__ import annotations

import gc
import math
import uuid
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from anima.kernel import db
from anima.kernel.errors import DatabaseUnavailable, Forbidden
from anima.tensors import arrays, commit_service, save_service, service
from anima.tensors.errors import (
    BadTensor,
    DamagedTensor,
    SaveStopped,
    TensorMissing,
    TooManyDimensions,
)
from anima.tensors.model import CHUNK_BYTES, DTYPES, Given, Saved, TensorRef
from anima.vendors.packs import Piece
from fixtures.tensors import Keeper, Sound

MIB = 1 << 20


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n, np.float32)


def nothing(tx: db.Transaction, saved: Saved) -> Saved:
    return saved


@pytest.mark.parametrize("compression", ["raw", "compressed", "delta"])
def test_what_is_saved_is_read_bit_for_bit(keeper: Keeper, sound: Sound, compression: Any) -> None:
    given = {
        "more than a chunk": noise(CHUNK_BYTES // 4 + 3),
        "exactly one chunk": noise(CHUNK_BYTES // 4, 1),
        "half": noise(1000, 2).astype(ml_dtypes.bfloat16).reshape(10, 100),
        "scalar": np.float64(3.5).reshape(()),
        "empty": np.zeros((0, 7), np.int8),
        "one byte": np.array([True]),
    }
    saved = keeper.save(given, compression)
    read = service.read(keeper.principal, list(saved.tensors.values()))
    for name, array in given.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()
        assert b"".join(service.chunks(keeper.principal, saved.tensors[name])) == array.tobytes()
    sound(keeper)


def test_numbers_of_every_type(keeper: Keeper) -> None:
    given = {name: noise(64).astype(arrays.numpy_dtype(name)) for name in DTYPES}
    saved = keeper.save(given)
    assert {name: ref.dtype for name, ref in saved.tensors.items()} == {name: name for name in DTYPES}
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all(read[name].dtype == given[name].dtype for name in DTYPES)
    assert all(read[name].tobytes() == given[name].tobytes() for name in DTYPES)


def test_blocks_of_a_file_are_kept_as_they_are(keeper: Keeper) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (4, 144), np.uint8)
    given = Given("blk.0.attn_q.weight", "ggml:Q4_K", (4, 256), rows.tobytes())
    [ref] = service.save(keeper.principal, [given], nothing).tensors.values()
    assert (ref.shape, ref.n_bytes) == ((4, 256), rows.nbytes)
    assert (service.read(keeper.principal, [ref])[ref.name] == rows).all()
    assert (service.read_slice(keeper.principal, ref, (2,)) == rows[2]).all()


def test_what_is_little_lies_in_the_database_and_more_in_packs(
    keeper: Keeper, owner_conn: psycopg.Connection[Any]
) -> None:
    keeper.save({"small": noise(1000)})
    assert keeper.files() == {}
    keeper.save({"large": noise(MIB)})
    assert len(keeper.files()) == 1
    rows = owner_conn.execute(
        "select name, storage from tensor_metadata where owner_id = %s order by name", (keeper.owner_id,)
    )
    assert rows.fetchall() == [("large", "packed"), ("small", "inline")]


def test_equal_content_is_stored_once(keeper: Keeper, another_keeper: Keeper, sound: Sound) -> None:
    frozen, moving = noise(3 * MIB), noise(MIB // 2, 1)
    first = keeper.save({"frozen": frozen, "moving": moving})
    again = keeper.save({"frozen": frozen, "moving": moving})
    assert again.new_bytes == 0
    assert again.tensors == first.tensors
    under_another_name = keeper.save({"copy": frozen})
    assert under_another_name.new_bytes == 0
    assert under_another_name.tensors["copy"].tensor_id != first.tensors["frozen"].tensor_id
    moved = keeper.save({"frozen": frozen, "moving": moving + 1})
    assert moved.new_bytes == moving.nbytes
    assert another_keeper.save({"frozen": frozen}).new_bytes == frozen.nbytes
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.chunk_bytes) == (4, frozen.nbytes + 2 * moving.nbytes)
    sound(keeper)


def test_equal_chunks_within_one_save(keeper: Keeper, sound: Sound) -> None:
    zeros = np.zeros(5 * CHUNK_BYTES, np.uint8)
    saved = keeper.save({"zeros": zeros, "zeros again": zeros.view(np.float32)})
    assert saved.new_bytes == CHUNK_BYTES
    assert not service.read(keeper.principal, [saved.tensors["zeros"]])["zeros"].any()
    sound(keeper)


def test_nobody_reads_the_tensors_of_another(keeper: Keeper, another_keeper: Keeper) -> None:
    [ref] = keeper.save({"mine": noise(10)}).tensors.values()
    with pytest.raises(TensorMissing):
        service.read(another_keeper.principal, [ref])
    with pytest.raises(TensorMissing), db.transaction(another_keeper.principal) as tx:
        service.refs(tx, another_keeper.owner_id, [ref.tensor_id])
    with pytest.raises(Forbidden):
        service.read(db.Principal(None), [ref])


def test_a_commit_that_fails_leaves_nothing(keeper: Keeper, sound: Sound) -> None:
    class Refused(Exception):
        pass

    def refuse(tx: db.Transaction, saved: Saved) -> None:
        assert service.refs(tx, keeper.owner_id, [ref.tensor_id for ref in saved.tensors.values()])
        raise Refused

    data = noise(MIB)
    with pytest.raises(Refused):
        service.save(keeper.principal, [Given("large", "float32", (MIB,), data)], refuse)
    assert keeper.files() == {}
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.chunks, usage.packs) == (0, 0, 0)
    assert keeper.save({"large": data}).new_bytes == data.nbytes
    sound(keeper)


def test_what_is_given_by_a_function_is_asked_for_when_its_turn_comes(keeper: Keeper) -> None:
    asked: list[str] = []

    def giving(name: str) -> Any:
        def give() -> np.ndarray:
            asked.append(name)
            return noise(3 * MIB, len(asked))

        return give

    given = [Given(name, "float32", (3 * MIB,), giving(name)) for name in "abc"]
    reports: list[tuple[int, int]] = []
    saved = service.save(keeper.principal, given, nothing, progress=lambda done, total: reports.append((done, total)))
    assert asked == ["a", "b", "c"]
    assert reports[-1] == (saved.n_bytes, saved.n_bytes)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert (read["b"] == noise(3 * MIB, 2)).all()


def test_a_save_that_is_stopped_leaves_nothing(keeper: Keeper) -> None:
    asked = []

    def stop() -> bool:
        asked.append(len(keeper.files()))
        return len(asked) > 3

    given = [Given(str(n), "float32", (2 * MIB,), noise(2 * MIB, n)) for n in range(30)]
    with pytest.raises(SaveStopped):
        service.save(keeper.principal, given, nothing, stop=stop)
    assert asked[-1] == 1
    assert keeper.files() == {}
    assert service.usage(keeper.principal).chunks == 0


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Given("", "uint8", (1,), b"1"), BadTensor),
        (Given("x" * 501, "uint8", (1,), b"1"), BadTensor),
        (Given("a\x00b", "uint8", (1,), b"1"), BadTensor),
        (Given("x", "float31", (1,), b"1"), BadTensor),
        (Given("x", "ggml:", (1,), b"1"), BadTensor),
        (Given("x", "uint8", (2,), b"1"), BadTensor),
        (Given("x", "uint8", (-1,), b"1"), BadTensor),
        (Given("x", "uint8", (1.5,), b"1"), BadTensor),  # type: ignore[arg-type]
        (Given("x", "uint8", (1 << 62, 1 << 62), b"1"), BadTensor),
        (Given("x", "uint8", (0, 1 << 62), b""), BadTensor),
        (Given("x", "uint8", (1,) * 65, b"1"), TooManyDimensions),
        (Given("x", "float32", (1,), lambda: b"12345"), BadTensor),
        (Given("x", "float32", (4, 2), np.zeros((2, 4), np.float32).T), BadTensor),
        (Given("x", "float32", (2,), np.zeros(2, ">f4")), BadTensor),
        (Given("x", "uint8", (2,), memoryview(b"1234")[::2]), BadTensor),
    ],
)
def test_what_lies_is_refused(keeper: Keeper, given: Given, error: type[Exception]) -> None:
    with pytest.raises(error):
        service.save(keeper.principal, [Given("good", "float32", (MIB,), noise(MIB)), given], nothing)
    assert keeper.files() == {}
    assert service.usage(keeper.principal).tensors == 0


def test_two_of_one_name_are_refused(keeper: Keeper) -> None:
    with pytest.raises(BadTensor):
        service.save(keeper.principal, [Given("x", "uint8", (1,), b"1"), Given("x", "uint8", (1,), b"2")], nothing)


def test_a_reference_that_lies_is_refused(keeper: Keeper) -> None:
    [ref] = keeper.save({"x": noise(100)}).tensors.values()
    for lie in (replace(ref, shape=(200,)), replace(ref, dtype="int32"), replace(ref, n_bytes=800)):
        with pytest.raises(DamagedTensor):
            service.read(keeper.principal, [lie])
    with pytest.raises(TensorMissing):
        service.read(keeper.principal, [replace(ref, tensor_id=uuid.uuid4())])


class Counting:
    """The packs of a test; notes what is read from them."""

    def __init__(self, keeper: Keeper, patch: pytest.MonkeyPatch) -> None:
        self.pieces: list[Piece] = []
        real = keeper.packs.read

        def read(owner_id: int, pieces: Sequence[Piece], *rest: Any) -> None:
            self.pieces += pieces
            real(owner_id, pieces, *rest)

        patch.setattr(keeper.packs, "read", read)

    def bytes(self) -> int:
        return sum(len(piece.out) for piece in self.pieces)


def test_a_slice_reads_its_chunks_only(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = noise(12 * MIB).reshape(12, 1024, 1024)  # 4 MiB a layer, two to a chunk
    [ref] = keeper.save({"layers": layers}).tensors.values()
    read = Counting(keeper, monkeypatch)
    assert (service.read_slice(keeper.principal, ref, (5,)) == layers[5]).all()
    assert read.bytes() == CHUNK_BYTES
    read.pieces.clear()
    assert (service.read_slice(keeper.principal, ref, (slice(3, 8, 2), 7, slice(1, 3))) == layers[3:8:2, 7, 1:3]).all()
    assert read.bytes() == 3 * CHUNK_BYTES
    read.pieces.clear()
    assert (service.read_slice(keeper.principal, ref, (..., slice(None, None, -300))) == layers[..., ::-300]).all()
    assert read.bytes() == layers.nbytes
    read.pieces.clear()
    assert service.read_slice(keeper.principal, ref, (slice(5, 5),)).shape == (0, 1024, 1024)
    assert read.bytes() == 0


@pytest.mark.parametrize("compression", ["raw", "compressed"])
def test_slices_across_the_borders_of_chunks(keeper: Keeper, compression: Any) -> None:
    array = noise(5_000_003).reshape(-1, 1)[: 714_286 * 7].reshape(714_286, 7)  # rows do not fit chunks evenly
    [ref] = keeper.save({"rows": array}, compression).tensors.values()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(basic_indices(array.shape, allow_newaxis=False))
    def check(wanted: Any) -> None:
        expected = array[wanted]
        found = service.read_slice(keeper.principal, ref, wanted if isinstance(wanted, tuple) else (wanted,))
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()

    check()


def test_a_tensor_that_lies_as_it_is_is_opened_without_a_copy(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays_given = {"large": noise(12 * MIB), "other": noise(MIB, 1), "small": noise(100, 2)}
    refs = keeper.save(arrays_given).tensors
    read = Counting(keeper, monkeypatch)
    for name, array in arrays_given.items():
        opened = service.open_mapped(keeper.principal, refs[name])
        assert opened.tobytes() == array.tobytes()
        assert not opened.flags.writeable
    assert read.pieces == []


def test_what_is_compressed_or_inline_is_opened_as_a_copy(keeper: Keeper) -> None:
    half = noise(MIB).astype(ml_dtypes.bfloat16)
    for refs in (keeper.save({"x": half}, "compressed").tensors, keeper.save({"x": noise(3)}).tensors):
        opened = service.open_mapped(keeper.principal, refs["x"])
        assert opened.tobytes() == service.read(keeper.principal, [refs["x"]])["x"].tobytes()
        assert not opened.flags.writeable


def stepped(weights: np.ndarray, seed: int) -> np.ndarray:
    return weights + 1e-5 * np.sign(noise(weights.size, seed)).reshape(weights.shape)


def test_ten_checkpoints_of_a_run_cost_little(keeper: Keeper, sound: Sound) -> None:
    """Each is taken against the one before, and when the chain is long, against its beginning."""
    weights, refs, stored, kept = noise(MIB) * 0.02, None, [], []
    for step in range(14):
        half = weights.astype(ml_dtypes.bfloat16)
        saved = keeper.save({"w": half}, "delta", refs)
        refs = saved.tensors
        stored.append(saved.new_bytes)
        kept.append((refs["w"], half))
        weights = stepped(weights, step)
    assert sum(stored[:10]) < 2.5 * kept[0][1].nbytes
    with db.transaction(keeper.principal) as tx:
        assert [ref.tensor_id for ref, _ in kept] == [
            ref.tensor_id for ref in service.refs(tx, keeper.owner_id, [ref.tensor_id for ref, _ in kept])
        ]
    for ref, half in kept:
        assert service.read(keeper.principal, [ref])["w"].tobytes() == half.tobytes()
    sound(keeper)


def test_a_chain_of_differences_is_bounded(keeper: Keeper, owner_conn: psycopg.Connection[Any]) -> None:
    from anima.tensors.loading_service import MAX_DEPTH

    array, refs = np.random.default_rng(0).integers(0, 1 << 30, 10_000, np.int32), None
    for step in range(MAX_DEPTH + 5):
        array = array.copy()
        array[step] = step + 1
        refs = keeper.save({"x": array}, "delta", refs).tensors
    rows = owner_conn.execute(
        "select max(depth), count(*) filter (where depth = 0) from tensor_chunks where owner_id = %s",
        (keeper.owner_id,),
    )
    assert rows.fetchone() == (MAX_DEPTH, 1)


def test_a_base_of_another_shape_or_one_that_is_gone_is_none(keeper: Keeper) -> None:
    [ref] = keeper.save({"x": noise(MIB)}).tensors.values()
    foreign = TensorRef(uuid.uuid4(), "x", "float32", (MIB,), 4 * MIB, ref.checksum)
    for base in (replace(ref, shape=(MIB // 2,)), foreign):
        changed = noise(MIB, 5)
        [new] = keeper.save({"x": changed}, "delta", {"x": base}).tensors.values()
        assert (service.read(keeper.principal, [new])["x"] == changed).all()


def test_many_small_tensors_share_blocks(keeper: Keeper, sound: Sound) -> None:
    given = {f"bias {n}": noise(3000, n) for n in range(300)}
    saved = keeper.save(given)
    [n_bytes] = keeper.files().values()
    assert n_bytes < 1.02 * saved.n_bytes
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in given.items())
    sound(keeper)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shapes=st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=5),
    dtype=st.sampled_from(sorted(DTYPES)),
    compression=st.sampled_from(["raw", "compressed", "delta"]),
)
def test_any_shapes_and_types(keeper: Keeper, shapes: list[list[int]], dtype: str, compression: Any) -> None:
    kind = arrays.numpy_dtype(dtype)
    rng = np.random.default_rng(0)
    given = {
        str(n): np.frombuffer(rng.bytes(math.prod(shape) * kind.itemsize), kind).reshape(shape)
        for n, shape in enumerate(shapes)
    }
    saved = keeper.save(given, compression)
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all(read[name].tobytes() == array.tobytes() for name, array in given.items())
    assert all(read[name].shape == array.shape for name, array in given.items())


def test_what_is_given_by_functions_is_held_a_few_at_a_time(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save_service, "_GROUP_BYTES", 1)
    monkeypatch.setattr(save_service, "INLINE_BYTES", 0)
    alive, most = [0], [0]

    def giving(n: int) -> Any:
        def give() -> np.ndarray:
            array = noise(300_000, n)
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            weakref.finalize(array, lambda: alive.__setitem__(0, alive[0] - 1))
            return array

        return give

    given = [Given(str(n), "float32", (300_000,), giving(n)) for n in range(60)]
    assert len(service.save(keeper.principal, given, nothing).tensors) == 60
    assert most[0] <= 8
    gc.collect()
    assert alive[0] == 0


def test_a_commit_of_which_nobody_knows_keeps_what_it_refers_to(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, sound: Sound
) -> None:
    """The connection was lost when the commit was on its way: what it made visible is whole."""
    real = db.transaction

    @contextmanager
    def lost(principal: db.Principal) -> Iterator[db.Transaction]:
        with real(principal) as tx:
            yield tx
        raise DatabaseUnavailable(retry_after=2)

    monkeypatch.setattr(commit_service, "db", SimpleNamespace(transaction=lost))
    array = noise(MIB)
    with pytest.raises(DatabaseUnavailable):
        keeper.save({"x": array})
    monkeypatch.undo()
    assert len(keeper.files()) == 1
    saved = keeper.save({"x": array})
    assert saved.new_bytes == 0
    assert (service.read(keeper.principal, list(saved.tensors.values()))["x"] == array).all()
    sound(keeper)
