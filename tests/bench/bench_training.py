"""Training: environment steps per CPU second on CartPole-v1, against CleanRL's dqn.py and Stable-Baselines3's DQN.

All sides have CleanRL's numbers: two layers of 120 and 84, batches of 128, an update for ten steps of the environment,
the target renewed each 500, a buffer of 10,000. Each run is a process of its own; what it takes to import is left out,
and CPU seconds of all its threads are counted. Sides take turns, a seed at a time. All have one thread, with which
CleanRL and Stable-Baselines3 are the fastest by CPU seconds; CleanRL is also run as it is distributed, with the threads
that torch takes by itself.

BENCH_TRAINING (ours,cleanrl,sb3), BENCH_TRAINING_STEPS (100,000) and BENCH_TRAINING_SEEDS (5) make it shorter.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.frame import Bench, Sample

HERE = Path(__file__).resolve().parent
_TORCH = (
    "torch==2.13.0",
    "cloudpickle==3.1.2",
    "farama-notifications==0.0.6",
    "filelock==4.2.11",
    "fsspec==2026.9.0",
    "jinja2==3.1.6",
    "markupsafe==3.0.4",
    "mpmath==1.3.0",
    "networkx==3.6.1",
    "setuptools==80.9.0",
    "sympy==1.14.0",
    "typing-extensions==4.16.0",
    "stable-baselines3==2.9.2",
)
SB3 = ("--no-deps", *_TORCH, "gymnasium==1.3.0", "numpy==2.4.6")
# CleanRL says that it wants a Python below 3.11; its file runs on later ones, with the Gymnasium that it was made for.
CLEANRL = (
    *("--no-deps", "--ignore-requires-python", *_TORCH),
    *("cleanrl==1.2.0", "gymnasium==0.29.1", "numpy==1.26.4"),
)
REPLAY = 10_000_000
_DISTRIBUTED = "CleanRL 1.2.0, one environment, torch's own threads"


@dataclass(frozen=True, slots=True)
class Side:
    """Who trains, in how many environments, by which interpreter and script."""

    name: str
    environments: int
    python: str
    script: str
    more: dict[str, Any]
    pinned: bool = True

    def run(self, steps: int, seed: int) -> dict[str, float]:
        """One run in a process of its own."""
        given = json.dumps({"environments": self.environments, "steps": steps, "seed": seed, **self.more})
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        threads = threads if self.pinned else {}
        command = [self.python, str(HERE / self.script), given]
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr[-2_000:]}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def run(bench: Bench) -> None:
    """All sides in turn, then memory and what recording costs."""
    asked = os.environ.get("BENCH_TRAINING", "ours,cleanrl,sb3").split(",")
    steps = int(os.environ.get("BENCH_TRAINING_STEPS", "100000"))
    seeds = range(1, int(os.environ.get("BENCH_TRAINING_SEEDS", "5")) + 1)
    found: dict[str, list[dict[str, float]]] = {}
    sides = _sides(bench, asked)
    for seed in seeds:
        for side in sides if seed % 2 else sides[::-1]:
            found.setdefault(side.name, []).append(side.run(steps, seed))
    _figures(bench, found)
    _memory(bench)
    _recorded(bench, min(steps, 50_000), seeds)
    bench.note(f"{steps} steps, {len(seeds)} seeds; CleanRL's file knows one environment only, SB3 has ten like ours")
    bench.note("LeanRL (torch.compile and CUDA graphs) has no package; PureJaxRL none either: neither is measured here")


def _sides(bench: Bench, asked: list[str]) -> list[Side]:
    made = []
    if "ours" in asked:
        made += [Side(f"ours_{n}", n, sys.executable, "training_ours.py", {}) for n in (1, 10)]
    if "cleanrl" in asked:
        python = bench.peer("cleanrl", *CLEANRL)
        made.append(Side("cleanrl", 1, python, "training_cleanrl.py", {"threads": 1}))
        made.append(Side("cleanrl_as_distributed", 1, python, "training_cleanrl.py", {}, pinned=False))
    if "sb3" in asked:
        python = bench.peer("rl", *SB3)
        made += [Side(f"sb3_{n}", n, python, "training_sb3.py", {}) for n in (1, 10)]
    return made


def _figures(bench: Bench, found: dict[str, list[dict[str, float]]]) -> None:
    speeds = {name: Sample(tuple(one["steps"] / one["cpu_seconds"] for one in runs)) for name, runs in found.items()}
    for figure, ours, peer, theirs in (
        ("cartpole_steps_per_cpu_second_one_env", "ours_1", "CleanRL 1.2.0", "cleanrl"),
        ("cartpole_steps_per_cpu_second_ten_envs", "ours_10", "CleanRL 1.2.0, one environment", "cleanrl"),
        ("cartpole_steps_per_cpu_second_one_env_as_distributed", "ours_1", _DISTRIBUTED, "cleanrl_as_distributed"),
        ("cartpole_steps_per_cpu_second_ten_envs_as_distributed", "ours_10", _DISTRIBUTED, "cleanrl_as_distributed"),
        ("cartpole_steps_per_cpu_second_one_env_sb3", "ours_1", "Stable-Baselines3 2.9.2", "sb3_1"),
        ("cartpole_steps_per_cpu_second_ten_envs_sb3", "ours_10", "Stable-Baselines3 2.9.2", "sb3_10"),
    ):
        if ours not in speeds:
            continue
        value = speeds.get(theirs)
        bench.figure(figure, speeds[ours], "steps/s", peer=peer, peer_value=value, more_is_better=True)
    for name, runs in found.items():
        bench.figure(f"cartpole_last_100_{name}", Sample(tuple(one["last_100"] for one in runs)), "return")


def _memory(bench: Bench) -> None:
    """What ten million transitions of CartPole take, and a million of MinAtar's Breakout."""
    ours = importlib.import_module("gpu_jobs.simulate.replay")
    cartpole = ours.Replay(ours.Layout((4,), "float32"), REPLAY, 1, 2).nbytes / 1e6
    bench.figure("replay_megabytes_of_10m_cartpole", cartpole, "MB", peer="limit", peer_value=450)
    bits = ours.Replay(ours.Layout((4, 10, 10), "bool"), REPLAY // 10, 1, 3).nbytes / 1e6
    bytes_twice = REPLAY / 10 * (2 * 400 + 8 + 4 + 1) / 1e6
    bench.figure(
        "replay_megabytes_of_1m_breakout", bits, "MB", peer="a byte a pixel, stored twice", peer_value=bytes_twice
    )


def _recorded(bench: Bench, steps: int, seeds: range) -> None:
    """What it costs to write down every step of a run with modulators: CPU seconds with the record, and without."""
    ratios, sides = [], []
    for recorded in (False, True):
        sides.append(Side("ours", 1, sys.executable, "training_ours.py", {"modulated": True, "recorded": recorded}))
    for seed in seeds:
        without, with_it = (side.run(steps, seed)["cpu_seconds"] for side in sides)
        ratios.append(with_it / without)
    bench.figure("recording_costs", statistics.median(ratios), "times", peer="limit", peer_value=1.05)
