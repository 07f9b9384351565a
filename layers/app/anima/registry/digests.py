"""The sha256 of files, made in a thread of its own while their tensors are saved."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

_STEP = 4 << 20


@contextmanager
def digests(files: Mapping[str, memoryview]) -> Iterator[Mapping[str, Future[bytes]]]:
    """The digest of each file, when it is asked for; what is not done when the block ends is given up."""
    given_up = threading.Event()

    def digest(data: memoryview) -> bytes:
        made = hashlib.sha256()
        for at in range(0, len(data), _STEP):
            if given_up.is_set():
                break
            made.update(data[at : at + _STEP])
        return made.digest()

    with ThreadPoolExecutor(1, thread_name_prefix="sha256") as pool:
        try:
            yield {path: pool.submit(digest, data) for path, data in files.items()}
        finally:
            given_up.set()
            pool.shutdown(cancel_futures=True)
