"""Tensors: speed of save and load with checksums, memory, what many checkpoints take, slices, and the way to S3.

The weights are 1 GB as of a GPT-2 (BENCH_TENSORS_MB for less); both sides write to one disk, and nothing of what they
read is in memory before. BENCH_TENSORS=speed,space,store runs some parts.
"""

from __future__ import annotations

import os

from tests.bench import tensors_space, tensors_speed, tensors_store
from tests.bench.frame import Bench
from tests.bench.tensors_sides import opened

PARTS = {"speed": tensors_speed.run, "space": tensors_space.run, "store": tensors_store.run}


def run(bench: Bench) -> None:
    """Each part by itself, in one database."""
    wanted = os.environ.get("BENCH_TENSORS", ",".join(PARTS)).split(",")
    n_bytes = int(os.environ.get("BENCH_TENSORS_MB", "1000")) * 1_000_000
    with opened() as here:
        for name in wanted:
            PARTS[name](bench, here, n_bytes)
