"""Reading in a process of its own: the same items and errors; what stops that process stops nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from anima.vendors import readers
from anima.vendors.readers import Limits, TooMuch, Unreadable, apart, medium_of
from fixtures import files

TEXT = medium_of(b"A text.")


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def until(happened: Callable[[], bool]) -> bool:
    """Waits for what must come, for a minute at most."""
    end = time.monotonic() + 60
    while not happened() and time.monotonic() < end:
        time.sleep(0.02)
    return happened()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file that nobody writes to: whoever opens it waits."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.mark.parametrize("data", [files.docx(), files.pdf("One page.", outline={1: "Begin"}), files.text()])
def test_the_items_are_those_of_the_reader(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    medium = medium_of(path)
    before = children()
    assert list(readers.read_apart(path, medium)) == list(readers.read(path, medium))
    assert children() == before


def test_errors_are_those_of_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(files.pdf("x", password="sesame"))
    with pytest.raises(Unreadable, match="password"):
        list(readers.read_apart(path, medium_of(path)))
    path.write_bytes(files.pdf("a", "b"))
    with pytest.raises(TooMuch, match="2 pages"):
        list(readers.read_apart(path, medium_of(path), limits=Limits(pages=1)))
    path.write_bytes(b"words")
    with pytest.raises(Unreadable, match="is none"):
        list(readers.read_apart(path, TEXT, declared="pdf"))
    with pytest.raises(Unreadable, match="FileNotFoundError"):
        list(readers.read_apart(tmp_path / "gone", TEXT))


def test_memory_is_limited(fifo: Path) -> None:
    with pytest.raises(TooMuch, match="memory"):
        list(readers.read_apart(fifo, TEXT, limits=Limits(memory_bytes=1 << 20)))


def test_time_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b,c,d\n" * 3_000_000)
    items = readers.read_apart(path, medium_of(path, name="table.csv"), limits=Limits(cpu_seconds=1))
    with pytest.raises(TooMuch, match="time"):
        deque(items, maxlen=0)


def test_a_reader_that_is_killed_is_told_as_a_file_that_stops_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(files.text() * 20_000)
    before = children()
    items = readers.read_apart(path, TEXT)
    next(items)
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    with pytest.raises(Unreadable, match="stopped the reader"):
        list(items)


def test_an_iterator_that_is_closed_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(files.text() * 20_000)
    before = children()
    items = readers.read_apart(path, TEXT)
    next(items)
    assert len(children() - before) == 1
    items.close()  # type: ignore[attr-defined]
    assert children() == before


def test_a_reader_ends_with_its_parent_however_that_ends(fifo: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from anima.vendors import readers\n"
        "list(readers.read_apart(Path(sys.argv[1]), readers.medium_of(b'A text.')))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(fifo)])
    assert until(lambda: any(waits(child) for child in psutil.Process(parent.pid).children()))
    (child,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    assert until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def waits(reader: psutil.Process) -> bool:
    """Whether a reader has been asked, and now waits for the file: its watches over parent and memory run."""
    return reader.num_threads() >= 3


@pytest.mark.parametrize(("function", "reader"), [("", 2048), ("1024", 512), ("128", 256), ("10240", 2048)])
def test_in_a_function_the_reader_leaves_memory_to_it(
    monkeypatch: pytest.MonkeyPatch, function: str, reader: int
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function)
    assert apart.here(Limits()).memory_bytes == reader << 20


def test_the_reader_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMA_DATABASE_URL", "postgresql://someone:secret@host/db")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    given = apart._environment()
    assert given.keys() & {"ANIMA_DATABASE_URL", "OPENAI_API_KEY"} == set()
    assert "PATH" in given


def test_what_its_parent_holds_is_not_the_readers(tmp_path: Path) -> None:
    """Linux counts the memory of a parent into the peak of a child that it starts."""
    held = b"x" * (600 << 20)
    path = tmp_path / "page.html"
    path.write_bytes(b"<html><body><p>It rains.</p></body></html>")
    items = readers.read_apart(path, medium_of(path), limits=Limits(memory_bytes=500 << 20))
    assert any("It rains." in str(item) for item in items)
    assert len(held) == 600 << 20
