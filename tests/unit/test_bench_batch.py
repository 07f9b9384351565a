"""What the benchmark of batches measures of a process: its own memory, not that of whoever started it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.bench import bench_batch, own_memory

MIB = 1 << 20


def test_memory_is_that_of_the_process_itself(tmp_path: Path) -> None:
    script = tmp_path / "takes.py"
    script.write_text("import sys\nheld = b'x' * (int(sys.argv[1]) << 20)\n")
    ours = b"x" * (220 * MIB)
    small, large = (bench_batch.process([str(script), mib], dict(os.environ)).memory for mib in ("0", "150"))
    assert len(ours) / MIB > 200 > large > 150 > small + 100


def test_one_that_fails_is_no_measurement(tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("raise SystemExit(3)")
    with pytest.raises(RuntimeError, match="ended with 3"):
        bench_batch.process([str(tmp_path / "fails.py")], dict(os.environ))
    with pytest.raises(RuntimeError, match="how much memory"):
        own_memory.peak("Name: python")
