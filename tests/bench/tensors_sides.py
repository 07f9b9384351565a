"""What the parts of the bench of tensors share: people with stores of their own, peers as processes, the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.tensors_peer import forget, ready_memory

from anima.kernel import config, db
from anima.tensors import service as tensors
from anima.tensors.model import Compression, TensorRef, given


@dataclass(frozen=True, slots=True)
class Here:
    """Where the bench works: one folder for all sides, and our database."""

    folder: Path
    owner_url: str


@contextmanager
def opened() -> Iterator[Here]:
    """A folder beside the other results, so that all sides write to one disk; a database that syncs what it commits."""
    parent = ROOT / "build" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tensors-", dir=parent))
    try:
        with place.opened(durable=True) as here, store_at((folder / "packs").as_uri()):
            yield Here(folder, here.owner_url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def store_at(url: str) -> Iterator[None]:
    """Packs lie at `url` meanwhile."""
    before = os.environ.get("ANIMA_TENSOR_STORE_URL")
    os.environ["ANIMA_TENSOR_STORE_URL"] = url
    config.settings.cache_clear()
    try:
        yield
    finally:
        os.environ.pop("ANIMA_TENSOR_STORE_URL")
        if before is not None:
            os.environ["ANIMA_TENSOR_STORE_URL"] = before
        config.settings.cache_clear()


def somebody(here: Here) -> db.Principal:
    """Somebody new, who has no tensors."""
    with psycopg.connect(here.owner_url, autocommit=True) as connection:
        row = connection.execute(
            "insert into users (username, password_hash) values (%s, '-') returning user_id",
            [f"bench-{os.urandom(6).hex()}"],
        ).fetchone()
    assert row is not None
    return db.Principal(int(row[0]), frozenset({"viewer"}))


def save(
    who: db.Principal,
    weights: Mapping[str, Any],
    compression: Compression = "raw",
    bases: Mapping[str, TensorRef] | None = None,
) -> dict[str, TensorRef]:
    """Saves the weights; answers their references."""
    each = [given(name, array, (bases or {}).get(name)) for name, array in weights.items()]
    return tensors.save(who, each, lambda _tx, saved: dict(saved.tensors), compression=compression)


def stored(here: Here, who: db.Principal) -> int:
    """Bytes that lie on the disk and in the database for somebody's tensors."""
    found = packs_of(who)
    with psycopg.connect(here.owner_url, autocommit=True) as connection:
        row = connection.execute(
            "select coalesce(sum(length(data)), 0) from tensor_chunks where owner_id = %s", [who.user_id]
        ).fetchone()
    assert row is not None
    return sum(path.stat().st_size for path in found) + int(row[0])


def packs_of(who: db.Principal) -> list[Path]:
    """The files of somebody's packs."""
    url = config.settings().tensor_store_url
    assert url is not None
    return list((Path(unquote(urlsplit(url).path)) / str(who.user_id)).glob("*"))


def go_cold(who: db.Principal) -> None:
    """Has the system forget somebody's packs, and hold as much free memory as the peers find."""
    n_bytes = 0
    for path in packs_of(who):
        n_bytes += path.stat().st_size
        forget(path)
    ready_memory(2 * n_bytes)


def remove_files(who: db.Principal) -> None:
    """Makes room for the next round; the rows stay, unread."""
    for path in packs_of(who):
        path.unlink()


def settle(n_bytes: int) -> None:
    """Waits until what others wrote is written, and has as much free memory held as the peers find."""
    os.sync()
    ready_memory(2 * n_bytes)


@contextmanager
def peer(python: str, folder: Path, more_packages: str = "") -> Iterator[Callable[..., Any]]:
    """A peer's process: called with an operation and arguments it answers what came of it."""
    environment = {**os.environ, "PYTHONPATH": more_packages, "PYTHONWARNINGS": "ignore"}
    command = [python, str(Path(__file__).with_name("tensors_peer.py")), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(operation: str, *arguments: object) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps([operation, *arguments]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the peer could not {operation}")
            return json.loads(line)

        yield ask
        process.stdin.close()


def memory(of: str) -> int:
    """A line of this process's status in bytes: VmRSS is what it holds, VmHWM the most that it held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{of}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(of)


def extra_memory(act: Callable[[], object]) -> int:
    """The most that this process holds during the act, above what it held before; what the act answers is not counted
    by whoever subtracts it."""
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = memory("VmRSS")
    act()
    return memory("VmHWM") - before


def read_by_calls() -> int:
    """Bytes that this process has read from files by system calls so far."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])
