"""Save and load against safetensors and fastsafetensors; memory; one layer of many."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from scripts import venvs
from tests.bench import tensors_data
from tests.bench.frame import Bench, Sample
from tests.bench.tensors_peer import SAFETENSORS, WITH_TORCH
from tests.bench.tensors_sides import (
    Here,
    extra_memory,
    go_cold,
    packs_of,
    peer,
    read_by_calls,
    remove_files,
    save,
    settle,
    somebody,
)

from anima.tensors import service as tensors
from anima.vendors.packs import packs_at

SAVE = "safetensors save_file with fsync, no hash"
LOAD = "safetensors load_file with a copy, no check"
MOST_MEMORY = 200_000_000


def run(bench: Bench, here: Here, n_bytes: int) -> None:
    """Both types; what is not a matter of type once."""
    for dtype, end in (("float32", ""), ("bfloat16", "_bf16")):
        weights = tensors_data.weights(dtype, n_bytes)
        size = sum(array.nbytes for array in weights.values())
        with peer(bench.peer("safetensors", *SAFETENSORS), here.folder) as ask:
            assert ask("make", dtype, n_bytes) == size
            saves(bench, here, weights, size, ask, end)
            ask("drop")
            loads(bench, here, weights, size, ask, end)
        if not end:
            fast_loads(bench, here, weights, size)
            peak_memory(bench, here, weights, size)
            one_layer(bench, here, weights)
        del weights


def saves(bench: Bench, here: Here, weights: dict[str, Any], size: int, ask: Callable[..., Any], end: str) -> None:
    """Saves of what was never there, and of what is there already."""

    def ours() -> float:
        who = somebody(here)
        settle(size)
        seconds = _seconds(lambda: save(who, weights))
        remove_files(who)
        return _speed(size, seconds)

    keeper = somebody(here)
    save(keeper, weights)
    sides = bench.alternate(
        anima=ours,
        peer=lambda: _speed(size, ask("save", f"peer{end}.safetensors")),
        again=lambda: _speed(size, _seconds(lambda: save(keeper, weights))),
    )
    _more(bench, f"save_verified{end}", sides["anima"], SAVE, sides["peer"])
    _more(bench, f"resave_unchanged{end}", sides["again"], "twice " + SAVE, _twice(sides["peer"]))
    remove_files(keeper)


def loads(bench: Bench, here: Here, weights: dict[str, Any], size: int, ask: Callable[..., Any], end: str) -> None:
    """Loads from the disk, into memory of one's own."""
    who = somebody(here)
    refs = list(save(who, weights).values())

    def ours() -> float:
        go_cold(who)
        return _speed(size, _seconds(lambda: tensors.read(who, refs)))

    name = f"peer{end}.safetensors"
    sides = bench.alternate(
        anima=ours,
        mapped=lambda: _speed(size, ask("load", name, "mmap")),
        read=lambda: _speed(size, ask("load", name, "pread")),
    )
    _more(bench, f"load_cold_verified{end}", sides["anima"], LOAD, sides["mapped"])
    _more(bench, f"load_cold_beside_pread{end}", sides["anima"], "safetensors load_file(backend=pread)", sides["read"])
    found = tensors.read(who, refs)
    assert all(found[key].tobytes() == array.tobytes() for key, array in weights.items())
    remove_files(who)


def fast_loads(bench: Bench, here: Here, weights: dict[str, Any], size: int) -> None:
    """fastsafetensors, where it installs; it needs torch, which the environment of training has."""
    try:
        python, packages = with_torch(bench)
    except (subprocess.CalledProcessError, OSError) as error:
        bench.note(f"fastsafetensors could not be installed here: {error}")
        return
    who = somebody(here)
    refs = list(save(who, weights).values())

    def ours() -> float:
        go_cold(who)
        return _speed(size, _seconds(lambda: tensors.read(who, refs)))

    with peer(python, here.folder, packages) as ask:
        sides = bench.alternate(anima=ours, peer=lambda: _speed(size, ask("fast_load", "peer.safetensors")))
    _more(bench, "load_cold_beside_fastsafetensors", sides["anima"], "fastsafetensors, no check", sides["peer"])
    remove_files(who)


def with_torch(bench: Bench) -> tuple[str, str]:
    """An interpreter that has torch, and the folder of the peers that need it."""
    packages = venvs.python_of("tensors").parent.parent / "lib"
    bench.peer("tensors", *WITH_TORCH)
    return venvs.ensure("train"), str(next(packages.glob("python*/site-packages")))


def peak_memory(bench: Bench, here: Here, weights: dict[str, Any], size: int) -> None:
    """What save and load need beside the weights themselves."""
    packs_at.cache_clear()  # with its buffers
    who = somebody(here)
    refs: list[Any] = []
    saving = extra_memory(lambda: refs.extend(save(who, weights).values()))
    packs_at.cache_clear()
    found: dict[str, Any] = {}
    loading = extra_memory(lambda: found.update(tensors.read(who, refs))) - size
    for name, value in (("save", saving), ("load", loading)):
        figure = f"peak_extra_memory_{name}"
        bench.figure(figure, value / 1e6, "MB", peer="limit", peer_value=MOST_MEMORY / 1e6)
    remove_files(who)


def one_layer(bench: Bench, here: Here, weights: dict[str, Any]) -> None:
    """The weights of one block, and ten rows of one matrix: what is read of the packs."""
    who = somebody(here)
    refs = save(who, weights)
    total = sum(path.stat().st_size for path in packs_of(who))
    layer = [ref for name, ref in refs.items() if name.startswith("h.0.")]
    go_cold(who)
    before = read_by_calls()
    begun = time.perf_counter()
    tensors.read(who, layer)
    seconds = time.perf_counter() - begun
    read, needed = read_by_calls() - before, sum(ref.n_bytes for ref in layer)
    bench.figure("one_layer_bytes_read", read / 1e6, "MB", peer="its tensors", peer_value=needed / 1e6)
    bench.figure("one_layer_seconds", seconds, "s")
    before = read_by_calls()
    rows = tensors.read_slice(who, refs["wte.weight"], (slice(40_000, 40_010),))
    read = read_by_calls() - before
    assert rows.tobytes() == weights["wte.weight"][40_000:40_010].tobytes()
    bench.figure("ten_rows_bytes_read", read / 1e6, "MB", peer="all of the matrix", peer_value=total / 1e6)
    remove_files(who)


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _speed(size: int, seconds: float) -> float:
    return size / seconds / 1e6


def _twice(sample: Sample) -> Sample:
    return Sample(tuple(2 * value for value in sample.values))


def _more(bench: Bench, figure: str, ours: Sample, peer_name: str, theirs: Sample) -> None:
    bench.figure(figure, ours, "MB/s", peer=peer_name, peer_value=theirs, more_is_better=True)
