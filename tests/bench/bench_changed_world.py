"""A changed world: CartPole whose actions change places without a word, and CartPole that stays as it is.

The runs are the suite's (`python -m gpu_jobs.simulate.suite`), kept in build/suite: what is there is not run again. All
methods have the same network, steps, updates, seeds and budget of tuning. Our context reset stands against the best
plain DQN, and against the same DQN with a plain change-point detector (Page-Hinkley) that resets it. `…_low` is the
lower end of the 95% interval of the ratio, resampled in pairs of seeds: above 1 it excludes 1. Settings of the control
are those of the changed world.
"""

import json
import os
import subprocess
import sys
from typing import Any

from scripts.venvs import ROOT
from tests.bench.frame import Bench

SEEDS = int(os.environ.get("BENCH_SEEDS", "10"))
TUNING_SEEDS = int(os.environ.get("BENCH_TUNING_SEEDS", "2"))
BUDGET = int(os.environ.get("BENCH_BUDGET", "8"))
STEPS = int(os.environ.get("BENCH_STEPS", "60000"))
WORLDS = {"cartpole_swap": "changed", "cartpole_control": "still"}
PEERS = {"plain": "plain DQN, tuned", "detector": "plain DQN reset by Page-Hinkley, tuned"}
METRICS = {"length": ("episode_length", "steps"), "area": ("return_auc", "return")}


def run(bench: Bench) -> None:
    """The changed world, then the one that stays."""
    found = _summary()
    for task, prefix in WORLDS.items():
        for peer in PEERS:
            for metric in METRICS:
                _figures(bench, found[task], prefix, peer, metric)
        bench.figure(f"{prefix}_false_alarms", found[task]["means"]["neuromodulated"]["false"]["value"], "a run")
    bench.note(f"{SEEDS} held-out seeds of {STEPS} steps; {BUDGET} trials of tuning on {TUNING_SEEDS} others a method")


def _figures(bench: Bench, found: dict[str, Any], prefix: str, peer: str, metric: str) -> None:
    """Both interquartile means, and the lower end of the ratio."""
    figure, unit = METRICS[metric]
    ours, theirs = (found["means"][name][metric]["value"] for name in ("neuromodulated", peer))
    ratio = found["ratios"][peer][metric]
    name = f"{prefix}_{figure}_{peer}"
    bench.figure(name, ours, unit, peer=PEERS[peer], peer_value=theirs, more_is_better=True)
    bench.figure(f"{name}_low", ratio["low"], "ratio", peer="limit", peer_value=1.0, more_is_better=True)
    bench.note(f"{name}: ratio {ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]")


def _summary() -> dict[str, Any]:
    out = ROOT / "build" / "suite"
    sizes = {"seeds": SEEDS, "tuning-seeds": TUNING_SEEDS, "budget": BUDGET, "steps": STEPS}
    command = [sys.executable, "-m", "gpu_jobs.simulate.suite", "--out", str(out), "--tasks", *WORLDS]
    command += ["--methods", *PEERS, *(part for name, size in sizes.items() for part in (f"--{name}", str(size)))]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    found: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return found
