"""The way to S3, played by a server of its own on this machine, beside boto3 alone."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench import tensors_data
from tests.bench.frame import Bench
from tests.bench.tensors_sides import Here, save, somebody, store_at

from anima.tensors import service as tensors
from anima.vendors.packs import packs, packs_at

BUCKET = "tensors-of-the-bench"
BOTO = "boto3 upload_fileobj, no hash"


def run(bench: Bench, here: Here, n_bytes: int) -> None:
    """A sixteenth of the weights: the server, not the way to it, is the limit."""
    weights = tensors_data.weights("bfloat16", n_bytes // 16)
    size: int = sum(array.nbytes for array in weights.values())
    data = b"".join(array.tobytes() for array in weights.values())
    with _server() as s3, store_at(f"s3://{BUCKET}/packs"):
        keeper = somebody(here)
        refs = list(save(keeper, weights).values())
        s3.upload_fileobj(io.BytesIO(data), BUCKET, "kept")

        def speed(act: Callable[[], object]) -> float:
            begun = time.perf_counter()
            act()
            return size / (time.perf_counter() - begun) / 1e6

        def ours() -> float:
            who = somebody(here)
            found = speed(lambda: save(who, weights))
            packs().delete_owner(who.user_id or 0)
            return found

        sides = bench.alternate(
            save=ours,
            upload=lambda: speed(lambda: s3.upload_fileobj(io.BytesIO(data), BUCKET, "other")),
            load=lambda: speed(lambda: tensors.read(keeper, refs)),
            download=lambda: speed(lambda: s3.download_fileobj(BUCKET, "kept", io.BytesIO())),
        )
    bench.figure("s3_save_verified", sides["save"], "MB/s", peer=BOTO, peer_value=sides["upload"], more_is_better=True)
    download = "boto3 download_fileobj, no check"
    bench.figure(
        "s3_load_verified", sides["load"], "MB/s", peer=download, peer_value=sides["download"], more_is_better=True
    )
    bench.note(f"S3 is played by moto's server on this machine, which is the limit of both sides; {size / 1e6:.0f} MB")


@contextmanager
def _server() -> Iterator[Any]:
    """moto in a process of its own; a client of it. The variables of this process lead there meanwhile."""
    import boto3

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    wanted = {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    before = dict(os.environ)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.environ |= wanted
        _answers(port)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
    finally:
        for name in wanted:
            os.environ.pop(name)
        os.environ |= {name: before[name] for name in wanted if name in before}
        packs_at.cache_clear()
        process.kill()
        process.wait()


def _answers(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("moto's server did not start")
