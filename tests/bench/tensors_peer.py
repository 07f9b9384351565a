"""The peers of the bench of tensors, in environments of their own: safetensors, fastsafetensors, ZipNN.

Run as a program; its argument names the folder for files. Each line of its input is a JSON list of an operation and its
arguments; each line of its output is what came of it: seconds, bytes.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAFETENSORS = ("safetensors==0.8.0", "numpy==2.4.6", "ml_dtypes==0.6.0")
WITH_TORCH = ("--no-deps", "fastsafetensors==0.5.0", "zipnn==0.5.4", "typer==0.29.2")
"""They need torch and numpy too, which `.venvs/train` has; without what is only asked for by their command lines."""


def forget(path: Path) -> None:
    """Has the system forget what it holds of a file: the next reader goes to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


def ready_memory(n_bytes: int) -> None:
    """Has the system hold so much free memory: the host of a virtual machine takes back what is free, and gives it
    again page by page, at a cost that is not a matter of whoever asks first."""
    memory = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    for start in range(0, n_bytes, mmap.PAGESIZE):
        memory[start] = 1
    memory.close()


class Peer:
    """What the peers do; their weights are made once, as ours are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, Any] = {}
        self.n_bytes = 0

    def make(self, dtype: str, n_bytes: int) -> int:
        """Makes the weights; answers how many bytes they have."""
        data = importlib.import_module("tensors_data")
        self.held = data.weights(dtype, n_bytes)
        self.n_bytes = sum(array.nbytes for array in self.held.values())
        return self.n_bytes

    def drop(self) -> int:
        """Gives the weights up."""
        self.held = {}
        return 0

    def save(self, name: str) -> float:
        """save_file, then fsync of file and folder, which it does not do itself."""
        numpy = importlib.import_module("safetensors.numpy")
        path = self.folder / name
        path.unlink(missing_ok=True)
        os.sync()
        ready_memory(2 * self.n_bytes)
        begun = time.perf_counter()
        numpy.save_file(self.held, str(path))
        for each, flags in ((path, os.O_RDWR), (self.folder, os.O_RDONLY)):
            file = os.open(each, flags)
            os.fsync(file)
            os.close(file)
        return time.perf_counter() - begun

    def load(self, name: str, backend: str) -> float:
        """load_file into memory of one's own: a copy is made of what is only mapped. Nothing is checked."""
        numpy = importlib.import_module("safetensors.numpy")
        forget(self.folder / name)
        ready_memory(2 * self.n_bytes)
        begun = time.perf_counter()
        found = numpy.load_file(str(self.folder / name), backend=backend)
        if backend == "mmap":
            found = {key: array.copy() for key, array in found.items()}
        seconds = time.perf_counter() - begun
        assert found
        return seconds

    def fast_load(self, name: str) -> float:
        """fastsafetensors' load of a file into memory, without a GPU."""
        fast = importlib.import_module("fastsafetensors")
        path = str(self.folder / name)
        forget(Path(path))
        ready_memory(2 * Path(path).stat().st_size)
        begun = time.perf_counter()
        loader = fast.SafeTensorsFileLoader(None, device="cpu", nogds=True)
        loader.add_filenames({0: [path]})
        buffer = loader.copy_files_to_device()
        found = {key: buffer.get_tensor(key) for key in loader.get_keys()}
        seconds = time.perf_counter() - begun
        assert found
        buffer.close()
        loader.close()
        return seconds

    def zip(self, name: str, dtype: str, base: str = "") -> list[float]:
        """ZipNN on a file, or on how it differs from another one; seconds, bytes before and after."""
        zipnn = importlib.import_module("zipnn")
        data = bytearray((self.folder / name).read_bytes())
        options = {"delta_compressed_type": "byte"} if base else {}
        packer = zipnn.ZipNN(bytearray_dtype=dtype, input_format="byte", threads=os.cpu_count(), **options)
        other = bytearray((self.folder / base).read_bytes()) if base else None
        more = {"delta_second_data": other} if base else {}
        n_bytes, begun = len(data), time.perf_counter()
        packed = packer.compress(data, **more)
        return [time.perf_counter() - begun, n_bytes, len(packed)]


def main() -> None:
    """Serves until its input ends."""
    sys.path.insert(0, str(Path(__file__).parent))
    peer = Peer(Path(sys.argv[1]))
    for line in sys.stdin:
        operation, *arguments = json.loads(line)
        act: Callable[..., Any] = getattr(peer, operation)
        print(json.dumps(act(*arguments)), flush=True)


if __name__ == "__main__":
    main()
