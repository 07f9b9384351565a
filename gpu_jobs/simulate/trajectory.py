"""The record of every step, as Parquet or CSV: written behind the run's back, whole up to each checkpoint.

The folder holds parts, `trajectory-<first step>-<last step>.parquet`, closed at each checkpoint; a part that is being
written ends in `.open`, and is left out when the folder is read. A run that goes on from a step takes back what lies
beyond it, so that no step is there twice. Parquet: zstd 3, byte-stream-split, no dictionary.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anima.kernel.errors import AnimaError

from .failures import FileTooLarge

if TYPE_CHECKING:
    import pyarrow as pa

LEAD = ("step", "episode", "environment", "action", "reward", "done", "td_error", "return")
"""The columns that the record of a run begins with."""
ROWS = 65_536
"""Rows that are written at a time: a row group of Parquet."""
MOST_SMALL = 32
"""So many parts of less than `ROWS` rows are put together."""
TYPES = {
    "step": "int64",
    "episode": "int32",
    "environment": "int16",
    "action": "int16",
    "done": "bool",
    "reset": "bool",
}


class RecordLost(AnimaError):
    """The trajectory cannot be written: {reason}."""

    slug = "record-lost"


class NoRoomForRecord(RecordLost):
    """There is no room left on the disk for the trajectory in {folder}."""

    slug = "disk-full"


class Part(NamedTuple):
    """A closed file of the record."""

    first: int
    last: int
    path: Path

    @property
    def rows(self) -> int:
        """Steps in it."""
        return self.last - self.first + 1


class TrajectoryWriter:
    """Writes the record of one run. Its methods are called by one thread; what fails in its own is raised by the next.

    `columns` are named as in `TYPES`, or are numbers of 32 bits; `resume_step` is the last step that is kept of an
    earlier run. Raises NoRoomForRecord and RecordLost.
    """

    def __init__(self, folder: Path, format: str, columns: Sequence[str], resume_step: int = 0) -> None:
        self.folder, self.format, self.columns = folder, format, tuple(columns)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="trajectory")
        self._under_way: Future[None] | None = None
        self._file: _File | None = None
        self._first, self._next = resume_step + 1, resume_step + 1
        with disk_guarded(folder):
            taken_back(folder, resume_step, format)

    def append(self, block: NDArray[Any], rows: int | None = None) -> None:
        """Takes rows in: an array of shape (columns, rows), of which the first `rows` count, in the order of steps.

        It is the writer's until `wait`, the next `append` or `checkpoint` returns.
        """
        self.wait()
        count = block.shape[1] if rows is None else rows
        if count:
            self._next += count
            self._under_way = self._thread.submit(self._write, block, count)

    def wait(self) -> None:
        """Returns when all that was taken in is with the system. Raises what went wrong."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def checkpoint(self) -> None:
        """Closes the part: what was appended until now is kept whatever happens."""
        self.wait()
        if self._file is not None:
            file, self._file = self._file, None
            part = self.folder / f"trajectory-{self._first:012d}-{self._next - 1:012d}.{self.format}"
            with disk_guarded(self.folder):
                file.close(part)
                self._first = self._next
                put_together(self.folder, self.format)

    def close(self) -> None:
        """Closes the part and the thread."""
        try:
            self.checkpoint()
        finally:
            self._thread.shutdown(wait=True)

    def abandon(self) -> None:
        """Ends the thread and leaves the open part: for a run that failed."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._file is not None:
            self._file.abandon()
            self._file = None

    def _write(self, block: NDArray[Any], count: int) -> None:
        with disk_guarded(self.folder):
            if self._file is None:
                self._file = _File(self.folder / f"trajectory-{self._first:012d}.open", self.format, self.columns)
            self._file.write(block[:, :count])


class _File:
    """A part that is being written."""

    def __init__(self, path: Path, format: str, columns: Sequence[str]) -> None:
        self._path, self._schema = path, schema(columns)
        self._sink = path.open("wb")
        if format == "csv":
            from pyarrow import csv

            self._writer: Any = csv.CSVWriter(self._sink, self._schema)
        else:
            self._writer = _parquet(self._sink, self._schema)

    def write(self, block: NDArray[Any]) -> None:
        """Adds rows."""
        self.write_batch(batch_of(block, self._schema))

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """The same of a batch."""
        self._writer.write_batch(batch)

    def close(self, part: Path) -> None:
        """Finishes it, and gives it its name once it is on the disk."""
        self._writer.close()
        self._sink.flush()
        os.fsync(self._sink.fileno())
        self._sink.close()
        self._path.replace(part)
        _sync_folder(part.parent)

    def abandon(self) -> None:
        """Lets go of it."""
        with suppress(OSError, ValueError), self._sink:  # it is not counted, whatever it holds
            self._writer.close()


def schema(columns: Sequence[str]) -> pa.Schema:
    """The types of the columns."""
    import pyarrow as pa

    named = {"int64": pa.int64(), "int32": pa.int32(), "int16": pa.int16(), "bool": pa.bool_()}
    return pa.schema([(name, named.get(TYPES.get(name, ""), pa.float32())) for name in columns])


def batch_of(block: NDArray[Any], typed: pa.Schema) -> pa.RecordBatch:
    """An array of shape (columns, rows) as a batch of these types."""
    import pyarrow as pa

    def column(field: pa.Field, row: NDArray[Any]) -> pa.Array:
        # `pa.array` would look for pandas first, which takes longer to load than all rows of a short run to write.
        if pa.types.is_boolean(field.type):
            kept = np.packbits(row != 0, bitorder="little")
        else:
            kept = np.ascontiguousarray(row, field.type.to_pandas_dtype())
        return pa.Array.from_buffers(field.type, len(row), [None, pa.py_buffer(kept)])

    return pa.record_batch([column(*pair) for pair in zip(typed, block, strict=True)], schema=typed)


def parts(folder: Path) -> list[Part]:
    """The closed parts of a record, in order; one that lies within another is none."""
    found = [
        Part(int(first), int(last), path)
        for path in folder.glob("trajectory-*-*.*")
        if path.suffix in (".parquet", ".csv")
        for first, last in [path.stem.removeprefix("trajectory-").split("-")]
    ]
    kept: list[Part] = []
    for part in sorted(found, key=lambda each: (each.first, -each.last)):
        if not kept or part.last > kept[-1].last:
            kept.append(part)
    return kept


def read(folder: Path) -> pa.Table:
    """All steps of a record as one table. Raises FileNotFoundError where there is none."""
    import pyarrow as pa

    tables = [_read(part.path) for part in parts(folder)]
    if not tables:
        raise FileNotFoundError(f"there is no trajectory in {folder}")
    return pa.concat_tables(tables)


def taken_back(folder: Path, step: int, format: str) -> None:
    """Leaves of a record what is not beyond a step; makes the folder where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("trajectory-*.open"):
        path.unlink()
    kept = parts(folder)
    for path in set(folder.glob("trajectory-*-*.*")) - {part.path for part in kept}:
        path.unlink()
    for part in kept:
        if part.first > step:
            part.path.unlink()
        elif part.last > step:
            shortened = _read(part.path).slice(0, step - part.first + 1)
            _written(shortened, folder / f"trajectory-{part.first:012d}-{step:012d}.{format}")
            part.path.unlink()


def put_together(folder: Path, format: str) -> None:
    """Makes one part of many small ones, once there are `MOST_SMALL`, in order that no folder fills up with them."""
    small: list[Part] = []
    for part in reversed(parts(folder)):
        if part.rows >= ROWS or part.path.suffix != f".{format}":
            break
        small.insert(0, part)
    if len(small) < MOST_SMALL:
        return
    import pyarrow as pa

    whole = pa.concat_tables([_read(part.path) for part in small])
    _written(whole, folder / f"trajectory-{small[0].first:012d}-{small[-1].last:012d}.{format}")
    for part in small:
        part.path.unlink()


def _written(table: pa.Table, path: Path) -> None:
    file = _File(path.with_suffix(".open"), path.suffix[1:], table.schema.names)
    for batch in table.combine_chunks().to_batches(max_chunksize=ROWS):
        file.write_batch(batch)
    file.close(path)


def _read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        from pyarrow import csv

        with path.open(encoding="utf-8") as lines:
            names = [each.strip('"') for each in lines.readline().strip().split(",")]
        typed = {field.name: field.type for field in schema(names)}
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=typed))
    from pyarrow import parquet

    return parquet.read_table(path)


def _parquet(sink: Any, typed: pa.Schema) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    # Bytes apart compress numbers that change little; truth values have no bytes to be taken apart.
    apart = [field.name for field in typed if not pa.types.is_boolean(field.type)]
    return parquet.ParquetWriter(
        sink,
        typed,
        compression="zstd",
        compression_level=3,
        use_dictionary=False,
        use_byte_stream_split=apart,
        write_statistics=False,
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_guarded(folder: Path) -> Iterator[None]:
    """Raises NoRoomForRecord, FileTooLarge and RecordLost for what disks do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise NoRoomForRecord(folder=folder) from error
        if error.errno == errno.EFBIG or "File too large" in str(error):
            raise FileTooLarge(what=f"the trajectory in {folder}") from error
        raise RecordLost(reason=f"{type(error).__name__}: {error.strerror or error}") from error
