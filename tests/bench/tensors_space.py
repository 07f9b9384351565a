"""What many checkpoints take: ten of which most is frozen, ten of a fine-tuning, and one, beside ZipNN."""

from __future__ import annotations

import hashlib
import itertools
import math
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
from tests.bench import tensors_data
from tests.bench.frame import Bench
from tests.bench.tensors_sides import Here, peer, remove_files, save, somebody, stored
from tests.bench.tensors_speed import with_torch

from anima.kernel import db
from anima.tensors import service as tensors
from anima.tensors.model import TensorRef

CHECKPOINTS = 10
TRAINED = 0.01
LEARNING_RATE = 1e-5
ZIPNN = "ZipNN"


def run(bench: Bench, here: Here, n_bytes: int) -> None:
    """Frozen ones at full size; a fine-tuning at an eighth of it, for Adam's state is four times its weights."""
    frozen(bench, here, n_bytes)
    finetuning(bench, here, n_bytes // 8)


def frozen(bench: Bench, here: Here, n_bytes: int) -> None:
    """Ten checkpoints whose trunk is frozen, and whose head, a hundredth of all weights, is trained."""
    weights = tensors_data.weights("float32", n_bytes)
    trunk = sum(array.nbytes for array in weights.values())
    head = (round(trunk * TRAINED / (1 - TRAINED) / (4 * tensors_data.WIDTH)), tensors_data.WIDTH)
    who = somebody(here)
    for number in range(CHECKPOINTS):
        weights["head.weight"] = tensors_data.numbers("head.weight", head, number)
        save(who, weights)
    size = trunk + weights["head.weight"].nbytes
    share = weights["head.weight"].nbytes / size
    bench.figure("ten_frozen_checkpoints", stored(here, who) / size, "x of one", peer="limit", peer_value=1.15)
    bench.note(f"of the frozen checkpoints {100 * (1 - share):.2f}% is the same; ten files of safetensors take 10 x")
    remove_files(who)


def steps(n_bytes: int) -> Iterator[dict[str, Any]]:
    """A model as Adam changes it, step by step, in bfloat16; the gradients keep a direction among as much noise."""
    master = {name: tensors_data.numbers(name, shape) for name, shape in tensors_data.shapes(n_bytes // 2)}
    state = {name: (np.zeros_like(array), np.zeros_like(array)) for name, array in master.items()}
    for step in range(1, CHECKPOINTS + 1):
        yield {name: tensors_data.half(array).view(ml_dtypes.bfloat16) for name, array in master.items()}
        for name, array in master.items():
            gradient = tensors_data.numbers(name, array.shape, 1) + tensors_data.numbers(name, array.shape, 1 + step)
            array -= _adam(gradient, *state[name], step)


def _adam(gradient: Any, first: Any, second: Any, step: int) -> Any:
    """Kingma and Ba, algorithm 1, with beta 0.9 and 0.999; changes the moments in place, answers the update."""
    first += 0.1 * (gradient - first)
    second += 0.001 * (gradient * gradient - second)
    rate = LEARNING_RATE * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return rate * first / (np.sqrt(second) + 1e-8)


def finetuning(bench: Bench, here: Here, n_bytes: int) -> None:
    """Ten checkpoints one step of Adam apart: each as what changed since the one before."""
    who, refs, digests = somebody(here), list[dict[str, TensorRef]](), list[str]()
    size, first, seconds = 0, 0, 0.0
    for number, weights in enumerate(steps(n_bytes)):
        begun = time.perf_counter()
        refs.append(save(who, weights, "delta" if number else "compressed", refs[-1] if refs else None))
        seconds += time.perf_counter() - begun
        digests.append(_digest(weights))
        size = sum(array.nbytes for array in weights.values())
        first = first or stored(here, who)
        (here.folder / f"{number}.bin").write_bytes(b"".join(array.tobytes() for array in weights.values()))
    whole = stored(here, who)
    _are_lossless(who, refs, digests)
    bench.figure("ten_finetune_checkpoints_bf16", whole / size, "x of one", peer="limit", peer_value=2.5)
    bench.figure("finetune_save_speed", CHECKPOINTS * size / seconds / 1e6, "MB/s")
    bench.note(f"fine-tuning: {size / 1e6:.0f} MB of bfloat16, Adam at {LEARNING_RATE}, a checkpoint each step")
    beside_zipnn(bench, here, size, first, whole)
    remove_files(who)


def _are_lossless(who: db.Principal, refs: list[dict[str, TensorRef]], digests: list[str]) -> None:
    for saved, digest in zip(refs, digests, strict=True):
        assert _digest(tensors.read(who, list(saved.values()))) == digest


def _digest(weights: dict[str, Any]) -> str:
    found = hashlib.blake2b()
    for name in sorted(weights):
        found.update(weights[name].view(np.uint8).data)
    return found.hexdigest()


def beside_zipnn(bench: Bench, here: Here, size: int, first: int, whole: int) -> None:
    """The same bytes by ZipNN: one by itself, ten by themselves, and ten as what changed since the one before."""
    try:
        python, packages = with_torch(bench)
    except (subprocess.CalledProcessError, OSError) as error:
        bench.note(f"ZipNN could not be installed here: {error}")
        return
    names = [f"{number}.bin" for number in range(CHECKPOINTS)]
    with peer(python, here.folder, packages) as ask:
        alone = [ask("zip", name, "bfloat16") for name in names]
        deltas = [ask("zip", after, "bfloat16", before) for before, after in itertools.pairwise(names)]
    speed = sum(each[1] for each in alone) / sum(each[0] for each in alone) / 1e6
    bench.figure("one_checkpoint_bf16", first / size, "x of raw", peer=ZIPNN, peer_value=alone[0][2] / size)
    ten = sum(each[2] for each in alone)
    bench.figure("ten_checkpoints_beside_zipnn", whole / size, "x of one", peer=ZIPNN, peer_value=ten / size)
    ten = alone[0][2] + sum(each[2] for each in deltas)
    bench.figure(
        "ten_checkpoints_beside_zipnn_delta", whole / size, "x of one", peer=f"{ZIPNN}, delta", peer_value=ten / size
    )
    bench.note(f"ZipNN compresses at {speed:.0f} MB/s in memory; it keeps, hashes and checks nothing")
