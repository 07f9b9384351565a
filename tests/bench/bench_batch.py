"""A batch of prompts through a server of the OpenAI protocol, beside loops over its client; what the cache saves.

Every side is a process of its own, its start and its imports counted; the server is another, and is not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.venvs import ROOT
from tests.bench.batch_peer import ANSWER_SECONDS, THREADS, WORDS
from tests.bench.frame import Bench

LINES = 400
MANY = 100_000
REPEATED = 0.3
SCRIPT = ROOT / "gpu_jobs" / "batch_inference" / "batch_inference.py"
LOOP = "a loop over the openai client"
POOL = f"the same in {THREADS} threads"


@dataclass(frozen=True, slots=True)
class Done:
    """What a process took: seconds, seconds of CPU, the most memory that it had, in MiB."""

    wall: float
    cpu: float
    memory: float


def run(bench: Bench) -> None:
    """Speed first, then what repeats cost, then memory."""
    with tempfile.TemporaryDirectory() as place, _served() as url:
        folder = Path(place)
        plain = _written(folder / "plain.jsonl", [f"Prompt {number}" for number in range(LINES)])
        speed(bench, url, folder, plain)
        cache(bench, url, folder)
        memory(bench, url, folder)
    bench.note(
        f"{LINES} lines, answers of {WORDS} tokens after {ANSWER_SECONDS * 1000:g} ms; the server on this machine"
    )


def speed(bench: Bench, url: str, folder: Path, plain: Path) -> None:
    """Tokens a second, and CPU a thousand lines."""
    sides = {
        "anima": lambda: _ours(url, folder, plain),
        "loop": lambda: _theirs(url, folder, plain, "sequential"),
        "pool": lambda: _theirs(url, folder, plain, "threads"),
    }
    seen: dict[str, list[Done]] = {name: [] for name in sides}

    def rate(name: str) -> Callable[[], float]:
        def measured() -> float:
            seen[name].append(sides[name]())
            return LINES * WORDS / seen[name][-1].wall

        return measured

    rates = bench.alternate(anima=rate("anima"), loop=rate("loop"), pool=rate("pool"))
    for name, peer in (("loop", LOOP), ("pool", POOL)):
        bench.figure(
            f"tokens_per_second_against_{name}",
            rates["anima"],
            "1/s",
            peer=peer,
            peer_value=rates[name],
            more_is_better=True,
        )
        ours, theirs = (_middle([one.cpu for one in seen[side]]) * 1000 / LINES for side in ("anima", name))
        bench.figure(f"cpu_per_1000_lines_against_{name}", ours, "s", peer=peer, peer_value=theirs)


def cache(bench: Bench, url: str, folder: Path) -> None:
    """Lines of which three in ten were there before."""
    fresh = round(LINES * (1 - REPEATED))
    repeats = _written(folder / "repeats.jsonl", [f"Prompt {number % fresh}" for number in range(LINES)])
    with_it = [_ours(url, folder, repeats).wall for _ in range(3)]
    saved = json.loads((folder / "job" / "model" / "result.json").read_text())
    without = [_ours(url, folder, repeats, cache=False).wall for _ in range(3)]
    tokens = saved["cache_saved_tokens"], saved["cache_saved_tokens"] + saved["tokens"]
    bench.figure(
        "cache_hits", saved["cache_hits"], "lines", peer="repeats", peer_value=LINES - fresh, more_is_better=True
    )
    bench.figure("tokens_saved", tokens[0], "tokens", peer="all", peer_value=tokens[1], more_is_better=True)
    bench.figure("seconds_with_repeats", _middle(with_it), "s", peer="without the cache", peer_value=_middle(without))


def memory(bench: Bench, url: str, folder: Path) -> None:
    """The most memory with so many lines, of which all but a hundred are repeats; and with few."""
    many = _written(folder / "many.jsonl", [f"Prompt {number % 100}" for number in range(MANY)])
    few = _written(folder / "few.jsonl", ["Prompt"])
    done, least = _ours(url, folder, many), _ours(url, folder, few)
    bench.figure("memory_at_peak", done.memory, "MiB", peer="with one line", peer_value=least.memory)
    bench.figure("lines_per_cpu_second_from_the_cache", MANY / (done.cpu - least.cpu), "1/s")
    bench.note(f"memory and lines from the cache: {MANY} lines")


def _ours(url: str, folder: Path, source: Path, **more: Any) -> Done:
    job = folder / "job"
    subprocess.run(["rm", "-rf", str(job)], check=True)
    given = {
        "engine": {"kind": "openai", "model": "stub-1", "base_url": url},
        "input": str(source),
        "parameters": {"temperature": 0},
        "concurrency": THREADS,
        **more,
    }
    environment = {**os.environ, "ANIMA_JOB_DIR": str(job), "ANIMA_JOB_CONFIG": json.dumps(given)}
    return process([str(SCRIPT)], environment)


def _theirs(url: str, folder: Path, source: Path, how: str) -> Done:
    script = Path(__file__).with_name("batch_peer.py")
    return process([str(script), how, url, str(source), str(folder / "theirs.jsonl")], dict(os.environ))


def process(script: list[str], environment: dict[str, str]) -> Done:
    """Runs a script of Python with its arguments to its end. Raises RuntimeError where that is not a good one."""
    with tempfile.TemporaryDirectory() as apart:
        report, begun = Path(apart, "memory"), time.perf_counter()
        command = [sys.executable, str(Path(__file__).with_name("own_memory.py")), str(report), *script]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, code, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(code)
        wall = time.perf_counter() - begun
        if child.returncode:
            raise RuntimeError(f"{script[0]} ended with {child.returncode}")
        return Done(wall, used.ru_utime + used.ru_stime, int(report.read_text()) / 1024)


def _written(path: Path, prompts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"id": n, "prompt": prompt}) + "\n" for n, prompt in enumerate(prompts)))
    return path


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


@contextmanager
def _served() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("batch_peer.py")), "serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
