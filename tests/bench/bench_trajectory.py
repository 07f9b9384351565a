"""The record of a run: rows a CPU second of the trajectory writer, against pyarrow writing the same table at once.

The table is one of 20 columns of 32-bit numbers as a run makes them (BENCH_TRAJECTORY_ROWS, two million). The writer is
given it as runs do, in blocks, and closes a part every tenth of it; pyarrow has it whole, with the same packing.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from gpu_jobs.simulate.trajectory import ROWS, TrajectoryWriter, read
from numpy.typing import NDArray
from pyarrow import parquet
from tests.bench.frame import Bench

COUNT = int(os.environ.get("BENCH_TRAJECTORY_ROWS", "2000000"))
STEPS = int(os.environ.get("BENCH_TRAJECTORY_STEPS", "40000"))
COLUMNS = 20
PEER = "pyarrow"


def run(bench: Bench) -> None:
    """The writer beside pyarrow; then what the record adds to a run."""
    numbers = made(COUNT)
    table = pa.table({f"c{place}": column for place, column in enumerate(numbers)})
    both = bench.alternate(anima=lambda: ours(numbers), pyarrow=lambda: theirs(table))
    bench.figure(
        "rows_per_cpu_second", both["anima"], "rows/s", peer=PEER, peer_value=both["pyarrow"], more_is_better=True
    )
    recorded(bench)


def made(rows: int) -> NDArray[np.float32]:
    """Columns of numbers that wander, (20, rows): what concentrations and hyper-parameters look like."""
    random = np.random.default_rng(7)
    return np.cumsum(random.normal(scale=0.01, size=(COLUMNS, rows)), axis=1).astype(np.float32)


def ours(numbers: NDArray[np.float32]) -> float:
    """Rows a CPU second of the writer."""
    columns = [f"c{place}" for place in range(COLUMNS)]
    block = np.empty((COLUMNS, ROWS), dtype=np.float32)
    with folder() as place:
        begun = time.process_time()
        writer = TrajectoryWriter(place, "parquet", columns)
        closed = 0
        for first in range(0, numbers.shape[1], ROWS):
            part = numbers[:, first : first + ROWS]
            writer.wait()
            block[:, : part.shape[1]] = part
            writer.append(block, part.shape[1])
            if first * 10 // numbers.shape[1] > closed:
                closed += 1
                writer.checkpoint()
        writer.close()
        spent = time.process_time() - begun
        assert read(place).num_rows == numbers.shape[1], "rows are missing"
    return float(numbers.shape[1] / spent)


def theirs(table: pa.Table) -> float:
    """The same of pyarrow."""
    with folder() as place:
        begun = time.process_time()
        parquet.write_table(
            table,
            place / "table.parquet",
            compression="zstd",
            compression_level=3,
            use_dictionary=False,
            use_byte_stream_split=True,
            row_group_size=ROWS,
        )
        return float(table.num_rows / (time.process_time() - begun))


def recorded(bench: Bench) -> None:
    """What recording adds to the CPU time of a run of the numpy agent; the limit is a twentieth."""
    from gpu_jobs.simulate.agent import train
    from gpu_jobs.simulate.record import Recorder

    from anima.neuromodulation.simulation import read as read_file
    from anima.neuromodulation.simulation import shipped

    simulation = read_file(shipped("standard"), {"MAX_STEPS": str(STEPS)})

    def bare() -> float:
        begun = time.process_time()
        train(simulation)
        return (time.process_time() - begun) / STEPS * 1e6

    def kept() -> float:
        with folder() as place:
            begun = time.process_time()
            recorder = Recorder(simulation, place, None, simulation.names(), 1, say=lambda _: None)
            train(simulation, recorder=recorder)
            recorder.checkpoint(STEPS)
            recorder.close()
            return (time.process_time() - begun) / STEPS * 1e6

    sides = bench.alternate(bare=bare, recorded=kept)
    bench.figure("cpu_per_step_recorded", sides["recorded"], "µs", peer="without a record", peer_value=sides["bare"])


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="trajectory-"))
    try:
        yield place
    finally:
        shutil.rmtree(place)
